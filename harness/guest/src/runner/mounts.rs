//! Mounts inside a root that nobody may be led out of: places are found by handle, never by path.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, statat, unlinkat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use super::error::{Context, Trouble};
use crate::plan::MountFlag;
use crate::{inside, sys};

/// What a mount point is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    Folder,
    File,
}

/// Finds the place of a mount, making it when it is missing. Folders on the way may be links, but only to places
/// inside the root; the place itself is never a link: one that the image brings is replaced.
pub(super) fn point(root: BorrowedFd<'_>, at: &str, point: Point) -> Result<OwnedFd, Trouble> {
    let (folder, name) = split(at);
    let parent = folder_at(root, folder)?;
    if name.is_empty() {
        return Ok(parent);
    }
    match statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => {
            let kind = FileType::from_raw_mode(found.st_mode);
            let is_folder = kind == FileType::Directory;
            if is_folder != (point == Point::Folder) || kind == FileType::Symlink {
                // A full folder in the place of a file is refused by the kernel.
                let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
                unlinkat(&parent, name, flags).on("unlink", at)?;
                make(parent.as_fd(), name, point).on("create", at)?;
            }
        }
        Err(Errno::NOENT) => make(parent.as_fd(), name, point).on("create", at)?,
        Err(error) => return Err(error).on("stat", at),
    }
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat2(&parent, name, flags, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS).on("openat2", at)
}

fn make(parent: BorrowedFd<'_>, name: &str, point: Point) -> io::Result<()> {
    match point {
        Point::Folder => mkdirat(parent, name, Mode::from_raw_mode(0o755))?,
        Point::File => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            openat(parent, name, flags, Mode::from_raw_mode(0o644))?;
        }
    }
    Ok(())
}

/// A folder inside the root, made when missing.
pub(super) fn folder_at(root: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Trouble> {
    let open = |path: &str| {
        let path = if path.is_empty() { "." } else { path };
        inside::open(root, path.as_bytes(), OFlags::PATH | OFlags::DIRECTORY)
    };
    match open(path) {
        Err(Errno::NOENT) => {
            let (parent, name) = split(path);
            let parent = folder_at(root, parent)?;
            mkdirat(&parent, name, Mode::from_raw_mode(0o755)).on("mkdir", path)?;
            open(path).on("openat2", path)
        }
        other => other.on("openat2", path),
    }
}

/// What is at a path inside the root, links followed inside it; `None` when there is nothing.
pub(super) fn existing(root: BorrowedFd<'_>, path: &str) -> Result<Option<OwnedFd>, Trouble> {
    match inside::open(root, path.as_bytes(), OFlags::PATH) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => Ok(None),
        Err(error) => Err(error).on("openat2", path),
    }
}

/// Folder and last name of an absolute path.
pub(super) fn split(path: &str) -> (&str, &str) {
    let path = path.trim_matches('/');
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A mount that is not placed yet.
pub(super) fn detached(system: &str, options: &[(String, String)], flags: &[MountFlag]) -> Result<OwnedFd, Trouble> {
    let context = fsopen(system, FsOpenFlags::FSOPEN_CLOEXEC).on("fsopen", system)?;
    for (key, value) in options {
        let done = if value.is_empty() {
            fsconfig_set_flag(context.as_fd(), &**key)
        } else {
            fsconfig_set_string(context.as_fd(), &**key, &**value)
        };
        done.on("fsconfig", format_args!("{system} {key}={value}"))?;
    }
    create(context.as_fd(), system)?;
    let attributes = flags.iter().fold(MountAttrFlags::empty(), |all, flag| all | attribute(*flag));
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes).on("fsmount", system)
}

/// Makes the file system; what the kernel says about a failure becomes part of the target.
pub(super) fn create(context: BorrowedFd<'_>, system: &str) -> Result<(), Trouble> {
    fsconfig_create(context).map_err(|error| {
        let mut text = [0; 512];
        let length = rustix::io::read(context, &mut text).unwrap_or(0);
        let said = String::from_utf8_lossy(&text[..length]);
        let said = said.trim().trim_start_matches("e ");
        let target = if said.is_empty() { system.to_owned() } else { format!("{system} ({said})") };
        Trouble { call: "fsconfig".into(), target, errno: error.raw_os_error() }
    })
}

fn attribute(flag: MountFlag) -> MountAttrFlags {
    match flag {
        MountFlag::ReadOnly => MountAttrFlags::MOUNT_ATTR_RDONLY,
        MountFlag::NoSuid => MountAttrFlags::MOUNT_ATTR_NOSUID,
        MountFlag::NoDev => MountAttrFlags::MOUNT_ATTR_NODEV,
        MountFlag::NoExec => MountAttrFlags::MOUNT_ATTR_NOEXEC,
    }
}

/// Places a mount on what a descriptor holds.
pub(super) fn attach(tree: BorrowedFd<'_>, to: BorrowedFd<'_>, at: &str) -> Result<(), Trouble> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, "", to, "", flags).on("move_mount", at)
}

/// A file by way of a mount of its own that is read-only, so that nobody who has the descriptor can write to the file.
///
/// # Errors
/// As the kernel's; only root of the mount namespace may.
pub fn read_only(path: &str) -> io::Result<OwnedFd> {
    let mount = open_tree(CWD, path, OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)?;
    sys::set_mount_attributes(mount.as_fd(), sys::READ_ONLY, None, false)?;
    Ok(mount)
}

/// A copy of the mount that a descriptor lies on, from that place down.
pub(super) fn copy(from: BorrowedFd<'_>, path: &str, all: bool) -> Result<OwnedFd, Trouble> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    if all {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    open_tree(from, path, flags).on("open_tree", path)
}
