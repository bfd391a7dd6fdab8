//! New lines of logs since a mark: files, rotated or not, and the output of services.
//!
//! A mark remembers of each file its inode, where it ended and a few bytes before that. A file goes on where the mark
//! stands when these bytes are still there, also under another name (it was rotated) or with another inode (the overlay
//! copied it up). Otherwise it is a new file and told from its beginning. What was written to a file between the mark
//! and its rotation is found under its new name in the same folder.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, FileType};

use super::failure::{self, Result};
use super::files::{Opened, each_opened};
use super::globs::Pattern;
use super::lines::{self, Lines};
use super::root::{self, size_of};
use super::walk;
use crate::context::Services;
use crate::message::{FailureKind, LogSource};

/// The most files that a glob of logs may name.
const FILES: usize = 1000;

/// How many bytes at the beginning, and before its end, tell a file from another.
const PRINT: usize = 256;

/// The marks that were made.
#[derive(Default)]
pub(crate) struct Marks {
    marks: Mutex<BTreeMap<String, Mark>>,
}

/// Where logs ended at one moment.
#[derive(Clone, Default)]
struct Mark {
    files: Vec<Place>,
    services: BTreeMap<String, u64>,
}

/// Where a file ended.
#[derive(Clone)]
struct Place {
    path: Vec<u8>,
    inode: (u64, u64),
    end: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Marks {
    /// No marks yet.
    pub(crate) const fn new() -> Self {
        Self { marks: Mutex::new(BTreeMap::new()) }
    }

    /// Remembers where files and the output of all services end now. A mark of the same name is replaced.
    pub(crate) fn set(&self, image: impl AsFd, name: &str, globs: &[String], services: &dyn Services) -> Result<()> {
        let mut mark = Mark::default();
        for service in services.names() {
            let printed = services.printed(&service).unwrap_or(0);
            mark.services.insert(service, printed);
        }
        for glob in globs {
            each_opened(&image, glob, FILES, |opened| {
                mark.files.extend(place(opened));
                Ok(())
            })?;
        }
        self.lock().insert(name.into(), mark);
        Ok(())
    }

    /// The lines since a mark, or all.
    pub(crate) fn lines(
        &self,
        image: impl AsFd,
        source: &LogSource,
        since: Option<&str>,
        services: &dyn Services,
    ) -> Result<Vec<String>> {
        let mark = self.get(since)?;
        match source {
            LogSource::Files(glob) => of_files(image.as_fd(), glob, &mark),
            LogSource::Service(name) => of_service(name, &mark, services),
        }
    }

    fn get(&self, name: Option<&str>) -> Result<Mark> {
        let Some(name) = name else { return Ok(Mark::default()) };
        let unknown = || failure::of(FailureKind::NotFound, format!("read lines since `{name}`: no such mark"));
        self.lock().get(name).cloned().ok_or_else(unknown)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Mark>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_service(name: &str, mark: &Mark, services: &dyn Services) -> Result<Vec<String>> {
    let since = mark.services.get(name).copied().unwrap_or(0);
    let unknown = || failure::of(FailureKind::NotFound, format!("read output of `{name}`: no such service"));
    let printed = services.printed_since(name, since).ok_or_else(unknown)?;
    let mut lines = Lines::default();
    if printed.len() <= lines::BYTES {
        lines.add(&printed);
    } else {
        lines.add(&printed[..lines::BYTES / 2]);
        lines.left_out();
        lines.add(&printed[printed.len() - lines::BYTES / 2..]);
    }
    Ok(lines.into_told())
}

fn of_files(image: BorrowedFd<'_>, glob: &str, mark: &Mark) -> Result<Vec<String>> {
    let mut files = Vec::new();
    each_opened(image, glob, FILES, |opened| {
        if !is_packed(opened.file.as_fd()) {
            files.push(opened);
        }
        Ok(())
    })?;
    let mut spans = rotated(image, &Pattern::new(glob)?, mark, &files);
    for opened in files {
        let from = mark.place_of(&opened).map_or(0, |place| place.end);
        spans.push(Span { from, to: size_of(&opened.stat), file: opened.file });
    }
    let mut lines = Lines::default();
    let mut room = lines::BYTES;
    while let Some(span) = spans.first() {
        room -= span.read(room / spans.len(), &mut lines);
        spans.remove(0);
    }
    Ok(lines.into_told())
}

impl Mark {
    /// The place that a file goes on from: by its inode, or else by its path.
    fn place_of(&self, opened: &Opened) -> Option<&Place> {
        let inode = (opened.stat.st_dev, opened.stat.st_ino);
        let goes_on = |place: &&Place| place.goes_on_in(opened.file.as_fd(), size_of(&opened.stat));
        let same_inode = self.files.iter().filter(|place| place.inode == inode).find(goes_on);
        same_inode.or_else(|| self.files.iter().filter(|place| place.path == opened.path).find(goes_on))
    }
}

impl Place {
    /// Whether a file begins with what this one held at the mark, as far as that is remembered.
    fn goes_on_in(&self, file: BorrowedFd<'_>, size: u64) -> bool {
        let holds = |bytes: &[u8], at: u64| read_at(file, at, bytes.len()) == bytes;
        size >= self.end && holds(&self.head, 0) && holds(&self.tail, self.end - self.tail.len() as u64)
    }
}

/// Where an open file ends, at the end of its last whole line: a line that is being written counts as new.
fn place(opened: Opened) -> Option<Place> {
    let (size, file) = (size_of(&opened.stat), opened.file.as_fd());
    let last_bytes = read_at(file, size.saturating_sub(8 << 10), 8 << 10);
    let unfinished = last_bytes.iter().rev().take_while(|byte| **byte != b'\n').count() as u64;
    let end =
        if unfinished == last_bytes.len() as u64 && size > unfinished { size } else { size.checked_sub(unfinished)? };
    let tail = end.min(PRINT as u64);
    let (head, tail) =
        (read_at(file, 0, usize::try_from(tail).ok()?), read_at(file, end - tail, usize::try_from(tail).ok()?));
    Some(Place { inode: (opened.stat.st_dev, opened.stat.st_ino), path: opened.path, end, head, tail })
}

/// What was written to files that have since gone under another name which the glob does not name.
fn rotated(image: BorrowedFd<'_>, pattern: &Pattern, mark: &Mark, files: &[Opened]) -> Vec<Span> {
    let known: BTreeSet<_> = files.iter().map(|opened| (opened.stat.st_dev, opened.stat.st_ino)).collect();
    let is_same =
        |place: &Place| files.iter().any(|opened| mark.place_of(opened).is_some_and(|of| of.path == place.path));
    let lost = mark.files.iter().filter(|place| pattern.matches(&place.path) && !known.contains(&place.inode));
    lost.filter(|place| !is_same(place)).filter_map(|place| under_another_name(image, place)).collect()
}

fn under_another_name(image: BorrowedFd<'_>, place: &Place) -> Option<Span> {
    let end = place.path.iter().rposition(|byte| *byte == b'/')?;
    let folder = root::open_folder(image, &place.path[..end]).ok()?;
    for entry in walk::entries(folder.as_fd()).ok()? {
        let Ok(stat) = rustix::fs::statat(&folder, &entry.name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if is_file && (stat.st_dev, stat.st_ino) == place.inode {
            let file = super::fact::open_entry(folder.as_fd(), &entry.name).ok()?;
            let to = size_of(&rustix::fs::fstat(&file).ok()?);
            return place.goes_on_in(file.as_fd(), to).then_some(Span { file, from: place.end, to });
        }
    }
    None
}

/// A part of a file.
struct Span {
    file: OwnedFd,
    from: u64,
    to: u64,
}

impl Span {
    /// Reads its lines within a share of the room, and tells how much was taken.
    fn read(&self, share: usize, lines: &mut Lines) -> usize {
        let length = usize::try_from(self.to.saturating_sub(self.from)).unwrap_or(usize::MAX);
        if length <= share {
            lines.add(&read_at(self.file.as_fd(), self.from, length));
            return length;
        }
        let half = share / 2;
        lines.add(&read_at(self.file.as_fd(), self.from, half));
        lines.left_out();
        lines.add(&read_at(self.file.as_fd(), self.to - half as u64, half));
        half * 2
    }
}

/// Whether a file is packed or a journal: no lines are in it.
fn is_packed(file: BorrowedFd<'_>) -> bool {
    let magics: [&[u8]; 5] = [b"\x1f\x8b", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"BZh", b"LPKSHHRH"];
    let head = read_at(file, 0, 8);
    magics.iter().any(|magic| head.starts_with(magic))
}

/// So many bytes of a file, fewer at its end.
fn read_at(file: BorrowedFd<'_>, position: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match rustix::io::pread(file, &mut bytes[filled..], position + filled as u64) {
            Ok(count) if count > 0 => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            _ => break,
        }
    }
    bytes.truncate(filled);
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    struct Web;

    impl Services for Web {
        fn names(&self) -> Vec<String> {
            vec!["web".into()]
        }
        fn service_of(&self, _: i32) -> Option<String> {
            None
        }
        fn processes_of(&self, _: &str) -> Vec<i32> {
            Vec::new()
        }
        fn is_own(&self, _: i32) -> bool {
            false
        }
        fn printed(&self, service: &str) -> Option<u64> {
            (service == "web").then_some(6)
        }
        fn printed_since(&self, service: &str, position: u64) -> Option<Vec<u8>> {
            let all = b"start\nready\n";
            (service == "web").then(|| all[usize::try_from(position).unwrap()..].to_vec())
        }
    }

    struct Logs {
        folder: tempfile::TempDir,
        marks: Marks,
    }

    impl Logs {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), marks: Marks::new() }
        }

        fn append(&self, file: &str, text: &str) {
            let path = self.folder.path().join(file);
            fs::OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
        }

        fn rename(&self, from: &str, to: &str) {
            fs::rename(self.folder.path().join(from), self.folder.path().join(to)).unwrap();
        }

        fn mark(&self) {
            let image = fs::File::open(self.folder.path()).unwrap();
            self.marks.set(image, "m", &["/*".into()], &Web).unwrap();
        }

        fn since(&self, glob: &str, mark: Option<&str>) -> Vec<String> {
            let image = fs::File::open(self.folder.path()).unwrap();
            self.marks.lines(image, &LogSource::Files(glob.into()), mark, &Web).unwrap()
        }

        fn new_lines(&self) -> Vec<String> {
            self.since("/*.log", Some("m"))
        }
    }

    #[test]
    fn only_new_lines_are_told_since_a_mark() {
        let logs = Logs::new();
        logs.append("a.log", "old\nhalf ");
        logs.mark();
        logs.append("a.log", "done\nnew\nno end");
        logs.append("b.log", "unknown to the mark\n");
        assert_eq!(logs.new_lines(), ["half done", "new", "no end", "unknown to the mark"]);
        assert_eq!(logs.since("/a.log", None), ["old", "half done", "new", "no end"]);
    }

    #[test]
    fn a_rotated_file_is_told_to_its_end_and_its_successor_from_its_beginning() {
        let logs = Logs::new();
        logs.append("a.log", "old\n");
        logs.mark();
        logs.append("a.log", "before rotation\n");
        logs.rename("a.log", "a.log.1");
        logs.append("a.log", "a longer line after rotation\n");
        assert_eq!(logs.new_lines(), ["before rotation", "a longer line after rotation"]);
        assert_eq!(logs.since("/a.log*", Some("m")), ["a longer line after rotation", "before rotation"]);
    }

    #[test]
    fn a_truncated_file_is_told_from_its_beginning() {
        let logs = Logs::new();
        logs.append("a.log", "a long old line\n");
        logs.mark();
        fs::write(logs.folder.path().join("a.log"), "new\n").unwrap();
        assert_eq!(logs.new_lines(), ["new"]);
        fs::write(logs.folder.path().join("a.log"), "another line, longer than the old one was\n").unwrap();
        assert_eq!(logs.new_lines(), ["another line, longer than the old one was"]);
    }

    #[test]
    fn a_file_that_was_copied_up_goes_on() {
        let logs = Logs::new();
        logs.append("a.log", "old\n");
        logs.mark();
        fs::copy(logs.folder.path().join("a.log"), logs.folder.path().join("copy")).unwrap();
        logs.rename("copy", "a.log");
        logs.append("a.log", "new\n");
        assert_eq!(logs.new_lines(), ["new"]);
    }

    #[test]
    fn a_file_removed_and_made_again_is_new_even_with_the_same_inode() {
        let logs = Logs::new();
        logs.append("a.log", "old line\n");
        logs.mark();
        fs::remove_file(logs.folder.path().join("a.log")).unwrap();
        logs.append("a.log", "other line\n");
        assert_eq!(logs.new_lines(), ["other line"]);
    }

    #[test]
    fn a_flood_is_told_by_its_beginning_and_end() {
        let logs = Logs::new();
        let flood = (1_000_000..3_000_000).fold(String::new(), |text, number: u32| text + &number.to_string() + "\n");
        logs.append("a.log", &flood);
        let lines = logs.since("/*.log", None);
        assert_eq!((lines.len(), lines[0].as_str(), lines[9999].as_str()), (10_000, "1000000", "2999999"));
    }

    #[test]
    fn packed_files_hold_no_lines() {
        let logs = Logs::new();
        fs::write(logs.folder.path().join("a.log"), b"\x1f\x8b\x08\0\n\n").unwrap();
        assert_eq!(logs.since("/*", None), [""; 0]);
    }

    #[test]
    fn services_are_told_since_their_mark() {
        let logs = Logs::new();
        logs.mark();
        let image = fs::File::open(logs.folder.path()).unwrap();
        let lines = |name: &str, since| logs.marks.lines(&image, &LogSource::Service(name.into()), since, &Web);
        assert_eq!(lines("web", Some("m")).unwrap(), ["ready"]);
        assert_eq!(lines("web", None).unwrap(), ["start", "ready"]);
        assert_eq!(lines("shop", None).unwrap_err().text, "read output of `shop`: no such service");
        assert_eq!(lines("web", Some("x")).unwrap_err().text, "read lines since `x`: no such mark");
    }
}
