//! Threads that answer. One that has finished waits for more, so that answers need no new thread when there is no
//! process id left for one.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::reaper::lock;

/// How much stack a worker has: walks of trees do not recurse.
const STACK: usize = 1 << 20;

/// How many waiting workers are kept.
const SPARE: usize = 8;

type Work = Box<dyn FnOnce() + Send>;

/// The workers.
#[derive(Default)]
pub(crate) struct Workers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    given: Condvar,
}

#[derive(Default)]
struct State {
    work: VecDeque<Work>,
    idle: usize,
    all: usize,
}

impl Workers {
    /// Has some work done soon.
    ///
    /// # Errors
    /// When there is no worker and none can be started.
    pub(crate) fn give(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut state = lock(&self.0.state);
        if state.idle <= state.work.len() {
            let shared = Arc::clone(&self.0);
            let thread = std::thread::Builder::new().name("worker".into()).stack_size(STACK);
            match thread.spawn(move || shared.serve()) {
                Ok(_) => {
                    state.idle += 1;
                    state.all += 1;
                }
                // No process id is left. One of the others will be free some time.
                Err(_) if state.all > 0 => {}
                Err(error) => return Err(error),
            }
        }
        state.work.push_back(Box::new(work));
        drop(state);
        self.0.given.notify_one();
        Ok(())
    }
}

impl Shared {
    fn serve(&self) {
        loop {
            let waited = self.given.wait_while(lock(&self.state), |state| state.work.is_empty());
            let mut state = waited.unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
            let Some(work) = state.work.pop_front() else { continue };
            drop(state);
            // A panic is a defect of one answer; the worker and the others live on.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            let mut state = lock(&self.state);
            if state.idle >= SPARE && state.work.is_empty() {
                state.all -= 1;
                return;
            }
            state.idle += 1;
        }
    }
}
