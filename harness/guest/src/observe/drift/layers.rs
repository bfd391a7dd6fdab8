//! The read-only layers of an overlay, as the image was before anything was written: which of them shows a path.
//!
//! It reads the layers' own marks: a whiteout (character device 0:0) hides what lies below, an opaque folder hides the
//! folder of that name below.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::observe::walk;

/// The layers, the topmost first.
pub(crate) struct Layers<'a> {
    roots: &'a [OwnedFd],
}

/// The layers in which a folder exists and is seen, as indices, the topmost first.
pub(crate) type Seen = Vec<usize>;

/// What the layers show at a path.
pub(crate) struct Shown {
    /// The layer that shows it.
    pub(crate) layer: usize,
    /// What it is.
    pub(crate) stat: Stat,
    /// The layers whose folders of this name make it up, when it is a folder.
    pub(crate) folders: Seen,
}

impl<'a> Layers<'a> {
    /// The layers under these roots.
    pub(crate) fn new(roots: &'a [OwnedFd]) -> Self {
        Self { roots }
    }

    /// All of them, in which the root folder is seen.
    pub(crate) fn all(&self) -> Seen {
        (0..self.roots.len()).collect()
    }

    /// What is shown at a path, of which the folder is seen in the given layers; `None` when nothing is.
    pub(crate) fn show(&self, path: &[u8], seen: &Seen) -> Option<Shown> {
        let mut shown: Option<Shown> = None;
        for layer in seen.iter().copied() {
            let Ok(stat) = rustix::fs::statat(&self.roots[layer], relative(path), AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            match &mut shown {
                _ if is_whiteout(&stat) => break,
                None if !is_folder => return Some(Shown { layer, stat, folders: Seen::new() }),
                None => shown = Some(Shown { layer, stat, folders: vec![layer] }),
                Some(shown) if is_folder => shown.folders.push(layer),
                Some(_) => break,
            }
            let is_last = seen.last() == Some(&layer);
            if !is_last && self.open(layer, path).is_ok_and(|folder| is_opaque(folder.as_fd())) {
                break;
            }
        }
        shown
    }

    /// Opens a file or folder of a layer, never through a link.
    pub(crate) fn open(&self, layer: usize, path: &[u8]) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        rustix::fs::openat2(&self.roots[layer], relative(path), flags, Mode::empty(), inside)
    }

    /// Where a link of a layer points.
    pub(crate) fn target(&self, layer: usize, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let target = rustix::fs::readlinkat(&self.roots[layer], relative(path), Vec::new())?;
        Ok(target.into_bytes())
    }

    /// The names that a folder shows, without those that one of its layers hides.
    pub(crate) fn names(&self, path: &[u8], folders: &Seen) -> Vec<Vec<u8>> {
        let mut names: Vec<Vec<u8>> = Vec::new();
        for layer in folders.iter().copied() {
            let entries = self.open(layer, path).and_then(|folder| walk::entries(folder.as_fd()));
            names.extend(entries.unwrap_or_default().into_iter().map(|entry| entry.name.into_bytes()));
        }
        names.sort_unstable();
        names.dedup();
        names.retain(|name| self.show(&[path, b"/", name].concat(), folders).is_some());
        names
    }
}

/// Whether this is the overlay's mark for "removed".
pub(crate) fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// Whether a folder hides the folders of its name below. Sandboxes use the first mark, a machine's own overlay and a VM
/// the second.
pub(crate) fn is_opaque(folder: BorrowedFd<'_>) -> bool {
    ["user.overlay.opaque", "trusted.overlay.opaque"].iter().any(|name| {
        let mut value = [0_u8; 2];
        rustix::fs::fgetxattr(folder, *name, &mut value[..]).is_ok_and(|length| &value[..length] == b"y")
    })
}

/// A path as the layers' descriptors take it.
fn relative(path: &[u8]) -> &[u8] {
    match path {
        [] | [b'/'] => b".",
        [b'/', rest @ ..] => rest,
        path => path,
    }
}
