//! Opening and reading inside the sandbox's root: never out of it, never blocking, never without a bound.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, OFlags, Stat};
use rustix::io::Errno;

use super::failure::{self, Result};
use crate::inside;

/// Opens a path inside a root. Symbolic links before the last part are followed as if the root were `/`; the last one
/// too, unless the flags hold `NOFOLLOW`. A FIFO without a writer does not block.
pub(crate) fn open(root: impl AsFd, path: &[u8], flags: OFlags) -> std::result::Result<OwnedFd, Errno> {
    let flags = if flags.contains(OFlags::PATH) { flags } else { flags | OFlags::NONBLOCK | OFlags::NOCTTY };
    inside::open(root, if path.is_empty() { b"/" } else { path }, flags)
}

/// Opens a folder inside a root, to look at what it holds.
pub(crate) fn open_folder(root: impl AsFd, path: &[u8]) -> std::result::Result<OwnedFd, Errno> {
    open(root, path, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// Opens a regular file inside a root and tells its facts. Anything else than a regular file is `EINVAL`.
pub(crate) fn open_file(root: impl AsFd, path: &[u8]) -> std::result::Result<(OwnedFd, Stat), Errno> {
    let file = open(root, path, OFlags::RDONLY)?;
    let stat = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile { Ok((file, stat)) } else { Err(Errno::INVAL) }
}

/// Reads a regular file inside a root whole; a file that is longer than the limit is a failure.
pub(crate) fn read(root: impl AsFd, path: &[u8], limit: usize) -> Result<Vec<u8>> {
    let failed = |errno| failure::system("read", &super::names::text(path), errno);
    let (file, stat) = open_file(root, path).map_err(failed)?;
    if size_of(&stat) > limit as u64 {
        return Err(failed(Errno::FBIG));
    }
    read_up_to(file.as_fd(), limit).map_err(failed)
}

/// Reads from where a descriptor stands to its end, or to the limit.
pub(crate) fn read_up_to(file: BorrowedFd<'_>, limit: usize) -> std::result::Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 32 << 10];
    while bytes.len() < limit {
        let wanted = piece.len().min(limit - bytes.len());
        match rustix::io::read(file, &mut piece[..wanted]) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(bytes)
}

/// The path of an open file from the root, with all links followed; `None` when that can not be told.
pub(crate) fn real_path(root: BorrowedFd<'_>, file: BorrowedFd<'_>) -> Option<String> {
    let path = |of: BorrowedFd<'_>| {
        let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&of));
        rustix::fs::readlink(link, Vec::new()).ok().map(std::ffi::CString::into_bytes)
    };
    let (top, whole) = (path(root)?, path(file)?);
    let inside = if top == b"/" { &whole[..] } else { whole.strip_prefix(&top[..])? };
    inside.starts_with(b"/").then(|| super::names::text(inside))
}

/// A file's size; the kernel's number is signed and never negative.
pub(crate) fn size_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::message::FailureKind;

    fn root_of(folder: &tempfile::TempDir) -> OwnedFd {
        fs::File::open(folder.path()).unwrap().into()
    }

    #[test]
    fn a_link_never_leads_out_of_the_root() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("etc")).unwrap();
        fs::write(folder.path().join("etc/passwd"), "inside").unwrap();
        symlink("/etc/passwd", folder.path().join("absolute")).unwrap();
        symlink("../../../../etc/passwd", folder.path().join("upwards")).unwrap();
        let root = root_of(&folder);
        assert_eq!(read(&root, b"/absolute", 100).unwrap(), b"inside");
        assert_eq!(read(&root, b"/upwards", 100).unwrap(), b"inside");
    }

    #[test]
    fn magic_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        symlink("/proc/self/root/etc/passwd", folder.path().join("magic")).unwrap();
        assert!(open(root_of(&folder), b"/magic", OFlags::RDONLY).is_err());
        let real: OwnedFd = fs::File::open("/").unwrap().into();
        assert_eq!(open(real, b"/proc/self/root/etc/passwd", OFlags::RDONLY).err(), Some(Errno::LOOP));
    }

    #[test]
    fn a_fifo_does_not_block_and_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = root_of(&folder);
        rustix::fs::mknodat(&root, "fifo", FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert_eq!(open_file(&root, b"/fifo").err(), Some(Errno::INVAL));
    }

    #[test]
    fn a_file_over_the_limit_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("long"), "0123456789").unwrap();
        let failure = read(root_of(&folder), b"/long", 5).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Limit);
    }
}
