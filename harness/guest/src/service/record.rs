//! What is remembered of one service over all its starts.

use std::collections::VecDeque;
use std::sync::Arc;

use super::keeper::Report;
use crate::message::{Death, End};
use crate::output::Capture;
use crate::reaper::Child;

/// How much of a service's output is kept for its state: as much again is kept of its end.
const KEEP: usize = 128 << 10;

/// How much of the newest output is kept for reading on from a mark.
const RING: usize = 1 << 20;

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
            ring: VecDeque::new(),
        }
    }

    /// A new start under a new keeper.
    pub(super) fn begin(&mut self, pid: i32, keeper: Arc<Child>) {
        self.starts += 1;
        self.pid = pid;
        self.end = None;
        self.keeper = Some(keeper);
        self.stopping = false;
        self.told = false;
    }

    /// Takes output.
    pub(super) fn print(&mut self, bytes: &[u8]) {
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
