//! What is remembered of one service over all its starts.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::{Errno, ioctl_fionread};

use super::keeper::Report;
use crate::family::Family;
use crate::message::{Death, End};
use crate::output::Capture;
use crate::reaper::Child;

/// How much of a service's output is kept for its state: as much again is kept of its end.
const KEEP: usize = 128 << 10;

/// How much of the newest output is kept for reading on from a mark.
const RING: usize = 1 << 20;

/// How much of a pipe is read at once: what Linux lets it hold unless somebody enlarges it.
const PIECE: usize = 64 << 10;

/// The most deaths of one service that are remembered.
const DEATHS: usize = 256;

/// One service.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) starts: u32,
    pub(super) pid: i32,
    pub(super) end: Option<End>,
    pub(super) deaths: Vec<Death>,
    pub(super) keeper: Option<Arc<Child>>,
    /// Whether what ends now was asked to.
    pub(super) stopping: bool,
    /// Whether the newest keeper's reports have all been read.
    pub(super) told: bool,
    pub(super) capture: Capture,
    /// The newest start's output, which is read under the lock of this record alone: so what has left the pipe is here.
    output: Option<Arc<OwnedFd>>,
    ring: VecDeque<u8>,
}

impl Record {
    pub(super) fn new() -> Self {
        Self {
            starts: 0,
            pid: 0,
            end: None,
            deaths: Vec::new(),
            keeper: None,
            stopping: false,
            told: true,
            capture: Capture::new(KEEP),
            output: None,
            ring: VecDeque::new(),
        }
    }

    /// A new start under a new keeper; its output comes from this pipe, which does not block.
    pub(super) fn begin(&mut self, pid: i32, keeper: Arc<Child>, output: Arc<OwnedFd>) {
        self.starts += 1;
        self.pid = pid;
        self.end = None;
        self.keeper = Some(keeper);
        self.stopping = false;
        self.told = false;
        self.output = Some(output);
    }

    /// Whether an end has begun and is not known yet. Whoever talked to a process that dies is answered by its closed
    /// socket, a moment before it can be reaped; asked in that moment, it must not be said to run.
    pub(super) fn is_ending(&self, family: &Family) -> bool {
        let Some(keeper) = self.keeper.as_ref().filter(|_| !self.told) else { return false };
        let first_is_gone = self.end.is_none() && family.get(self.pid).is_none_or(|first| first.ending);
        first_is_gone || family.all().any(|(_, one)| one.parent == keeper.pid && one.ending)
    }

    /// Reads a piece of a start's output.
    pub(super) fn read(&mut self, output: &OwnedFd) -> rustix::io::Result<usize> {
        let mut buffer = vec![0; PIECE];
        let length = rustix::io::read(output, &mut buffer)?;
        self.print(&buffer[..length]);
        Ok(length)
    }

    /// Reads what has been written so far, although its reader has not come to it yet. Whoever saw a service do
    /// something may ask for what it printed before that.
    pub(super) fn catch_up(&mut self) {
        let Some(output) = self.output.clone() else { return };
        // What is written meanwhile is not waited for: a flood would never end.
        let mut left = ioctl_fionread(&output).unwrap_or(0);
        while left > 0 {
            match self.read(&output) {
                Ok(length @ 1..) => left = left.saturating_sub(length as u64),
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Lets a start's output go: it has ended.
    pub(super) fn close(&mut self, output: &Arc<OwnedFd>) {
        self.output.take_if(|own| Arc::ptr_eq(own, output));
    }

    /// Takes output.
    fn print(&mut self, bytes: &[u8]) {
        self.capture.take(bytes);
        let bytes = &bytes[bytes.len().saturating_sub(RING)..];
        let over = (self.ring.len() + bytes.len()).saturating_sub(RING);
        self.ring.drain(..over);
        self.ring.extend(bytes);
    }

    /// The output after so many bytes.
    pub(super) fn printed_since(&self, position: u64) -> Vec<u8> {
        let dropped = self.capture.total() - self.ring.len() as u64;
        let mut bytes = Vec::new();
        if position < dropped {
            let missing = dropped - position;
            bytes.extend(format!("[{missing} bytes are left out here]\n").into_bytes());
        }
        let skip = usize::try_from(position.saturating_sub(dropped)).unwrap_or(usize::MAX);
        bytes.extend(self.ring.iter().skip(skip));
        bytes
    }

    /// Takes a keeper's report; gives a death back that nobody asked for.
    pub(super) fn report(&mut self, service: &str, report: Report) -> Option<Death> {
        let Report::Ended { pid, name, end } = report else { return None };
        if pid == self.pid {
            self.end = Some(end);
        }
        if self.stopping || end == End::Exited(0) {
            return None;
        }
        let death = Death { pid, name, service: Some(service.to_owned()), end };
        if self.deaths.len() < DEATHS {
            self.deaths.push(death.clone());
        }
        Some(death)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::Member;
    use crate::reaper::Wake;

    /// A keeper (7) with a service's first process (8) and another one (9) below it.
    fn family(ending: &[i32]) -> Family {
        let one = |pid, parent| {
            let member = Member { parent, ending: ending.contains(&pid), ..Member::default() };
            (pid, member)
        };
        [one(7, 1), one(8, 7), one(9, 7), one(10, 9)].into_iter().collect()
    }

    /// Begins a start with the first process 8 under the keeper 7, and gives the end of its output that it writes to.
    fn begin(record: &mut Record) -> OwnedFd {
        let (output, written) = crate::run::pipe().expect("a pipe");
        crate::run::unblock(&output).expect("a pipe that does not block");
        record.begin(8, Arc::new(Child::new(7, Arc::new(Wake::new().expect("a descriptor")))), Arc::new(output));
        written
    }

    #[test]
    fn a_service_is_ending_until_its_end_is_known() {
        let mut record = Record::new();
        assert!(!record.is_ending(&family(&[8])), "it was never started");
        begin(&mut record);
        assert!(!record.is_ending(&family(&[])));
        assert!(record.is_ending(&family(&[8])));
        assert!(record.is_ending(&family(&[9])));
        assert!(!record.is_ending(&family(&[10])), "another process reaps this one, or never does");
        assert!(record.is_ending(&Family::default()), "reaped, and not reported yet");
        record.end = Some(End::Exited(0));
        assert!(!record.is_ending(&Family::default()), "a daemon's first process has ended");
        record.end = None;
        record.told = true;
        assert!(!record.is_ending(&Family::default()), "nobody will tell any more");
    }

    #[test]
    fn what_was_written_counts_although_nobody_has_read_it_yet() {
        let mut record = Record::new();
        record.catch_up();
        let written = begin(&mut record);
        rustix::io::write(&written, b"one\n").expect("written");
        assert_eq!(record.printed_since(0), b"");
        record.catch_up();
        record.catch_up();
        assert_eq!(record.printed_since(0), b"one\n");
        rustix::io::write(&written, b"two\n").expect("written");
        drop(written);
        record.catch_up();
        record.catch_up();
        assert_eq!(record.printed_since(0), b"one\ntwo\n");
    }

    #[test]
    fn output_is_read_on_from_any_position_and_says_what_is_gone() {
        let mut record = Record::new();
        record.print(b"one\ntwo\n");
        assert_eq!(record.printed_since(4), b"two\n");
        assert_eq!(record.printed_since(99), b"");
        record.print(&vec![b'x'; RING]);
        let text = record.printed_since(0);
        assert!(text.starts_with(b"[8 bytes are left out here]\nxxx"));
    }
}
