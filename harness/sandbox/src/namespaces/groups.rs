//! Control groups of lanes: limits on memory and on processes, where this host lets us set them.
//!
//! Version 2 with its controllers is used where we may make groups in it, version 1 where root may; otherwise there is
//! no such limit, and that is said. All groups are children of our own, below one folder per harness.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use patchbed_guest::plan::SetupStep;

use super::owner::{Kind, Owned, Owner};
use crate::spec::Limits;
use crate::{Lack, LackWeight};

/// Process ids that the lane, the guest's threads and its keepers take.
const OWN_PROCESSES: u32 = 64;

/// How long a group may take to be empty after its last process was killed.
const EMPTY: Duration = Duration::from_secs(2);

/// Where groups can be made.
#[derive(Debug, Default)]
pub(super) struct Groups {
    memory: Option<Tree>,
    processes: Option<Tree>,
    /// The version 2 folder, without regard to controllers: where systemd can have a group.
    unified: Option<Tree>,
}

/// Our folder in one hierarchy.
#[derive(Debug)]
struct Tree {
    folder: PathBuf,
    version: Version,
    /// Strikes the folder out of the list once it is removed.
    owned: Option<Owned>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The groups of one lane.
#[derive(Debug, Default)]
pub(super) struct LaneGroups {
    memory: Option<(PathBuf, Version)>,
    processes: Option<(PathBuf, Version)>,
    /// What was set last: setting a limit again takes time for nothing.
    set: Option<(u64, u32, Vec<String>)>,
}

impl Groups {
    /// Makes our folders, wherever this host lets us.
    pub(super) fn make(owner: &Owner) -> Self {
        let hierarchies = Hierarchies::find();
        let root = rustix::process::geteuid().is_root();
        let name = format!("patchbed-{}", owner.name());
        let mut groups = Self::default();
        if let Some(folder) = hierarchies.unified(root) {
            let folder = folder.join(&name);
            groups.unified = Tree::make(owner, folder, Version::Two);
        }
        let delegate = |tree: &Tree| tree.delegate(if root { None } else { tree.folder.parent() });
        let controllers = groups.unified.as_ref().map(delegate).unwrap_or_default();
        let controlled = |controller: &str| {
            let unified = groups.unified.as_ref()?;
            controllers.iter().any(|one| one == controller).then(|| Tree {
                folder: unified.folder.clone(),
                version: Version::Two,
                owned: None,
            })
        };
        let version_one = |controller: &str| {
            let folder = hierarchies.version_one(controller).filter(|_| root)?.join(&name);
            Tree::make(owner, folder, Version::One)
        };
        groups.memory = controlled("memory").or_else(|| version_one("memory"));
        groups.processes = controlled("pids").or_else(|| version_one("pids"));
        groups
    }

    /// The groups of a new lane.
    pub(super) fn for_lane(&self, number: u32) -> LaneGroups {
        let make = |tree: &Option<Tree>| {
            let tree = tree.as_ref()?;
            let folder = tree.folder.join(format!("lane-{number}"));
            match fs::create_dir(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => None,
                _ => Some((folder, tree.version)),
            }
        };
        LaneGroups { memory: make(&self.memory), processes: make(&self.processes), set: None }
    }

    /// The folder below which systemd gets a group of its own.
    pub(super) fn for_units(&self) -> Option<&Path> {
        self.unified.as_ref().map(|tree| &*tree.folder)
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for tree in [&mut self.memory, &mut self.processes, &mut self.unified].into_iter().flatten() {
            if tree.owned.is_some()
                && let Err(error) = remove(&tree.folder)
            {
                // It stays written down for the sweep.
                tracing::debug!(folder = %tree.folder.display(), %error, "a control group stays");
                std::mem::forget(tree.owned.take());
            }
        }
    }
}

impl Tree {
    fn make(owner: &Owner, folder: PathBuf, version: Version) -> Option<Self> {
        let entry = owner.own(Kind::Group, &folder).ok()?;
        fs::create_dir(&folder).ok()?;
        Some(Self { folder, version, owned: Some(entry) })
    }

    /// Asks for the controllers we want for our children; tells which there are. With a parent that was delegated to us,
    /// its part is done too; a group that holds processes cannot pass controllers on, and then there are none.
    fn delegate(&self, parent: Option<&Path>) -> Vec<String> {
        for folder in parent.into_iter().chain([&*self.folder]) {
            for controller in ["+memory", "+pids"] {
                let _ = fs::write(folder.join("cgroup.subtree_control"), controller);
            }
        }
        let enabled = fs::read_to_string(self.folder.join("cgroup.subtree_control"));
        enabled.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    }
}

impl LaneGroups {
    /// The files that take a process in.
    pub(super) fn entrances(&self) -> Vec<String> {
        let mut folders: Vec<&PathBuf> =
            [&self.memory, &self.processes].into_iter().flatten().map(|(folder, _)| folder).collect();
        folders.dedup();
        folders.iter().map(|folder| folder.join("cgroup.procs").display().to_string()).collect()
    }

    /// The groups of processes that move into this folder of version 2. By that they leave the lane's groups of version 2
    /// with their limits; in those of version 1 they stay.
    pub(super) fn moved_to(&self, folder: &Path) -> Self {
        let moved = |group: &Option<(PathBuf, Version)>| {
            let (old, version) = group.as_ref()?;
            match version {
                Version::One => Some((old.clone(), Version::One)),
                Version::Two => Some((folder.to_owned(), Version::Two)),
            }
        };
        Self { memory: moved(&self.memory), processes: moved(&self.processes), set: None }
    }

    /// Sets limits; tells what cannot be limited.
    pub(super) fn limit(&mut self, limits: &Limits) -> Vec<String> {
        // Pages of the writable layer in memory count too.
        let memory = limits.memory.saturating_add(limits.disk);
        let processes = limits.processes.saturating_add(OWN_PROCESSES);
        if let Some((_, _, notes)) = self.set.as_ref().filter(|set| (set.0, set.1) == (memory, processes)) {
            return notes.clone();
        }
        let mut notes = Vec::new();
        if let Err(error) = set_memory(self.memory.as_ref(), memory) {
            notes.push(format!("the sandbox's memory is limited for each process and not as a whole: {error}"));
        }
        if let Some((folder, _)) = &self.processes {
            // The process id namespace limits them too.
            let _ = fs::write(folder.join("pids.max"), processes.to_string());
        }
        self.set = Some((memory, processes, notes.clone()));
        notes
    }

    /// Whether one of them limits memory.
    pub(super) fn limits_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Counters of reached limits.
    pub(super) fn meters(&self) -> Vec<SetupStep> {
        let meter = |limit: &str, folder: &Path, file: &str, key: &str| SetupStep::Meter {
            limit: limit.into(),
            file: folder.join(file).display().to_string(),
            key: key.into(),
        };
        let memory = self.memory.iter().map(|(folder, version)| {
            let file = match version {
                Version::One => "memory.oom_control",
                Version::Two => "memory.events",
            };
            meter("memory", folder, file, "oom_kill")
        });
        let processes = self.processes.iter().map(|(folder, _)| meter("processes", folder, "pids.events", "max"));
        memory.chain(processes).collect()
    }
}

fn set_memory(group: Option<&(PathBuf, Version)>, bytes: u64) -> io::Result<()> {
    let Some((folder, version)) = group else {
        return Err(io::Error::other("there is no memory controller for us to use"));
    };
    match version {
        Version::One => fs::write(folder.join("memory.limit_in_bytes"), bytes.to_string()),
        Version::Two => {
            // Where there is no swap there is no such file.
            let _ = fs::write(folder.join("memory.swap.max"), "0");
            fs::write(folder.join("memory.max"), bytes.to_string())
        }
    }
}

/// Removes a group with its children, killing what is left in them where the kernel offers that.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    let _ = fs::write(folder.join("cgroup.kill"), "1");
    let until = Instant::now() + EMPTY;
    loop {
        match remove_all(folder) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) && Instant::now() < until => {
                // The kernel has no event for an empty group of version 1.
                std::thread::sleep(Duration::from_millis(2));
            }
            other => return other,
        }
    }
}

fn remove_all(folder: &Path) -> io::Result<()> {
    let children = match fs::read_dir(folder) {
        Ok(children) => children,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for child in children {
        let child = child?;
        if child.file_type()?.is_dir() {
            remove_all(&child.path())?;
        }
    }
    fs::remove_dir(folder)
}

/// Where systemd cannot be process 1, and what would help.
pub(super) fn no_units() -> Lack {
    Lack {
        what: "a control group for systemd".into(),
        because: "this process's group of control group version 2 is missing or cannot be written".into(),
        remedy: "systemd-run --user --scope -p Delegate=yes patchbed …, or chown a group of version 2 to this user and start in it".into(),
        weight: LackWeight::NoUnits,
    }
}

/// The hierarchies of control groups and this process's place in each.
#[derive(Debug, Default)]
struct Hierarchies {
    /// Mount point, and this process's group, of version 2.
    unified: Option<(PathBuf, String)>,
    /// Controllers, mount point, and this process's group, of version 1.
    ones: Vec<(Vec<String>, PathBuf, String)>,
}

impl Hierarchies {
    fn find() -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::parse(&mounts, &groups)
    }

    fn parse(mounts: &str, groups: &str) -> Self {
        let mut found = Self::default();
        for mount in mounts.lines() {
            let Some((place, system)) = mount.split_once(" - ") else { continue };
            let fields: Vec<&str> = place.split(' ').collect();
            let [_, _, _, "/", point, ..] = fields[..] else { continue };
            let mut system = system.split(' ');
            let kind = system.next();
            let options: Vec<&str> = system.nth(1).unwrap_or_default().split(',').collect();
            for group in groups.lines() {
                let mut parts = group.splitn(3, ':').skip(1);
                let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
                let point = PathBuf::from(point);
                if kind == Some("cgroup2") && controllers.is_empty() {
                    found.unified.get_or_insert((point, path.to_owned()));
                } else if kind == Some("cgroup")
                    && !controllers.is_empty()
                    && controllers.split(',').all(|one| options.contains(&one))
                {
                    let names = controllers.split(',').map(str::to_owned).collect();
                    found.ones.push((names, point, path.to_owned()));
                }
            }
        }
        found
    }

    /// Where our groups of version 2 go. Root's go to the top, because a group with processes (as every session's is)
    /// cannot pass controllers on; a user's go below the own group, the only one that can be theirs.
    fn unified(&self, root: bool) -> Option<PathBuf> {
        let (point, group) = self.unified.as_ref()?;
        if root { Some(point.clone()) } else { Some(point.join(group.trim_start_matches('/'))) }
    }

    fn version_one(&self, controller: &str) -> Option<PathBuf> {
        let (_, point, group) = self.ones.iter().find(|(names, ..)| names.iter().any(|name| name == controller))?;
        Some(point.join(group.trim_start_matches('/')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
    const GROUPS: &str = "4:memory:/job/1\n1:cpu,cpuacct:/\n0::/user\n";

    #[test]
    fn limits_follow_processes_into_another_group_of_version_2() {
        let folder = tempfile::tempdir().expect("a folder");
        let [lane, units] = ["lane-0", "units-0"].map(|name| folder.path().join(name));
        fs::create_dir(&units).expect("a folder");
        let of = |version| LaneGroups {
            memory: Some((lane.clone(), version)),
            processes: Some((lane.clone(), Version::Two)),
            set: None,
        };
        let mut groups = of(Version::Two).moved_to(&units);
        let limits = Limits { memory: 1 << 30, disk: 1 << 20, processes: 100, ..Limits::default() };
        assert_eq!(groups.limit(&limits), Vec::<String>::new());
        let read = |name: &str| fs::read_to_string(units.join(name)).expect("a file");
        assert_eq!((read("memory.max"), read("pids.max")), (((1 << 30) + (1 << 20)).to_string(), "164".to_owned()));
        let files: Vec<_> = groups.meters().iter().map(ToString::to_string).collect();
        assert!(files.iter().all(|file| file.contains("units-0")), "{files:?}");
        assert_eq!(of(Version::One).moved_to(&units).memory, Some((lane.clone(), Version::One)));
    }

    #[test]
    fn a_hybrid_host_has_both_versions() {
        let found = Hierarchies::parse(HYBRID, GROUPS);
        assert_eq!(found.version_one("memory"), Some("/sys/fs/cgroup/memory/job/1".into()));
        assert_eq!(found.version_one("pids"), None);
        assert_eq!(found.unified(true), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(found.unified(false), Some("/sys/fs/cgroup/unified/user".into()));
    }
}
