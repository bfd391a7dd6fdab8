//! All processes of the sandbox: who they are, what they use, and whether they run old code.

use std::collections::BTreeSet;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::fs::OFlags;

use super::failure::Result;
use super::proc::{Mapping, Proc, ProcessFolder, without_deleted};
use super::users::Users;
use super::{names, root};
use crate::context::Services;
use crate::message::Process;
use crate::plan::InitKind;

/// What of the sandbox it takes to tell processes.
pub(crate) struct Surroundings<'a> {
    /// The root folder.
    pub(crate) root: BorrowedFd<'a>,
    /// The image's users.
    pub(crate) users: &'a Users,
    /// The supervised services.
    pub(crate) services: &'a dyn Services,
    /// What process 1 is.
    pub(crate) init: InitKind,
    /// When the sandbox opened, by the clock of process start times.
    pub(crate) opened: Duration,
}

/// Tells all processes but the harness's own and threads of the kernel, in the order of their ids.
pub(crate) fn processes(surroundings: &Surroundings<'_>) -> Result<Vec<Process>> {
    let folders = Proc::open(surroundings.root)?.processes()?;
    let others = folders.iter().filter(|folder| !surroundings.services.is_own(folder.pid));
    Ok(others.filter_map(|folder| surroundings.process(folder)).collect())
}

/// The systemd unit of a process, from its control groups: the first part of the path that is a unit and no slice. For
/// a process of a user's own manager that is the manager's unit.
pub(crate) fn unit_of(folder: &ProcessFolder) -> Option<String> {
    let groups = folder.read("cgroup")?;
    let groups = String::from_utf8_lossy(&groups);
    let path = groups.lines().find_map(|line| line.strip_prefix("0::").filter(|path| *path != "/"));
    let path = path.or_else(|| groups.lines().find_map(|line| line.split_once(":name=systemd:").map(|(_, path)| path)));
    unit_in(path?)
}

impl Surroundings<'_> {
    fn process(&self, folder: &ProcessFolder) -> Option<Process> {
        let stat = folder.stat().filter(|stat| !stat.is_kernels)?;
        let status = folder.status()?;
        let program = folder.link("exe").unwrap_or_default();
        let opened = u64::try_from(self.opened.as_millis()).unwrap_or(u64::MAX);
        Some(Process {
            pid: folder.pid,
            parent: stat.parent,
            name: stat.name,
            argv: arguments(&folder.read("cmdline").unwrap_or_default()),
            program: names::text(without_deleted(&program).unwrap_or(&program)),
            state: stat.state,
            user: self.users.user(status.uid),
            memory: status.memory,
            threads: stat.threads,
            descriptors: folder.descriptors(),
            started: stat.started.saturating_sub(opened),
            service: self.services.service_of(folder.pid),
            unit: if self.init == InitKind::Systemd { unit_of(folder) } else { None },
            stale: stale(self.root, &folder.maps()),
        })
    }
}

fn arguments(line: &[u8]) -> Vec<String> {
    // A process that writes its own title leaves zero bytes behind it.
    let used = line.len() - line.iter().rev().take_while(|byte| **byte == 0).count();
    if used == 0 {
        return Vec::new();
    }
    line[..used].split(|byte| *byte == 0).map(names::text).collect()
}

fn unit_in(path: &str) -> Option<String> {
    let kinds = [".service", ".scope", ".socket", ".mount", ".swap"];
    let unit = path.split('/').find(|part| kinds.iter().any(|kind| part.ends_with(kind) && part.len() > kind.len()))?;
    Some(unit.strip_prefix('_').unwrap_or(unit).into())
}

/// The files of which code is mapped that were removed or replaced since: code that an update did not reach.
fn stale(image: BorrowedFd<'_>, maps: &[Mapping]) -> Vec<String> {
    let code = maps.iter().filter(|mapping| mapping.is_code && mapping.inode != 0 && is_installed(&mapping.path));
    let stale: BTreeSet<_> = code.filter_map(|mapping| stale_path(image, mapping)).collect();
    stale.into_iter().collect()
}

/// Whether code at this path was installed. Memory, devices, and files that programs make and unlink for code of their
/// own (`libffi`, JIT compilers) are no old code, and their names change from run to run.
pub(crate) fn is_installed(path: &[u8]) -> bool {
    let made_at_run_time: [&[u8]; 8] =
        [b"/dev/", b"/memfd:", b"/SYSV", b"/tmp/", b"/var/tmp/", b"/run/", b"/proc/", b"/[aio]"];
    path.starts_with(b"/") && !made_at_run_time.iter().any(|prefix| path.starts_with(prefix))
}

fn stale_path(image: BorrowedFd<'_>, mapping: &Mapping) -> Option<String> {
    let stat = |path: &[u8]| {
        let file = root::open(image, path, OFlags::PATH | OFlags::NOFOLLOW).ok()?;
        rustix::fs::fstat(file).ok()
    };
    if let Some(path) = without_deleted(&mapping.path) {
        // A file may really be called so.
        return stat(&mapping.path).is_none().then(|| names::text(path));
    }
    // The numbers can be compared only where both are of one device: an overlay tells its files under the devices of
    // its layers here, and under its own in the maps.
    let now = stat(&mapping.path)?;
    let device = (rustix::fs::major(now.st_dev), rustix::fs::minor(now.st_dev));
    (device == mapping.device && now.st_ino != mapping.inode).then(|| names::text(&mapping.path))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd;

    use super::*;

    struct Web;

    impl Services for Web {
        fn names(&self) -> Vec<String> {
            Vec::new()
        }
        fn service_of(&self, pid: i32) -> Option<String> {
            (pid == std::process::id().cast_signed()).then(|| "web".into())
        }
        fn processes_of(&self, _: &str) -> Vec<i32> {
            Vec::new()
        }
        fn is_own(&self, pid: i32) -> bool {
            pid == 1
        }
        fn printed(&self, _: &str) -> Option<u64> {
            None
        }
        fn printed_since(&self, _: &str, _: u64) -> Option<Vec<u8>> {
            None
        }
    }

    fn of_this_machine() -> Vec<Process> {
        let root = fs::File::open("/").unwrap();
        let users = Users::read(&root);
        let surroundings = Surroundings {
            root: root.as_fd(),
            users: &users,
            services: &Web,
            init: InitKind::Guest,
            opened: Duration::ZERO,
        };
        processes(&surroundings).unwrap()
    }

    #[test]
    fn this_process_is_told_and_the_harness_is_not() {
        let all = of_this_machine();
        let this = all.iter().find(|process| process.pid == std::process::id().cast_signed()).unwrap();
        assert_eq!(this.argv, std::env::args().collect::<Vec<_>>());
        assert_eq!(this.program, std::env::current_exe().unwrap().display().to_string());
        assert_eq!((this.service.as_deref(), this.unit.as_deref()), (Some("web"), None));
        assert!(this.started > 0 && this.threads > 1);
        assert!(all.iter().all(|process| process.pid != 1));
        assert!(all.is_sorted_by_key(|process| process.pid));
    }

    /// A mapping of code of a file, as the kernel tells it of this file.
    fn mapping(file: &std::path::Path, path: &str) -> Mapping {
        let stat = rustix::fs::stat(file).unwrap();
        let device = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
        Mapping { is_code: true, device, inode: stat.st_ino, path: path.into() }
    }

    #[test]
    fn removed_and_replaced_code_is_stale() {
        let image = tempfile::tempdir().unwrap();
        for name in ["same", "replaced", "called (deleted)"] {
            fs::write(image.path().join(name), "").unwrap();
        }
        fs::write(image.path().join("kept aside"), "").unwrap();
        let maps = [
            mapping(&image.path().join("same"), "/same"),
            mapping(&image.path().join("kept aside"), "/replaced"),
            mapping(&image.path().join("same"), "/removed (deleted)"),
            mapping(&image.path().join("called (deleted)"), "/called (deleted)"),
            mapping(&image.path().join("same"), "/elsewhere"),
            Mapping { device: (0, 77), ..mapping(&image.path().join("same"), "/replaced") },
            Mapping { is_code: false, ..mapping(&image.path().join("same"), "/data (deleted)") },
        ];
        let root = fs::File::open(image.path()).unwrap();
        assert_eq!(stale(root.as_fd(), &maps), ["/removed", "/replaced"]);
        assert_eq!(stale(root.as_fd(), &maps[5..]), [""; 0]);
    }

    #[test]
    fn memory_and_made_up_files_are_not_old_code() {
        for path in [
            "/memfd:jit (deleted)",
            "/dev/zero (deleted)",
            "/SYSV00000000 (deleted)",
            "[vdso]",
            "",
            "/tmp/ffi (deleted)",
        ] {
            assert!(!is_installed(path.as_bytes()), "{path}");
        }
        assert!(is_installed(b"/usr/lib/libssl.so.3 (deleted)"));
    }

    #[test]
    fn arguments_end_where_their_text_ends() {
        assert_eq!(arguments(b"nginx: worker process\0\0\0\0"), ["nginx: worker process"]);
        assert_eq!(arguments(b"a\0\0b\0"), ["a", "", "b"]);
        assert_eq!(arguments(b""), [""; 0]);
    }

    #[test]
    fn units_are_found_in_control_groups() {
        let cases = [
            ("/system.slice/nginx.service", Some("nginx.service")),
            ("/system.slice/system-getty.slice/getty@tty1.service", Some("getty@tty1.service")),
            ("/user.slice/user-0.slice/user@0.service/app.slice/x.service", Some("user@0.service")),
            ("/init.scope", Some("init.scope")),
            ("/system.slice/_cgroup.service/sub", Some("cgroup.service")),
            ("/patchbed/x", None),
        ];
        for (path, unit) in cases {
            assert_eq!(unit_in(path).as_deref(), unit, "{path}");
        }
    }
}
