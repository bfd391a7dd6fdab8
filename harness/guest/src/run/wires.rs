//! The pipes or the terminal between a program and us.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::message::Run;
use crate::program::Streams;

/// The program's ends.
pub(super) struct Theirs {
    input: OwnedFd,
    /// `None` when it is the same terminal as the input.
    outputs: Option<(OwnedFd, OwnedFd)>,
}

/// Our ends.
pub(super) struct Ours {
    /// Where input is written; `None` when there is none to come.
    pub(super) input: Option<OwnedFd>,
    /// Where output is read.
    pub(super) output: OwnedFd,
    /// Where errors are read; a terminal has none of its own.
    pub(super) errors: Option<OwnedFd>,
}

impl Theirs {
    pub(super) fn numbers(&self) -> Streams {
        let input = self.input.as_raw_fd();
        let descriptors = match &self.outputs {
            Some((output, errors)) => [input, output.as_raw_fd(), errors.as_raw_fd()],
            None => [input; 3],
        };
        Streams { descriptors, terminal: self.outputs.is_none() }
    }
}

/// Makes both ends.
pub(super) fn connect(run: &Run) -> io::Result<(Theirs, Ours)> {
    if let Some((rows, columns)) = run.terminal {
        return terminal(rows, columns);
    }
    let (theirs, input) = if run.input.is_some() || run.stream {
        let (theirs, ours) = pipe()?;
        unblock(&ours)?;
        (theirs, Some(ours))
    } else {
        (open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?, None)
    };
    let (output, their_output) = pipe()?;
    let (errors, their_errors) = pipe()?;
    unblock(&output)?;
    unblock(&errors)?;
    let theirs = Theirs { input: theirs, outputs: Some((their_output, their_errors)) };
    Ok((theirs, Ours { input, output, errors: Some(errors) }))
}

fn terminal(rows: u16, columns: u16) -> io::Result<(Theirs, Ours)> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let ours = open("/dev/pts/ptmx", flags, Mode::empty())?;
    unlockpt(&ours)?;
    let peer = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let theirs = ioctl_tiocgptpeer(&ours, peer)?;
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&theirs, size)?;
    unblock(&ours)?;
    let input = Some(ours.try_clone()?);
    Ok((Theirs { input: theirs, outputs: None }, Ours { input, output: ours, errors: None }))
}

/// A pipe: the reading end, the writing end.
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

/// Makes our end return at once when there is nothing; the program's end is another description and stays as it is.
pub(crate) fn unblock(end: impl AsFd) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(end, true)?)
}
