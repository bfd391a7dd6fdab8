//! Finds what a glob names inside the root and tells it to a visitor, in order.
//!
//! Folders before the first part with a special character are looked up as any program would, links included but never
//! out of the root. From there on no link is followed.

use std::ffi::{CStr, CString};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::failure::{self, Result};
use super::globs::{Exclusion, Pattern, Reach};
use super::walk::{self, Walk};
use super::{names, root};
use crate::message::FailureKind;

/// Who wants to know.
pub(crate) trait Visitor {
    /// A path that the glob names.
    fn meet(&mut self, entry: Met<'_>) -> Result<ControlFlow<()>>;

    /// A folder that could not be looked into; it was met before when the glob names it.
    fn closed(&mut self, _path: &[u8], _errno: Errno) {}
}

/// A path that was met.
pub(crate) struct Met<'a> {
    /// The folder that holds it.
    pub(crate) folder: BorrowedFd<'a>,
    /// Its name in there.
    pub(crate) name: &'a CStr,
    /// Its path.
    pub(crate) path: &'a [u8],
}

/// Tells the visitor every path that the pattern names and the exclusion does not leave out. That there is none is no
/// failure.
pub(crate) fn search(
    image: impl AsFd,
    pattern: &Pattern,
    exclusion: &Exclusion,
    visitor: &mut dyn Visitor,
) -> Result<()> {
    let start = match root::open_folder(image, pattern.start()) {
        Ok(start) => start,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
        Err(errno) => return Err(failure::system("look into", &names::text(pattern.start()), errno)),
    };
    if walk::is_kernels(start.as_fd()).unwrap_or(false) {
        let text = format!("look into `{}`: a file system of the kernel", names::text(pattern.start()));
        return Err(failure::of(FailureKind::Refused, text));
    }
    match pattern.reach() {
        Reach::One(name) => one(&start, name, pattern, exclusion, visitor),
        Reach::Parts(_) | Reach::Any => many(start, pattern, exclusion, visitor),
    }
}

fn one(
    start: &OwnedFd,
    name: &[u8],
    pattern: &Pattern,
    exclusion: &Exclusion,
    visitor: &mut dyn Visitor,
) -> Result<()> {
    let Ok(name) = CString::new(if name.is_empty() { b"." } else { name }) else { return Ok(()) };
    let path = [pattern.start(), b"/", name.as_bytes()].concat();
    let path = if name.as_bytes() == b"." { b"" } else { &path[..] };
    if exclusion.leaves_out(path) || rustix::fs::statat(start, &name, AtFlags::SYMLINK_NOFOLLOW).is_err() {
        return Ok(());
    }
    let _ = visitor.meet(Met { folder: start.as_fd(), name: &name, path })?;
    Ok(())
}

fn many(start: OwnedFd, pattern: &Pattern, exclusion: &Exclusion, visitor: &mut dyn Visitor) -> Result<()> {
    let mut walk = match Walk::new(start, pattern.start(), ()) {
        Ok(walk) => walk,
        Err(errno) => return Err(failure::system("look into", &names::text(pattern.start()), errno)),
    };
    while walk.step() {
        if exclusion.leaves_out(walk.path()) {
            continue;
        }
        if let Some(folder) = walk.folder().filter(|_| pattern.matches(walk.path())) {
            let met = Met { folder, name: walk.name(), path: walk.path() };
            if visitor.meet(met)?.is_break() {
                break;
            }
        }
        let is_wanted = pattern.reaches_into(walk.path()) && !exclusion.leaves_out_all_in(walk.path());
        if walk.may_be_folder() && is_wanted {
            match walk.enter(()) {
                Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => {}
                Err(errno) => visitor.closed(walk.path(), errno),
            }
        }
    }
    Ok(())
}
