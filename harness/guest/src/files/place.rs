//! A path taken apart: the folder, held open, and the last name, which is never followed.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat2};
use rustix::io::Errno;

use crate::trees;

/// Where an entry is or is to be.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) folder: OwnedFd,
    pub(crate) name: CString,
}

/// Whether missing folders on the way are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Made,
    Error,
}

impl Place {
    /// Takes a path apart.
    ///
    /// # Errors
    /// A path that is not absolute, or names no entry (`/`, `..`); a folder on the way that cannot be opened.
    pub(crate) fn of(path: &str, missing: Missing) -> io::Result<Self> {
        let wrong = || io::Error::from_raw_os_error(libc::EINVAL);
        let trimmed = path.trim_end_matches('/');
        let (folder, name) = trimmed.rsplit_once('/').ok_or_else(wrong)?;
        if !path.starts_with('/') || matches!(name, "" | "." | "..") {
            return Err(wrong());
        }
        let folder = open_folder(folder, missing)?;
        Ok(Self { folder, name: CString::new(name).map_err(|_| wrong())? })
    }
}

/// Opens a folder; links on the way are fine, as they cannot lead out of our root, but not those of `/proc`.
pub(crate) fn open_folder(path: &str, missing: Missing) -> io::Result<OwnedFd> {
    let path = if path.is_empty() { "/" } else { path };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = || openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS);
    match open() {
        Err(Errno::NOENT) if missing == Missing::Made => {
            let place = Place::of(path, missing)?;
            match mkdirat(&place.folder, &place.name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => Ok(open()?),
                Err(error) => Err(error.into()),
            }
        }
        other => Ok(other?),
    }
}

/// Removes the tree at a path; tells how many entries it had, 0 when there was none.
pub(crate) fn remove(path: &str) -> io::Result<u64> {
    match Place::of(path, Missing::Error) {
        Ok(place) => trees::remove(place.folder.as_fd(), &place.name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}
