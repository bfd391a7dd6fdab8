//! What this host can do and has, as far as setup steps depend on it.

use std::collections::BTreeMap;
use std::fs;

use patchbed_guest::plan::{Ids, SetupStep};

use crate::spec::{Network, SandboxSpec};

/// The facts about the host that steps are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Where sandboxes are made.
    pub place: Place,
    /// Whether writable layers can lie in memory: since Linux 6.6, whose tmpfs knows the attributes that an overlay needs.
    pub memory_layers: bool,
    /// How large core files may be: 1 where a core would be piped to a program of the host.
    pub core_limit: u64,
    /// Files of the host's root that are not hidden but replaced by harmless versions: path and text.
    pub scrubbed: Vec<(String, String)>,
    /// File systems of their own below the host's root, which are not in an overlay of it.
    pub submounts: Vec<String>,
    /// Files that the host's network needs.
    pub network_files: Vec<String>,
    /// The environment that the host's network needs.
    pub proxies: Vec<(String, String)>,
    /// Whether a control group limits memory; otherwise every process has a limit of its own.
    pub memory_group: bool,
    /// Counters of limits that were reached.
    pub meters: Vec<SetupStep>,
    /// The control group below which systemd gets its own.
    pub group: Option<String>,
}

/// Where sandboxes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// By root, each sandbox with ids from `base` on.
    Root {
        /// The first id outside.
        base: u32,
    },
    /// In the holder namespace of an ordinary user.
    Holder,
}

impl Host {
    /// Looks at this machine.
    #[must_use]
    pub fn find() -> Self {
        let root = rustix::process::geteuid().is_root();
        Self {
            place: if root { Place::Root { base: FIRST_ID } } else { Place::Holder },
            memory_layers: kernel() >= (6, 6),
            core_limit: core_limit(),
            scrubbed: scrubbed(),
            submounts: submounts(&fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()),
            network_files: network_files(),
            proxies: proxies(),
            memory_group: false,
            meters: Vec::new(),
            group: None,
        }
    }

    /// The same host for the lane with this number.
    pub(super) fn on_lane(&self, lane: u32, memory_group: bool, meters: Vec<SetupStep>) -> Self {
        let place = match self.place {
            Place::Root { .. } => Place::Root { base: base(lane) },
            Place::Holder => Place::Holder,
        };
        Self { place, memory_group, meters, ..self.clone() }
    }

    /// The environment of every program of a sandbox.
    pub(super) fn environment(&self, spec: &SandboxSpec) -> BTreeMap<String, String> {
        let proxies = match spec.network {
            Network::Loopback => &[][..],
            Network::Host => &self.proxies,
        };
        proxies.iter().cloned().chain(spec.environment.clone()).collect()
    }

    /// Whose ids files carry that are only read, from whatever file system.
    pub(super) fn shifted_if_possible(&self) -> Ids {
        match self.place {
            Place::Root { .. } => Ids::ShiftedIfPossible,
            Place::Holder => Ids::Kept,
        }
    }

    /// Whose ids the files of layers carry.
    pub(super) fn shifted(&self) -> Ids {
        match self.place {
            Place::Root { .. } => Ids::Shifted,
            Place::Holder => Ids::Kept,
        }
    }
}

/// The kernel's version.
fn kernel() -> (u32, u32) {
    let name = rustix::system::uname();
    let text = name.release().to_string_lossy().into_owned();
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The first id that root's sandboxes use: above the ranges of systemd's containers (up to 0x6fffffff) and of subordinate
/// ids, below the ids that some file systems cannot hold.
const FIRST_ID: u32 = 0x7000_0000;

/// How many ranges there are up to 0x7fffffff.
const RANGES: u32 = 0x1000;

/// The range of a lane; different harnesses begin at different places, so that their sandboxes seldom share ids.
fn base(lane: u32) -> u32 {
    let start = std::process::id().wrapping_mul(61);
    FIRST_ID + (start.wrapping_add(lane) % RANGES) * 0x1_0000
}

/// What the kernel does with cores decides: into a file of the sandbox they may go, in bounds; a program of the host
/// must never get one, and 1 is the one value for which the kernel does not start it (0 does not count for pipes).
fn core_limit() -> u64 {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let to_host = pattern.starts_with('|') || pattern.starts_with('@');
    if to_host { 1 } else { 16 << 20 }
}

/// Where file systems of their own hold nothing that a sandbox would miss: it has its own ones, or hides them.
const NOT_MISSED: [&str; 8] = ["/dev", "/proc", "/sys", "/run", "/tmp", "/boot", "/mnt", "/media"];

/// The mount points below the root that hold files on a disk or on another machine.
fn submounts(mounts: &str) -> Vec<String> {
    let below = |path: &str, folder: &str| {
        path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let point = |line: &str| {
        let (place, system) = line.split_once(" - ")?;
        let point = place.split(' ').nth(4)?;
        let has_source = system.split(' ').nth(1)?.contains('/');
        let is_missed = point != "/" && !NOT_MISSED.iter().any(|folder| below(point, folder));
        (has_source && is_missed).then(|| point.to_owned())
    };
    let mut points: Vec<String> = mounts.lines().filter_map(point).collect();
    points.sort();
    points.dedup();
    points
}

/// The password files without passwords.
fn scrubbed() -> Vec<(String, String)> {
    ["/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-"]
        .into_iter()
        .filter(|path| fs::exists(path).unwrap_or(false))
        .map(|path| (path.to_owned(), scrub(&fs::read_to_string(path).unwrap_or_default())))
        .collect()
}

fn scrub(text: &str) -> String {
    let line = |line: &str| {
        let mut fields: Vec<&str> = line.split(':').collect();
        if let Some(password) = fields.get_mut(1) {
            *password = "*";
        }
        fields.join(":") + "\n"
    };
    text.lines().map(line).collect()
}

fn network_files() -> Vec<String> {
    let mut files = vec!["/etc/resolv.conf".to_owned(), "/etc/hosts".to_owned()];
    let folders = ["/etc/apt/apt.conf.d", "/etc/apt"];
    for folder in folders {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        files.extend(
            entries
                .filter_map(|entry| entry.file_name().into_string().ok())
                .filter(|name| name.contains("proxy"))
                .map(|name| format!("{folder}/{name}")),
        );
    }
    files.push("/etc/ssl/certs".to_owned());
    files.retain(|file| fs::exists(file).unwrap_or(false));
    files.sort();
    files
}

fn proxies() -> Vec<(String, String)> {
    let names = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
    let set = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
    names.into_iter().filter_map(set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_left() {
        let text = "root:$y$secret:1:2\nweb:!:3\n";
        assert_eq!(scrub(text), "root:*:1:2\nweb:*:3\n");
    }

    #[test]
    fn mounts_that_an_overlay_of_the_root_lacks_are_found() {
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:5 / /proc rw - proc proc rw
24 22 8:2 / /var rw - xfs /dev/sda2 rw\n25 22 8:3 / /boot/efi rw - vfat /dev/sda3 rw
26 22 0:9 / /opt/shared rw - nfs4 server:/export rw\n27 22 0:8 / /run/x rw - ext4 /dev/sdb rw\n";
        assert_eq!(submounts(mounts), ["/opt/shared", "/var"]);
    }

    #[test]
    fn every_range_lies_in_the_space_set_aside() {
        for lane in [0, 1, 4095, 4096, u32::MAX] {
            let base = base(lane);
            assert!((FIRST_ID..=0x7fff_0000).contains(&base) && base.is_multiple_of(0x1_0000));
        }
    }
}
