//! Makes a tree, entry by entry, below one folder. Every path is resolved by the kernel beneath that folder and
//! never through a symbolic link, so nothing outside can be made, changed or read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use camino::Utf8Path;
use rustix::fs::{
    AtFlags, CWD, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags, chownat, fchmod, fchown,
    fsetxattr, futimens, linkat, mkdirat, openat, openat2, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::entry::{EntryPath, Meta, shown};
use super::{Limits, Planted, TreeError};

/// How many notes are kept.
const NOTES: usize = 20;

const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// A tree in the making.
#[derive(Debug)]
pub(super) struct Planter {
    root: OwnedFd,
    limits: Limits,
    entries: u64,
    bytes: u64,
    notes: Vec<String>,
    unnoted: u64,
    /// The metadata of folders is set at the end: making entries changes times, and a mode may forbid it.
    folders: BTreeMap<EntryPath, Meta>,
    /// The folder in which the last entry was made.
    near: Option<(EntryPath, OwnedFd)>,
    buffer: Vec<u8>,
}

impl Planter {
    /// Begins in an empty folder.
    pub(super) fn new(into: &Utf8Path, limits: Limits) -> Result<Self, TreeError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = openat(CWD, into.as_std_path(), flags, Mode::empty())
            .map_err(|error| TreeError::io("open", into.as_str().as_bytes(), error))?;
        let top = Meta { mode: 0o755, ..Meta::default() };
        Ok(Self {
            root,
            limits,
            entries: 0,
            bytes: 0,
            notes: Vec::new(),
            unnoted: 0,
            folders: BTreeMap::from([(EntryPath::default(), top)]),
            near: None,
            buffer: vec![0; 256 << 10],
        })
    }

    /// Makes a folder, or takes the one that is there.
    pub(super) fn folder(&mut self, path: &EntryPath, meta: Meta) -> Result<(), TreeError> {
        self.count(path)?;
        let Some((parent, name)) = path.split() else {
            self.folders.insert(path.clone(), meta);
            return Ok(());
        };
        let parent = self.parent(&parent, path)?;
        match mkdirat(&parent, name, Mode::RWXU) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let is_folder = openat2(&parent, name, OFlags::PATH | OFlags::DIRECTORY, Mode::empty(), BENEATH);
                if is_folder.is_err() {
                    self.clear(&parent, name, path)?;
                    mkdirat(&parent, name, Mode::RWXU).map_err(|error| self.failed("make", path, error))?;
                }
            }
            Err(error) => return Err(self.failed("make", path, error)),
        }
        self.folders.insert(path.clone(), meta);
        Ok(())
    }

    /// Makes a file of exactly `size` bytes.
    pub(super) fn file(
        &mut self,
        path: &EntryPath,
        meta: &Meta,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<(), TreeError> {
        self.count(path)?;
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.limits.bytes {
            return Err(refused(path, &format!("brings the tree over the limit of {} bytes", self.limits.bytes)));
        }
        let (parent, name) = self.place(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(
            openat(&parent, name, flags, Mode::RUSR | Mode::WUSR).map_err(|error| self.failed("make", path, error))?,
        );
        self.fill(&mut file, path, size, content)?;
        set(file.as_fd(), meta).map_err(|error| owner_failed(path, meta, error))
    }

    /// Writes the content, leaving holes where it is nothing but zeroes.
    fn fill(&mut self, file: &mut File, path: &EntryPath, size: u64, content: &mut dyn Read) -> Result<(), TreeError> {
        let written = |error| TreeError::io("write", path.as_bytes(), error);
        let mut left = size;
        let mut hole = false;
        while left > 0 {
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
            let piece = &mut self.buffer[..want];
            content.read_exact(piece).map_err(|error| {
                if error.kind() == std::io::ErrorKind::UnexpectedEof {
                    return refused(path, "is cut off: the archive is truncated");
                }
                TreeError::Unfit(format!("read `{}`: {error}", shown(path.as_bytes())))
            })?;
            hole = want >= 4096 && piece.iter().all(|byte| *byte == 0);
            if hole {
                file.seek(SeekFrom::Current(i64::try_from(want).unwrap_or(i64::MAX))).map_err(written)?;
            } else {
                file.write_all(piece).map_err(written)?;
            }
            left -= want as u64;
        }
        if hole {
            file.set_len(size).map_err(written)?;
        }
        Ok(())
    }

    /// Makes a symbolic link.
    pub(super) fn symlink(&mut self, path: &EntryPath, target: &[u8], meta: &Meta) -> Result<(), TreeError> {
        self.count(path)?;
        if target.is_empty() || target.len() >= 4096 || target.contains(&0) {
            return Err(refused(path, "is a symbolic link without a usable target"));
        }
        let (parent, name) = self.place(path)?;
        symlinkat(target, &parent, name).map_err(|error| self.failed("make", path, error))?;
        let (user, group) = (Uid::from_raw(meta.uid), Gid::from_raw(meta.gid));
        chownat(&parent, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| owner_failed(path, meta, error))?;
        utimensat(&parent, name, &times(meta), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| self.failed("set the times of", path, error))
    }

    /// Makes another name of a file of this tree.
    pub(super) fn hard_link(&mut self, path: &EntryPath, target: &EntryPath) -> Result<(), TreeError> {
        self.count(path)?;
        let missing =
            || refused(path, &format!("is a hard link to `{}`, which is no file before it", shown(target.as_bytes())));
        if path == target {
            return Err(missing());
        }
        let Some((above, target_name)) = target.split() else { return Err(missing()) };
        let from = self.open_folder(&above).map_err(|_| missing())?;
        let (parent, name) = self.place(path)?;
        // Without AT_SYMLINK_FOLLOW a link to a symbolic link is one more name of that link.
        match linkat(&from, target_name, &parent, name, AtFlags::empty()) {
            Ok(()) => Ok(()),
            Err(Errno::NOENT | Errno::PERM | Errno::NOTDIR | Errno::ISDIR) => Err(missing()),
            Err(error) => Err(self.failed("link", path, error)),
        }
    }

    /// Remembers what was left out.
    pub(super) fn note(&mut self, note: String) {
        if self.notes.len() < NOTES {
            self.notes.push(note);
        } else {
            self.unnoted += 1;
        }
    }

    /// Sets the metadata of all folders, the deepest first, and tells what was made.
    pub(super) fn finish(mut self) -> Result<Planted, TreeError> {
        let folders = std::mem::take(&mut self.folders);
        for (path, meta) in folders.iter().rev() {
            // A folder that was replaced by something else has no metadata to set any more.
            if let Ok(folder) = self.open_folder(path) {
                set(folder.as_fd(), meta).map_err(|error| owner_failed(path, meta, error))?;
            }
        }
        if self.unnoted > 0 {
            self.notes.push(format!("and {} more entries left out", self.unnoted));
        }
        Ok(Planted { entries: self.entries, bytes: self.bytes, notes: self.notes, ..Planted::default() })
    }

    fn count(&mut self, path: &EntryPath) -> Result<(), TreeError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(refused(path, &format!("is one entry more than the limit of {}", self.limits.entries)));
        }
        Ok(())
    }

    /// The folder for a new entry, cleared of what has its name.
    fn place<'a>(&mut self, path: &'a EntryPath) -> Result<(OwnedFd, &'a [u8]), TreeError> {
        let Some((parent, name)) = path.split() else {
            return Err(refused(path, "stands where the root folder should be"));
        };
        let parent = self.parent(&parent, path)?;
        self.clear(&parent, name, path)?;
        Ok((parent, name))
    }

    /// Removes what a later entry of the same name replaces. A folder is replaced only when it is empty.
    fn clear(&mut self, parent: &OwnedFd, name: &[u8], path: &EntryPath) -> Result<(), TreeError> {
        match unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::ISDIR) => {
                self.near = None;
                self.folders.remove(path);
                unlinkat(parent, name, AtFlags::REMOVEDIR)
                    .map_err(|_| refused(path, "would replace a folder that is not empty"))
            }
            Err(error) => Err(self.failed("replace", path, error)),
        }
    }

    /// Opens the folder of an entry, making it and those above it when they are missing.
    fn parent(&mut self, parent: &EntryPath, entry: &EntryPath) -> Result<OwnedFd, TreeError> {
        if let Some((path, folder)) = &self.near
            && path == parent
        {
            return folder.try_clone().map_err(|error| TreeError::io("open", parent.as_bytes(), error));
        }
        let folder = match self.open_folder(parent) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => self.make_parents(parent, entry)?,
            Err(error) => return Err(through(entry, parent, error)),
        };
        let copy = folder.try_clone().map_err(|error| TreeError::io("open", parent.as_bytes(), error))?;
        self.near = Some((parent.clone(), folder));
        Ok(copy)
    }

    fn make_parents(&mut self, parent: &EntryPath, entry: &EntryPath) -> Result<OwnedFd, TreeError> {
        let mut path = EntryPath::default();
        let mut folder = self.open_folder(&path).map_err(|error| through(entry, &path, error))?;
        for name in parent.as_bytes().split(|byte| *byte == b'/') {
            path = path.join(name);
            match mkdirat(&folder, name, Mode::RWXU) {
                Ok(()) => {
                    self.folders.insert(path.clone(), Meta { mode: 0o755, ..Meta::default() });
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(self.failed("make", &path, error)),
            }
            folder = self.open_folder(&path).map_err(|error| through(entry, &path, error))?;
        }
        Ok(folder)
    }

    fn open_folder(&self, path: &EntryPath) -> Result<OwnedFd, Errno> {
        let name: &[u8] = if path.is_root() { b"." } else { path.as_bytes() };
        openat2(&self.root, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty(), BENEATH)
    }

    #[expect(clippy::unused_self, reason = "reads as a sentence beside the other steps")]
    fn failed(&self, operation: &str, path: &EntryPath, error: Errno) -> TreeError {
        TreeError::io(operation, path.as_bytes(), error)
    }
}

/// Why an entry is refused.
pub(super) fn refused(path: &EntryPath, why: &str) -> TreeError {
    let path = if path.is_root() { b"/" } else { path.as_bytes() };
    TreeError::Unfit(format!("the entry `{}` {why}", shown(path)))
}

fn through(entry: &EntryPath, folder: &EntryPath, error: Errno) -> TreeError {
    match error {
        Errno::LOOP | Errno::NOTDIR | Errno::XDEV => {
            refused(entry, &format!("lies below `{}`, which is no folder", shown(folder.as_bytes())))
        }
        error => TreeError::io("open", folder.as_bytes(), error),
    }
}

fn owner_failed(path: &EntryPath, meta: &Meta, error: Errno) -> TreeError {
    match error {
        Errno::INVAL | Errno::OVERFLOW => {
            refused(path, &format!("belongs to {}:{}, ids that are not mapped here", meta.uid, meta.gid))
        }
        error => TreeError::io("set the owner, mode or attributes of", path.as_bytes(), error),
    }
}

/// Sets owner, then attributes, then mode (a change of owner clears set-id bits and capabilities), then times.
fn set(file: BorrowedFd<'_>, meta: &Meta) -> Result<(), Errno> {
    fchown(file, Some(Uid::from_raw(meta.uid)), Some(Gid::from_raw(meta.gid)))?;
    for (name, value) in &meta.attributes {
        fsetxattr(file, &name[..], value, XattrFlags::empty())?;
    }
    fchmod(file, Mode::from_raw_mode(meta.mode))?;
    futimens(file, &times(meta))
}

fn times(meta: &Meta) -> Timestamps {
    let time = Timespec { tv_sec: meta.mtime.0, tv_nsec: meta.mtime.1.into() };
    Timestamps { last_access: time, last_modification: time }
}
