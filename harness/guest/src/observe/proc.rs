//! Reading `/proc`: bounded, and parsed so that no process can pretend to be another by its name.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::failure::{self, Result};
use super::{names, root, walk};
use crate::message::FailureKind;

/// The longest file of `/proc` that is read: the maps of a process with 100,000 mappings.
const LIMIT: usize = 16 << 20;

/// The kernel's clock ticks in a second, as `/proc` counts them (`USER_HZ`): 100 on every machine that Linux supports.
const TICKS: u64 = 100;

/// The process file system of the sandbox.
pub(crate) struct Proc {
    folder: OwnedFd,
}

/// One process, by the descriptor of its folder: a new process with the same id is not mistaken for it.
pub(crate) struct ProcessFolder {
    folder: OwnedFd,
    /// Its id.
    pub(crate) pid: i32,
}

/// What `/proc/PID/stat` says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// The process's name, which may hold anything.
    pub(crate) name: String,
    /// The kernel's letter for its state.
    pub(crate) state: char,
    /// Its parent's id.
    pub(crate) parent: i32,
    /// How many threads it has.
    pub(crate) threads: u64,
    /// When it started, in milliseconds since the machine booted.
    pub(crate) started: u64,
    /// Whether it is a thread of the kernel.
    pub(crate) is_kernels: bool,
}

/// What `/proc/PID/status` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// The user whose rights it has.
    pub(crate) uid: u32,
    /// Its resident memory in bytes.
    pub(crate) memory: u64,
}

/// A mapping of `/proc/PID/maps`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// Whether its content can be run.
    pub(crate) is_code: bool,
    /// The device of the file, major and minor.
    pub(crate) device: (u32, u32),
    /// The file's inode.
    pub(crate) inode: u64,
    /// The file's path, with ` (deleted)` behind it where the kernel says so.
    pub(crate) path: Vec<u8>,
}

impl Proc {
    /// Opens it, and makes sure that it is what it is called.
    pub(crate) fn open(image: impl AsFd) -> Result<Self> {
        let folder =
            root::open_folder(image, b"/proc").map_err(|errno| failure::system("look into", "/proc", errno))?;
        if walk::is_kernels(folder.as_fd()) != Ok(true) {
            return Err(failure::of(FailureKind::System, "look into `/proc`: not the kernel's"));
        }
        Ok(Self { folder })
    }

    /// The processes, in the order of their ids.
    pub(crate) fn processes(&self) -> Result<Vec<ProcessFolder>> {
        let failed = |errno| failure::system("look into", "/proc", errno);
        let again = rustix::fs::openat(&self.folder, c".", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        let entries = walk::entries(again.map_err(failed)?.as_fd()).map_err(failed)?;
        let mut pids: Vec<i32> = entries.iter().filter_map(|entry| entry.name.to_str().ok()?.parse().ok()).collect();
        pids.sort_unstable();
        Ok(pids.into_iter().filter_map(|pid| self.process(pid)).collect())
    }

    /// One process; `None` when it is gone.
    pub(crate) fn process(&self, pid: i32) -> Option<ProcessFolder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(&self.folder, pid.to_string(), flags, Mode::empty()).ok()?;
        Some(ProcessFolder { folder, pid })
    }

    /// A file that is not a process's, such as `self/net/tcp`.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>> {
        read(self.folder.as_fd(), path).map_err(|errno| failure::system("read", &format!("/proc/{path}"), errno))
    }
}

impl ProcessFolder {
    /// A file of the process; nothing when it is gone or does not show it.
    pub(crate) fn read(&self, name: &str) -> Option<Vec<u8>> {
        read(self.folder.as_fd(), name).ok()
    }

    /// What it is and does; `None` when it is gone.
    pub(crate) fn stat(&self) -> Option<Stat> {
        parse_stat(&self.read("stat")?)
    }

    /// Its user and memory.
    pub(crate) fn status(&self) -> Option<Status> {
        parse_status(&self.read("status")?)
    }

    /// What it has mapped; empty when that is not shown.
    pub(crate) fn maps(&self) -> Vec<Mapping> {
        self.read("maps").unwrap_or_default().split(|byte| *byte == b'\n').filter_map(parse_mapping).collect()
    }

    /// Where one of its links points, such as `exe`.
    pub(crate) fn link(&self, name: &str) -> Option<Vec<u8>> {
        rustix::fs::readlinkat(&self.folder, name, Vec::new()).ok().map(std::ffi::CString::into_bytes)
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> u64 {
        let Some(folder) = self.descriptor_folder() else { return 0 };
        // Since Linux 6.2 the size of the folder is the number; counting 100,000 entries takes time.
        let size = rustix::fs::fstat(&folder).map_or(0, |stat| root::size_of(&stat));
        if size > 0 { size } else { walk::entries(folder.as_fd()).map_or(0, |entries| entries.len() as u64) }
    }

    /// The inodes of its sockets, of its first 65,536 descriptors.
    pub(crate) fn sockets(&self) -> Vec<u64> {
        let Some(folder) = self.descriptor_folder() else { return Vec::new() };
        let entries = walk::entries(folder.as_fd()).unwrap_or_default();
        let target = |name| rustix::fs::readlinkat(&folder, name, Vec::new()).ok();
        let targets = entries.into_iter().take(1 << 16).filter_map(|entry| target(entry.name));
        targets.filter_map(|target| socket_inode(target.as_bytes())).collect()
    }

    fn descriptor_folder(&self) -> Option<OwnedFd> {
        rustix::fs::openat(&self.folder, c"fd", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()
    }
}

/// The path of a link or mapping of a file that is gone, without the kernel's remark.
pub(crate) fn without_deleted(path: &[u8]) -> Option<&[u8]> {
    path.strip_suffix(b" (deleted)")
}

fn read(folder: BorrowedFd<'_>, path: &str) -> std::result::Result<Vec<u8>, Errno> {
    let file = rustix::fs::openat(folder, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    root::read_up_to(file.as_fd(), LIMIT)
}

fn socket_inode(target: &[u8]) -> Option<u64> {
    std::str::from_utf8(target).ok()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

fn parse_stat(stat: &[u8]) -> Option<Stat> {
    let begin = stat.iter().position(|byte| *byte == b'(')?;
    // The name may hold brackets and spaces itself, so the last one counts.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields: Vec<_> = std::str::from_utf8(&stat[end + 1..]).ok()?.split_ascii_whitespace().collect();
    // `man 5 proc` counts from one, and the state is field 3.
    let field = |number: usize| fields.get(number - 3).copied();
    let ticks: u64 = field(22)?.parse().ok()?;
    Some(Stat {
        name: names::text(stat.get(begin + 1..end)?),
        state: field(3)?.chars().next()?,
        parent: field(4)?.parse().ok()?,
        threads: field(20)?.parse().ok()?,
        started: ticks.saturating_mul(1000 / TICKS),
        is_kernels: field(9)?.parse::<u32>().ok()? & 0x0020_0000 != 0,
    })
}

fn parse_status(status: &[u8]) -> Option<Status> {
    let text = String::from_utf8_lossy(status);
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kibibytes = line("VmRSS").and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let uid = line("Uid")?.split_whitespace().nth(1)?.parse().ok()?;
    Some(Status { uid, memory: kibibytes.unwrap_or(0) * 1024 })
}

fn parse_mapping(line: &[u8]) -> Option<Mapping> {
    let mut fields = line.splitn(6, |byte| *byte == b' ');
    let mut text = || std::str::from_utf8(fields.next()?).ok();
    let (_, rights, _, device, inode) = (text()?, text()?, text()?, text()?, text()?);
    let (major, minor) = device.split_once(':')?;
    Some(Mapping {
        is_code: rights.as_bytes().get(2) == Some(&b'x'),
        device: (u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?),
        inode: inode.parse().ok()?,
        path: with_newlines(fields.next()?.trim_ascii_start()),
    })
}

/// A path as the kernel writes it in `maps`, where a newline is `\012`.
fn with_newlines(path: &[u8]) -> Vec<u8> {
    let mut told = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, tail)) = rest.split_first() {
        match rest.strip_prefix(br"\012") {
            Some(tail) => (told.push(b'\n'), rest = tail).1,
            None => (told.push(*first), rest = tail).1,
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAT: &str = "812 (nginx) S 1 812 812 0 -1 4194368 71 0 0 0 0 0 0 0 20 0 1 0 3512 11333632 420 \
        18446744073709551615 94 95 140 0 0 0 0 1073746048 402745863 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn a_process_is_read() {
        let stat = parse_stat(STAT.as_bytes()).unwrap();
        let expected =
            Stat { name: "nginx".into(), state: 'S', parent: 1, threads: 1, started: 35120, is_kernels: false };
        assert_eq!(stat, expected);
        let kernel = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 0 0 0\n";
        assert!(parse_stat(kernel.as_bytes()).unwrap().is_kernels);
    }

    #[test]
    fn a_name_can_not_pretend_to_be_the_rest_of_the_line() {
        let stat = parse_stat(STAT.replace("nginx", ") R 1 (x").as_bytes()).unwrap();
        assert_eq!((stat.name.as_str(), stat.state), (") R 1 (x", 'S'));
    }

    #[test]
    fn status_tells_the_effective_user_and_the_memory() {
        let status = b"Name:\tx\\nUid:\t0\nUmask:\t0022\nUid:\t0\t33\t0\t0\nVmRSS:\t    1680 kB\nThreads:\t1\n";
        assert_eq!(parse_status(status).unwrap(), Status { uid: 33, memory: 1_720_320 });
        assert_eq!(parse_status(b"Name:\tzombie\nUid:\t1\t1\t1\t1\n").unwrap().memory, 0);
    }

    #[test]
    fn mappings_are_read_with_odd_paths() {
        let line = b"7f00-7f01 r-xp 00001000 fe:10 1234                       /usr/lib/a b\\012c.so (deleted)";
        let mapping = parse_mapping(line).unwrap();
        assert_eq!((mapping.is_code, mapping.device, mapping.inode), (true, (0xfe, 0x10), 1234));
        assert_eq!(without_deleted(&mapping.path), Some(&b"/usr/lib/a b\nc.so"[..]));
        assert_eq!(
            parse_mapping(b"7f00-7f01 rw-p 00000000 00:00 0 "),
            Some(Mapping { is_code: false, device: (0, 0), inode: 0, path: Vec::new() })
        );
    }

    #[test]
    fn this_process_is_there() {
        let proc = Proc::open(std::fs::File::open("/").unwrap()).unwrap();
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(proc.processes().unwrap().iter().any(|process| process.pid == pid));
        let process = proc.process(pid).unwrap();
        // The first thread of this program mostly sleeps while it waits for the tests.
        assert!(matches!(process.stat().unwrap().state, 'S' | 'R'));
        assert!(process.status().unwrap().memory > 0 && process.descriptors() > 2);
        assert!(
            process.maps().iter().any(|mapping| mapping.is_code && Some(&mapping.path) == process.link("exe").as_ref())
        );
    }

    #[test]
    fn what_is_not_the_kernels_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("proc")).unwrap();
        assert!(Proc::open(std::fs::File::open(folder.path()).unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (parse_stat(&line), parse_status(&line), parse_mapping(&line), socket_inode(&line));
        }

        #[test]
        fn any_name_is_read_back(name in "\\PC{1,15}") {
            let stat = parse_stat(STAT.replace("nginx", &name).as_bytes()).unwrap();
            prop_assert_eq!(stat.name, names::text(name.as_bytes()));
        }
    }
}
