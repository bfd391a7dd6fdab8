//! Making a sandbox from inside: the steps after [`SetupStep::Enter`], interpreted in the new process.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Uid, fchmod, fchown, mkdirat, open, openat, statat, symlinkat,
    unlinkat,
};
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};

use super::error::{Context, Trouble};
use super::mounts::{self, Point};
use super::template::STAGE;
use super::{holder, lane, overlay, units};
use crate::capability;
use crate::context::Roots;
use crate::message::SetupError;
use crate::meter::Meter;
use crate::plan::{InitKind, MountFlag, Namespace, Plan, SetupStep};
use crate::{descriptors, serve, sys};

/// The kernel's flag of a namespace.
pub(super) fn flag(namespace: Namespace) -> i32 {
    match namespace {
        Namespace::User => libc::CLONE_NEWUSER,
        Namespace::Pid => libc::CLONE_NEWPID,
        Namespace::Mount => libc::CLONE_NEWNS,
        Namespace::Net => libc::CLONE_NEWNET,
        Namespace::Ipc => libc::CLONE_NEWIPC,
        Namespace::Uts => libc::CLONE_NEWUTS,
        Namespace::Cgroup => libc::CLONE_NEWCGROUP,
    }
}

/// Carries out the plan's inner steps and becomes process 1 of the sandbox. Comes back only on failure, which it has
/// then told.
pub(super) fn inside(plan: &Plan, control: &OwnedFd, from_lane: &OwnedFd) {
    sys::set_disposition(libc::SIGCHLD, libc::SIG_DFL);
    let Ok(control) = control.try_clone() else { return };
    let mut state = match Inside::receive(plan, from_lane) {
        Ok(state) => state,
        Err(trouble) => return lane::tell(control, trouble.during("enter")),
    };
    let entered = plan.steps.iter().position(|step| *step == SetupStep::Enter).unwrap_or(0);
    for step in &plan.steps[entered..] {
        if let SetupStep::Start(kind) = step {
            return match state.roots() {
                Ok(roots) => start(*kind, plan, control, state, roots),
                Err(trouble) => lane::tell(control, trouble.at(step)),
            };
        }
        if let Err(trouble) = state.take(step) {
            return lane::tell(control, trouble.at(step));
        }
    }
    lane::tell(
        control,
        SetupError {
            step: "plan".into(),
            call: "read".into(),
            target: "a plan ends with a start".into(),
            errno: libc::EINVAL,
        },
    );
}

fn start(kind: InitKind, plan: &Plan, control: OwnedFd, state: Inside, roots: Roots) {
    let control = match kind {
        InitKind::Guest => control,
        InitKind::Systemd => {
            let Ok(own) = control.try_clone() else { return };
            match units::beside(control, state.guest_group.as_ref(), &state.dropped) {
                Ok(control) => control,
                Err(error) => return lane::tell(own, error),
            }
        }
    };
    let settings = serve::Settings {
        environment: plan.environment.clone(),
        notes: state.notes.iter().chain(&plan.notes).cloned().collect(),
        processes: plan.processes,
        dropped: state.dropped,
        init: kind,
    };
    serve::serve(control, roots, state.meters, settings);
}

/// What the steps have made so far.
struct Inside {
    trees: BTreeMap<String, OwnedFd>,
    meters: Vec<Meter>,
    stage: Option<OwnedFd>,
    root: Option<OwnedFd>,
    upper: Option<OwnedFd>,
    scratch: Option<OwnedFd>,
    lowers: Vec<OwnedFd>,
    dropped: Vec<u8>,
    notes: Vec<String>,
    guest_group: Option<OwnedFd>,
}

impl Inside {
    /// Takes over what the lane opened, in the order of the plan's steps.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other step brings no descriptor")]
    fn receive(plan: &Plan, from_lane: &OwnedFd) -> Result<Self, Trouble> {
        let mut received = Vec::new();
        loop {
            let mut byte = [0];
            let (length, some) = descriptors::receive(from_lane, &mut byte).on("recvmsg", "lane")?;
            if length == 0 {
                // The lane has told why.
                sys::exit_now(1);
            }
            received.extend(some);
            if byte[0] == 0 {
                break;
            }
        }
        let mut received = received.into_iter();
        let mut inside = Self {
            trees: BTreeMap::new(),
            meters: Vec::new(),
            stage: None,
            root: None,
            upper: None,
            scratch: None,
            lowers: Vec::new(),
            dropped: Vec::new(),
            notes: Vec::new(),
            guest_group: None,
        };
        for step in &plan.steps {
            match step {
                SetupStep::Tree { name, .. } => {
                    inside.trees.extend(received.next().map(|tree| (name.clone(), tree)));
                }
                SetupStep::Meter { limit, key, .. } => {
                    let made = received.next().map(|file| Meter::new(limit, key, file));
                    inside.meters.extend(made);
                }
                SetupStep::Group { .. } => inside.guest_group = received.next(),
                SetupStep::Enter => break,
                _ => {}
            }
        }
        Ok(inside)
    }

    fn take(&mut self, step: &SetupStep) -> Result<(), Trouble> {
        match step {
            SetupStep::Clone { .. }
            | SetupStep::Tree { .. }
            | SetupStep::Meter { .. }
            | SetupStep::Group { .. }
            | SetupStep::Start(_) => Ok(()),
            SetupStep::Enter => enter(),
            SetupStep::Unshare(namespaces) => {
                let flags = namespaces.iter().fold(0, |all, one| all | flag(*one));
                sys::unshare(flags).on("unshare", "namespaces")
            }
            SetupStep::Private => mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
                .on("mount", "/ as private"),
            SetupStep::Stage { size } => self.stage(*size),
            SetupStep::Place { tree, at } => self.place(tree, at),
            SetupStep::Overlay { lowers, upper, volatile } => self.overlay(lowers, upper, *volatile),
            SetupStep::Mount { system, at, options, flags } => self.mount(system, at, options, flags),
            SetupStep::Devices(names) => self.devices(names),
            SetupStep::Link { at, to } => self.link(at, to),
            SetupStep::Folder { at, mode } => self.folder(at, *mode),
            SetupStep::File { at, text } => self.file(at, text),
            SetupStep::Bind { tree, at } => self.bind(tree, at),
            SetupStep::Seal(paths) => paths.iter().try_for_each(|path| self.seal(path)),
            SetupStep::Hide(paths) => paths.iter().try_for_each(|path| self.hide(path)),
            SetupStep::Empty { paths, size } => paths.iter().try_for_each(|path| self.empty(path, *size)),
            SetupStep::Processes(count) => {
                self.processes(*count);
                Ok(())
            }
            SetupStep::Pivot => self.pivot(),
            SetupStep::Loopback => loopback(),
            SetupStep::HostName(name) => rustix::system::sethostname(name.as_bytes()).on("sethostname", name),
            SetupStep::Resource { name, limit } => resource(name, *limit),
            SetupStep::Capabilities(names) => {
                self.dropped = capability::all_but(names);
                Ok(())
            }
            SetupStep::Filter { program, .. } => sys::install_filter(program).on("seccomp", "filter"),
        }
    }

    /// What the guest is to hold of the root and its layers.
    fn roots(&mut self) -> Result<Roots, Trouble> {
        let root = open_folder("/")?;
        Ok(Roots {
            root,
            upper: self.upper.take(),
            scratch: self.scratch.take(),
            lowers: std::mem::take(&mut self.lowers),
        })
    }

    fn root(&self) -> BorrowedFd<'_> {
        self.root.as_ref().expect("a plan makes the root before it furnishes it").as_fd()
    }

    fn tree(&mut self, name: &str) -> Result<OwnedFd, Trouble> {
        self.trees.remove(name).ok_or_else(missing).on("find", name)
    }

    fn stage(&mut self, size: Option<u64>) -> Result<(), Trouble> {
        let bytes = size.unwrap_or(1 << 20);
        let mut options = vec![("mode".into(), "755".into()), ("size".into(), bytes.to_string())];
        if size.is_some() {
            // One inode for each 4 KiB, as small files need, but enough for the smallest of layers.
            let inodes = (bytes / 4096).max(16 << 10);
            options.push(("nr_inodes".into(), inodes.to_string()));
        }
        let mount = mounts::detached("tmpfs", &options, &[MountFlag::NoDev])?;
        let to = open_folder(STAGE)?;
        mounts::attach(mount.as_fd(), to.as_fd(), STAGE)?;
        let stage = open_folder(STAGE)?;
        make_folder(&stage, "root")?;
        make_folder(&stage, "writable")?;
        if size.is_some() {
            for name in ["writable/upper", "writable/work", "writable/keep"] {
                make_folder(&stage, name)?;
            }
        }
        self.stage = Some(stage);
        Ok(())
    }

    fn place(&mut self, tree: &str, at: &str) -> Result<(), Trouble> {
        let tree = self.tree(tree)?;
        let stage = self.stage.as_ref().ok_or_else(missing).on("find", "stage")?;
        if at != "writable" {
            make_folder(stage, at)?;
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let to = openat(stage, at, flags, Mode::empty()).on("open", at)?;
        mounts::attach(tree.as_fd(), to.as_fd(), at)
    }

    fn overlay(&mut self, lowers: &[String], upper: &str, volatile: bool) -> Result<(), Trouble> {
        let on_stage = |name: &str| format!("{STAGE}/{name}");
        let mounted = overlay::attach_new(lowers, upper, volatile);
        mounted.or_else(|trouble| match trouble.errno {
            // Before Linux 6.7 layers cannot be added one by one.
            libc::EINVAL => overlay::mount_old(lowers, upper, volatile).map_err(|_| trouble),
            _ => Err(trouble),
        })?;
        self.root = Some(open_folder(&on_stage("root"))?);
        self.upper = Some(open_folder(&on_stage(&format!("{upper}/upper")))?);
        self.scratch = Some(open_folder(&on_stage(&format!("{upper}/keep")))?);
        for lower in lowers {
            self.lowers.push(open_folder(&on_stage(lower))?);
        }
        Ok(())
    }

    fn mount(
        &mut self,
        system: &str,
        at: &str,
        options: &[(String, String)],
        flags: &[MountFlag],
    ) -> Result<(), Trouble> {
        let mount = mounts::detached(system, options, flags)?;
        let point = mounts::point(self.root(), at, Point::Folder)?;
        mounts::attach(mount.as_fd(), point.as_fd(), at)
    }

    fn devices(&mut self, names: &[String]) -> Result<(), Trouble> {
        for name in names {
            let at = format!("/dev/{name}");
            let device = mounts::copy(CWD, &at, false)?;
            let point = mounts::point(self.root(), &at, Point::File)?;
            mounts::attach(device.as_fd(), point.as_fd(), &at)?;
        }
        Ok(())
    }

    fn link(&mut self, at: &str, to: &str) -> Result<(), Trouble> {
        let (folder, name) = mounts::split(at);
        let folder = mounts::folder_at(self.root(), folder)?;
        symlinkat(to, &folder, name).on("symlink", at)
    }

    fn folder(&mut self, at: &str, mode: u32) -> Result<(), Trouble> {
        let (folder, name) = mounts::split(at);
        let folder = mounts::folder_at(self.root(), folder)?;
        mkdirat(&folder, name, Mode::from_raw_mode(mode)).on("mkdir", at)
    }

    /// Writes a small file anew, with the mode and owner of what was in its place.
    fn file(&mut self, at: &str, text: &str) -> Result<(), Trouble> {
        let (folder, name) = mounts::split(at);
        let folder = mounts::folder_at(self.root(), folder)?;
        let old = statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).ok();
        let _ = unlinkat(&folder, name, AtFlags::empty());
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(&folder, name, flags, Mode::from_raw_mode(0o644)).on("create", at)?;
        if let Some(old) = old {
            fchown(&file, Some(Uid::from_raw(old.st_uid)), Some(Gid::from_raw(old.st_gid))).on("chown", at)?;
            fchmod(&file, Mode::from_raw_mode(old.st_mode)).on("chmod", at)?;
        }
        write_all(&file, text.as_bytes()).on("write", at)
    }

    fn bind(&mut self, tree: &str, at: &str) -> Result<(), Trouble> {
        let tree = self.tree(tree)?;
        let stat = rustix::fs::fstat(&tree).on("stat", at)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let what = if kind == FileType::Directory { Point::Folder } else { Point::File };
        let point = mounts::point(self.root(), at, what)?;
        mounts::attach(tree.as_fd(), point.as_fd(), at)
    }

    fn seal(&mut self, path: &str) -> Result<(), Trouble> {
        let Some(place) = mounts::existing(self.root(), path)? else { return Ok(()) };
        let mount = mounts::copy(place.as_fd(), "", true)?;
        sys::set_mount_attributes(mount.as_fd(), sys::READ_ONLY, None, true).on("mount_setattr", path)?;
        mounts::attach(mount.as_fd(), place.as_fd(), path)
    }

    fn hide(&mut self, path: &str) -> Result<(), Trouble> {
        let flags = [MountFlag::ReadOnly, MountFlag::NoDev];
        self.cover(path, &flags, |_| vec![("mode".into(), "755".into()), ("size".into(), "4k".into())])
    }

    fn empty(&mut self, path: &str, size: u64) -> Result<(), Trouble> {
        let flags = [MountFlag::NoSuid, MountFlag::NoDev];
        self.cover(path, &flags, |was| {
            let mode = format!("{:o}", was.st_mode & 0o7777);
            let options = [("mode", mode), ("uid", was.st_uid.to_string()), ("gid", was.st_gid.to_string())];
            let options = options.into_iter().chain([("size", size.to_string())]);
            options.map(|(key, value)| (key.to_owned(), value)).collect()
        })
    }

    /// Covers a folder with one in memory, whose options come from what it covers, and a file with `/dev/null`.
    fn cover(
        &mut self,
        path: &str,
        flags: &[MountFlag],
        options: impl FnOnce(&Stat) -> Vec<(String, String)>,
    ) -> Result<(), Trouble> {
        let Some(place) = mounts::existing(self.root(), path)? else { return Ok(()) };
        let stat = rustix::fs::fstat(&place).on("stat", path)?;
        let cover = if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            mounts::detached("tmpfs", &options(&stat), flags)?
        } else {
            mounts::copy(CWD, "/dev/null", false)?
        };
        mounts::attach(cover.as_fd(), place.as_fd(), path)
    }

    /// The limit that needs no control group: since Linux 6.14 it belongs to the process id namespace. On older kernels
    /// the file is the host's and cannot be written.
    fn processes(&mut self, count: u32) {
        let write = |file: &str, number: u32| -> io::Result<()> {
            let flags = OFlags::WRONLY | OFlags::CLOEXEC;
            let file = openat(self.root(), format!("proc/sys/kernel/{file}"), flags, Mode::empty())?;
            write_all(&file, number.to_string().as_bytes())
        };
        let limited = write("pid_max", count);
        // Where it cannot be set, ids are as they come.
        let _ = write("ns_last_pid", first_id(count));
        if let Err(error) = limited {
            self.notes.push(format!("the number of process ids is not limited: {error}"));
        }
    }

    fn pivot(&mut self) -> Result<(), Trouble> {
        rustix::process::fchdir(self.root()).on("chdir", "the new root")?;
        rustix::process::pivot_root(".", ".").on("pivot_root", "the new root")?;
        unmount(".", UnmountFlags::DETACH).on("umount", "the old root")?;
        rustix::process::chdir("/").on("chdir", "/")?;
        self.root = None;
        self.stage = None;
        Ok(())
    }
}

/// Becomes root of the user namespace; from then on the lane's death is ours.
fn enter() -> Result<(), Trouble> {
    holder::become_root().on("setresuid", "0 in the sandbox")?;
    // Nobody inside can look into process 1, whose descriptors lead out of the root.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).on("prctl", "dumpable")?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).on("prctl", "death")?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    rustix::process::setsid().on("setsid", "sandbox")?;
    Ok(())
}

/// A process id that differs from sandbox to sandbox, as on real machines. Were it the same in every attempt, a text that
/// holds one would seem to be fixed, until a patch starts a process more.
fn first_id(count: u32) -> u32 {
    // Ids below 300 are left to what starts first.
    const RESERVED: u32 = 300;
    let mut random = [0; 4];
    let drawn = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::NONBLOCK).is_ok();
    let range = count.saturating_sub(RESERVED + 1);
    if drawn && range > 0 { RESERVED + u32::from_ne_bytes(random) % range } else { 0 }
}

fn loopback() -> Result<(), Trouble> {
    let socket = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::DGRAM, None)
        .on("socket", "loopback")?;
    sys::loopback_up(socket.as_fd()).on("ioctl", "loopback")
}

fn resource(name: &str, limit: u64) -> Result<(), Trouble> {
    let which = match name {
        "core" => Resource::Core,
        "data" => Resource::Data,
        "files" => Resource::Nofile,
        _ => return Err(missing()).on("setrlimit", name),
    };
    let old = rustix::process::getrlimit(which);
    let limit = old.maximum.map_or(limit, |most| limit.min(most));
    let maximum = if name == "files" { old.maximum } else { Some(limit) };
    rustix::process::setrlimit(which, Rlimit { current: Some(limit), maximum }).on("setrlimit", name)
}

fn missing() -> io::Error {
    io::Error::from_raw_os_error(libc::EINVAL)
}

pub(super) fn open_folder(path: &str) -> Result<OwnedFd, Trouble> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    open(path, flags, Mode::empty()).on("open", path)
}

fn make_folder(parent: &OwnedFd, name: &str) -> Result<(), Trouble> {
    mkdirat(parent, name, Mode::from_raw_mode(0o755)).on("mkdir", name)
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = rustix::io::write(file, bytes)?;
        bytes = &bytes[written..];
    }
    Ok(())
}
