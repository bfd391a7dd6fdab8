//! A lane: makes one sandbox at a time, the half of it that is done from outside.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::fs::{CWD, Mode, OFlags, open};
use rustix::mount::{OpenTreeFlags, open_tree};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::Signal;

use super::error::{Context, Trouble};
use super::setup;
use super::template::Template;
use crate::message::{Message, SetupError};
use crate::plan::{Access, Depth, IdRange, Ids, Namespace, Plan, SetupStep};
use crate::sys::{self, Fork};
use crate::{descriptors, link};

/// The most bytes of a plan: what a packet socket carries with its usual buffer.
const PLAN_LIMIT: usize = 200 << 10;

/// The byte with which a process's descriptor comes to the harness, before the first frame.
pub const BORN: u8 = b'B';

/// Serves plans until the harness closes its end.
pub(super) fn serve(socket: &OwnedFd, groups: &[String], template: &Template) {
    // The runner is the parent; when it dies, so do we, and by that what we made.
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    // Raising it needs no right. Programs of a sandbox go before the host's when memory runs out.
    let _ = std::fs::write("/proc/self/oom_score_adj", "900");
    for group in groups {
        // What cannot be limited is found and told by the harness, which reads the group back.
        let _ = std::fs::write(group, "0");
    }
    let mut buffer = vec![0; PLAN_LIMIT];
    while let Ok((length @ 1.., mut descriptors)) = descriptors::receive(socket, &mut buffer) {
        let Some(control) = descriptors.pop() else { continue };
        let result = serde_json::from_slice::<Plan>(&buffer[..length])
            .map_err(io::Error::from)
            .on("read", "plan")
            .map_err(|trouble| trouble.during("plan"))
            .and_then(|plan| open_sandbox(&plan, &control, socket, template));
        if let Err(error) = result {
            tell(control, error);
        }
    }
}

/// Says on the control socket why there is no sandbox.
pub(super) fn tell(control: OwnedFd, error: SetupError) {
    let _ = link::write(&mut UnixStream::from(control), &Message::SetupFailed(error));
}

fn open_sandbox(plan: &Plan, control: &OwnedFd, lane: &OwnedFd, template: &Template) -> Result<(), SetupError> {
    let [first, rest @ ..] = &plan.steps[..] else {
        return Err(nothing().during("plan"));
    };
    let SetupStep::Clone { namespaces, ids } = first else {
        return Err(nothing().at(first));
    };
    let (near, far) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .on("socketpair", "child")
        .map_err(|trouble| trouble.at(first))?;
    let clone = || {
        let fork = sys::clone_into(flags(namespaces));
        if let Ok(Fork::Child) = fork {
            // The lane's socket must not live on in the sandbox: its end is how the lane's end is seen.
            close(&[lane.as_fd(), near.as_fd()]);
            setup::inside(plan, control, &far);
            sys::exit_now(1);
        }
        fork
    };
    let fork = template.within(clone).map_err(|trouble| trouble.at(first))?;
    let (pid, process) = match fork.on("clone3", "namespaces").map_err(|trouble| trouble.at(first))? {
        Fork::Parent(pid, process) => (pid, process),
        Fork::Child => sys::exit_now(1),
    };
    drop(far);
    let result = map_ids(pid, ids)
        .map_err(|trouble| trouble.at(first))
        .and_then(|()| descriptors_of(rest, pid))
        .and_then(|trees| {
            hand_over(control, process.as_fd(), near.as_fd(), &trees)
                .on("sendmsg", "child")
                .map_err(|trouble| trouble.at(first))
        });
    if result.is_err() {
        let _ = rustix::process::pidfd_send_signal(&process, Signal::KILL);
    }
    result
}

fn nothing() -> Trouble {
    Trouble { call: "read".into(), target: "a plan begins with a clone".into(), errno: libc::EINVAL }
}

fn close(descriptors: &[BorrowedFd<'_>]) {
    for descriptor in descriptors {
        sys::close_in_child(*descriptor);
    }
}

fn flags(namespaces: &[Namespace]) -> u64 {
    namespaces.iter().fold(0, |flags, namespace| flags | u64::from(setup::flag(*namespace).cast_unsigned()))
}

fn map_ids(pid: i32, ids: &[IdRange]) -> Result<(), Trouble> {
    use std::fmt::Write as _;
    let mut text = String::new();
    for IdRange { inside, outside, count } in ids {
        let _ = writeln!(text, "{inside} {outside} {count}");
    }
    for file in ["uid_map", "gid_map"] {
        let path = format!("/proc/{pid}/{file}");
        std::fs::write(&path, &text).on("write", &path)?;
    }
    Ok(())
}

/// Opens everything that the steps before [`SetupStep::Enter`] name, in their order.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other step is done inside")]
fn descriptors_of(steps: &[SetupStep], pid: i32) -> Result<Vec<OwnedFd>, SetupError> {
    let path = format!("/proc/{pid}/ns/user");
    let users = open(&*path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .on("open", &path)
        .map_err(|trouble| trouble.during("user namespace"))?;
    let mut opened = Vec::new();
    for step in steps {
        let result = match step {
            SetupStep::Tree { from, access, ids, depth, .. } => tree(from, *access, *depth, *ids, users.as_fd()),
            SetupStep::Meter { file, .. } => {
                open(&**file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).on("open", file)
            }
            SetupStep::Group { tree } => enter_group(tree, pid),
            SetupStep::Enter => break,
            _ => Err(nothing()),
        };
        opened.push(result.map_err(|trouble| trouble.at(step))?);
    }
    Ok(opened)
}

/// Moves process 1 into its group, the root of what it will see; gives the way into the guest's group.
fn enter_group(folder: &str, pid: i32) -> Result<OwnedFd, Trouble> {
    let payload = format!("{folder}/payload/cgroup.procs");
    std::fs::write(&payload, pid.to_string()).on("write", &payload)?;
    let guest = format!("{folder}/guest/cgroup.procs");
    open(&*guest, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()).on("open", &guest)
}

fn tree(from: &str, access: Access, depth: Depth, ids: Ids, users: BorrowedFd<'_>) -> Result<OwnedFd, Trouble> {
    let all = depth == Depth::All;
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if all {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    let tree = open_tree(CWD, from, flags).on("open_tree", from)?;
    let mut attributes = sys::NO_DEVICES;
    if access == Access::ReadOnly {
        attributes |= sys::READ_ONLY;
    }
    let set = |users| sys::set_mount_attributes(tree.as_fd(), attributes, users, all);
    let done = match ids {
        Ids::Kept => set(None),
        Ids::Shifted => set(Some(users)),
        Ids::ShiftedIfPossible => set(Some(users)).or_else(|_| set(None)),
    };
    done.on("mount_setattr", from)?;
    Ok(tree)
}

/// Gives the process's descriptor to the harness and the trees to the process, which then goes on.
fn hand_over(control: &OwnedFd, process: BorrowedFd<'_>, child: BorrowedFd<'_>, trees: &[OwnedFd]) -> io::Result<()> {
    descriptors::send(control, &[BORN], &[process])?;
    let trees: Vec<BorrowedFd<'_>> = trees.iter().map(AsFd::as_fd).collect();
    for some in trees.chunks(descriptors::AT_ONCE) {
        descriptors::send(child, &[1], some)?;
    }
    descriptors::send(child, &[0], &[])
}
