//! A mount namespace with almost nothing in it, from which sandboxes are cloned.
//!
//! Copying the host's mounts costs time for each of them, and most hosts have many. The template has one small root
//! with the device files, and the host's `/proc` and `/sys`, which the kernel wants to see before it lets a user
//! namespace mount its own.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, open, openat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags, fsconfig_create, fsmount, fsopen, mount, mount_change, move_mount, open_tree, unmount,
};

use super::error::{Context, Trouble};
use crate::sys;

/// Device files that every sandbox has.
pub const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Where sandboxes mount their own stage in the template.
pub(super) const STAGE: &str = "/stage";

/// The template's namespace, and the way back.
#[derive(Debug)]
pub(crate) struct Template {
    template: OwnedFd,
    home: OwnedFd,
}

impl Template {
    /// Makes the template in a child, whose namespace is then held open.
    pub(super) fn make() -> Result<Self, Trouble> {
        let home = open_namespace("/proc/self/ns/mnt")?;
        sys::unshare(libc::CLONE_NEWNS).on("unshare", "mount namespace")?;
        let template = furnish().and_then(|()| open_namespace("/proc/self/ns/mnt"));
        sys::enter_namespace(home.as_fd(), libc::CLONE_NEWNS).on("setns", "mount namespace")?;
        Ok(Self { template: template?, home })
    }

    /// Runs something (a clone) inside the template.
    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> Result<T, Trouble> {
        sys::enter_namespace(self.template.as_fd(), libc::CLONE_NEWNS).on("setns", "template")?;
        let result = work();
        sys::enter_namespace(self.home.as_fd(), libc::CLONE_NEWNS).on("setns", "home")?;
        Ok(result)
    }
}

fn open_namespace(path: &str) -> Result<OwnedFd, Trouble> {
    open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).on("open", path)
}

/// Builds the small root over `/proc` (which every host has), and makes it the root.
fn furnish() -> Result<(), Trouble> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).on("mount", "/ as private")?;
    let proc = fresh("proc").or_else(|_| clone_tree(CWD, "/proc"))?;
    let sys = fresh("sysfs").or_else(|_| clone_tree(CWD, "/sys"))?;
    let devices: Vec<_> = DEVICES.iter().map(|name| clone_one(&format!("/dev/{name}"))).collect::<Result<_, _>>()?;
    mount("patchbed", "/proc", "tmpfs", MountFlags::NOSUID, c"size=64k,mode=755").on("mount", "template")?;
    let root =
        open("/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).on("open", "template")?;
    for folder in ["proc", "sys", "dev", "stage"] {
        mkdirat(&root, folder, Mode::from_raw_mode(0o755)).on("mkdir", folder)?;
    }
    place(proc.as_fd(), root.as_fd(), "proc")?;
    place(sys.as_fd(), root.as_fd(), "sys")?;
    for (name, device) in DEVICES.iter().zip(&devices) {
        let at = format!("dev/{name}");
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
        openat(&root, &*at, flags, Mode::from_raw_mode(0o644)).on("create", &at)?;
        place(device.as_fd(), root.as_fd(), &at)?;
    }
    rustix::process::fchdir(&root).on("chdir", "template")?;
    rustix::process::pivot_root(".", ".").on("pivot_root", "template")?;
    unmount(".", UnmountFlags::DETACH).on("umount", "the host's root")?;
    rustix::process::chdir("/").on("chdir", "/")
}

/// A new mount of a whole file system, without the mounts that hosts have below it. Only root of the host may.
fn fresh(system: &str) -> Result<OwnedFd, Trouble> {
    let context = fsopen(system, FsOpenFlags::FSOPEN_CLOEXEC).on("fsopen", system)?;
    fsconfig_create(&context).on("fsconfig", system)?;
    let attributes = MountAttrFlags::empty();
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).on("fsmount", system)
}

fn clone_tree(from: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Trouble> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    open_tree(from, path, flags).on("open_tree", path)
}

fn clone_one(path: &str) -> Result<OwnedFd, Trouble> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(CWD, path, flags).on("open_tree", path)
}

fn place(tree: BorrowedFd<'_>, root: BorrowedFd<'_>, at: &str) -> Result<(), Trouble> {
    move_mount(tree, "", root, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).on("move_mount", at)
}
