//! The content of regular files: digests, text, and whether two are the same. Bounded and aware of holes.

use std::fmt::Write as _;
use std::os::fd::BorrowedFd;

use rustix::fs::{SeekFrom, Stat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::root::size_of;

/// The largest file of which a digest is told.
pub(crate) const DIGEST_LIMIT: u64 = 256 << 20;

/// How many bytes one request reads in all: hostile trees hold thousands of sparse files of 256 MiB each.
const REQUEST_LIMIT: u64 = 8 << 30;

const PIECE: usize = 128 << 10;

/// Reads contents for one request.
pub(crate) struct Reader {
    left: u64,
    piece: Vec<u8>,
    other: Vec<u8>,
}

/// What is told of a file's content.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// The digest of all bytes.
    pub(crate) digest: Option<String>,
    /// The bytes, when they are text and few enough.
    pub(crate) text: Option<String>,
    /// How many bytes there were, when they were read.
    pub(crate) size: Option<u64>,
}

impl Reader {
    /// A reader for one request.
    pub(crate) fn new() -> Self {
        Self { left: REQUEST_LIMIT, piece: vec![0; PIECE], other: Vec::new() }
    }

    /// Reads a file up to the size it has now, so that one that grows does not keep the reader.
    pub(crate) fn read(&mut self, file: BorrowedFd<'_>, stat: &Stat, text_up_to: u64) -> Result<Content, Errno> {
        let size = size_of(stat);
        if size > DIGEST_LIMIT || size > self.left {
            return Ok(Content::default());
        }
        self.left -= size;
        let mut sum = Sha256::new();
        let mut text = (size <= text_up_to).then(Vec::new);
        let mut holes = Holes::of(stat);
        let mut position = 0;
        while position < size {
            let piece = self.next(file, &mut holes, position, size)?;
            if piece.is_empty() {
                break;
            }
            sum.update(piece);
            if let Some(text) = &mut text {
                text.extend_from_slice(piece);
            }
            position += piece.len() as u64;
        }
        let text = text.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| !text.contains('\0'));
        Ok(Content { digest: Some(hex(&sum.finalize())), text, size: Some(position) })
    }

    /// Whether two files of one size have the same content; `None` when they are too large to be read.
    pub(crate) fn same(
        &mut self,
        one: BorrowedFd<'_>,
        other: BorrowedFd<'_>,
        size: u64,
    ) -> Result<Option<bool>, Errno> {
        if size > DIGEST_LIMIT || size > self.left {
            return Ok(None);
        }
        self.left -= size;
        self.other.resize(PIECE, 0);
        let mut position = 0;
        while position < size {
            let wanted = usize::try_from(size - position).unwrap_or(PIECE).min(PIECE);
            let first = read_at(one, &mut self.piece[..wanted], position)?;
            let second = read_at(other, &mut self.other[..wanted], position)?;
            if self.piece[..first] != self.other[..second] {
                return Ok(Some(false));
            }
            if first == 0 {
                break;
            }
            position += first as u64;
        }
        Ok(Some(true))
    }

    /// The next bytes: zeros without reading where there is a hole.
    fn next(&mut self, file: BorrowedFd<'_>, holes: &mut Holes, position: u64, size: u64) -> Result<&[u8], Errno> {
        let hole = holes.length_at(file, position).min(size - position);
        if hole > 0 {
            let length = usize::try_from(hole).unwrap_or(PIECE).min(PIECE);
            self.piece[..length].fill(0);
            return Ok(&self.piece[..length]);
        }
        let wanted = usize::try_from(size - position).unwrap_or(PIECE).min(PIECE);
        let count = read_at(file, &mut self.piece[..wanted], position)?;
        Ok(&self.piece[..count])
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Fills the piece as far as the file goes.
fn read_at(file: BorrowedFd<'_>, piece: &mut [u8], position: u64) -> Result<usize, Errno> {
    let mut filled = 0;
    while filled < piece.len() {
        match rustix::io::pread(file, &mut piece[filled..], position + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

/// The holes of a sparse file.
struct Holes {
    is_sparse: bool,
    next_data: u64,
}

impl Holes {
    fn of(stat: &Stat) -> Self {
        let stored = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
        Self { is_sparse: stored < size_of(stat), next_data: 0 }
    }

    /// How many bytes of hole there are from a position on.
    fn length_at(&mut self, file: BorrowedFd<'_>, position: u64) -> u64 {
        if !self.is_sparse {
            return 0;
        }
        if self.next_data <= position {
            self.next_data = match rustix::fs::seek(file, SeekFrom::Data(position)) {
                Ok(next) => next,
                Err(Errno::NXIO) => u64::MAX,
                // A file system that knows no holes.
                Err(_) => {
                    self.is_sparse = false;
                    return 0;
                }
            };
        }
        self.next_data - position
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::{Seek, Write};
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileExt;

    use super::*;

    fn file_with(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn read(file: &File, text_up_to: u64) -> Content {
        Reader::new().read(file.as_fd(), &rustix::fs::fstat(file).unwrap(), text_up_to).unwrap()
    }

    #[test]
    fn the_digest_is_that_of_the_bytes() {
        let content = read(&file_with(b"hello\n"), 100);
        let digest = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        assert_eq!((content.digest.as_deref(), content.text.as_deref()), (Some(digest), Some("hello\n")));
    }

    #[test]
    fn only_short_utf8_without_zero_bytes_is_text() {
        assert_eq!(read(&file_with(b"hello"), 4).text, None);
        assert_eq!(read(&file_with(b"\xff"), 4).text, None);
        assert_eq!(read(&file_with(b"\0"), 4).text, None);
        assert_eq!(read(&file_with(b""), 0).text.as_deref(), Some(""));
    }

    #[test]
    fn a_sparse_file_has_the_digest_of_its_zeros() {
        let sparse = tempfile::tempfile().unwrap();
        sparse.set_len(3 << 20).unwrap();
        sparse.write_all_at(b"data", 1 << 20).unwrap();
        let mut full = vec![0; 3 << 20];
        full[1 << 20..(1 << 20) + 4].copy_from_slice(b"data");
        assert_eq!(read(&sparse, 0).digest, read(&file_with(&full), 0).digest);
    }

    #[test]
    fn eight_tebibytes_of_hole_are_not_read() {
        let sparse = tempfile::tempfile().unwrap();
        if sparse.set_len(8 << 40).is_ok() {
            assert_eq!(read(&sparse, u64::MAX), Content::default());
        }
    }

    #[test]
    fn a_growing_file_is_read_to_the_size_it_had() {
        let mut file = file_with(b"first");
        let stat = rustix::fs::fstat(&file).unwrap();
        file.seek(std::io::SeekFrom::End(0)).unwrap();
        file.write_all(b" and more").unwrap();
        let content = Reader::new().read(file.as_fd(), &stat, 100).unwrap();
        assert_eq!(content.text.as_deref(), Some("first"));
    }

    #[test]
    fn contents_are_compared_byte_for_byte() {
        let mut reader = Reader::new();
        let long = vec![7; 300 << 10];
        let mut other = long.clone();
        let one = file_with(&long);
        assert_eq!(reader.same(one.as_fd(), file_with(&other).as_fd(), long.len() as u64), Ok(Some(true)));
        *other.last_mut().unwrap() = 8;
        assert_eq!(reader.same(one.as_fd(), file_with(&other).as_fd(), long.len() as u64), Ok(Some(false)));
        assert_eq!(reader.same(one.as_fd(), one.as_fd(), DIGEST_LIMIT + 1), Ok(None));
    }

    #[test]
    fn one_request_reads_a_bounded_amount() {
        let mut reader = Reader { left: 8, ..Reader::new() };
        let file = file_with(b"hello");
        let stat = rustix::fs::fstat(&file).unwrap();
        assert!(reader.read(file.as_fd(), &stat, 0).unwrap().digest.is_some());
        assert!(reader.read(file.as_fd(), &stat, 0).unwrap().digest.is_none());
    }

    #[test]
    fn a_file_of_the_process_tree_without_size_is_empty() {
        let file = OpenOptions::new().read(true).open("/proc/self/status").unwrap();
        assert_eq!(read(&file, 10).size, Some(0));
    }
}
