//! Copies of files to go back to, byte for byte, beside the writable layer and out of sight.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;

use rustix::fs::{AtFlags, Mode, OFlags, Timestamps, fstat, futimens, mkdirat, openat, statat};
use rustix::io::Errno;

use super::place::{Missing, Place};
use crate::failure::{failed, not_found};
use crate::message::{Failure, FailureKind};
use crate::reaper::lock;
use crate::trees::{self, Copier};

/// All kept copies.
#[derive(Debug)]
pub(crate) struct Kept {
    scratch: Option<OwnedFd>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    copies: HashMap<String, Copy>,
}

#[derive(Debug)]
struct Copy {
    folder: OwnedFd,
    entries: Vec<Entry>,
}

/// One path of a copy; its tree lies under its number.
#[derive(Debug)]
struct Entry {
    path: String,
    present: bool,
    /// The times of the folder that it is in, which coming and going change.
    parent: Option<Timestamps>,
}

impl Kept {
    /// Copies go into this folder.
    pub(crate) fn new(scratch: Option<OwnedFd>) -> Self {
        Self { scratch, state: Mutex::default() }
    }

    fn scratch(&self) -> Result<&OwnedFd, Failure> {
        self.scratch.as_ref().ok_or_else(|| Failure {
            kind: FailureKind::Unsupported,
            text: "keep files: there is no room beside the root".into(),
        })
    }

    /// Keeps a copy of paths under a name; an older copy of that name is let go.
    pub(crate) fn keep(&self, name: &str, paths: &[String]) -> Result<(), Failure> {
        let scratch = self.scratch()?;
        let mut state = lock(&self.state);
        let label = CString::new(state.next.to_string()).unwrap_or_default();
        state.next += 1;
        let copy = new_folder(scratch, &label)
            .map_err(|error| failed("keep files as", name, &error))
            .and_then(|folder| Copy::take(folder, paths));
        match copy {
            Ok(copy) => {
                state.copies.insert(name.to_owned(), copy);
                Ok(())
            }
            Err(failure) => {
                // What was copied so far takes up room for nothing.
                let _ = trees::remove(scratch.as_fd(), &label);
                Err(failure)
            }
        }
    }

    /// Puts a copy back; it can be put back again later.
    pub(crate) fn restore(&self, name: &str) -> Result<Vec<String>, Failure> {
        let state = lock(&self.state);
        let copy =
            state.copies.get(name).ok_or_else(|| not_found(format!("restore `{name}`: nothing was kept under it")))?;
        let mut copier = Copier::default();
        for (number, entry) in copy.entries.iter().enumerate() {
            copy.put_back(&mut copier, number, entry).map_err(|error| failed("restore", &entry.path, &error))?;
        }
        Ok(copy.entries.iter().map(|entry| entry.path.clone()).collect())
    }
}

impl Copy {
    fn take(folder: OwnedFd, paths: &[String]) -> Result<Self, Failure> {
        let (mut entries, mut copier) = (Vec::new(), Copier::default());
        for (number, path) in paths.iter().enumerate() {
            let entry = take_one(&mut copier, (&folder, &label(number)), path)
                .map_err(|error| failed("keep a copy of", path, &error))?;
            entries.push(entry);
        }
        Ok(Self { folder, entries })
    }

    fn put_back(&self, copier: &mut Copier, number: usize, entry: &Entry) -> io::Result<()> {
        super::place::remove(&entry.path)?;
        if entry.present {
            let place = Place::of(&entry.path, Missing::Made)?;
            let label = label(number);
            copier.tree((self.folder.as_fd(), &label), (place.folder.as_fd(), &place.name))?;
        }
        if let (Some(times), Ok(place)) = (&entry.parent, Place::of(&entry.path, Missing::Error)) {
            futimens(&place.folder, times)?;
        }
        Ok(())
    }
}

fn take_one(copier: &mut Copier, (folder, label): (&OwnedFd, &CStr), path: &str) -> io::Result<Entry> {
    let place = match Place::of(path, Missing::Error) {
        Ok(place) => place,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Entry { path: path.to_owned(), present: false, parent: None });
        }
        Err(error) => return Err(error),
    };
    let present = match statat(&place.folder, &place.name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => true,
        Err(Errno::NOENT) => false,
        Err(error) => return Err(error.into()),
    };
    if present {
        copier.tree((place.folder.as_fd(), &place.name), (folder.as_fd(), label))?;
    }
    let parent = Some(trees::times(&fstat(&place.folder)?));
    Ok(Entry { path: path.to_owned(), present, parent })
}

fn label(number: usize) -> CString {
    CString::new(number.to_string()).unwrap_or_default()
}

fn new_folder(scratch: &OwnedFd, name: &CString) -> io::Result<OwnedFd> {
    mkdirat(scratch, name, Mode::from_raw_mode(0o700))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(scratch, name, flags, Mode::empty())?)
}
