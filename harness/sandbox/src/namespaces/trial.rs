//! A trial: a sandbox over an empty folder, made and ended without tokio. What it cannot do, no sandbox can.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use patchbed_guest::message::Message;
use patchbed_guest::plan::Plan;
use patchbed_guest::{descriptors, link};
use rustix::process::{Signal, pidfd_send_signal};

use super::host::Host;
use super::lanes::Lanes;
use super::runner::exhausted;
use crate::spec::SandboxSpec;
use crate::{Lack, LackWeight, OpenError};

/// How long the trial may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes a sandbox, and tells what could not be limited.
pub(super) fn trial(lanes: &Arc<Lanes>, host: &Host) -> Result<Vec<Lack>, OpenError> {
    let empty = tempfile::tempdir().map_err(exhausted("space for a temporary folder"))?;
    let root = Utf8PathBuf::try_from(empty.path().to_owned()).map_err(|error| OpenError::Runner(error.to_string()))?;
    let spec = SandboxSpec::on("trial", vec![root]);
    let mut lane = lanes.take()?;
    let notes = lane.limit(&spec.limits);
    let plan = Plan {
        steps: spec.steps(&lane.host(host)),
        environment: spec.environment.clone(),
        notes,
        processes: spec.limits.processes,
    };
    let (mut ours, theirs) = UnixStream::pair().map_err(exhausted("descriptors"))?;
    let broken = |error: io::Error| OpenError::Runner(error.to_string());
    ours.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
    lane.open(&plan, &OwnedFd::from(theirs))?;
    let mut byte = [0];
    let (length, mut process) = descriptors::receive(ours.as_fd(), &mut byte).map_err(broken)?;
    let Some(process) = process.pop() else {
        let rest = io::Read::chain(&byte[..length], &mut ours);
        return failed(link::read(&mut { rest }));
    };
    let notes = match link::read(&mut ours) {
        Ok(Some(Message::Ready { notes, .. })) => notes,
        other => return failed(other),
    };
    // One that is gone already needs no killing.
    let _ = pidfd_send_signal(&process, Signal::KILL);
    let _ = link::read::<Message>(&mut ours);
    lanes.give_back(lane);
    Ok(notes.into_iter().map(degraded).collect())
}

fn failed(message: io::Result<Option<Message>>) -> Result<Vec<Lack>, OpenError> {
    Err(match message {
        Ok(Some(Message::SetupFailed(error))) => super::check::explain(error),
        Ok(_) => OpenError::Runner("the sandbox ended before it stood".into()),
        Err(error) => OpenError::Runner(error.to_string()),
    })
}

/// A note about a limit as a lack.
fn degraded(note: String) -> Lack {
    let remedy = if note.contains("memory") {
        "run as root, or in a group of version 2 that is delegated to this user with its memory controller: systemd-run --user --scope -p Delegate=yes patchbed …"
    } else {
        "a Linux kernel of version 6.14 or newer, or a pids controller as for memory"
    };
    let what = if note.contains("memory") { "a limit on memory as a whole" } else { "a limit on processes" };
    Lack { what: what.into(), because: note, remedy: remedy.into(), weight: LackWeight::Degraded }
}
