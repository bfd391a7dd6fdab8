//! Ctrl-C and friends: the first ends the run tidily and keeps what is finished, the second leaves at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use patchbed_engine::run::{Cancel, Canceller};
use patchbed_model::Exit;
use tokio::signal::unix::{SignalKind, signal};

use crate::output::Output;

/// Listens for signals until it is dropped.
pub(crate) struct Signals {
    first: Arc<AtomicU8>,
    task: tokio::task::JoinHandle<()>,
}

impl Signals {
    /// Begins to listen. What comes cancels through the value that is given back.
    pub(crate) fn listen(output: Arc<Output>) -> std::io::Result<(Self, Cancel)> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let (canceller, cancel) = Canceller::new();
        let first = Arc::new(AtomicU8::new(0));
        let seen = Arc::clone(&first);
        let task = tokio::spawn(async move {
            loop {
                let exit = tokio::select! {
                    _ = interrupt.recv() => Exit::Interrupted,
                    _ = terminate.recv() => Exit::Terminated,
                    _ = hangup.recv() => Exit::Terminated,
                };
                canceller.cancel();
                if seen.swap(exit.code(), Ordering::SeqCst) != 0 {
                    leave(exit);
                }
                output.say("stopping: what is finished is kept; once more leaves at once");
            }
        });
        Ok((Self { first, task }, cancel))
    }

    /// The exit code of the first signal, if one came.
    pub(crate) fn seen(&self) -> Option<Exit> {
        match self.first.load(Ordering::SeqCst) {
            0 => None,
            code if code == Exit::Interrupted.code() => Some(Exit::Interrupted),
            _ => Some(Exit::Terminated),
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends the program here. The sandboxes die with it; what they leave on disk is swept at the next start.
#[expect(clippy::exit, reason = "a second signal asks to leave without tidying up")]
fn leave(exit: Exit) -> ! {
    std::process::exit(i32::from(exit.code()))
}
