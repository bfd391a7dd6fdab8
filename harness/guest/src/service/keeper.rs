//! The keeper of a service: a small process between the guest and the service, to which its orphans fall.
//!
//! The kernel gives orphans to the nearest ancestor that asked for them. So whatever a daemon does to get away from its
//! starter (fork twice, change its session, rename itself, clear its environment), it stays below its keeper, and the
//! service's processes are exactly those. The keeper reaps them and reports how each ended; when none is left, it ends.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::family;
use crate::message::End;
use crate::program::{Prepared, Streams};
use crate::sys::{self, LaunchError};

/// What a keeper reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// The program runs under this id.
    Started(i32),
    /// It could not be started.
    Failed(LaunchError),
    /// A process of the service ended.
    Ended {
        /// Its id.
        pid: i32,
        /// Its name.
        name: String,
        /// How.
        end: End,
    },
}

/// The size of a report on the pipe: short enough to be written at once.
const SIZE: usize = 32;

impl Report {
    fn encode(&self) -> [u8; SIZE] {
        let (tag, first, second, name) = match self {
            Self::Started(pid) => (0, *pid, 0, ""),
            Self::Failed(error) => (1, error.step(), error.errno, ""),
            Self::Ended { pid, name, end } => match end {
                End::Exited(status) => (2, *pid, *status, &**name),
                End::Killed { signal, core } => (3 + u8::from(*core), *pid, *signal, &**name),
                End::TimedOut => (2, *pid, 0, &**name),
            },
        };
        let mut bytes = [0; SIZE];
        bytes[0] = tag;
        bytes[4..8].copy_from_slice(&first.to_le_bytes());
        bytes[8..12].copy_from_slice(&second.to_le_bytes());
        let name = &name.as_bytes()[..name.len().min(SIZE - 12)];
        bytes[12..12 + name.len()].copy_from_slice(name);
        bytes
    }

    fn decode(bytes: [u8; SIZE]) -> Self {
        let number = |at: usize| i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (first, second) = (number(4), number(8));
        let end = match bytes[0] {
            0 => return Self::Started(first),
            1 => return Self::Failed(LaunchError::new(first, second)),
            2 => End::Exited(second),
            tag => End::Killed { signal: second, core: tag == 4 },
        };
        let name = String::from_utf8_lossy(&bytes[12..]);
        Self::Ended { pid: first, name: name.trim_end_matches('\0').to_owned(), end }
    }

    /// Reads one report; `None` when the keeper is gone.
    pub(super) fn read(pipe: &OwnedFd) -> io::Result<Option<Self>> {
        let mut bytes = [0; SIZE];
        loop {
            // Reports are written whole, so they are read whole.
            match rustix::io::read(pipe, &mut bytes) {
                Ok(SIZE) => return Ok(Some(Self::decode(bytes))),
                Ok(_) => return Ok(None),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// What a keeper is given.
pub(super) struct Keeper<'a> {
    pub(super) program: &'a Prepared,
    pub(super) input: OwnedFd,
    pub(super) output: OwnedFd,
    pub(super) reports: OwnedFd,
}

impl Keeper<'_> {
    /// Lives the keeper's life, in its own process.
    pub(super) fn work(self) {
        let kept = [&self.input, &self.output, &self.reports].map(AsRawFd::as_raw_fd);
        sys::close_all_but(&kept);
        let _ = rustix::thread::set_name(c"patchbed-keeper");
        let own = rustix::process::getpid();
        if rustix::process::set_child_subreaper(Some(own)).is_err() {
            return;
        }
        let [input, output, _] = kept;
        let streams = Streams { descriptors: [input, output, output], terminal: false };
        let mut started = Err(LaunchError::new(0, libc::EIO));
        let _ = self.program.launch(streams, |launch| {
            started = sys::launch(launch);
            started
        });
        match started {
            Ok(pid) => tell(&self.reports, &Report::Started(pid)),
            Err(error) => return tell(&self.reports, &Report::Failed(error)),
        }
        drop((self.input, self.output));
        while let Ok(Some(ended)) = sys::wait_any() {
            let name = family::name(ended.pid);
            sys::reap(ended.pid);
            tell(&self.reports, &Report::Ended { pid: ended.pid, name, end: ended.end });
        }
    }
}

fn tell(pipe: &OwnedFd, report: &Report) {
    // A guest that is gone takes the whole sandbox with it.
    let _ = rustix::io::write(pipe, &report.encode());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_comes_out_as_it_went_in() {
        let ended = |end| Report::Ended { pid: 7, name: "a name of 15 by".into(), end };
        for report in [
            Report::Started(42),
            Report::Failed(LaunchError::new(10, libc::ENOENT)),
            ended(End::Exited(3)),
            ended(End::Killed { signal: 11, core: true }),
            ended(End::Killed { signal: 9, core: false }),
        ] {
            assert_eq!(Report::decode(report.encode()), report);
        }
    }
}
