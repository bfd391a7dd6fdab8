//! Reaps every child, ours and the orphans that fall to us, and keeps how each of them ended.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};

use crate::family;
use crate::message::{Death, End};
use crate::sys::{self, Launch, LaunchError};

/// The most deaths that are remembered: a crash loop must not fill our memory.
const DEATHS: usize = 4096;

/// All children.
#[derive(Debug, Default)]
pub(crate) struct Reaper {
    table: Mutex<Table>,
    born: Condvar,
}

#[derive(Debug, Default)]
struct Table {
    children: HashMap<i32, Arc<Child>>,
    births: u64,
    deaths: Vec<Death>,
}

/// A child that somebody waits for.
#[derive(Debug)]
pub(crate) struct Child {
    /// Its id.
    pub(crate) pid: i32,
    end: Mutex<Option<End>>,
    ended: Condvar,
    wake: Arc<Wake>,
}

/// A descriptor that becomes readable when something happened.
#[derive(Debug)]
pub(crate) struct Wake(OwnedFd);

impl Wake {
    /// A new one.
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Makes it readable.
    pub(crate) fn up(&self) {
        // The only failure is that it is readable already.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Makes it unreadable again.
    pub(crate) fn down(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }

    /// To be polled.
    pub(crate) fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Child {
    /// One that lives; its end wakes `wake`.
    pub(crate) fn new(pid: i32, wake: Arc<Wake>) -> Self {
        Self { pid, end: Mutex::new(None), ended: Condvar::new(), wake }
    }

    /// How it ended; `None` while it lives.
    pub(crate) fn end(&self) -> Option<End> {
        *lock(&self.end)
    }

    /// Waits for its end, so long at most.
    pub(crate) fn wait(&self, most: Duration) -> Option<End> {
        let guard = lock(&self.end);
        let waited = self.ended.wait_timeout_while(guard, most, |end| end.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Reaper {
    /// Starts a program as a child that somebody waits for; its end wakes `wake`.
    pub(crate) fn launch(&self, launch: &Launch<'_>, wake: Arc<Wake>) -> Result<Arc<Child>, LaunchError> {
        // Held over the launch, so that the child's end is not seen before the child is known.
        let mut table = lock(&self.table);
        let pid = sys::launch(launch)?;
        Ok(self.adopt(&mut table, pid, wake))
    }

    /// Forks a child that somebody waits for; `work` runs in it and never returns.
    pub(crate) fn fork(&self, wake: Arc<Wake>, work: impl FnOnce()) -> std::io::Result<Arc<Child>> {
        let mut table = lock(&self.table);
        let pid = sys::fork()?;
        if pid == 0 {
            work();
            sys::exit_now(0);
        }
        Ok(self.adopt(&mut table, pid, wake))
    }

    fn adopt(&self, table: &mut Table, pid: i32, wake: Arc<Wake>) -> Arc<Child> {
        let child = Arc::new(Child::new(pid, wake));
        table.children.insert(pid, Arc::clone(&child));
        table.births += 1;
        self.born.notify_all();
        child
    }

    /// Remembers a death that somebody else has seen.
    pub(crate) fn remember(&self, death: Death) {
        remember(&mut lock(&self.table), death);
    }

    /// Every remembered death, in order.
    pub(crate) fn deaths(&self) -> Vec<Death> {
        lock(&self.table).deaths.clone()
    }

    /// Reaps for ever.
    pub(crate) fn work(&self) -> ! {
        loop {
            let births = lock(&self.table).births;
            if let Ok(Some(ended)) = sys::wait_any() {
                self.take(ended.pid, ended.end);
                continue;
            }
            // No child at all: until the next one is born there is nothing to reap.
            let waited = self.born.wait_while(lock(&self.table), |table| table.births == births);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn take(&self, pid: i32, end: End) {
        let mut table = lock(&self.table);
        let child = table.children.remove(&pid);
        if child.is_none() && end != End::Exited(0) {
            let death = Death { pid, name: family::name(pid), service: None, end };
            remember(&mut table, death);
        }
        // Under the lock: until it is released, the id cannot be used for a new child of ours.
        sys::reap(pid);
        drop(table);
        if let Some(child) = child {
            *lock(&child.end) = Some(end);
            child.ended.notify_all();
            child.wake.up();
        }
    }
}

fn remember(table: &mut Table, death: Death) {
    if table.deaths.len() < DEATHS {
        table.deaths.push(death);
    }
}

/// Takes a lock whose holder may have panicked: the tables are consistent between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
