//! Copies of files to go back to, byte for byte, beside the writable layer and out of sight. What they are of stands beside
//! them, for the guest of the next boot.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, BufReader};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;

use rustix::fs::{
    AtFlags, Dir, DirEntry, Mode, OFlags, Timespec, Timestamps, fstat, futimens, mkdirat, openat, statat,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::place::{Missing, Place};
use crate::failure::{failed, not_found};
use crate::message::{Failure, FailureKind};
use crate::reaper::lock;
use crate::trees::{self, Copier};

/// The file that says what a copy is of; trees lie under numbers.
const INDEX: &str = "index";

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

/// What a copy is of, as it is written down.
#[derive(Serialize, Deserialize)]
struct Index<N, E> {
    name: N,
    entries: E,
}

/// One path of a copy; its tree lies under its number.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    path: String,
    present: bool,
    /// The times of the folder that it is in (of access and of change, in seconds and nanoseconds), which coming and going
    /// change.
    parent: Option<[(i64, i64); 2]>,
}

impl Kept {
    /// Copies go into this folder, in which those of an earlier boot may be.
    pub(crate) fn new(scratch: Option<OwnedFd>) -> Self {
        let mut state = State::default();
        // In the order in which they were taken: a later copy stands for an earlier one of its name. One that was not
        // finished has no index, but its number is taken.
        for number in scratch.as_ref().map(numbers).unwrap_or_default() {
            state.copies.extend(scratch.as_ref().and_then(|scratch| Copy::find(scratch, number)));
            state.next = number + 1;
        }
        Self { scratch, state: Mutex::new(state) }
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
            .and_then(|folder| Copy::take(folder, name, paths));
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
    /// The copy of this number that was taken before the sandbox was started again.
    fn find(scratch: &OwnedFd, number: u64) -> Option<(String, Self)> {
        let label = CString::new(number.to_string()).ok()?;
        let folder = open_folder(scratch, &label).ok()?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let index = File::from(openat(&folder, INDEX, flags, Mode::empty()).ok()?);
        let index: Index<String, Vec<Entry>> = serde_json::from_reader(BufReader::new(index)).ok()?;
        Some((index.name, Self { folder, entries: index.entries }))
    }

    fn write_down(&self, name: &str) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let index = File::from(openat(&self.folder, INDEX, flags, Mode::from_raw_mode(0o600))?);
        Ok(serde_json::to_writer(index, &Index { name, entries: &self.entries })?)
    }

    fn take(folder: OwnedFd, name: &str, paths: &[String]) -> Result<Self, Failure> {
        let (mut entries, mut copier) = (Vec::new(), Copier::default());
        for (number, path) in paths.iter().enumerate() {
            let entry = take_one(&mut copier, (&folder, &label(number)), path)
                .map_err(|error| failed("keep a copy of", path, &error))?;
            entries.push(entry);
        }
        let copy = Self { folder, entries };
        copy.write_down(name).map_err(|error| failed("write down what was kept as", name, &error))?;
        Ok(copy)
    }

    fn put_back(&self, copier: &mut Copier, number: usize, entry: &Entry) -> io::Result<()> {
        super::place::remove(&entry.path)?;
        if entry.present {
            let place = Place::of(&entry.path, Missing::Made)?;
            let label = label(number);
            copier.tree((self.folder.as_fd(), &label), (place.folder.as_fd(), &place.name))?;
        }
        if let (Some(times), Ok(place)) = (&entry.parent, Place::of(&entry.path, Missing::Error)) {
            futimens(&place.folder, &timestamps(times))?;
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
    let times = trees::times(&fstat(&place.folder)?);
    let parent = Some([times.last_access, times.last_modification].map(|time| (time.tv_sec, time.tv_nsec)));
    Ok(Entry { path: path.to_owned(), present, parent })
}

/// The numbers of all copies in a folder, ascending. What cannot be listed holds none.
fn numbers(scratch: &OwnedFd) -> Vec<u64> {
    let Ok(folder) = open_folder(scratch, c".") else { return Vec::new() };
    let Ok(entries) = Dir::read_from(&folder) else { return Vec::new() };
    let number = |entry: rustix::io::Result<DirEntry>| entry.ok()?.file_name().to_str().ok()?.parse().ok();
    let mut numbers: Vec<u64> = entries.filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

fn label(number: usize) -> CString {
    CString::new(number.to_string()).unwrap_or_default()
}

fn timestamps([access, change]: &[(i64, i64); 2]) -> Timestamps {
    let time = |&(tv_sec, tv_nsec): &(i64, i64)| Timespec { tv_sec, tv_nsec };
    Timestamps { last_access: time(access), last_modification: time(change) }
}

fn new_folder(scratch: &OwnedFd, name: &CString) -> io::Result<OwnedFd> {
    mkdirat(scratch, name, Mode::from_raw_mode(0o700))?;
    open_folder(scratch, name)
}

fn open_folder(scratch: &OwnedFd, name: &CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(scratch, name, flags, Mode::empty())?)
}
