//! Removing a tree: any depth, any mode, any owner that we may act for, also what is marked immutable.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, IFlags, Mode, OFlags, fchmod, fstat, ioctl_getflags, ioctl_setflags, openat, unlinkat};
use rustix::io::Errno;

use super::list::names;

/// A folder on the way down, with what is still to be removed in it.
struct Level {
    name: CString,
    device: u64,
    inode: u64,
    left: Vec<CString>,
}

/// Removes an entry of a folder with all that is below it, and tells how many entries that were; 0 when there is none.
///
/// Only one folder is held open at a time, so that depth costs no descriptors; the way up is checked against the way
/// down, so that a folder that is moved meanwhile leads nowhere.
///
/// # Errors
/// The first entry that cannot be removed.
pub fn remove(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<u64> {
    match unlink(parent, name) {
        Ok(()) => return Ok(1),
        Err(Errno::NOENT) => return Ok(0),
        Err(Errno::ISDIR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut count = 0;
    let (mut here, top) = enter(parent, name)?;
    let mut levels = vec![top];
    while let Some(level) = levels.last_mut() {
        if let Some(child) = level.left.pop() {
            match unlink(here.as_fd(), &child) {
                Ok(()) => count += 1,
                Err(Errno::NOENT) => {}
                Err(Errno::ISDIR) => {
                    let (below, level) = enter(here.as_fd(), &child)?;
                    here = below;
                    levels.push(level);
                }
                Err(error) => return Err(error.into()),
            }
            continue;
        }
        let done = levels.pop().map(|level| level.name).unwrap_or_default();
        let above = match levels.last() {
            None => parent.try_clone_to_owned()?,
            Some(above) => climb(here.as_fd(), above)?,
        };
        remove_folder(above.as_fd(), &done)?;
        count += 1;
        here = above;
    }
    Ok(count)
}

fn unlink(folder: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<()> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::PERM | Errno::ACCESS) => {
            loosen(folder);
            if let Ok(file) = open(folder, name, OFlags::NONBLOCK) {
                release(file.as_fd());
            }
            unlinkat(folder, name, AtFlags::empty())
        }
        other => other,
    }
}

fn remove_folder(folder: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<()> {
    match unlinkat(folder, name, AtFlags::REMOVEDIR) {
        Err(Errno::PERM | Errno::ACCESS) => {
            loosen(folder);
            unlinkat(folder, name, AtFlags::REMOVEDIR)
        }
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

fn open(folder: BorrowedFd<'_>, name: &CStr, more: OFlags) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | more;
    openat(folder, name, flags, Mode::empty())
}

fn enter(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<(OwnedFd, Level)> {
    let folder = match open(parent, name, OFlags::DIRECTORY) {
        Err(Errno::ACCESS) => {
            let mode = Mode::from_raw_mode(0o700);
            rustix::fs::chmodat(parent, name, mode, AtFlags::empty())?;
            open(parent, name, OFlags::DIRECTORY)?
        }
        other => other?,
    };
    release(folder.as_fd());
    let stat = fstat(&folder)?;
    let left = names(&folder)?;
    let level = Level { name: name.to_owned(), device: stat.st_dev, inode: stat.st_ino, left };
    Ok((folder, level))
}

fn climb(from: BorrowedFd<'_>, to: &Level) -> io::Result<OwnedFd> {
    let above = openat(from, c"..", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let stat = fstat(&above)?;
    if (stat.st_dev, stat.st_ino) != (to.device, to.inode) {
        return Err(io::Error::other("a folder was moved while it was being removed"));
    }
    Ok(above)
}

/// Gives a folder a mode in which its entries can be removed.
fn loosen(folder: BorrowedFd<'_>) {
    let _ = fchmod(folder, Mode::from_raw_mode(0o700));
    release(folder);
}

/// Takes the marks away that forbid removal, where the file system knows them and we may.
fn release(file: BorrowedFd<'_>) {
    let fixed = IFlags::IMMUTABLE | IFlags::APPEND;
    if let Ok(flags) = ioctl_getflags(file)
        && flags.intersects(fixed)
    {
        let _ = ioctl_setflags(file, flags - fixed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn folder() -> (tempfile::TempDir, OwnedFd) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let handle = OwnedFd::from(fs::File::open(folder.path()).expect("open"));
        (folder, handle)
    }

    #[test]
    fn a_deep_tree_goes() {
        let (folder, handle) = folder();
        let mut here = handle.try_clone().expect("dup");
        for _ in 0..3000 {
            rustix::fs::mkdirat(&here, c"d", Mode::from_raw_mode(0o700)).expect("mkdir");
            here = open(here.as_fd(), c"d", OFlags::DIRECTORY).expect("open");
        }
        assert_eq!(remove(handle.as_fd(), c"d").expect("remove"), 3000);
        assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 0);
    }

    #[test]
    fn closed_folders_and_links_go_and_what_links_point_to_stays() {
        let (folder, handle) = folder();
        let path = folder.path();
        fs::create_dir_all(path.join("tree/closed/inner")).expect("mkdir");
        fs::write(path.join("canary"), "x").expect("write");
        std::os::unix::fs::symlink(path.join("canary"), path.join("tree/link")).expect("link");
        std::os::unix::fs::symlink("/", path.join("tree/root")).expect("link");
        fs::set_permissions(path.join("tree/closed"), fs::Permissions::from_mode(0o000)).expect("chmod");
        remove(handle.as_fd(), c"tree").expect("remove");
        assert!(!path.join("tree").exists() && path.join("canary").exists());
        assert_eq!(remove(handle.as_fd(), c"tree").expect("nothing is fine"), 0);
    }
}
