//! From a spec to its setup steps: pure, given what the host can do.

use camino::Utf8Path;
use patchbed_guest::plan::{Access, Depth, IdRange, InitKind, MountFlag, Namespace, SetupStep};

use super::filter;
use super::host::{Host, Place};
use crate::spec::{BindMode, Init, Network, SandboxSpec};

/// Capabilities of programs in a sandbox: what docker gives.
const CAPABILITIES: [&str; 14] = [
    "chown",
    "dac_override",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "net_bind_service",
    "net_raw",
    "sys_chroot",
    "mknod",
    "audit_write",
    "setfcap",
];

/// What systemd needs beside them, all within the user namespace.
const MORE_FOR_SYSTEMD: [&str; 9] = [
    "sys_admin",
    "sys_ptrace",
    "sys_resource",
    "sys_nice",
    "net_admin",
    "dac_read_search",
    "ipc_owner",
    "sys_tty_config",
    "linux_immutable",
];

/// Kernel settings that programs can read and not write.
const SEALED: [&str; 4] = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"];

/// What tells about the host and is no business of a sandbox.
const HIDDEN: [&str; 9] = [
    "/proc/kcore",
    "/proc/keys",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/proc/latency_stats",
    "/proc/acpi",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/kernel/debug",
];

/// Units that cannot work in a user namespace and would make every boot a degraded one.
const MASKED: [&str; 8] = [
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "sys-kernel-config.mount",
    "dev-hugepages.mount",
    "systemd-udevd.service",
    "systemd-udev-trigger.service",
    "systemd-modules-load.service",
    "systemd-timesyncd.service",
];

/// Process ids below this are not used again after the first round, so they do not count towards the limit.
const RESERVED_IDS: u32 = 300;

/// What process 1 itself may need, in bytes: its limit is that of every process.
const LEAST_MEMORY: u64 = 64 << 20;

/// Process ids that the guest's own threads and keepers take.
const GUEST_IDS: u32 = 64;

impl SandboxSpec {
    /// The ordered list of what is done to make this sandbox on a host.
    #[must_use]
    pub fn steps(&self, host: &Host) -> Vec<SetupStep> {
        let mut steps = self.outside(host);
        steps.push(SetupStep::Enter);
        steps.extend(self.root(host));
        steps.extend(self.devices());
        steps.extend(self.kernel_views());
        steps.extend(self.shown(host));
        steps.extend(self.last(host));
        steps
    }

    /// What of this machine's own root an overlay of it does not have, as notes.
    pub(super) fn missed(&self, submounts: &[String]) -> Vec<String> {
        let hidden = |point: &String| self.hidden.iter().any(|path| Utf8Path::new(point).starts_with(path));
        let missed = submounts.iter().filter(|point| self.host_root && !hidden(point));
        missed.map(|point| format!("`{point}` is a file system of its own and is empty in a sandbox on `/`")).collect()
    }

    fn outside(&self, host: &Host) -> Vec<SetupStep> {
        let namespaces = vec![Namespace::User, Namespace::Pid, Namespace::Mount];
        let ids = match host.place {
            // One range for all, so that an image's ids are what they are, wherever it is opened.
            Place::Root { base } => vec![IdRange { inside: 0, outside: base, count: 65536 }],
            // Two lines, because the holder's map has two extents and a line may not cross them.
            Place::Holder => {
                vec![IdRange { inside: 0, outside: 0, count: 1 }, IdRange { inside: 1, outside: 1, count: 65535 }]
            }
        };
        let mut steps = vec![SetupStep::Clone { namespaces, ids }];
        for (number, lower) in self.lowers.iter().enumerate() {
            steps.push(SetupStep::Tree {
                name: number.to_string(),
                from: lower.to_string(),
                access: Access::ReadOnly,
                ids: host.shifted(),
                depth: Depth::One,
            });
        }
        if let Some(folder) = self.folder() {
            steps.push(SetupStep::Tree {
                name: "writable".into(),
                from: partial(folder),
                access: Access::ReadWrite,
                ids: host.shifted(),
                depth: Depth::One,
            });
        }
        for (number, bind) in self.binds.iter().enumerate() {
            steps.push(SetupStep::Tree {
                name: format!("bind{number}"),
                from: bind.from.to_string(),
                access: match bind.mode {
                    BindMode::ReadOnly => Access::ReadOnly,
                    BindMode::ReadWrite => Access::ReadWrite,
                },
                ids: match bind.mode {
                    BindMode::ReadOnly => host.shifted_if_possible(),
                    BindMode::ReadWrite => host.shifted(),
                },
                depth: Depth::One,
            });
        }
        for (name, from) in self.network_files(host) {
            steps.push(SetupStep::Tree {
                name: format!("net{name}"),
                from: from.clone(),
                access: Access::ReadOnly,
                ids: host.shifted_if_possible(),
                depth: Depth::One,
            });
        }
        if self.init == Init::Systemd {
            steps.extend(host.group.iter().map(|tree| SetupStep::Group { tree: tree.clone() }));
        }
        steps.extend(host.meters.iter().cloned());
        steps
    }

    fn root(&self, host: &Host) -> Vec<SetupStep> {
        let mut namespaces = vec![Namespace::Ipc, Namespace::Uts, Namespace::Cgroup];
        if self.network == Network::Loopback {
            namespaces.push(Namespace::Net);
        }
        let size = self.folder().is_none().then_some(self.limits.disk);
        let mut steps = vec![SetupStep::Unshare(namespaces), SetupStep::Private, SetupStep::Stage { size }];
        let lowers: Vec<String> = (0..self.lowers.len()).map(|number| number.to_string()).collect();
        for lower in &lowers {
            steps.push(SetupStep::Place { tree: lower.clone(), at: lower.clone() });
        }
        if size.is_none() {
            steps.push(SetupStep::Place { tree: "writable".into(), at: "writable".into() });
        }
        // A layer is synced as a whole before it is published, and an attempt never: nothing needs single syncs.
        steps.push(SetupStep::Overlay { lowers, upper: "writable".into(), volatile: true });
        steps.extend(self.concealed(host));
        steps
    }

    /// What is not to be seen. Password files are there without passwords: programs of a patch may still add users.
    fn concealed(&self, host: &Host) -> Vec<SetupStep> {
        let scrubbed = |path: &String| host.scrubbed.iter().find(|(at, _)| at == path);
        let file = |(at, text): &(String, String)| SetupStep::File { at: at.clone(), text: text.clone() };
        let files: Vec<_> = self.hidden.iter().filter(|_| self.host_root).filter_map(scrubbed).map(file).collect();
        let paths: Vec<_> =
            self.hidden.iter().filter(|path| !self.host_root || scrubbed(path).is_none()).cloned().collect();
        let others = (!paths.is_empty()).then_some(SetupStep::Empty { paths, size: self.limits.disk });
        let own = self.host_root.then(|| tmpfs("/var/tmp", 0o1777, self.limits.disk));
        files.into_iter().chain(others).chain(own).collect()
    }

    fn devices(&self) -> Vec<SetupStep> {
        let link = |at: &str, to: &str| SetupStep::Link { at: at.into(), to: to.into() };
        let folder = |at: &str| SetupStep::Folder { at: at.into(), mode: 0o755 };
        vec![
            SetupStep::Mount {
                system: "tmpfs".into(),
                at: "/dev".into(),
                options: vec![("mode".into(), "755".into()), ("size".into(), "1m".into())],
                flags: vec![MountFlag::NoSuid, MountFlag::NoExec],
            },
            folder("/dev/pts"),
            folder("/dev/shm"),
            folder("/dev/mqueue"),
            SetupStep::Devices(patchbed_guest::runner::DEVICES.map(str::to_owned).to_vec()),
            link("/dev/fd", "/proc/self/fd"),
            link("/dev/stdin", "/proc/self/fd/0"),
            link("/dev/stdout", "/proc/self/fd/1"),
            link("/dev/stderr", "/proc/self/fd/2"),
            link("/dev/ptmx", "pts/ptmx"),
            SetupStep::Mount {
                system: "devpts".into(),
                at: "/dev/pts".into(),
                options: [("ptmxmode", "0666"), ("mode", "0620"), ("gid", "5")]
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .to_vec(),
                flags: vec![MountFlag::NoSuid, MountFlag::NoExec],
            },
            tmpfs("/dev/shm", 0o1777, self.limits.memory),
            SetupStep::Mount {
                system: "mqueue".into(),
                at: "/dev/mqueue".into(),
                options: Vec::new(),
                flags: vec![MountFlag::NoSuid, MountFlag::NoDev, MountFlag::NoExec],
            },
        ]
    }

    fn kernel_views(&self) -> Vec<SetupStep> {
        let flags = vec![MountFlag::NoSuid, MountFlag::NoDev, MountFlag::NoExec];
        let read_only = [&flags[..], &[MountFlag::ReadOnly]].concat();
        let limit = self.limits.processes + RESERVED_IDS + GUEST_IDS;
        let mount = |system: &str, at: &str, flags: &[MountFlag]| SetupStep::Mount {
            system: system.into(),
            at: at.into(),
            options: Vec::new(),
            flags: flags.to_vec(),
        };
        let sys = match self.network {
            Network::Loopback => mount("sysfs", "/sys", &read_only),
            // The kernel's view of devices belongs to the network namespace, which is not ours here.
            Network::Host => mount("tmpfs", "/sys", &read_only),
        };
        let mut steps = vec![mount("proc", "/proc", &flags), SetupStep::Processes(limit), sys];
        match self.init {
            Init::Guest => steps.extend([
                SetupStep::Seal(SEALED.map(str::to_owned).to_vec()),
                SetupStep::Hide(HIDDEN.map(str::to_owned).to_vec()),
            ]),
            // Its units mount `/proc` anew, which the kernel refuses while parts of it are covered. The user namespace
            // alone keeps the host's settings safe.
            Init::Systemd => steps.push(mount("cgroup2", "/sys/fs/cgroup", &flags)),
        }
        steps
    }

    fn shown(&self, host: &Host) -> Vec<SetupStep> {
        let mut steps = vec![
            tmpfs("/tmp", 0o1777, self.limits.disk),
            tmpfs("/run", 0o755, self.limits.disk),
            SetupStep::Folder { at: "/run/lock".into(), mode: 0o1777 },
        ];
        if self.init == Init::Systemd {
            // In `/run`, so that the image stays as it is.
            steps.extend(
                MASKED
                    .map(|unit| SetupStep::Link { at: format!("/run/systemd/system/{unit}"), to: "/dev/null".into() }),
            );
        }
        for (number, bind) in self.binds.iter().enumerate() {
            steps.push(SetupStep::Bind { tree: format!("bind{number}"), at: bind.to.clone() });
        }
        for (name, at) in self.network_files(host) {
            steps.push(SetupStep::Bind { tree: format!("net{name}"), at: at.clone() });
        }
        steps
    }

    fn last(&self, host: &Host) -> Vec<SetupStep> {
        let mut steps = vec![SetupStep::Pivot];
        if self.network == Network::Loopback {
            steps.push(SetupStep::Loopback);
        }
        if !self.hostname.is_empty() {
            steps.push(SetupStep::HostName(self.hostname.clone()));
        }
        let mut capabilities = CAPABILITIES.map(str::to_owned).to_vec();
        let kind = match self.init {
            Init::Guest => InitKind::Guest,
            Init::Systemd => {
                capabilities.extend(MORE_FOR_SYSTEMD.map(str::to_owned));
                InitKind::Systemd
            }
        };
        if !host.memory_group {
            let limit = self.limits.memory.max(LEAST_MEMORY);
            steps.push(SetupStep::Resource { name: "data".into(), limit });
        }
        steps.extend([
            SetupStep::Resource { name: "core".into(), limit: host.core_limit },
            SetupStep::Capabilities(capabilities),
            filter::step(self.init),
            SetupStep::Start(kind),
        ]);
        steps
    }

    /// Files of the host that make its network usable: number and path.
    fn network_files<'a>(&self, host: &'a Host) -> impl Iterator<Item = (usize, &'a String)> + use<'a> {
        let files = match self.network {
            Network::Loopback => &[][..],
            Network::Host => &host.network_files[..],
        };
        files.iter().enumerate()
    }
}

/// Where a layer lies while it is written: beside the place where it will appear.
pub(super) fn partial(folder: &str) -> String {
    format!("{}.partial", folder.trim_end_matches('/'))
}

fn tmpfs(at: &str, mode: u32, size: u64) -> SetupStep {
    SetupStep::Mount {
        system: "tmpfs".into(),
        at: at.into(),
        options: vec![("mode".into(), format!("{mode:o}")), ("size".into(), size.to_string())],
        flags: vec![MountFlag::NoSuid, MountFlag::NoDev],
    }
}

#[cfg(test)]
mod tests;
