//! Who descends from whom: the processes of the sandbox as a tree.

use std::collections::HashMap;
use std::fs;

/// One process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    /// In clock ticks since the machine's start.
    pub(crate) started: u64,
    /// Processor time in clock ticks.
    pub(crate) ticks: u64,
    /// Resident pages.
    pub(crate) pages: u64,
    /// Whether it has ended and only waits to be reaped.
    pub(crate) zombie: bool,
    /// Whether it has begun to end, or has ended: it may have closed its sockets and still count as running.
    pub(crate) ending: bool,
}

/// The kernel's flag of a process that is ending (`PF_EXITING`).
const EXITING: u64 = 4;

/// All processes at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family(HashMap<i32, Member>);

impl Family {
    /// Reads `/proc`.
    pub(crate) fn now() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid| Some((pid, member(pid)?))).collect()
    }

    /// All processes.
    pub(crate) fn all(&self) -> impl Iterator<Item = (i32, Member)> + '_ {
        self.0.iter().map(|(pid, member)| (*pid, *member))
    }

    /// One process; `None` where there was none with this id.
    pub(crate) fn get(&self, pid: i32) -> Option<Member> {
        self.0.get(&pid).copied()
    }

    /// Whether a process is `ancestor` or descends from it.
    pub(crate) fn descends(&self, pid: i32, ancestor: i32) -> bool {
        self.line(pid).any(|one| one == ancestor)
    }

    /// A process and its ancestors, the nearest first.
    pub(crate) fn line(&self, pid: i32) -> impl Iterator<Item = i32> + '_ {
        // Bounded, because the table was not read in one instant and may even hold a circle.
        std::iter::successors(Some(pid), |pid| self.0.get(pid).map(|member| member.parent))
            .take_while(|pid| *pid > 0)
            .take(self.0.len() + 1)
    }

    /// The living descendants of a process, without itself, in the order of their ids.
    pub(crate) fn below(&self, ancestor: i32) -> Vec<i32> {
        let mut found: Vec<i32> = self
            .all()
            .filter(|(pid, member)| *pid != ancestor && !member.zombie && self.descends(*pid, ancestor))
            .map(|(pid, _)| pid)
            .collect();
        found.sort_unstable();
        found
    }
}

impl FromIterator<(i32, Member)> for Family {
    fn from_iter<T: IntoIterator<Item = (i32, Member)>>(members: T) -> Self {
        Self(members.into_iter().collect())
    }
}

/// Reads one process; `None` when it is gone.
pub(crate) fn member(pid: i32) -> Option<Member> {
    let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name may be any bytes: a process must not get out of sight by it.
    parse(&String::from_utf8_lossy(&bytes))
}

/// The name of a process, as the kernel has it.
pub(crate) fn name(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()
}

fn parse(stat: &str) -> Option<Member> {
    // The name may hold anything, brackets and spaces too: what counts begins after its last bracket.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let id = |at: usize| fields.get(at)?.parse::<i32>().ok();
    let zombie = matches!(*fields.first()?, "Z" | "X");
    Some(Member {
        parent: id(1)?,
        group: id(2)?,
        session: id(3)?,
        started: number(19)?,
        ticks: number(11)? + number(12)?,
        pages: number(21)?,
        zombie,
        ending: zombie || number(6)? & EXITING != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_whose_name_is_no_text_is_seen() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join(std::ffi::OsStr::from_bytes(b"\xfe"));
        fs::copy("/bin/sleep", &program).expect("a copy");
        let mut child = std::process::Command::new(program).arg("1000").spawn().expect("it starts");
        let pid = i32::try_from(child.id()).expect("an id");
        let seen = (Family::now().get(pid).is_some(), name(pid));
        child.kill().expect("killed");
        child.wait().expect("reaped");
        assert_eq!(seen, (true, "\u{fffd}".to_owned()));
    }

    #[test]
    fn a_name_with_brackets_does_not_confuse() {
        let stat = "7 () R 1 (x) S 3 4 5 0 -1 4194560 1 0 0 0 10 5 0 0 20 0 1 0 99 1000 42 18446744073709551615";
        let member = parse(stat).expect("a valid line");
        assert_eq!((member.parent, member.group, member.session), (3, 4, 5));
        assert_eq!((member.started, member.ticks, member.pages), (99, 15, 42));
    }

    #[test]
    fn a_process_ends_before_it_is_a_zombie() {
        let of = |state: &str, flags: u64| {
            let stat = format!("7 (x) {state} 3 4 5 0 -1 {flags} 1 0 0 0 10 5 0 0 20 0 1 0 99 1000 42");
            let member = parse(&stat).expect("a valid line");
            (member.zombie, member.ending)
        };
        assert_eq!(of("S", 0x0040_0100), (false, false));
        assert_eq!(of("R", 0x0040_0104), (false, true));
        assert_eq!(of("Z", 0x0040_010c), (true, true));
    }
}
