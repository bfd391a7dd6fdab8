//! What a file carries beside its content: owner, mode, times, extended attributes.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{
    AtFlags, Gid, Mode, Stat, Timespec, Timestamps, Uid, XattrFlags, chmodat, chownat, lgetxattr, llistxattr,
    lsetxattr, utimensat,
};
use rustix::io::Errno;

/// The path of an entry of an open folder, for the calls on attributes, which know no folders.
pub(super) fn path(folder: BorrowedFd<'_>, name: &CStr) -> Vec<u8> {
    let mut path = format!("/proc/self/fd/{}/", folder.as_raw_fd()).into_bytes();
    path.extend_from_slice(name.to_bytes());
    path
}

/// An entry of a folder.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) folder: BorrowedFd<'a>,
    pub(super) name: &'a CStr,
}

/// Copies all extended attributes.
fn copy_attributes(from: Entry<'_>, to: Entry<'_>) -> io::Result<()> {
    let (from, to) = (path(from.folder, from.name), path(to.folder, to.name));
    let mut list = vec![0_u8; 4 << 10];
    let length = loop {
        match llistxattr(&*from, &mut list[..]) {
            Err(Errno::RANGE) if list.len() < 1 << 20 => list.resize(list.len() * 4, 0),
            Err(Errno::NOTSUP) => return Ok(()),
            other => break other?,
        }
    };
    for name in list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        copy_attribute(&from, &to, name)?;
    }
    Ok(())
}

fn copy_attribute(from: &[u8], to: &[u8], name: &[u8]) -> io::Result<()> {
    let mut value = vec![0_u8; 64 << 10];
    let length = match lgetxattr(from, name, &mut value[..]) {
        // Gone meanwhile, or not for us to see.
        Err(Errno::NODATA | Errno::NOTSUP | Errno::PERM) => return Ok(()),
        other => other?,
    };
    match lsetxattr(to, name, &value[..length], XattrFlags::empty()) {
        // Labels that belong to the place and not to the file.
        Err(Errno::NOTSUP | Errno::PERM) if !name.ends_with(b".capability") => Ok(()),
        other => Ok(other?),
    }
}

/// Sets owner, extended attributes, mode and times; the owner first, because a change of owner takes capabilities and
/// set-id bits away.
pub(super) fn set(
    (from, entry): (Entry<'_>, Entry<'_>),
    stat: &Stat,
    mode: Option<u32>,
    owner: Option<(u32, u32)>,
) -> io::Result<()> {
    let (user, group) = owner.unwrap_or((stat.st_uid, stat.st_gid));
    let nofollow = AtFlags::SYMLINK_NOFOLLOW;
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    chownat(entry.folder, entry.name, Some(user), Some(group), nofollow)?;
    copy_attributes(from, entry)?;
    if !is_link(stat) {
        let mode = mode.unwrap_or(stat.st_mode & 0o7777);
        chmodat(entry.folder, entry.name, Mode::from_raw_mode(mode), AtFlags::empty())?;
    }
    utimensat(entry.folder, entry.name, &times(stat), nofollow)?;
    Ok(())
}

/// The times of a file.
pub(crate) fn times(stat: &Stat) -> Timestamps {
    let time =
        |seconds: i64, nanoseconds: u64| Timespec { tv_sec: seconds, tv_nsec: i64::try_from(nanoseconds).unwrap_or(0) };
    Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
    }
}

fn is_link(stat: &Stat) -> bool {
    rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Symlink
}
