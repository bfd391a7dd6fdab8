//! One attempt: a fresh sandbox, one timeline, one outcome. Nothing that happens inside makes it panic or hang.

use std::sync::Arc;
use std::time::Duration;

use patchbed_kinds::change::WayBack;
use patchbed_kinds::image::Disk;
use patchbed_model::text::visible;
use patchbed_model::{Arm, AttemptId, Blame, Cause, CauseKind, Event, Outcome, Stage};
use patchbed_sandbox::{Backend, Init, Limits, OpenError, Sandbox, SandboxSpec, Upper};
use tokio::sync::mpsc::UnboundedSender;

use super::boots::Boots;
use super::cancel::{Cancel, Urgency};
use super::clock::Clock;
use super::disks::Disks;
use super::halt::{Halt, Place, of_open};
use super::pace::{Pace, milliseconds};
use super::prepare::Ground;
use super::timeline::{Watched, until};
use crate::plan::{PlanCell, upper};
use crate::store::masked_outcome;

/// How long a sandbox may take to open, to be asked what it used, and to close.
const OPEN: Duration = Duration::from_mins(2);
const USAGE: Duration = Duration::from_secs(5);
const CLOSE: Duration = Duration::from_secs(20);

/// How much later than the engine's timer the sandbox's own one goes off. It is the second belt: were it the first, a
/// time limit would look like a guest that is lost.
const LATER: Duration = Duration::from_secs(30);

/// How long tidying up may take when the run is being cancelled.
const CLOSE_SOON: Duration = Duration::from_secs(4);

/// What all attempts of a run share.
#[derive(Clone, Debug)]
pub(super) struct Bench {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cancel: Cancel,
    /// What keeps the disks of attempts, when they are kept.
    pub(super) disks: Option<Disks>,
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) id: AttemptId,
    pub(super) outcome: Outcome,
    pub(super) milliseconds: u64,
    pub(super) notes: Vec<String>,
    /// What the host lacks, when that is why the sandbox did not open.
    pub(super) lack: Option<patchbed_sandbox::Lack>,
}

/// One attempt to be made.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) id: AttemptId,
    pub(super) cell: PlanCell,
    pub(super) ground: Arc<Ground>,
}

impl Attempt {
    /// Makes the attempt.
    pub(super) async fn make(self, bench: Bench, events: UnboundedSender<Event>) -> Finished {
        let start = bench.clock.elapsed();
        let pace = Pace::new(self.id.clone(), Arc::clone(&bench.clock), events);
        let (disk, not_kept) = self.disk(&bench);
        let opening = open(&bench, &self.cell, &self.ground, (self.id.arm, disk.as_ref()));
        let opened = pace.stage(Stage::Open, opening).await;
        let (outcome, notes, lack) = match opened {
            Err(stopped) => (Outcome::Stopped(stopped.cause), Vec::new(), stopped.lack),
            Ok(mut sandbox) => {
                let (outcome, mut notes) = self.within(&bench, &pace, &mut *sandbox).await;
                notes.extend(pace.stage(Stage::Close, close(&bench, sandbox)).await);
                notes.extend(not_kept);
                if let (Some(disks), Some(disk)) = (&bench.disks, disk) {
                    notes.extend(disks.keep(disk, &self.id, &self.ground).await);
                }
                (outcome, notes, None)
            }
        };
        Finished {
            outcome: masked_outcome(outcome),
            milliseconds: milliseconds(bench.clock.elapsed().saturating_sub(start)),
            notes,
            lack,
            id: self.id,
        }
    }

    /// The disk that is kept of it, or a note why there is none although one is wanted.
    fn disk(&self, bench: &Bench) -> (Option<Disk>, Option<String>) {
        let wanted = bench.disks.as_ref().filter(|_| !self.cell.is_trial());
        match wanted.map(|disks| disks.disk(&self.cell, &self.ground)) {
            Some(Ok(disk)) => (Some(disk), None),
            Some(Err(note)) => (None, Some(note)),
            None => (None, None),
        }
    }

    /// The timeline, until it ends, its time is over, or the run is cancelled.
    async fn within(&self, bench: &Bench, pace: &Pace, sandbox: &mut dyn Sandbox) -> (Outcome, Vec<String>) {
        let watched = Watched::of(&self.cell);
        let limit = self.cell.scenario.limits.time;
        let boots = Boots {
            clock: &*bench.clock,
            pace,
            cell: &self.cell,
            ground: &self.ground,
            arm: self.id.arm,
            number: self.id.number,
            watched: &watched,
            way_back: if self.cell.scenario.rollback { WayBack::Kept } else { WayBack::Unneeded },
            ends: bench.clock.elapsed() + limit,
        };
        let mut notes = sandbox.notes();
        let ended = tokio::select! {
            biased;
            () = bench.cancel.at_least(Urgency::Soon) => Err(Halt::Cancelled),
            ended = boots.run(&mut *sandbox) => ended,
            () = bench.clock.sleep(limit) => Err(Halt::Time(limit)),
        };
        let outcome = match ended {
            Ok(seen) => {
                notes.extend(seen.notes);
                Outcome::Observed(seen.snapshot)
            }
            Err(halt) => {
                let here = Place { arm: self.id.arm, stage: pace.current() };
                Outcome::Stopped(explained(bench, &*sandbox, here.cause(halt), here).await)
            }
        };
        (outcome, notes)
    }
}

/// A stop for which a limit of the sandbox is the reason, however it showed.
async fn explained(bench: &Bench, sandbox: &dyn Sandbox, cause: Cause, place: Place) -> Cause {
    match cause.blame {
        Blame::Environment | Blame::Harness => return cause,
        Blame::Patch | Blame::Software | Blame::Scenario => {}
    }
    let asked = until(&*bench.clock, USAGE, sandbox.usage()).await;
    let Some(Ok(usage)) = asked else {
        return cause;
    };
    if usage.reached.is_empty() || cause.kind == CauseKind::LimitReached {
        return cause;
    }
    let limits = usage.reached.join(", ");
    let text = format!("the limit of {} was reached in {}: {}", visible(&limits), place.stage, cause.text);
    Cause { kind: CauseKind::LimitReached, subject: limits, text, ..cause }
}

/// A sandbox that did not open.
#[derive(Debug)]
pub(super) struct NotOpen {
    pub(super) cause: Cause,
    pub(super) lack: Option<patchbed_sandbox::Lack>,
}

/// Opens the sandbox of a cell; what is written there is left on the disk when one is given.
pub(super) async fn open(
    bench: &Bench,
    cell: &PlanCell,
    ground: &Ground,
    (arm, disk): (Arm, Option<&Disk>),
) -> Result<Box<dyn Sandbox>, NotOpen> {
    let mut spec = spec(cell, ground, arm);
    if let Some(disk) = disk {
        spec.upper = Upper::Folder(disk.root());
    }
    let opened = tokio::select! {
        biased;
        () = bench.cancel.at_least(Urgency::Soon) => {
            let cause = Place { arm, stage: Stage::Open }.cause(Halt::Cancelled);
            return Err(NotOpen { cause, lack: None });
        }
        opened = until(&*bench.clock, OPEN, bench.backend.open(&spec)) => opened,
    };
    let error = match opened {
        Some(Ok(sandbox)) => return Ok(sandbox),
        Some(Err(error)) => error,
        None => OpenError::Runner(format!("no sandbox within {} s", OPEN.as_secs())),
    };
    let cause = of_open(&error, arm);
    match error {
        OpenError::Lacking(lack) => Err(NotOpen { cause, lack: Some(lack) }),
        OpenError::Setup(_) | OpenError::Exhausted { .. } | OpenError::Runner(_) => Err(NotOpen { cause, lack: None }),
    }
}

/// What the sandbox of a cell is made of: the same for both arms but for its name.
pub(super) fn spec(cell: &PlanCell, ground: &Ground, arm: Arm) -> SandboxSpec {
    let mut spec = ground.image.spec(&format!("{} {arm}", cell.id));
    spec.binds.clone_from(&ground.binds);
    let limits = cell.scenario.limits;
    spec.upper = upper(cell);
    spec.limits = Limits { time: limits.time + LATER, ..limits };
    spec.init = if cell.image().systemd { Init::Systemd } else { Init::Guest };
    spec
}

/// Closes a sandbox; what stays behind is a note. Past the limit it is dropped, which kills everything inside.
async fn close(bench: &Bench, sandbox: Box<dyn Sandbox>) -> Vec<String> {
    let limit = if bench.cancel.urgency() >= Urgency::Soon { CLOSE_SOON } else { CLOSE };
    match until(&*bench.clock, limit, sandbox.close()).await {
        Some(Ok(())) => Vec::new(),
        Some(Err(error)) => vec![format!("closing the sandbox: {error}")],
        None => vec![format!("the sandbox did not close within {} s and was dropped", limit.as_secs())],
    }
}
