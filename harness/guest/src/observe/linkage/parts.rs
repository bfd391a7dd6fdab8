//! The parts of a file that are needed, in memory, as the ELF reader wants them.

use std::ops::Range;
use std::os::fd::BorrowedFd;

use object::ReadRef;
use rustix::io::Errno;

/// The largest part that is read: the symbol names of a library of 200 MiB are below 30 MiB.
const PART: u64 = 64 << 20;

/// How much of a file is read in all.
const ALL: u64 = 192 << 20;

/// Parts of a file.
#[derive(Debug)]
pub(crate) struct Parts {
    length: u64,
    read: u64,
    held: Vec<(u64, Vec<u8>)>,
}

impl Parts {
    /// No part yet of a file of a length.
    pub(crate) fn new(length: u64) -> Self {
        Self { length, read: 0, held: Vec::new() }
    }

    /// Reads a part, unless it is there. One that is too large or goes over the end is not read.
    pub(crate) fn take(&mut self, file: BorrowedFd<'_>, offset: u64, size: u64) -> Result<(), Errno> {
        let is_inside = offset.checked_add(size).is_some_and(|end| end <= self.length);
        if !is_inside || size > PART || self.read + size > ALL {
            return Ok(());
        }
        if size == 0 || self.find(offset, size).is_some() {
            return Ok(());
        }
        let mut bytes = vec![0; usize::try_from(size).map_err(|_| Errno::FBIG)?];
        let mut filled = 0;
        while filled < bytes.len() {
            match rustix::io::pread(file, &mut bytes[filled..], offset + filled as u64) {
                Ok(0) => return Err(Errno::IO),
                Ok(count) => filled += count,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        self.read += size;
        self.held.push((offset, bytes));
        Ok(())
    }

    fn find(&self, offset: u64, size: u64) -> Option<&[u8]> {
        self.held.iter().find_map(|(begin, bytes)| {
            let from = usize::try_from(offset.checked_sub(*begin)?).ok()?;
            bytes.get(from..from.checked_add(usize::try_from(size).ok()?)?)
        })
    }
}

impl<'a> ReadRef<'a> for &'a Parts {
    fn len(self) -> Result<u64, ()> {
        Ok(self.length)
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        if size == 0 { Ok(&[]) } else { self.find(offset, size).ok_or(()) }
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        // Parts may overlap, and only one of them may hold the whole text.
        let text = self.held.iter().find_map(|(begin, bytes)| {
            let bytes = bytes.get(usize::try_from(range.start.checked_sub(*begin)?).ok()?..)?;
            let bytes = &bytes[..bytes.len().min(length)];
            bytes.iter().position(|byte| *byte == delimiter).map(|end| &bytes[..end])
        });
        text.ok_or(())
    }
}
