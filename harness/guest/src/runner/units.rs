//! Systemd as process 1, and the guest beside it.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, pipe_with};

use super::error::{Context, Trouble};
use super::lane;
use crate::message::SetupError;
use crate::sys;

/// Where systemd is, in the order of trying.
const PLACES: [&str; 3] = ["/lib/systemd/systemd", "/usr/lib/systemd/systemd", "/sbin/init"];

/// Forks the guest, which goes on from here, and makes this process systemd.
///
/// The guest takes its own group, so that systemd finds only itself in what it takes for the whole machine; programs
/// that the guest starts stand there too. It becomes the reaper of its own descendants.
///
/// Gives `Ok` in the guest, once systemd runs; process 1 never returns.
pub(super) fn beside(control: OwnedFd, guest_group: Option<&OwnedFd>, dropped: &[u8]) -> Result<OwnedFd, SetupError> {
    let step = "start systemd";
    let (heard, tell) = pipe_with(PipeFlags::CLOEXEC).on("pipe", "systemd").map_err(|trouble| trouble.during(step))?;
    let guest = sys::fork().on("fork", "guest").map_err(|trouble| trouble.during(step))?;
    if guest != 0 {
        drop((control, heard));
        let trouble = become_systemd(dropped);
        let _ = rustix::io::write(&tell, &trouble.errno.to_le_bytes());
        // The guest tells the harness. It must not go down with process 1 before it has.
        let guest = rustix::process::Pid::from_raw(guest);
        let _ = rustix::process::waitpid(guest, rustix::process::WaitOptions::empty());
        sys::exit_now(1);
    }
    drop(tell);
    let mut errno = [0; 4];
    // The end of the pipe says that systemd was executed.
    if let Ok(4) = rustix::io::read(&heard, &mut errno) {
        let errno = i32::from_le_bytes(errno);
        let trouble = Trouble { call: "execve".into(), target: PLACES[0].into(), errno };
        lane::tell(control, trouble.during(step));
        sys::exit_now(1);
    }
    let settle = || -> Result<(), Trouble> {
        if let Some(group) = guest_group {
            rustix::io::write(group, b"0").on("write", "cgroup.procs of the guest")?;
        }
        let own = rustix::process::getpid();
        rustix::process::set_child_subreaper(Some(own)).on("prctl", "subreaper")
    };
    match settle() {
        Ok(()) => Ok(control),
        Err(trouble) => {
            lane::tell(control, trouble.during(step));
            sys::exit_now(1);
        }
    }
}

/// Executes systemd; comes back only with the reason why not.
fn become_systemd(dropped: &[u8]) -> Trouble {
    sys::drop_capabilities(dropped);
    let environment =
        ["container=patchbed", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"];
    let mut errno = libc::ENOENT;
    for place in PLACES {
        let Ok(program) = CString::new(place) else { continue };
        errno = sys::execute_program(&program, &environment);
        if errno != libc::ENOENT {
            break;
        }
    }
    Trouble { call: "execve".into(), target: PLACES[0].into(), errno }
}
