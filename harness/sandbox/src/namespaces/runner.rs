//! The harness's end of the runner: starting it, ordering lanes, seeing it go.

use std::io::{self, Seek, SeekFrom};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use patchbed_guest::descriptors;
use patchbed_guest::runner::{Hello, HolderIds, Order, Settings, read_only};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use crate::face::RUNNER;
use crate::{Lack, LackWeight, OpenError};

/// How long the runner may take to say hello: it copies itself and runs two helpers.
const HELLO: Duration = Duration::from_secs(20);

/// A running runner. Dropping it ends it, its lanes and their sandboxes.
#[derive(Debug)]
pub(super) struct Runner {
    /// `None` only while being dropped.
    socket: Option<OwnedFd>,
    process: Child,
}

impl Runner {
    /// Starts the runner from this program, as nobody can change it, and waits for its hello.
    pub(super) fn start(holder: Option<HolderIds>) -> Result<Self, OpenError> {
        let settings =
            serde_json::to_string(&Settings { holder }).map_err(|error| OpenError::Runner(error.to_string()))?;
        if !std::fs::exists("/proc/self/exe").unwrap_or(false) {
            return Err(OpenError::Lacking(no_proc()));
        }
        let program = unchangeable().map_err(exhausted("memory for a copy of the program"))?;
        let (ours, theirs) = packets().map_err(exhausted("descriptors"))?;
        let process = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()))
            .arg0("patchbed")
            .args([RUNNER, &settings])
            .env_clear()
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| OpenError::Runner(format!("start it: {error}")))?;
        let runner = Self { socket: Some(ours), process };
        runner.hello()?;
        Ok(runner)
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_ref().expect("the socket lives as long as the runner").as_fd()
    }

    fn hello(&self) -> Result<(), OpenError> {
        let mut polled = [PollFd::from_borrowed_fd(self.socket(), PollFlags::IN)];
        let most = Timespec::try_from(HELLO).ok();
        if !matches!(poll(&mut polled, most.as_ref()), Ok(1..)) {
            return Err(OpenError::Runner("it says nothing".into()));
        }
        let mut buffer = vec![0; 16 << 10];
        let (length, _) =
            descriptors::receive(self.socket(), &mut buffer).map_err(|error| OpenError::Runner(error.to_string()))?;
        match serde_json::from_slice(&buffer[..length]) {
            Ok(Hello::Ready) => Ok(()),
            Ok(Hello::Failed(error)) => Err(super::check::explain(error)),
            Err(_) => Err(OpenError::Runner("it ended before its hello".into())),
        }
    }

    /// Orders a lane that stands in these control groups; gives our end of its socket.
    pub(super) fn lane(&self, groups: Vec<String>) -> Result<OwnedFd, OpenError> {
        let (ours, theirs) = packets().map_err(exhausted("descriptors"))?;
        let order =
            serde_json::to_vec(&Order::Lane { groups }).map_err(|error| OpenError::Runner(error.to_string()))?;
        descriptors::send(self.socket(), &order, &[theirs.as_fd()])
            .map_err(|error| OpenError::Runner(format!("order a lane: {error}")))?;
        Ok(ours)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // The end of its socket ends it.
        self.socket = None;
        let _ = self.process.wait();
    }
}

fn no_proc() -> Lack {
    Lack {
        what: "the file system `/proc`".into(),
        because: "`/proc/self/exe` is not there".into(),
        remedy: "mount -t proc proc /proc".into(),
        weight: LackWeight::Fatal,
    }
}

/// A pair of sockets that keep the borders of messages.
fn packets() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// This program in a form that nobody can change: what a sandbox sees as the program of its process 1. Root mounts it
/// read-only; who may not mount copies it.
fn unchangeable() -> io::Result<OwnedFd> {
    read_only("/proc/self/exe").or_else(|_| sealed_copy())
}

fn sealed_copy() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut copy = std::fs::File::from(memfd_create("patchbed", flags)?);
    let mut program = std::fs::File::open("/proc/self/exe")?;
    io::copy(&mut program, &mut copy)?;
    copy.seek(SeekFrom::Start(0))?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(&copy, seals)?;
    // The kernel does not execute what is open for writing.
    Ok(OwnedFd::from(std::fs::File::open(format!("/proc/self/fd/{}", copy.as_raw_fd()))?))
}

/// An error that a second try may not meet.
pub(super) fn exhausted(what: &'static str) -> impl Fn(io::Error) -> OpenError {
    move |source| OpenError::Exhausted { what: what.to_owned(), source }
}
