//! What a running harness has on disk, written down so that the next one can remove it after a crash.
//!
//! Each harness has a folder with a lock that the kernel lets go with the process; process ids are never trusted. In it
//! is one link per thing that must go when the harness is gone: an unfinished layer, a control group.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, flock};

/// The folder of owners below the state folder.
const OWNERS: &str = "owners";

/// The lock in an owner's folder.
const LOCK: &str = "lock";

/// This harness as an owner of things on disk.
#[derive(Debug)]
pub(super) struct Owner {
    folder: Utf8PathBuf,
    next: AtomicU64,
    /// Held until the end.
    _lock: File,
}

/// A thing that is written down; dropping it strikes it out.
#[derive(Debug)]
pub(super) struct Owned(PathBuf);

/// What kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A tree of files.
    Tree,
    /// A control group with its children.
    Group,
}

impl Owner {
    /// Registers this harness.
    pub(super) fn register(state: &Utf8Path) -> io::Result<Self> {
        let owners = state.join(OWNERS);
        fs::create_dir_all(&owners)?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&owners)?.keep();
        let folder = Utf8PathBuf::try_from(folder).map_err(io::Error::other)?;
        let lock = File::create(folder.join(LOCK))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { folder, next: AtomicU64::new(0), _lock: lock })
    }

    /// A name that no other harness has.
    pub(super) fn name(&self) -> &str {
        self.folder.file_name().unwrap_or(LOCK)
    }

    /// A new place for a layer that nobody keeps.
    pub(super) fn throwaway(&self) -> Utf8PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("layer-{number}"))
    }

    /// Writes a thing down, before it is made.
    pub(super) fn own(&self, kind: Kind, path: &Path) -> io::Result<Owned> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let word = match kind {
            Kind::Tree => "tree",
            Kind::Group => "group",
        };
        let entry = self.folder.join(format!("{word}-{number}"));
        symlink(std::path::absolute(path)?, &entry)?;
        Ok(Owned(entry.into_std_path_buf()))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // What is still written down stays for the sweep; an empty folder goes.
        if entries(self.folder.as_std_path()).is_ok_and(|entries| entries.is_empty()) {
            let _ = fs::remove_file(self.folder.join(LOCK));
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// An owner that is gone, locked by us.
#[derive(Debug)]
pub(super) struct Orphaned {
    folder: PathBuf,
    _lock: File,
}

/// All owners whose harness is gone.
pub(super) fn orphaned(state: &Utf8Path) -> io::Result<Vec<Orphaned>> {
    let owners = match fs::read_dir(state.as_std_path().join(OWNERS)) {
        Ok(owners) => owners,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for owner in owners {
        let folder = owner?.path();
        // One that is just being made or removed has no lock file; it is left to its harness or to the next sweep.
        let Ok(lock) = File::open(folder.join(LOCK)) else { continue };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            found.push(Orphaned { folder, _lock: lock });
        }
    }
    Ok(found)
}

impl Orphaned {
    /// What it has left: kind, place, and the entry to strike out.
    pub(super) fn things(&self) -> io::Result<Vec<(Kind, PathBuf, PathBuf)>> {
        let mut things = Vec::new();
        for entry in entries(&self.folder)? {
            let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let kind = if name.starts_with("group-") { Kind::Group } else { Kind::Tree };
            things.push((kind, fs::read_link(&entry)?, entry));
        }
        Ok(things)
    }

    /// Strikes the owner itself out, once nothing is left of it.
    pub(super) fn forget(self) {
        let _ = fs::remove_file(self.folder.join(LOCK));
        let _ = fs::remove_dir(&self.folder);
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_symlink() {
            entries.push(entry.path());
        }
    }
    entries.sort();
    Ok(entries)
}
