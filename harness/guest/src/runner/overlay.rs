//! The root: an overlay of the layers on the stage.

use std::os::fd::AsFd;

use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen,
    mount,
};

use super::error::{Context, Trouble};
use super::mounts;
use super::setup::open_folder;
use super::template::STAGE;

/// Mounts the overlay, layer by layer, so that neither their number nor their names meet a limit of a page.
pub(super) fn attach_new(lowers: &[String], upper: &str, volatile: bool) -> Result<(), Trouble> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).on("fsopen", "overlay")?;
    let set = |key: &str, value: &str| {
        fsconfig_set_string(context.as_fd(), key, value).on("fsconfig", format_args!("overlay {key}={value}"))
    };
    set("source", "patchbed")?;
    for lower in lowers {
        set("lowerdir+", &format!("{STAGE}/{lower}"))?;
    }
    set("upperdir", &format!("{STAGE}/{upper}/upper"))?;
    set("workdir", &format!("{STAGE}/{upper}/work"))?;
    for flag in ["userxattr"].into_iter().chain(volatile.then_some("volatile")) {
        fsconfig_set_flag(context.as_fd(), flag).on("fsconfig", format_args!("overlay {flag}"))?;
    }
    mounts::create(context.as_fd(), "overlay")?;
    let attributes = MountAttrFlags::empty();
    let mount = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes).on("fsmount", "overlay")?;
    let at = format!("{STAGE}/root");
    mounts::attach(mount.as_fd(), open_folder(&at)?.as_fd(), &at)
}

/// The same with the old call: its options must fit into a page, which the stage's short names see to.
pub(super) fn mount_old(lowers: &[String], upper: &str, volatile: bool) -> Result<(), Trouble> {
    rustix::process::chdir(STAGE).on("chdir", STAGE)?;
    let lowers = lowers.join(":");
    let volatile = if volatile { ",volatile" } else { "" };
    let options = format!("lowerdir={lowers},upperdir={upper}/upper,workdir={upper}/work,userxattr{volatile}\0");
    let options = std::ffi::CStr::from_bytes_until_nul(options.as_bytes()).ok();
    mount("patchbed", "root", "overlay", MountFlags::empty(), options).on("mount", "overlay")?;
    rustix::process::chdir("/").on("chdir", "/")
}
