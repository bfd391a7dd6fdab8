//! The holder namespace of an ordinary user: the caller is 0 in it, the subordinate ids are 1 and up.

use std::io;
use std::process::{Command, ExitStatus};

use rustix::pipe::pipe_with;
use serde::{Deserialize, Serialize};

use super::error::{Context, Trouble};
use crate::message::SetupError;
use crate::sys;

/// Who the caller is and which subordinate ids there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderIds {
    /// The setuid helper for users.
    pub newuidmap: String,
    /// The setuid helper for groups.
    pub newgidmap: String,
    /// The caller's ids.
    pub caller: (u32, u32),
    /// The first subordinate user id and how many there are.
    pub users: (u32, u32),
    /// The first subordinate group id and how many there are.
    pub groups: (u32, u32),
}

/// Moves this process (of one thread) into a new user namespace with these ids and a mount namespace of its own, and
/// becomes root there.
///
/// # Errors
/// The call that failed; `newuidmap` refuses ids that `/etc/subuid` does not grant.
pub fn enter(ids: &HolderIds) -> Result<(), SetupError> {
    try_enter(ids).map_err(|trouble| trouble.during("holder namespace"))
}

fn try_enter(ids: &HolderIds) -> Result<(), Trouble> {
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    let pipe = || pipe_with(rustix::pipe::PipeFlags::CLOEXEC).on("pipe", "holder");
    let (unshared, tell_unshared) = pipe()?;
    let (mapped, tell_mapped) = pipe()?;
    // The helpers must run outside the new namespace: a child goes ahead and waits until we are inside.
    if sys::fork().on("fork", "newuidmap")? == 0 {
        drop((tell_unshared, mapped));
        let mut byte = [0];
        let status = match rustix::io::read(&unshared, &mut byte) {
            Ok(1) => map(ids, pid),
            _ => 1,
        };
        let _ = rustix::io::write(&tell_mapped, &[status]);
        sys::exit_now(0);
    }
    drop((unshared, tell_mapped));
    sys::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS).on("unshare", "user namespace")?;
    rustix::io::write(&tell_unshared, &[1]).on("write", "holder")?;
    let mut status = [1];
    let read = rustix::io::read(&mapped, &mut status).on("read", "holder")?;
    if read == 0 || status[0] != 0 {
        return Err(io::Error::from_raw_os_error(libc::EPERM)).on("newuidmap", "uid_map");
    }
    become_root().on("setresuid", "0 in the holder namespace")?;
    // `newuidmap` needed us dumpable; the change of ids has ended that.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable).on("prctl", "dumpable")?;
    rustix::mount::mount_change(
        "/",
        rustix::mount::MountPropagationFlags::DOWNSTREAM | rustix::mount::MountPropagationFlags::REC,
    )
    .on("mount", "/ as a slave")
}

/// Runs both helpers at once; 0 when both went well.
fn map(ids: &HolderIds, pid: i32) -> u8 {
    let start = |helper: &str, caller: u32, (first, count): (u32, u32)| {
        Command::new(helper)
            .args([pid.to_string(), "0".into(), caller.to_string(), "1".into()])
            .args(["1".to_string(), first.to_string(), count.to_string()])
            .env_clear()
            .spawn()
    };
    let both = [start(&ids.newuidmap, ids.caller.0, ids.users), start(&ids.newgidmap, ids.caller.1, ids.groups)];
    let ended = both.map(|helper| helper.and_then(|mut child| child.wait()));
    u8::from(!ended.iter().all(|end| end.as_ref().is_ok_and(ExitStatus::success)))
}

/// Takes the ids of root in the current user namespace, without the C library's signalling of threads.
pub(super) fn become_root() -> rustix::io::Result<()> {
    use rustix::process::{Gid, Uid};
    rustix::thread::set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT)?;
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT)
}
