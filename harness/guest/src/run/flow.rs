//! What flows while a program runs: output, input, orders, time.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{GRACE, Hunt, wires};
use crate::drain::ended;
use crate::guest::Guest;
use crate::link::Piece;
use crate::message::{End, Run, Stream};
use crate::output::Capture;
use crate::reaper::{Child, Wake, lock};
use crate::sys;

/// How much is read at once, first and when there is much.
const READ: (usize, usize) = (16 << 10, 1 << 20);

/// The size of a pipe through which much is coming: as much as we read at once.
const PIPE: libc::c_int = 1 << 20;

/// How often the hunt for descendants is repeated until none is left.
const HUNT: Duration = Duration::from_millis(10);

/// How long a killed program may take to be gone before it is given up as stuck in the kernel.
const STUCK: Duration = Duration::from_secs(5);

/// What is asked of a running program from outside.
#[derive(Debug)]
pub(crate) struct Order {
    wake: Arc<Wake>,
    state: Mutex<Wanted>,
}

#[derive(Debug, Default)]
struct Wanted {
    pid: Option<i32>,
    input: VecDeque<u8>,
    closed: bool,
    cancelled: bool,
}

impl Order {
    pub(super) fn new(wake: Wake) -> Self {
        Self { wake: Arc::new(wake), state: Mutex::default() }
    }

    /// More input.
    pub(crate) fn input(&self, bytes: &[u8]) {
        lock(&self.state).input.extend(bytes);
        self.wake.up();
    }

    /// No more input.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.wake.up();
    }

    /// The program is to end.
    pub(crate) fn cancel(&self) {
        lock(&self.state).cancelled = true;
        self.wake.up();
    }

    pub(super) fn wake(&self) -> &Arc<Wake> {
        &self.wake
    }

    pub(super) fn pid(&self) -> Option<i32> {
        lock(&self.state).pid
    }

    pub(super) fn started(&self, pid: i32) {
        lock(&self.state).pid = Some(pid);
    }
}

/// One program that is being followed.
pub(super) struct Flow<'a> {
    pub(super) guest: &'a Arc<Guest>,
    pub(super) id: u64,
    pub(super) run: &'a Run,
    pub(super) order: &'a Order,
    pub(super) child: &'a Child,
    pub(super) hunt: Hunt<'a>,
    pub(super) deadline: Instant,
}

/// What a program has left.
pub(super) struct Finished {
    /// `None` when it was ended for its time.
    pub(super) end: Option<End>,
    pub(super) output: Capture,
    pub(super) errors: Capture,
}

/// How far the ending of a program has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// TERM was sent; KILL comes then.
    Terminated {
        kill_at: Instant,
    },
    /// KILL was sent; given up then.
    Killed {
        give_up_at: Instant,
    },
}

struct Source {
    from: Option<OwnedFd>,
    stream: Stream,
    capture: Capture,
}

impl Flow<'_> {
    pub(super) fn follow(self, ours: wires::Ours) -> Finished {
        let mut sources = [
            Source { from: Some(ours.output), stream: Stream::Out, capture: self.capture() },
            Source { from: ours.errors, stream: Stream::Error, capture: self.capture() },
        ];
        let mut input = ours.input;
        if let Some(text) = &self.run.input {
            self.order.input(text.as_bytes());
        }
        if !self.run.stream {
            self.order.close();
        }
        let mut buffer = vec![0; READ.0];
        let mut phase = Phase::Running;
        let mut timed_out = false;
        let end = loop {
            let now = Instant::now();
            phase = match self.advance(phase, now, &mut timed_out) {
                Ok(phase) => phase,
                Err(end) => break end,
            };
            let wait = self.next(phase).saturating_duration_since(now);
            let ready = self.wait(&sources, input.as_ref(), wait);
            for (source, _) in sources.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
                self.read(source, &mut buffer);
            }
            self.feed(&mut input);
        };
        self.finish(&mut sources, &mut buffer);
        let [output, errors] = sources.map(|source| source.capture);
        Finished { end: if timed_out { None } else { end }, output, errors }
    }

    fn capture(&self) -> Capture {
        Capture::new(self.run.keep)
    }

    /// Moves on to the phase that time, orders and the program's end call for; `Err` when all is over.
    fn advance(&self, phase: Phase, now: Instant, timed_out: &mut bool) -> Result<Phase, Option<End>> {
        let end = self.child.end();
        match phase {
            Phase::Running => {
                if end.is_some() {
                    return Err(end);
                }
                if now >= self.deadline {
                    *timed_out = true;
                    self.hunt.signal(libc::SIGTERM);
                    return Ok(Phase::Terminated { kill_at: now + GRACE });
                }
                if lock(&self.order.state).cancelled {
                    self.hunt.signal(libc::SIGKILL);
                    return Ok(Phase::Killed { give_up_at: now + STUCK });
                }
                Ok(Phase::Running)
            }
            Phase::Terminated { kill_at } => {
                if end.is_some() && self.hunt.find().is_empty() {
                    return Err(end);
                }
                if now < kill_at {
                    return Ok(phase);
                }
                self.hunt.signal(libc::SIGKILL);
                Ok(Phase::Killed { give_up_at: now + STUCK })
            }
            Phase::Killed { give_up_at } => {
                let left = self.hunt.signal(libc::SIGKILL);
                if (end.is_some() && !left) || now >= give_up_at {
                    return Err(end);
                }
                Ok(phase)
            }
        }
    }

    /// When something has to be looked at again.
    fn next(&self, phase: Phase) -> Instant {
        match phase {
            Phase::Running => self.deadline,
            // The end of the main process wakes us, that of an orphan does not.
            Phase::Terminated { kill_at } => kill_at.min(Instant::now() + HUNT),
            Phase::Killed { .. } => Instant::now() + HUNT,
        }
    }

    /// Waits until something can be read or written or has happened; tells which sources can be read.
    fn wait(&self, sources: &[Source; 2], input: Option<&OwnedFd>, most: Duration) -> [bool; 2] {
        let mut polled = vec![PollFd::from_borrowed_fd(self.order.wake.descriptor(), PollFlags::IN)];
        let mut places = [None; 2];
        for (source, place) in sources.iter().zip(&mut places) {
            if let Some(from) = &source.from {
                *place = Some(polled.len());
                polled.push(PollFd::new(from, PollFlags::IN));
            }
        }
        if let Some(input) = input.filter(|_| !lock(&self.order.state).input.is_empty()) {
            polled.push(PollFd::new(input, PollFlags::OUT));
        }
        // One more than needed, so that a deadline has passed when we wake for it.
        let most = Timespec::try_from(most + Duration::from_millis(1)).ok();
        let _ = poll(&mut polled, most.as_ref());
        self.order.wake.down();
        places.map(|place| place.is_some_and(|place| !polled[place].revents().is_empty()))
    }

    fn read(&self, source: &mut Source, buffer: &mut Vec<u8>) -> bool {
        let Some(from) = &source.from else { return false };
        let read = rustix::io::read(from, &mut buffer[..]);
        if let Ok(length @ 1..) = read {
            let bytes = &buffer[..length];
            if self.run.stream {
                self.guest.pass_on(Piece { id: self.id, stream: source.stream, bytes });
            } else {
                source.capture.take(bytes);
            }
            if length == buffer.len() && length < READ.1 {
                // Much is coming: from now on in larger pieces.
                buffer.resize(READ.1, 0);
                sys::enlarge_pipe(from.as_fd(), PIPE);
            }
            return true;
        }
        if ended(read) {
            source.from = None;
        }
        false
    }

    /// Writes what input there is; closes it when no more will come.
    fn feed(&self, input: &mut Option<OwnedFd>) {
        let mut wanted = lock(&self.order.state);
        while let Some(to) = input {
            let (first, _) = wanted.input.as_slices();
            if first.is_empty() {
                if wanted.closed && self.run.terminal.is_none() {
                    *input = None;
                }
                return;
            }
            match rustix::io::write(to, first) {
                Ok(length) => drop(wanted.input.drain(..length)),
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                // It does not read any more: that is its affair.
                Err(_) => *input = None,
            }
        }
    }

    /// Takes what the program had written when it ended. What its children still write goes to the drain.
    fn finish(&self, sources: &mut [Source; 2], buffer: &mut Vec<u8>) {
        for source in sources {
            // Not more than a pipe holds, so that a child that floods does not keep the step alive.
            let mut most = 2 * READ.1 / READ.0;
            while most > 0 && self.read(source, buffer) {
                most -= 1;
            }
            if let Some(pipe) = source.from.take() {
                self.guest.drain(pipe);
            }
        }
    }
}
