//! Counters of control groups, held open from outside, that tell when a limit was reached.

use std::os::fd::OwnedFd;

/// A counter of how often a limit was reached.
#[derive(Debug)]
pub(crate) struct Meter {
    limit: String,
    key: String,
    file: OwnedFd,
    before: u64,
}

impl Meter {
    /// Takes a counter over; what it counted before does not matter.
    pub(crate) fn new(limit: &str, key: &str, file: OwnedFd) -> Self {
        let mut meter = Self { limit: limit.to_owned(), key: key.to_owned(), file, before: 0 };
        meter.before = meter.read();
        meter
    }

    /// The limit's name, if it was reached.
    pub(crate) fn reached(&self) -> Option<&str> {
        (self.read() > self.before).then_some(&*self.limit)
    }

    /// The descriptor, to be spared when others are closed.
    pub(crate) fn file(&self) -> &OwnedFd {
        &self.file
    }

    fn read(&self) -> u64 {
        let mut buffer = [0; 4096];
        let length = rustix::io::pread(&self.file, &mut buffer, 0).unwrap_or(0);
        count(&String::from_utf8_lossy(&buffer[..length]), &self.key)
    }
}

/// The number after a word at the beginning of a line; the first number of all when the word is empty.
fn count(text: &str, key: &str) -> u64 {
    let number = |text: &str| text.trim().parse().ok();
    if key.is_empty() {
        return number(text).unwrap_or(0);
    }
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(word, _)| *word == key)
        .and_then(|(_, value)| number(value))
        .unwrap_or(0)
}
