//! Writing files: whole, in one step, in the place of whatever was there.

use std::ffi::CString;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid, fchmod, fchown, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use super::place::{Missing, Place};
use crate::failure::{failed, not_found, refused};
use crate::message::{Failure, WriteFile};
use crate::users;

/// Numbers the files on their way.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Writes a file.
pub(super) fn write(file: &WriteFile) -> Result<(), Failure> {
    let bytes = STANDARD.decode(&file.data).map_err(|error| refused(format!("write `{}`: {error}", file.path)))?;
    let owner = match &file.owner {
        None => None,
        Some(text) => Some(owner(text)?),
    };
    put(file, &bytes, owner).map_err(|error| failed("write", &file.path, &error))
}

/// The ids that `user` or `user:group` names.
pub(super) fn owner(text: &str) -> Result<(u32, u32), Failure> {
    users::owner(text).ok_or_else(|| not_found(format!("the image has no owner `{text}`")))
}

fn put(file: &WriteFile, bytes: &[u8], owner: Option<(u32, u32)>) -> io::Result<()> {
    let place = Place::of(&file.path, Missing::Made)?;
    let before = statat(&place.folder, &place.name, AtFlags::SYMLINK_NOFOLLOW)
        .ok()
        .filter(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
    let mode = file.mode.or(before.map(|stat| stat.st_mode & 0o7777)).unwrap_or(0o644);
    let (user, group) = owner.or(before.map(|stat| (stat.st_uid, stat.st_gid))).unwrap_or((0, 0));
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = CString::new(format!(".patchbed-{number}")).map_err(io::Error::other)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let new = openat(&place.folder, &temporary, flags, Mode::from_raw_mode(0o600))?;
    let finish = || -> io::Result<()> {
        std::fs::File::from(new.try_clone()?).write_all(bytes)?;
        fchown(&new, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?;
        fchmod(&new, Mode::from_raw_mode(mode))?;
        match renameat(&place.folder, &temporary, &place.folder, &place.name) {
            // Something is mounted there: then it is written in place.
            Err(Errno::BUSY) => over(&place, bytes),
            other => Ok(other?),
        }
    };
    let finished = finish();
    // Gone already when all went well.
    let _ = unlinkat(&place.folder, &temporary, AtFlags::empty());
    finished
}

fn over(place: &Place, bytes: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(&place.folder, &place.name, flags, Mode::empty())?;
    std::fs::File::from(file).write_all(bytes)
}
