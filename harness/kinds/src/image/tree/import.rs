//! Copies a tree, and tells whether a tree has changed: a walk by descriptor, without recursion, in the order of names.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use camino::Utf8Path;
use patchbed_model::id::Hasher;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fgetxattr, flistxattr, openat, readlinkat, statat};
use rustix::io::Errno;

use super::entry::{Attribute, DEPTH_LIMIT, EntryPath, Meta, Pair, attribute, shown};
use super::plant::{Planter, refused};
use super::{Limits, Owners, Planted, Strange, TreeError};

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The id under which the kernel shows owners that are not mapped.
const OVERFLOW: u32 = 65_534;

/// Something met on the walk.
struct Met<'a> {
    path: EntryPath,
    parent: &'a OwnedFd,
    name: &'a [u8],
    stat: Stat,
}

/// A folder on the walk.
struct Frame {
    folder: OwnedFd,
    path: EntryPath,
    /// What is still to be met, the last name first.
    names: Vec<Vec<u8>>,
}

/// Walks everything below `from`, a folder before what is in it. Other file systems mounted in it are met as empty folders.
fn walk(
    from: &Utf8Path,
    limits: Limits,
    visit: &mut dyn FnMut(&Met<'_>) -> Result<(), TreeError>,
) -> Result<Stat, TreeError> {
    let failed = |error| TreeError::io("open", from.as_str().as_bytes(), error);
    let top = openat(CWD, from.as_std_path(), FOLDER - OFlags::NOFOLLOW, Mode::empty()).map_err(failed)?;
    let root = rustix::fs::fstat(&top).map_err(failed)?;
    let mut met = 0;
    let mut frames = vec![frame(top, EntryPath::default())?];
    while let Some(last) = frames.last_mut() {
        let Some(name) = last.names.pop() else {
            frames.pop();
            continue;
        };
        let path = last.path.join(&name);
        met += 1;
        if met > limits.entries || path.depth() > DEPTH_LIMIT {
            return Err(refused(&path, "is too deep or one too many"));
        }
        let told = |error| TreeError::io("read", path.as_bytes(), error);
        let stat = match statat(&last.folder, &name[..], AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Err(changed()),
            Err(error) => return Err(told(error)),
        };
        visit(&Met { path: path.clone(), parent: &last.folder, name: &name, stat })?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory && stat.st_dev == root.st_dev {
            let folder = openat(&last.folder, &name[..], FOLDER, Mode::empty()).map_err(told)?;
            frames.push(frame(folder, path)?);
        }
    }
    Ok(root)
}

fn frame(folder: OwnedFd, path: EntryPath) -> Result<Frame, TreeError> {
    let failed = |error| TreeError::io("list", path.as_bytes(), error);
    let mut names = Vec::new();
    for entry in Dir::read_from(&folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(Frame { folder, path, names })
}

/// What stands for the state of a tree: any change of a file in it changes a size or a time that only the kernel sets.
pub(super) fn fingerprint(from: &Utf8Path, limits: Limits) -> Result<Planted, TreeError> {
    let mut hasher = Hasher::new();
    let mut planted = Planted::default();
    let root = walk(from, limits, &mut |met| {
        planted.entries += 1;
        let owned = std::mem::take(&mut hasher).part(met.path.as_bytes());
        hasher = stamped(owned, &met.stat);
        Ok(())
    })?;
    planted.digest = Some(stamped(hasher, &root).finish());
    Ok(planted)
}

fn stamped(hasher: Hasher, stat: &Stat) -> Hasher {
    hasher.part(format!(
        "{} {} {} {} {} {} {} {} {} {}",
        stat.st_dev,
        stat.st_ino,
        stat.st_mode,
        stat.st_uid,
        stat.st_gid,
        stat.st_size,
        stat.st_mtime,
        stat.st_mtime_nsec,
        stat.st_ctime,
        stat.st_ctime_nsec,
    ))
}

/// Counts entries and bytes, without limits.
pub(super) fn measure(from: &Utf8Path) -> Result<Planted, TreeError> {
    let mut planted = Planted::default();
    let limits = Limits { bytes: u64::MAX, entries: u64::MAX, ratio: 1 };
    walk(from, limits, &mut |met| {
        planted.entries += 1;
        if FileType::from_raw_mode(met.stat.st_mode) == FileType::RegularFile {
            planted.bytes += u64::try_from(met.stat.st_size).unwrap_or_default();
        }
        Ok(())
    })?;
    Ok(planted)
}

/// Names every entry, in the order of the walk.
pub(super) fn list(from: &Utf8Path, limits: Limits, strange: Strange) -> Result<Planted, TreeError> {
    let mut planted = Planted::default();
    walk(from, limits, &mut |met| {
        let Ok(name) = std::str::from_utf8(met.path.as_bytes()) else {
            return match strange {
                Strange::Refused => Err(refused(&met.path, "has a name that is not UTF-8")),
                Strange::LeftOut => Ok(()),
            };
        };
        let end = if FileType::from_raw_mode(met.stat.st_mode) == FileType::Directory { "/" } else { "" };
        planted.paths.push(format!("{name}{end}"));
        Ok(())
    })?;
    Ok(planted)
}

/// Copies a tree into an empty folder and tells the digest of its content.
pub(super) fn import(from: &Utf8Path, into: &Utf8Path, owners: Owners, limits: Limits) -> Result<Planted, TreeError> {
    let before = fingerprint(from, limits)?;
    let owner =
        rustix::fs::stat(from.as_std_path()).map_err(|error| TreeError::io("read", from.as_str().as_bytes(), error))?;
    if owners == Owners::Kept && owner.st_uid == OVERFLOW {
        let text = format!("`{from}` belongs to a user that has no id here: give it as a tarball, or run as its owner");
        return Err(TreeError::Unfit(text));
    }
    let mut copy = Copy { planter: Planter::new(into, limits)?, hasher: Hasher::new(), owners, links: HashMap::new() };
    let root = walk(from, limits, &mut |met| copy.take(met))?;
    if fingerprint(from, limits)?.digest != before.digest {
        return Err(changed());
    }
    let meta = copy.meta(&root, None)?;
    copy.planter.folder(&EntryPath::default(), meta)?;
    let mut planted = copy.planter.finish()?;
    planted.digest = Some(copy.hasher.finish());
    Ok(planted)
}

fn changed() -> TreeError {
    TreeError::Unavailable("the folder was changed while it was read".to_owned())
}

/// A copy in the making.
struct Copy {
    planter: Planter,
    hasher: Hasher,
    owners: Owners,
    /// The first name of every file that has several.
    links: HashMap<(u64, u64), EntryPath>,
}

impl Copy {
    fn take(&mut self, met: &Met<'_>) -> Result<(), TreeError> {
        let kind = FileType::from_raw_mode(met.stat.st_mode);
        let told = |error: Errno| TreeError::io("read", met.path.as_bytes(), error);
        match kind {
            FileType::Directory => {
                let folder = openat(met.parent, met.name, FOLDER, Mode::empty()).map_err(told)?;
                let meta = self.meta(&met.stat, Some((&folder, &met.path)))?;
                self.hash(met, &meta, b"folder", b"");
                self.planter.folder(&met.path, meta)
            }
            FileType::RegularFile => self.file(met),
            FileType::Symlink => {
                let target = readlinkat(met.parent, met.name, Vec::new()).map_err(told)?;
                let meta = self.meta(&met.stat, None)?;
                self.hash(met, &meta, b"link", target.as_bytes());
                self.planter.symlink(&met.path, target.as_bytes(), &meta)
            }
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => {
                if !met.path.as_bytes().starts_with(b"dev/") {
                    self.planter.note(format!("`{}`: left out, it is no file", shown(met.path.as_bytes())));
                }
                Ok(())
            }
        }
    }

    fn file(&mut self, met: &Met<'_>) -> Result<(), TreeError> {
        let told = |error: Errno| TreeError::io("read", met.path.as_bytes(), error);
        if met.stat.st_nlink > 1 {
            if let Some(first) = self.links.get(&(met.stat.st_dev, met.stat.st_ino)).cloned() {
                let meta = self.meta(&met.stat, None)?;
                self.hash(met, &meta, b"name", first.as_bytes());
                return self.planter.hard_link(&met.path, &first);
            }
            self.links.insert((met.stat.st_dev, met.stat.st_ino), met.path.clone());
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let source = openat(met.parent, met.name, flags, Mode::empty()).map_err(told)?;
        let meta = self.meta(&met.stat, Some((&source, &met.path)))?;
        let size = u64::try_from(met.stat.st_size).unwrap_or_default();
        let mut content = Hashing { inner: File::from(source), hasher: Hasher::new() };
        self.planter.file(&met.path, &meta, size, &mut content)?;
        let digest = content.hasher.finish();
        self.hash(met, &meta, b"file", digest.hex().as_bytes());
        Ok(())
    }

    /// The metadata that the copy gets, attributes too when the file is open.
    fn meta(&self, stat: &Stat, open: Option<(&OwnedFd, &EntryPath)>) -> Result<Meta, TreeError> {
        let (uid, gid) = match self.owners {
            Owners::Kept => (stat.st_uid, stat.st_gid),
            Owners::Root => (0, 0),
        };
        let attributes = match open {
            Some((file, path)) => attributes(file, path)?,
            None => Vec::new(),
        };
        let nanoseconds = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
        Ok(Meta { mode: stat.st_mode & 0o7777, uid, gid, mtime: (stat.st_mtime, nanoseconds), attributes })
    }

    fn hash(&mut self, met: &Met<'_>, meta: &Meta, kind: &[u8], content: &[u8]) {
        let mut hasher = std::mem::take(&mut self.hasher)
            .part(kind)
            .part(met.path.as_bytes())
            .part(format!("{} {} {}", meta.mode, meta.uid, meta.gid))
            .part(content);
        // The times of a checkout are accidents; those of a root file system mean something to some programs.
        if self.owners == Owners::Kept {
            hasher = hasher.part(format!("{} {}", meta.mtime.0, meta.mtime.1));
        }
        for (name, value) in &meta.attributes {
            hasher = hasher.part(name).part(value);
        }
        self.hasher = hasher;
    }
}

/// The extended attributes that are kept, in the order of their names.
fn attributes(file: &OwnedFd, path: &EntryPath) -> Result<Vec<Pair>, TreeError> {
    let mut names = vec![0; 64 << 10];
    let length = match flistxattr(file.as_fd(), &mut names[..]) {
        Ok(length) => length,
        Err(Errno::NOTSUP | Errno::ACCESS | Errno::PERM) => return Ok(Vec::new()),
        Err(error) => return Err(TreeError::io("list the attributes of", path.as_bytes(), error)),
    };
    let mut found = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        match attribute(name) {
            Attribute::Left => {}
            Attribute::Overlay => {
                return Err(refused(
                    path,
                    &format!("has the attribute `{}`, which would steer the overlay", shown(name)),
                ));
            }
            Attribute::Kept => {
                let mut value = vec![0; 64 << 10];
                let length = fgetxattr(file.as_fd(), name, &mut value[..])
                    .map_err(|error| TreeError::io("read the attributes of", path.as_bytes(), error))?;
                value.truncate(length);
                found.push((name.to_vec(), value));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A file that is hashed while it is read.
struct Hashing {
    inner: File,
    hasher: Hasher,
}

impl std::io::Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
