//! Pipes whose readers have finished: what daemons still write into them is read and thrown away, for ever.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use rustix::event::{PollFd, PollFlags, poll};

use crate::reaper::{Wake, lock};

/// Reads what nobody wants any more, so that no program blocks or dies for it.
#[derive(Debug)]
pub(crate) struct Drain {
    added: Mutex<Vec<OwnedFd>>,
    wake: Wake,
}

impl Drain {
    /// Starts the thread; without one (no process ids left) pipes are closed instead.
    pub(crate) fn start() -> std::io::Result<Arc<Self>> {
        let drain = Arc::new(Self { added: Mutex::default(), wake: Wake::new()? });
        let worker = Arc::clone(&drain);
        std::thread::Builder::new().name("drain".into()).stack_size(64 << 10).spawn(move || worker.work())?;
        Ok(drain)
    }

    /// Takes a pipe over.
    pub(crate) fn add(&self, pipe: OwnedFd) {
        lock(&self.added).push(pipe);
        self.wake.up();
    }

    fn work(&self) {
        let mut pipes: Vec<OwnedFd> = Vec::new();
        let mut buffer = vec![0; 16 << 10];
        loop {
            let ready: Vec<bool> = {
                let mut polled: Vec<PollFd<'_>> = pipes.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
                let wake = self.wake.descriptor();
                polled.push(PollFd::from_borrowed_fd(wake, PollFlags::IN));
                let _ = poll(&mut polled, None);
                polled.iter().map(|one| !one.revents().is_empty()).collect()
            };
            let mut index = 0;
            pipes.retain(|pipe| {
                let open = !ready[index] || !ended(rustix::io::read(pipe, &mut buffer));
                index += 1;
                open
            });
            self.wake.down();
            pipes.append(&mut lock(&self.added));
        }
    }
}

/// Whether a read said that nothing will ever come again.
pub(crate) fn ended(read: rustix::io::Result<usize>) -> bool {
    use rustix::io::Errno;
    match read {
        Ok(length) => length == 0,
        Err(error) => !matches!(error, Errno::INTR | Errno::AGAIN),
    }
}
