//! The walk of the upper folder and the comparison of each entry with what the image shows at its path.

use std::collections::HashSet;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Stat};
use rustix::io::Errno;

use super::layers::{self, Layers, Seen, Shown};
use crate::message::{Drift as Question, FileFact, FileKind, STRICTER};
use crate::observe::fact::{self, Look, kind_of, open_entry};
use crate::observe::failure::{self, Result};
use crate::observe::globs::Exclusion;
use crate::observe::root::size_of;
use crate::observe::users::Users;
use crate::observe::walk::Walk;
use crate::observe::{attributes, names};

/// The two sides of a comparison.
pub(crate) struct Overlay<'a> {
    /// The folder that takes what is written.
    pub(crate) upper: BorrowedFd<'a>,
    /// The read-only layers, the topmost first.
    pub(crate) lowers: &'a [OwnedFd],
}

/// Tells what was written, at most so many files, without what is left out or explained.
pub(crate) fn drift(overlay: &Overlay<'_>, question: &Question, users: &Users) -> Result<Vec<FileFact>> {
    let exclusion = Exclusion::new(&question.exclude)?;
    let explained = question.explained.iter().map(|path| path.trim_end_matches('/').as_bytes()).collect();
    let (look, layers) = (Look::new(users, None), Layers::new(overlay.lowers));
    let limit = question.limit;
    let mut drift = Drift { look, layers, users, exclusion: &exclusion, explained, limit, facts: Vec::new() };
    drift.walk(overlay.upper)?;
    drift.facts.sort_by(|one, other| names::by_components(&one.path, &other.path));
    Ok(drift.facts)
}

struct Drift<'a> {
    look: Look<'a>,
    layers: Layers<'a>,
    users: &'a Users,
    exclusion: &'a Exclusion,
    explained: HashSet<&'a [u8]>,
    limit: usize,
    facts: Vec<FileFact>,
}

/// What is remembered of an open folder of the upper side.
struct Note {
    /// The layers that would show through it, were it not opaque.
    seen: Seen,
    /// Whether they do not: then what they hold is gone unless it was written anew.
    is_opaque: bool,
    /// Whether all that was written in it is explained.
    is_explained: bool,
}

impl Drift<'_> {
    fn walk(&mut self, upper: BorrowedFd<'_>) -> Result<()> {
        let failed = |errno| failure::system("look into", "/", errno);
        let top = open_entry(upper, c".").map_err(failed)?;
        let seen = self.layers.all();
        let shown = self.layers.show(b"", &seen);
        let fact = self.look.folder(top.as_fd(), b"").map_err(failed)?;
        let entry = Entry { folder: top.as_fd(), name: c".", path: b"" };
        self.compare(&entry, fact, shown.as_ref())?;
        let note = Note { seen, is_opaque: false, is_explained: false };
        let mut walk = Walk::new(top, b"", note).map_err(failed)?;
        while self.facts.len() < self.limit && walk.step() {
            if !self.exclusion.leaves_out(walk.path()) {
                self.step(&mut walk)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, walk: &mut Walk<Note>) -> Result<()> {
        let (Some(folder), Some(note)) = (walk.folder(), walk.note()) else { return Ok(()) };
        let Ok(stat) = rustix::fs::statat(folder, walk.name(), AtFlags::SYMLINK_NOFOLLOW) else { return Ok(()) };
        let shown = self.layers.show(walk.path(), &note.seen);
        let (is_opaque, is_explained) = (note.is_opaque, note.is_explained || self.explained.contains(walk.path()));
        if layers::is_whiteout(&stat) {
            return if shown.is_some() && !is_explained { self.gone(walk.path(), shown.as_ref()) } else { Ok(()) };
        }
        if !is_explained || opens_a_door(&stat) {
            let entry = Entry { folder, name: walk.name(), path: walk.path() };
            let Some(fact) = self.look.entry_with(&stat, entry.folder, entry.name, entry.path) else { return Ok(()) };
            self.compare(&entry, fact, shown.as_ref())?;
        }
        if kind_of(&stat) == FileKind::Folder && !self.exclusion.leaves_out_all_in(walk.path()) {
            let seen = shown.map(|shown| shown.folders).unwrap_or_default();
            self.enter(walk, Note { seen, is_opaque, is_explained })?;
        }
        Ok(())
    }

    fn enter(&mut self, walk: &mut Walk<Note>, mut note: Note) -> Result<()> {
        if !note.seen.is_empty() && !note.is_opaque {
            let open = walk.folder().and_then(|folder| open_entry(folder, walk.name()).ok());
            note.is_opaque = open.is_some_and(|folder| layers::is_opaque(folder.as_fd()));
        }
        let hidden =
            if note.is_opaque && !note.is_explained { self.layers.names(walk.path(), &note.seen) } else { Vec::new() };
        let path = walk.path().to_vec();
        if let Err(errno) = walk.enter(note) {
            self.closed(&path, errno);
            return Ok(());
        }
        for name in hidden {
            let is_there = walk.to_come().binary_search_by(|entry| entry.name.as_bytes().cmp(&name)).is_ok();
            let path = [&path[..], b"/", &name].concat();
            if !is_there && !self.exclusion.leaves_out(&path) && self.facts.len() < self.limit {
                self.gone(&path, None)?;
            }
        }
        Ok(())
    }

    /// Notes that a folder could not be looked into. It need not have been told for itself.
    fn closed(&mut self, path: &[u8], errno: Errno) {
        if matches!(errno, Errno::NOENT | Errno::NOTDIR) {
            return;
        }
        let path = names::text(path);
        if let Some(fact) = self.facts.last_mut().filter(|fact| fact.path == path) {
            fact::unread(fact, &failure::reason(errno));
        }
    }

    /// Notes what the image shows and the root does not; of a link where it led.
    fn gone(&mut self, path: &[u8], shown: Option<&Shown>) -> Result<()> {
        let target = shown.and_then(|shown| self.layers.target(shown.layer, path).ok());
        let fact = FileFact {
            path: names::text(path),
            kind: FileKind::Gone,
            mode: 0,
            user: String::new(),
            group: String::new(),
            size: 0,
            digest: None,
            text: None,
            target: target.map(|target| names::text(&target)),
            attributes: std::collections::BTreeMap::new(),
            drift: vec!["kind".into()],
        };
        self.tell(fact)
    }

    fn tell(&mut self, fact: FileFact) -> Result<()> {
        self.look.account(&fact)?;
        self.facts.push(fact);
        Ok(())
    }

    fn compare(&mut self, entry: &Entry<'_>, mut fact: FileFact, shown: Option<&Shown>) -> Result<()> {
        fact.drift = match shown {
            None => vec!["new".into()],
            Some(shown) => self.differences(entry, &fact, shown).into_iter().map(Into::into).collect(),
        };
        if fact.kind == FileKind::Folder && fact.drift.is_empty() {
            return Ok(());
        }
        self.tell(fact)
    }

    fn differences(&mut self, entry: &Entry<'_>, fact: &FileFact, shown: &Shown) -> Vec<&'static str> {
        let Ok(stat) = rustix::fs::statat(entry.folder, entry.name, AtFlags::SYMLINK_NOFOLLOW) else {
            return vec!["kind"];
        };
        if kind_of(&stat) != kind_of(&shown.stat) {
            return vec!["kind"];
        }
        let mut differences = Vec::new();
        let mut differs = |is_so: bool, word| differences.extend(is_so.then_some(word));
        differs(self.content_differs(entry, &stat, shown), "content");
        let mode = if fact.kind == FileKind::File && is_stricter(stat.st_mode, shown.stat.st_mode) {
            STRICTER
        } else {
            "mode"
        };
        differs(stat.st_mode != shown.stat.st_mode && fact.kind != FileKind::Link, mode);
        differs((stat.st_uid, stat.st_gid) != (shown.stat.st_uid, shown.stat.st_gid), "owner");
        differs(fact.kind == FileKind::Link && self.target_differs(entry, fact, shown), "target");
        differs(self.attributes_differ(entry, fact, shown), "attributes");
        differences
    }

    fn content_differs(&mut self, entry: &Entry<'_>, stat: &Stat, shown: &Shown) -> bool {
        match kind_of(stat) {
            FileKind::Device => return stat.st_rdev != shown.stat.st_rdev,
            FileKind::File => {}
            FileKind::Folder | FileKind::Link | FileKind::Fifo | FileKind::Socket | FileKind::Gone => return false,
        }
        if stat.st_size != shown.stat.st_size {
            return true;
        }
        let Ok(now) = open_entry(entry.folder, entry.name) else { return true };
        let Ok(before) = self.layers.open(shown.layer, entry.path) else { return true };
        let written = |stat: &Stat| (stat.st_mtime, stat.st_mtime_nsec);
        match self.look.reader().same(now.as_fd(), before.as_fd(), size_of(stat)) {
            Ok(Some(is_same)) => !is_same,
            // Too large to be read: copying up keeps the time of the last change, writing does not.
            Ok(None) => written(stat) != written(&shown.stat),
            Err(_) => true,
        }
    }

    fn target_differs(&self, entry: &Entry<'_>, fact: &FileFact, shown: &Shown) -> bool {
        let before = self.layers.target(shown.layer, entry.path).map(|target| names::text(&target));
        before.ok() != fact.target
    }

    fn attributes_differ(&self, entry: &Entry<'_>, fact: &FileFact, shown: &Shown) -> bool {
        if !matches!(fact.kind, FileKind::File | FileKind::Folder) {
            return false;
        }
        let Ok(before) = self.layers.open(shown.layer, entry.path) else { return false };
        let before = attributes::read(before.as_fd(), self.users);
        let now = fact.attributes.iter().filter(|(name, _)| *name != fact::UNREAD);
        !now.eq(before.iter())
    }
}

/// Whether a mode takes rights away from others than the owner, and does nothing else.
const fn is_stricter(now: u32, before: u32) -> bool {
    now & !before == 0 && (now ^ before) & !0o077 == 0
}

/// Whether others than its owner may write it, or it runs with the rights of another: that is told whatever explains it.
fn opens_a_door(stat: &Stat) -> bool {
    let bits = match kind_of(stat) {
        FileKind::File => 0o6002,
        FileKind::Folder => 0o0002,
        FileKind::Link | FileKind::Fifo | FileKind::Socket | FileKind::Device | FileKind::Gone => 0,
    };
    stat.st_mode & bits != 0
}

/// An entry of the upper side.
struct Entry<'a> {
    folder: BorrowedFd<'a>,
    name: &'a CStr,
    path: &'a [u8],
}
