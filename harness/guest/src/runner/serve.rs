//! The runner's loop: hello, then lanes as they are ordered.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use serde::{Deserialize, Serialize};

use super::error::{Context, Trouble};
use super::holder::HolderIds;
use super::lane;
use super::template::Template;
use crate::descriptors;
use crate::message::SetupError;
use crate::sys::{self, Fork};

/// How the runner is to work, its only argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The holder namespace to enter first; `None` for root.
    pub holder: Option<HolderIds>,
}

/// The runner's only message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hello {
    /// It is ready for orders.
    Ready,
    /// It cannot work here.
    Failed(SetupError),
}

/// What the runner is told; with each comes the lane's end of a socket for packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Fork a lane.
    Lane {
        /// The control groups it stands in: files that take a process id.
        groups: Vec<String>,
    },
}

/// The most bytes of an order.
const ORDER_LIMIT: usize = 16 << 10;

/// Becomes the runner: its socket is the standard input. Returns when the harness is gone.
pub fn serve(settings: &Settings) {
    let Ok(socket) = take_socket() else { return };
    let template = match start(settings) {
        Ok(template) => template,
        Err(error) => return say(&socket, &Hello::Failed(error)),
    };
    say(&socket, &Hello::Ready);
    let mut buffer = vec![0; ORDER_LIMIT];
    while let Ok((length @ 1.., mut descriptors)) = descriptors::receive(&socket, &mut buffer) {
        let order = serde_json::from_slice::<Order>(&buffer[..length]);
        let (Ok(Order::Lane { groups }), Some(lane)) = (order, descriptors.pop()) else {
            continue;
        };
        // A lane that cannot be forked closes its socket, which tells the harness.
        if let Ok(Fork::Child) = sys::clone_into(0) {
            drop(socket);
            lane::serve(&lane, &groups, &template);
            sys::exit_now(0);
        }
    }
}

fn start(settings: &Settings) -> Result<Template, SetupError> {
    // Children are reaped by the kernel: nobody asks the runner how they ended.
    sys::set_disposition(libc::SIGCHLD, libc::SIG_DFL);
    if let Some(ids) = &settings.holder {
        super::holder::enter(ids)?;
    }
    let template = Template::make().map_err(|trouble| trouble.during("template"))?;
    sys::set_disposition(libc::SIGCHLD, libc::SIG_IGN);
    Ok(template)
}

/// Moves the socket away from the standard input, so that no program started later can hold it.
fn take_socket() -> Result<OwnedFd, Trouble> {
    let socket = io::stdin().as_fd().try_clone_to_owned().on("dup", "socket")?;
    let null = rustix::fs::open(
        "/dev/null",
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )
    .on("open", "/dev/null")?;
    rustix::stdio::dup2_stdin(&null).on("dup2", "standard input")?;
    rustix::stdio::dup2_stdout(&null).on("dup2", "standard output")?;
    rustix::stdio::dup2_stderr(&null).on("dup2", "standard error")?;
    sys::set_disposition(libc::SIGPIPE, libc::SIG_IGN);
    Ok(socket)
}

fn say(socket: &OwnedFd, hello: &Hello) {
    let bytes = serde_json::to_vec(hello).unwrap_or_default();
    // A harness that is gone is seen at the next read.
    let _ = descriptors::send(socket, &bytes, &[]);
}
