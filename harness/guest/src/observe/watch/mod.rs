//! The watch: when ports were closed, how often they were opened anew, and what a log said meanwhile.
//!
//! It never connects. A connection is something that a service sees: it may be logged, counted, or start what waits for
//! one. The kernel's table of listening sockets tells as much, because what nobody listens on is refused, and what
//! somebody listens on is taken by the kernel even while the program hangs.

mod listeners;
mod log;
mod port;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::failure::{self, Result};
use crate::message::{FailureKind, Watch, Watched};
use crate::reaper::lock;
use listeners::Listeners;
use log::Log;
use port::Port;

/// How much stack the watching thread has.
const STACK: usize = 128 << 10;

/// The shortest pause between two looks.
const SHORTEST: Duration = Duration::from_millis(5);

/// The watch of a sandbox, if there is one.
pub(super) struct Watches(Mutex<Option<Arc<Shared>>>);

/// What the thread and those who ask it share.
struct Shared {
    began: Instant,
    seen: Mutex<Seen>,
    ended: Mutex<bool>,
    end: Condvar,
}

/// What is looked at, with what was seen of it.
struct Seen {
    listeners: Listeners,
    ports: Vec<Port>,
    log: Log,
}

impl Watches {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Begins to watch; what was watched before is forgotten. The first look is over when this returns.
    pub(super) fn begin(&self, root: impl AsFd, watch: &Watch) -> Result<()> {
        let root = root.as_fd().try_clone_to_owned().map_err(|error| failed(&error))?;
        let listeners = Listeners::new()?;
        let (began, now) = (Instant::now(), listeners.all()?);
        let ports = watch.ports.iter().map(|(address, port)| Port::new(address, *port, &now)).collect::<Option<_>>();
        let unclear = || failure::of(FailureKind::Unsupported, "watch ports: one of the addresses is none");
        let seen = Seen { listeners, ports: ports.ok_or_else(unclear)?, log: Log::at_end(root.as_fd(), &watch.log) };
        let shared = Arc::new(Shared { began, seen: Mutex::new(seen), ended: Mutex::new(false), end: Condvar::new() });
        let (worker, every) = (Arc::clone(&shared), Duration::from_millis(watch.every).max(SHORTEST));
        let thread = std::thread::Builder::new().name("watch".into()).stack_size(STACK);
        thread.spawn(move || worker.work(&root, every)).map_err(|error| failed(&error))?;
        if let Some(before) = lock(&self.0).replace(shared) {
            before.stop();
        }
        Ok(())
    }

    /// What was seen so far.
    pub(super) fn seen(&self) -> Result<Watched> {
        lock(&self.0).as_ref().map(|shared| shared.told()).ok_or_else(nothing)
    }

    /// What was seen, and nothing is watched any more.
    pub(super) fn end(&self) -> Result<Watched> {
        let shared = lock(&self.0).take().ok_or_else(nothing)?;
        shared.stop();
        Ok(shared.told())
    }
}

fn nothing() -> crate::message::Failure {
    failure::of(FailureKind::NotFound, "tell what was watched: nothing is")
}

fn failed(error: &std::io::Error) -> crate::message::Failure {
    crate::failure::failed("start", "a watch", error)
}

impl Shared {
    /// Looks again and again until the end. A look that fails says nothing, and the next one may not.
    fn work(&self, root: &OwnedFd, every: Duration) {
        loop {
            let ended = self.end.wait_timeout_while(lock(&self.ended), every, |ended| !*ended);
            if *ended.unwrap_or_else(PoisonError::into_inner).0 {
                return;
            }
            let now = self.milliseconds();
            let _ = lock(&self.seen).look(root, now);
        }
    }

    fn stop(&self) {
        *lock(&self.ended) = true;
        self.end.notify_all();
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn told(&self) -> Watched {
        let (milliseconds, seen) = (self.milliseconds(), lock(&self.seen));
        Watched {
            milliseconds,
            ports: seen.ports.iter().map(|port| port.told(milliseconds)).collect(),
            lines: seen.log.lines.clone(),
        }
    }
}

impl Seen {
    fn look(&mut self, root: &OwnedFd, now: u64) -> Result<()> {
        // The log first: what closes a port is written down before it is done.
        self.log.look(root.as_fd(), now);
        let listeners = self.listeners.all()?;
        for port in &mut self.ports {
            port.look(&listeners, now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Waits until the watch has seen something.
    fn until(watches: &Watches, has: impl Fn(&Watched) -> bool) -> Watched {
        for _ in 0..500 {
            let seen = watches.seen().unwrap();
            if has(&seen) {
                return seen;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("not seen: {:?}", watches.seen());
    }

    #[test]
    fn a_port_that_closes_and_opens_again_is_seen_with_what_the_log_says() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("dpkg.log");
        std::fs::write(&log, "what was before\n").unwrap();
        let root = std::fs::File::open(folder.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let watches = Watches::new();
        let ports = vec![("0.0.0.0".to_owned(), address.port())];
        watches.begin(&root, &Watch { every: 5, ports, log: "/dpkg.log".to_owned() }).unwrap();
        assert_eq!(until(&watches, |seen| seen.milliseconds > 20).ports, [crate::message::WatchedPort::default()]);
        std::fs::write(&log, "what was before\nconfigure web\nhalf a").unwrap();
        drop(listener);
        until(&watches, |seen| !seen.ports[0].closed.is_empty() && !seen.lines.is_empty());
        let _again = TcpListener::bind(address).unwrap();
        until(&watches, |seen| seen.ports[0].reopened == 1);
        let seen = watches.end().unwrap();
        assert_eq!(seen.ports[0].closed.len(), 1);
        assert_eq!(seen.lines.iter().map(|line| line.1.as_str()).collect::<Vec<_>>(), ["configure web"]);
        assert!(watches.end().is_err());
    }
}
