//! A walk through a tree by descriptors: iterative, sorted, with few descriptors open however deep the tree is.
//!
//! It never follows a link and never leaves the tree: a folder is opened from its parent's descriptor, and the way
//! back through `..` counts only when it leads to the same folder. File systems of the kernel (`/proc`, `/sys` …) are
//! not entered: their files are made when they are read, and reading some of them waits or changes something. It knows
//! nothing of what is looked for.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;

/// How many folders at the top of the tree, and how many above the present one, stay open.
const KEPT_OPEN: usize = 32;

/// The longest path that is told, the kernel's `PATH_MAX`: nobody can name what lies deeper by an absolute path, and a
/// tree of 4,000 levels would make an answer of hundreds of megabytes.
pub(crate) const PATH_LIMIT: usize = 4096;

/// A walk that stands at one entry of a folder. `T` is what the walker wants to remember about each open folder.
pub(crate) struct Walk<T> {
    frames: Vec<Frame<T>>,
    path: Vec<u8>,
    entry: Entry,
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: CString,
    /// Whether it can be a folder, as far as the folder says.
    pub(crate) may_be_folder: bool,
}

struct Frame<T> {
    folder: Option<OwnedFd>,
    identity: (u64, u64),
    names: std::vec::IntoIter<Entry>,
    path_length: usize,
    note: T,
}

impl<T> Walk<T> {
    /// A walk that begins in a folder, of which the path is told as the given one (empty for `/`).
    pub(crate) fn new(folder: OwnedFd, path: &[u8], note: T) -> Result<Self, Errno> {
        let entry = Entry { name: CString::default(), may_be_folder: true };
        let mut walk = Self { frames: Vec::new(), path: path.to_vec(), entry };
        walk.push(folder, note)?;
        Ok(walk)
    }

    /// Goes to the next entry; `false` at the end.
    pub(crate) fn step(&mut self) -> bool {
        while let Some(frame) = self.frames.last_mut() {
            let length = frame.path_length;
            if let Some(entry) = frame.folder.as_ref().and_then(|_| frame.names.next()) {
                self.path.truncate(length);
                self.path.push(b'/');
                self.path.extend_from_slice(entry.name.as_bytes());
                self.entry = entry;
                return true;
            }
            self.leave();
        }
        false
    }

    /// The folder that holds the present entry.
    pub(crate) fn folder(&self) -> Option<BorrowedFd<'_>> {
        self.frames.last().and_then(|frame| frame.folder.as_ref()).map(AsFd::as_fd)
    }

    /// The present entry's name.
    pub(crate) fn name(&self) -> &CStr {
        &self.entry.name
    }

    /// Whether the present entry can be a folder.
    pub(crate) fn may_be_folder(&self) -> bool {
        self.entry.may_be_folder
    }

    /// The present entry's path.
    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }

    /// What was noted for the folder that holds the present entry.
    pub(crate) fn note(&self) -> Option<&T> {
        self.frames.last().map(|frame| &frame.note)
    }

    /// The entries of the folder entered last that are still to come, sorted.
    pub(crate) fn to_come(&self) -> &[Entry] {
        self.frames.last().map_or(&[], |frame| frame.names.as_slice())
    }

    /// Enters the present entry, a folder: its entries come next. Fails when it is none, can not be opened, belongs to
    /// the kernel (`EXDEV`), or when its entries' paths would be longer than [`PATH_LIMIT`] (`ENAMETOOLONG`).
    pub(crate) fn enter(&mut self, note: T) -> Result<(), Errno> {
        if self.path.len() + 256 > PATH_LIMIT {
            return Err(Errno::NAMETOOLONG);
        }
        let folder = self.folder().ok_or(Errno::BADF)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(folder, &self.entry.name, flags, Mode::empty())?;
        self.push(folder, note)
    }

    fn push(&mut self, folder: OwnedFd, note: T) -> Result<(), Errno> {
        let identity = identity(folder.as_fd())?;
        let is_other_file_system = self.frames.last().is_none_or(|above| above.identity.0 != identity.0);
        if is_other_file_system && is_kernels(folder.as_fd())? {
            return Err(Errno::XDEV);
        }
        let names = entries(folder.as_fd())?.into_iter();
        if let Some(old) = self.frames.len().checked_sub(KEPT_OPEN).filter(|old| *old >= KEPT_OPEN) {
            self.frames[old].folder = None;
        }
        self.frames.push(Frame { folder: Some(folder), identity, names, path_length: self.path.len(), note });
        Ok(())
    }

    /// Leaves the present folder and makes sure that the one above it is open again. When somebody moved it away
    /// meanwhile, the rest of it is passed over.
    fn leave(&mut self) {
        let Some(left) = self.frames.pop() else { return };
        let Some(above) = self.frames.last_mut().filter(|above| above.folder.is_none()) else { return };
        let Some(folder) = left.folder else { return };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&folder, "..", flags, Mode::empty()).ok();
        above.folder = opened.filter(|opened| identity(opened.as_fd()) == Ok(above.identity));
    }
}

/// The entries of a folder, without `.` and `..`, sorted by the bytes of their names.
pub(crate) fn entries(folder: BorrowedFd<'_>) -> Result<Vec<Entry>, Errno> {
    let mut space = [MaybeUninit::uninit(); 16 << 10];
    let mut raw = RawDir::new(folder, &mut space);
    let mut entries = Vec::new();
    while let Some(entry) = raw.next() {
        let entry = match entry {
            Ok(entry) => entry,
            // The folder was removed while it was read: what was read is what there was.
            Err(Errno::NOENT) => break,
            Err(errno) => return Err(errno),
        };
        let name = entry.file_name();
        if name != c"." && name != c".." {
            let may_be_folder = matches!(entry.file_type(), FileType::Directory | FileType::Unknown);
            entries.push(Entry { name: name.to_owned(), may_be_folder });
        }
    }
    entries.sort_unstable();
    Ok(entries)
}

fn identity(folder: BorrowedFd<'_>) -> Result<(u64, u64), Errno> {
    rustix::fs::fstat(folder).map(|stat| (stat.st_dev, stat.st_ino))
}

/// Whether a folder belongs to a file system of which the kernel makes the files up.
pub(crate) fn is_kernels(folder: BorrowedFd<'_>) -> Result<bool, Errno> {
    let kind = rustix::fs::fstatfs(folder)?.f_type;
    Ok(KERNEL_FILE_SYSTEMS.iter().any(|magic| i128::from(kind) & 0xffff_ffff == i128::from(*magic)))
}

/// From `linux/magic.h`: `proc`, `sysfs`, `devpts`, `cgroup`, `cgroup2`, `debugfs`, `tracefs`, `securityfs`, `bpf`,
/// `mqueue`, `pstore`, `efivarfs`, `configfs`, `binfmt_misc`, `fusectl`, `selinuxfs`.
const KERNEL_FILE_SYSTEMS: [u32; 16] = [
    0x9fa0,
    0x6265_6572,
    0x1cd1,
    0x0027_e0eb,
    0x6367_7270,
    0x6462_6720,
    0x7472_6163,
    0x7363_6673,
    0xcafe_4a11,
    0x1980_0202,
    0x6165_676c,
    0xde5e_81e4,
    0x6265_6570,
    0x4249_4e4d,
    0x6573_5543,
    0xf97c_ff8c,
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tests::{make_chain, remove_chain};
    use super::*;

    fn walk_all(walk: &mut Walk<()>) -> Vec<String> {
        let mut paths = Vec::new();
        while walk.step() {
            paths.push(super::super::names::text(walk.path()));
            let _ = walk.enter(());
        }
        paths
    }

    fn open(path: &std::path::Path) -> OwnedFd {
        fs::File::open(path).unwrap().into()
    }

    #[test]
    fn entries_come_sorted_and_links_are_not_entered() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("b/c")).unwrap();
        fs::write(folder.path().join("b.conf"), "").unwrap();
        fs::write(folder.path().join("b/c/d"), "").unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("a")).unwrap();
        let mut walk = Walk::new(open(folder.path()), b"", ()).unwrap();
        assert_eq!(walk_all(&mut walk), ["/a", "/b", "/b/c", "/b/c/d", "/b.conf"]);
    }

    #[test]
    fn a_tree_of_4000_levels_ends_at_the_longest_path_with_few_descriptors() {
        let folder = tempfile::tempdir().unwrap();
        make_chain(folder.path(), 4000);
        let mut walk = Walk::new(open(folder.path()), b"", ()).unwrap();
        let mut most_open = 0;
        let mut paths = Vec::new();
        while walk.step() {
            paths.push(walk.path().to_vec());
            let _ = walk.enter(());
            most_open = most_open.max(walk.frames.iter().filter(|frame| frame.folder.is_some()).count());
        }
        assert!(most_open <= 2 * KEPT_OPEN + 1, "{most_open} descriptors were open");
        // Down to the limit a folder and its neighbour were both seen: the way back up worked.
        let deepest = paths.iter().map(Vec::len).max().unwrap();
        assert!(deepest > PATH_LIMIT - 300 && deepest <= PATH_LIMIT, "{deepest}");
        assert_eq!(paths.iter().filter(|path| path.ends_with(b"e")).count(), deepest / 2);
        remove_chain(folder.path());
    }

    #[test]
    fn file_systems_of_the_kernel_are_not_entered() {
        let mut walk = Walk::new(open("/".as_ref()), b"", ()).unwrap();
        while walk.step() && walk.name() != c"proc" {}
        assert_eq!(walk.enter(()), Err(Errno::XDEV));
        assert_eq!(Walk::new(open("/proc/self".as_ref()), b"", ()).err(), Some(Errno::XDEV));
    }

    #[test]
    fn a_folder_moved_away_during_the_walk_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let depth = 3 * KEPT_OPEN;
        make_chain(folder.path(), depth);
        let elsewhere = tempfile::tempdir().unwrap();
        let mut walk = Walk::new(open(folder.path()), b"", ()).unwrap();
        while walk.step() && walk.enter(()).is_ok() {}
        let deep: std::path::PathBuf = std::iter::repeat_n("d", 2 * KEPT_OPEN).collect();
        fs::rename(folder.path().join(&deep), elsewhere.path().join("moved")).unwrap();
        let mut seen = 0;
        while walk.step() {
            seen += 1;
        }
        // The first folders were still open, so their other entries are seen; what was moved is not mistaken.
        assert!((KEPT_OPEN..depth).contains(&seen), "{seen}");
    }
}
