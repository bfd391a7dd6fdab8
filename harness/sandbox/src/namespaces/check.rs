//! What a host lacks, found by making a sandbox and looking at what failed, and how to mend it.

use std::fs;
use std::io;

use patchbed_guest::message::SetupError;

use crate::{Lack, LackWeight, OpenError};

/// Errors that a second try may not meet, and what has run out.
const EXHAUSTED: [(i32, &str); 6] = [
    (libc::EAGAIN, "processes"),
    (libc::ENOMEM, "memory"),
    (libc::EMFILE, "descriptors"),
    (libc::ENFILE, "descriptors"),
    (libc::ENOSPC, "space"),
    (libc::EDQUOT, "space"),
];

/// Turns a failed step into what it says about the host, if it does.
pub(super) fn explain(error: SetupError) -> OpenError {
    if let Some((what, remedy)) = lack(&error) {
        let off = setting("user.max_user_namespaces") == Some(0);
        let what = if off { "user namespaces: they are switched off".into() } else { what };
        return OpenError::Lacking(Lack { what, because: error.to_string(), remedy, weight: LackWeight::Fatal });
    }
    match EXHAUSTED.iter().find(|(errno, _)| *errno == error.errno) {
        Some((_, what)) => OpenError::Exhausted {
            what: format!("{what} ({} {}, in the step `{}`)", error.call, error.target, error.step),
            source: io::Error::from_raw_os_error(error.errno),
        },
        None => OpenError::Setup(error),
    }
}

/// What is missing and what mends it, when a failure means that something is missing.
fn lack(error: &SetupError) -> Option<(String, String)> {
    let SetupError { step, call, target, errno } = error;
    let forbidden = matches!(*errno, libc::EPERM | libc::EACCES);
    let makes_users = step == "holder namespace" || step.starts_with("clone");
    match &**call {
        _ if *errno == libc::ENOSYS => {
            Some((format!("the system call {call}"), "a Linux kernel of version 6.1 or newer, and no filter around patchbed that hides it".into()))
        }
        "unshare" | "clone3" if makes_users && (forbidden || matches!(*errno, libc::ENOSPC | libc::EINVAL | libc::EUSERS)) => {
            Some(("user namespaces".into(), users_remedy()))
        }
        "newuidmap" | "write" if makes_users && forbidden => {
            Some(("the right to map ids into a user namespace".into(), users_remedy()))
        }
        "setresuid" | "unshare" | "mount" | "setns" if forbidden => {
            Some(("rights inside a user namespace".into(), users_remedy()))
        }
        "fsopen" if target == "overlay" && *errno == libc::ENODEV => {
            Some(("the overlay file system".into(), "modprobe overlay".into()))
        }
        "fsconfig" | "mount" if target.starts_with("overlay") && (forbidden || *errno == libc::EINVAL) => Some((
            "an overlay inside a user namespace".into(),
            "a Linux kernel of version 5.11 or newer, and the state folder on ext4, xfs, btrfs or tmpfs (not on an overlay or NFS)".into(),
        )),
        "mount_setattr" if forbidden || matches!(*errno, libc::EINVAL | libc::EOPNOTSUPP) => Some((
            format!("idmapped mounts of the file system of `{target}`"),
            "keep the state folder on ext4, xfs or btrfs, with a Linux kernel of version 5.19 or newer".into(),
        )),
        "fsconfig" | "fsmount" | "move_mount" if forbidden && (target.starts_with("proc") || target.starts_with("sysfs")) => Some((
            format!("a full view of the host's {target}"),
            "in a container: start it with --security-opt systempaths=unconfined, or --privileged".into(),
        )),
        "fsopen" | "open_tree" | "move_mount" | "fsconfig" | "fsmount" | "pivot_root" if forbidden => Some((
            "the right to mount inside a user namespace".into(),
            "in a container: start it with --security-opt seccomp=unconfined --cap-add SYS_ADMIN; elsewhere look for a security module that forbids it".into(),
        )),
        _ => None,
    }
}

/// A setting of the kernel.
fn setting(name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/"))).ok()?;
    text.trim().parse().ok()
}

/// The setting that keeps user namespaces from us, as far as the host tells.
fn users_remedy() -> String {
    let root = "or run patchbed as root";
    if setting("user.max_user_namespaces") == Some(0) {
        return format!("sysctl -w user.max_user_namespaces=28633, {root}");
    }
    if setting("kernel.unprivileged_userns_clone") == Some(0) {
        return format!("sysctl -w kernel.unprivileged_userns_clone=1, {root}");
    }
    if setting("kernel.apparmor_restrict_unprivileged_userns") == Some(1) {
        return format!(
            "an AppArmor profile for patchbed with the rule `userns,`, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, {root}"
        );
    }
    format!(
        "sysctl user.max_user_namespaces must not be 0, no security module or container may forbid user namespaces, {root}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(step: &str, call: &str, target: &str, errno: i32) -> OpenError {
        explain(SetupError { step: step.into(), call: call.into(), target: target.into(), errno })
    }

    #[test]
    fn what_a_host_lacks_is_told_from_what_has_run_out_and_from_other_failures() {
        let lacks = |error: OpenError| matches!(error, OpenError::Lacking(_));
        assert!(lacks(failure("holder namespace", "unshare", "user namespace", libc::ENOSPC)));
        assert!(lacks(failure("holder namespace", "newuidmap", "uid_map", libc::EPERM)));
        assert!(lacks(failure("overlay of 0", "fsopen", "overlay", libc::ENODEV)));
        assert!(lacks(failure("clone user", "clone3", "namespaces", libc::ENOSYS)));
        assert!(matches!(failure("clone user", "clone3", "namespaces", libc::EAGAIN), OpenError::Exhausted { .. }));
        assert!(matches!(failure("stage", "mkdir", "root", libc::ENOSPC), OpenError::Exhausted { .. }));
        assert!(matches!(failure("bind 0", "openat2", "/etc/x", libc::ENOTDIR), OpenError::Setup(_)));
    }
}
