//! Copying a tree with everything that it is made of.

use std::collections::HashMap;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Stat, copy_file_range, fstat, linkat, mkdirat, mknodat, openat, readlinkat,
    statat, symlinkat,
};
use rustix::io::Errno;

use super::attributes::{Entry, set};
use super::list::names;

/// The deepest tree that is copied: each level holds two descriptors.
const DEPTH: usize = 200;

/// How a tree is copied.
#[derive(Debug, Default)]
pub struct Copier {
    mode: Option<u32>,
    owner: Option<(u32, u32)>,
    over: bool,
    /// What was written, relative to the top, in order.
    pub written: Vec<String>,
    /// The first place of each file with several names, from the top of the tree that it was copied with.
    links: HashMap<(u64, u64), (Rc<OwnedFd>, Vec<u8>)>,
    top: Option<Rc<OwnedFd>>,
}

impl Copier {
    /// A copier that writes over what is there, keeps folders, and sets this mode (of files) and owner.
    #[must_use]
    pub fn over(mode: Option<u32>, owner: Option<(u32, u32)>) -> Self {
        Self { mode, owner, over: true, ..Self::default() }
    }

    /// Copies an entry with all that is below it to a name that is not there yet: content, owners, modes, times,
    /// extended attributes, links within all that this copier copies.
    ///
    /// # Errors
    /// The first entry that cannot be read or written; a tree deeper than 200 levels.
    pub fn tree(&mut self, from: (BorrowedFd<'_>, &CStr), to: (BorrowedFd<'_>, &CStr)) -> io::Result<()> {
        self.top = Some(Rc::new(to.0.try_clone_to_owned()?));
        self.entry(Entry { folder: from.0, name: from.1 }, Entry { folder: to.0, name: to.1 }, b"")
    }

    /// Copies what is in a folder into another one.
    ///
    /// # Errors
    /// As [`Self::tree`].
    pub fn contents(&mut self, from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
        self.top = Some(Rc::new(to.try_clone_to_owned()?));
        self.below(from, to, b"")
    }

    /// Copies one entry of a folder into another one, under the same name.
    ///
    /// # Errors
    /// As [`Self::tree`].
    pub fn one(&mut self, from: BorrowedFd<'_>, name: &CStr, to: BorrowedFd<'_>) -> io::Result<()> {
        self.tree((from, name), (to, name))
    }

    fn below(&mut self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, path: &[u8]) -> io::Result<()> {
        if path.split(|byte| *byte == b'/').count() > DEPTH {
            return Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG));
        }
        for name in names(from)? {
            let name = name.as_c_str();
            self.entry(Entry { folder: from, name }, Entry { folder: to, name }, path)?;
        }
        Ok(())
    }

    fn entry(&mut self, from: Entry<'_>, to: Entry<'_>, above: &[u8]) -> io::Result<()> {
        let stat = statat(from.folder, from.name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let path = join(above, to.name);
        if self.over && kind != FileType::Directory {
            clear(to)?;
        }
        if kind == FileType::Directory {
            // A folder that was there keeps what it is: a tree laid over must not open or close it.
            if !self.folder(from, to, &path)? {
                return Ok(());
            }
        } else {
            self.written.push(String::from_utf8_lossy(&path).into_owned());
            if self.is_linked(&stat, to)? {
                return Ok(());
            }
            make(from, to, kind, &stat)?;
            if let Some(top) = self.top.as_ref().filter(|_| stat.st_nlink > 1) {
                self.links.insert((stat.st_dev, stat.st_ino), (Rc::clone(top), path));
            }
        }
        let mode = self.mode.filter(|_| kind == FileType::RegularFile);
        set((from, to), &stat, mode, self.owner)
    }

    /// Makes another name of a file that was copied before, when it is one and still there; tells whether it did.
    fn is_linked(&self, stat: &Stat, to: Entry<'_>) -> io::Result<bool> {
        let Some((top, first)) = self.links.get(&(stat.st_dev, stat.st_ino)) else { return Ok(false) };
        match linkat(top, &**first, to.folder, to.name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Copies a folder; tells whether it is new.
    fn folder(&mut self, from: Entry<'_>, to: Entry<'_>, path: &[u8]) -> io::Result<bool> {
        let new = self.make_folder(to)?;
        if new {
            self.written.push(String::from_utf8_lossy(path).into_owned());
        }
        let (source, target) = (open_folder(from)?, open_folder(to)?);
        self.below(source.as_fd(), target.as_fd(), path)?;
        Ok(new)
    }

    fn make_folder(&self, to: Entry<'_>) -> io::Result<bool> {
        let mode = Mode::from_raw_mode(0o700);
        match mkdirat(to.folder, to.name, mode) {
            Ok(()) => return Ok(true),
            Err(Errno::EXIST) if self.over => {}
            Err(error) => return Err(error.into()),
        }
        let there = statat(to.folder, to.name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(there.st_mode) == FileType::Directory {
            return Ok(false);
        }
        clear(to)?;
        mkdirat(to.folder, to.name, mode)?;
        Ok(true)
    }
}

/// Takes away what stands in the way of a file; a folder with something in it is refused by the kernel.
fn clear(to: Entry<'_>) -> io::Result<()> {
    match rustix::fs::unlinkat(to.folder, to.name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR) => Ok(rustix::fs::unlinkat(to.folder, to.name, AtFlags::REMOVEDIR)?),
        Err(error) => Err(error.into()),
    }
}

fn make(from: Entry<'_>, to: Entry<'_>, kind: FileType, stat: &Stat) -> io::Result<()> {
    if kind == FileType::RegularFile {
        return copy_file(from, to);
    }
    if kind == FileType::Symlink {
        let target = readlinkat(from.folder, from.name, Vec::new())?;
        return Ok(symlinkat(&*target, to.folder, to.name)?);
    }
    Ok(mknodat(to.folder, to.name, kind, Mode::from_raw_mode(0o600), stat.st_rdev)?)
}

fn copy_file(from: Entry<'_>, to: Entry<'_>) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let source = openat(from.folder, from.name, flags, Mode::empty())?;
    // It was a file a moment ago; something else put there since is not read.
    if FileType::from_raw_mode(fstat(&source)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("the file was replaced while it was being copied"));
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = openat(to.folder, to.name, flags, Mode::from_raw_mode(0o600))?;
    loop {
        match copy_file_range(&source, None, &target, None, 1 << 30) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP) => break,
            Err(error) => return Err(error.into()),
        }
    }
    io::copy(&mut std::fs::File::from(source), &mut std::fs::File::from(target))?;
    Ok(())
}

fn open_folder(entry: Entry<'_>) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(entry.folder, entry.name, flags, Mode::empty())?)
}

fn join(above: &[u8], name: &CStr) -> Vec<u8> {
    let mut path = above.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name.to_bytes());
    path
}
