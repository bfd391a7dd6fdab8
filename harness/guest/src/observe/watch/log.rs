//! A log whose new lines are told with the time at which they were there.

use std::os::fd::BorrowedFd;

use super::super::{names, root};

/// How much of a log is read in one look, and how many lines are kept in all. What comes after these is not told.
const PIECE: usize = 64 << 10;
const LINES: usize = 20_000;

/// A log, from where it ended when the watch began.
pub(super) struct Log {
    path: String,
    /// The file that was read last, by device and number, and how far.
    file: (u64, u64),
    position: u64,
    /// A line that has no end yet.
    begun: Vec<u8>,
    /// The lines so far.
    pub(super) lines: Vec<(u64, String)>,
}

impl Log {
    /// A log of which only what is written from now on counts. One that is not there may still come.
    pub(super) fn at_end(image: BorrowedFd<'_>, path: &str) -> Self {
        let mut log = Self { path: path.to_owned(), file: (0, 0), position: 0, begun: Vec::new(), lines: Vec::new() };
        if let Ok((_, stat)) = root::open_file(image, path.as_bytes()) {
            (log.file, log.position) = ((stat.st_dev, stat.st_ino), root::size_of(&stat));
        }
        log
    }

    /// Reads what is new. What cannot be read is read in a later look, or never.
    pub(super) fn look(&mut self, image: BorrowedFd<'_>, now: u64) {
        let Ok((file, stat)) = root::open_file(image, self.path.as_bytes()) else { return };
        let (is, size) = ((stat.st_dev, stat.st_ino), root::size_of(&stat));
        if is != self.file || size < self.position {
            (self.file, self.position) = (is, 0);
            self.begun.clear();
        }
        let mut piece = vec![0; usize::try_from(size - self.position).unwrap_or(PIECE).min(PIECE)];
        let Ok(read) = rustix::io::pread(&file, &mut piece, self.position) else { return };
        self.position += read as u64;
        self.take(&piece[..read], now);
    }

    fn take(&mut self, piece: &[u8], now: u64) {
        self.begun.extend_from_slice(piece);
        let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') else { return };
        let rest = self.begun.split_off(end + 1);
        let whole = std::mem::replace(&mut self.begun, rest);
        let lines = whole[..end].split(|byte| *byte == b'\n').map(|line| (now, names::text(line)));
        self.lines.extend(lines.take(LINES.saturating_sub(self.lines.len())));
    }
}
