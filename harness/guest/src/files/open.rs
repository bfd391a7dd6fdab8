//! Opening by path without being led astray: nothing blocks, no magic link of `/proc` is followed.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat2};

/// How paths are looked up: links are fine, as they cannot lead out of our root, but not those of `/proc`.
const RESOLVE: ResolveFlags = ResolveFlags::NO_MAGICLINKS;

/// Opens a regular file for reading; anything else is refused, and nothing blocks.
pub(crate) fn open_file(path: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file: OwnedFd = openat2(CWD, path, flags, Mode::empty(), RESOLVE)?;
    let kind = FileType::from_raw_mode(fstat(&file)?.st_mode);
    if kind == FileType::Directory {
        return Err(io::Error::from_raw_os_error(libc::EISDIR));
    }
    if kind != FileType::RegularFile {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file.into())
}

/// Reads a file of at most so many bytes.
pub(crate) fn read_bounded(path: &str, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    Ok(bytes)
}

/// Reads a text file; bytes that are not UTF-8 are replaced.
pub(crate) fn read_text(path: &str, limit: u64) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&read_bounded(path, limit)?).into_owned())
}
