//! One file as a fact: kind, mode, owner, size, content, attributes. Whatever lies there, looking at it ends.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::content::Reader;
use super::failure::{self, Result};
use super::root::size_of;
use super::users::Users;
use super::{attributes, names};
use crate::message::{FailureKind, FileFact, FileKind};

/// The attribute that says why something was not read. Real attributes have a dot in their names.
pub(crate) const UNREAD: &str = "unread";

/// How much one answer may hold, below the limit of a frame.
const ANSWER_LIMIT: usize = 48 << 20;

/// Looks at files for one request.
pub(crate) struct Look<'a> {
    users: &'a Users,
    reader: Reader,
    text_up_to: Option<u64>,
    room: usize,
}

impl<'a> Look<'a> {
    /// A look that takes in the text of files up to a size, or no text at all.
    pub(crate) fn new(users: &'a Users, text_up_to: Option<u64>) -> Self {
        Self { users, reader: Reader::new(), text_up_to, room: ANSWER_LIMIT }
    }

    /// The reader of contents, to compare files with.
    pub(crate) fn reader(&mut self) -> &mut Reader {
        &mut self.reader
    }

    /// The fact about an entry of a folder; `None` when it is gone. The entry is never followed, never opened unless
    /// it is a file or folder, and what is told of the content is of the file that was opened.
    pub(crate) fn entry(&mut self, folder: BorrowedFd<'_>, name: &CStr, path: &[u8]) -> Option<FileFact> {
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        self.entry_with(&stat, folder, name, path)
    }

    /// The same for an entry of which is known what it was a moment ago.
    pub(crate) fn entry_with(
        &mut self,
        stat: &Stat,
        folder: BorrowedFd<'_>,
        name: &CStr,
        path: &[u8],
    ) -> Option<FileFact> {
        let mut fact = self.outside(path, stat);
        match fact.kind {
            FileKind::File | FileKind::Folder => match open_entry(folder, name) {
                Ok(file) => self.inside(&mut fact, file.as_fd()),
                Err(Errno::NOENT) => return None,
                Err(errno) => unread(&mut fact, &failure::reason(errno)),
            },
            FileKind::Link => {
                let target = rustix::fs::readlinkat(folder, name, Vec::new()).ok()?;
                fact.target = Some(names::text(target.as_bytes()));
            }
            FileKind::Fifo | FileKind::Socket | FileKind::Device | FileKind::Gone => {}
        }
        Some(fact)
    }

    /// The fact about an open folder itself.
    pub(crate) fn folder(&mut self, folder: BorrowedFd<'_>, path: &[u8]) -> std::result::Result<FileFact, Errno> {
        let mut fact = self.outside(path, &rustix::fs::fstat(folder)?);
        self.inside(&mut fact, folder);
        Ok(fact)
    }

    /// Takes note of the space a fact needs in the answer. Fails when the answer would be too long.
    pub(crate) fn account(&mut self, fact: &FileFact) -> Result<()> {
        let attributes: usize = fact.attributes.iter().map(|(name, value)| name.len() + weight(value)).sum();
        let texts = [Some(&fact.path), fact.text.as_ref(), fact.target.as_ref()].into_iter().flatten();
        let needed = 300 + attributes + texts.map(|text| weight(text)).sum::<usize>();
        let too_long = || failure::of(FailureKind::Limit, "tell files: the answer would be longer than 48 MiB");
        self.room = self.room.checked_sub(needed).ok_or_else(too_long)?;
        Ok(())
    }

    /// What the kernel says without opening.
    fn outside(&self, path: &[u8], stat: &Stat) -> FileFact {
        let kind = kind_of(stat);
        FileFact {
            path: if path.is_empty() { "/".into() } else { names::text(path) },
            kind,
            mode: stat.st_mode & 0o7777,
            user: self.users.user(stat.st_uid),
            group: self.users.group(stat.st_gid),
            // A folder's size is a matter of its file system and of its past, not of what it holds.
            size: if matches!(kind, FileKind::File | FileKind::Link) { size_of(stat) } else { 0 },
            digest: None,
            text: None,
            target: None,
            attributes: std::collections::BTreeMap::new(),
            drift: Vec::new(),
        }
    }

    /// What the open file or folder says.
    fn inside(&mut self, fact: &mut FileFact, file: BorrowedFd<'_>) {
        let Ok(stat) = rustix::fs::fstat(file) else { return };
        let path = std::mem::take(&mut fact.path);
        *fact = FileFact { path, ..self.outside(b"", &stat) };
        fact.attributes = attributes::read(file, self.users);
        if fact.kind == FileKind::File {
            self.content(fact, file, &stat);
        }
    }

    fn content(&mut self, fact: &mut FileFact, file: BorrowedFd<'_>, stat: &Stat) {
        // With text, a third of the answer stays free for the facts themselves.
        let text_up_to = self.text_up_to.filter(|_| self.room > ANSWER_LIMIT / 3);
        match self.reader.read(file, stat, text_up_to.unwrap_or(0)) {
            Ok(content) => {
                fact.size = content.size.unwrap_or(fact.size);
                if content.digest.is_none() {
                    unread(fact, "too large");
                }
                fact.digest = content.digest;
                fact.text = content.text.filter(|_| text_up_to.is_some());
            }
            Err(errno) => unread(fact, &failure::reason(errno)),
        }
    }
}

/// Notes in a fact why something of it was not read.
pub(crate) fn unread(fact: &mut FileFact, reason: &str) {
    fact.attributes.insert(UNREAD.into(), reason.into());
}

/// What a file is.
pub(crate) fn kind_of(stat: &Stat) -> FileKind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Folder,
        FileType::Symlink => FileKind::Link,
        FileType::Fifo => FileKind::Fifo,
        FileType::Socket => FileKind::Socket,
        FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => FileKind::Device,
    }
}

/// Opens an entry that was a file or folder a moment ago. Should it be something else by now, this does not block.
pub(crate) fn open_entry(folder: BorrowedFd<'_>, name: &CStr) -> std::result::Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty())
}

/// About how long a text is in JSON.
fn weight(text: &str) -> usize {
    text.bytes().map(|byte| if byte < 0x20 && byte != b'\n' && byte != b'\t' { 6 } else { 1 }).sum::<usize>()
        + text.bytes().filter(|byte| matches!(byte, b'\n' | b'\t' | b'"' | b'\\')).count()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::*;

    fn entry(folder: &Path, name: &CStr) -> Option<FileFact> {
        let users = Users::default();
        let open = fs::File::open(folder).unwrap();
        Look::new(&users, Some(100)).entry(open.as_fd(), name, &[b"/", name.to_bytes()].concat())
    }

    #[test]
    fn a_file_is_told_with_mode_and_content() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "hello").unwrap();
        fs::set_permissions(folder.path().join("file"), fs::Permissions::from_mode(0o4755)).unwrap();
        let fact = entry(folder.path(), c"file").unwrap();
        assert_eq!((fact.kind, fact.mode, fact.size, fact.text.as_deref()), (FileKind::File, 0o4755, 5, Some("hello")));
        assert_eq!((fact.path.as_str(), fact.attributes.len()), ("/file", 0));
    }

    #[test]
    fn a_link_is_told_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        symlink("/proc/kmsg", folder.path().join("link")).unwrap();
        let fact = entry(folder.path(), c"link").unwrap();
        assert_eq!((fact.kind, fact.target.as_deref(), fact.digest), (FileKind::Link, Some("/proc/kmsg"), None));
    }

    #[test]
    fn fifos_and_sockets_are_told_without_opening() {
        let folder = tempfile::tempdir().unwrap();
        let open = fs::File::open(folder.path()).unwrap();
        rustix::fs::mknodat(&open, "fifo", FileType::Fifo, Mode::RUSR, 0).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        assert_eq!(entry(folder.path(), c"fifo").unwrap().kind, FileKind::Fifo);
        assert_eq!(entry(folder.path(), c"socket").unwrap().kind, FileKind::Socket);
        assert_eq!(entry(folder.path(), c"nothing"), None);
    }

    #[test]
    fn a_huge_file_is_told_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = fs::File::create(folder.path().join("sparse")).unwrap();
        if file.set_len(8 << 40).is_err() {
            return;
        }
        let fact = entry(folder.path(), c"sparse").unwrap();
        assert_eq!((fact.size, fact.digest), (8 << 40, None));
        assert_eq!(fact.attributes[UNREAD], "too large");
    }

    #[test]
    fn the_weight_of_a_text_is_that_of_its_json() {
        for text in ["plain", "a\nb\t\"c\"\\", "\u{1b}[31m", "größe"] {
            assert_eq!(weight(text) + 2, serde_json::to_string(text).unwrap().len(), "{text:?}");
        }
    }
}
