//! Makes a cell's environment again, for a person to look around in.

use std::sync::Arc;
use std::time::Duration;

use patchbed_kinds::change::WayBack;
use patchbed_kinds::image::{Hold, StoreError};
use patchbed_model::{Arm, AttemptId, Cause, RunId};
use patchbed_sandbox::message::{Reply, Request, Run, Stream};
use patchbed_sandbox::{BoxFuture, CloseError, Init, LinkError, OpenError, Sandbox, SandboxSpec, Upper};
use tokio::sync::mpsc::{self, unbounded_channel};

use super::attempt::{Bench, open, spec};
use super::boots::Boots;
use super::cancel::{Cancel, Urgency};
use super::disks;
use super::halt::{Halt, Place};
use super::harness::{Harness, RunError};
use super::pace::Pace;
use super::prepare::{Ground, Preparation};
use super::timeline::Watched;
use crate::plan::PlanCell;

/// How long somebody may look around. Who is away for a day comes back to a closed environment.
const VISIT: Duration = Duration::from_hours(24);

/// Up to which point the environment is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Everything but the patch.
    Control,
    /// With the patch.
    Patched,
    /// The patch applied and taken back.
    Reverted,
}

impl Side {
    const fn arm(self) -> Arm {
        match self {
            Self::Control => Arm::Control,
            Self::Patched | Self::Reverted => Arm::Patched,
        }
    }
}

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum ReopenError {
    /// It could not be prepared.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The store of images and disks cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sandbox did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It stopped on the way: the text says where and why.
    #[error("{}", .0.text)]
    Stopped(Box<Cause>),
}

impl From<Cause> for ReopenError {
    fn from(cause: Cause) -> Self {
        Self::Stopped(Box::new(cause))
    }
}

/// An open sandbox, with what it stands on kept in the store as long as it lives.
#[derive(Debug)]
struct Held {
    sandbox: Box<dyn Sandbox>,
    _ground: Arc<Ground>,
    _disk: Option<Hold>,
}

impl Sandbox for Held {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Reply, LinkError>> {
        self.sandbox.call(request)
    }

    fn stream(
        &self,
        run: Run,
        output: mpsc::Sender<(Stream, Vec<u8>)>,
        input: mpsc::Receiver<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Reply, LinkError>> {
        self.sandbox.stream(run, output, input)
    }

    fn notes(&self) -> Vec<String> {
        self.sandbox.notes()
    }

    fn reboot(&mut self) -> BoxFuture<'_, Result<(), OpenError>> {
        self.sandbox.reboot()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), CloseError>> {
        self.sandbox.close()
    }
}

/// The cell with so much time that its sandbox lives as long as somebody looks around.
fn visited(cell: &PlanCell) -> PlanCell {
    let mut cell = cell.clone();
    Arc::make_mut(&mut cell.scenario).limits.time = VISIT;
    cell
}

/// The open environment, and what was noted on the way. What goes wrong once the services are up does not stop it: that is what one wants to look at.
///
/// # Errors
/// See [`ReopenError`].
pub async fn reopen(
    cell: &PlanCell,
    side: Side,
    harness: &Harness,
    cancel: &Cancel,
) -> Result<(Box<dyn Sandbox>, Vec<String>), ReopenError> {
    let ground = Arc::new(Preparation::new(harness).ground(cell).await??);
    let (backend, clock) = (Arc::clone(&harness.backend), Arc::clone(&harness.clock));
    let bench = Bench { backend, clock, cancel: cancel.clone(), disks: None };
    let arm = side.arm();
    let mut sandbox = match open(&bench, &visited(cell), &ground, (arm, None)).await {
        Ok(sandbox) => sandbox,
        Err(not) => match not.lack {
            Some(lack) => return Err(RunError::Unable(vec![lack]).into()),
            None => return Err(not.cause.into()),
        },
    };
    let attempt = AttemptId { cell: cell.id.clone(), arm, number: 1 };
    let pace = Pace::new(attempt, Arc::clone(&bench.clock), unbounded_channel().0);
    let watched = Watched::of(cell);
    let way_back = if side == Side::Reverted { WayBack::Kept } else { WayBack::Unneeded };
    let (clock, limit) = (&*bench.clock, cell.scenario.limits.time);
    let boots = Boots {
        clock,
        pace: &pace,
        cell,
        ground: &ground,
        arm,
        number: 1,
        watched: &watched,
        way_back,
        ends: clock.elapsed() + limit,
    };
    let mut notes = sandbox.notes();
    let went = tokio::select! {
        biased;
        () = bench.cancel.at_least(Urgency::Soon) => Err(Halt::Cancelled),
        went = boots.up_to(&mut *sandbox, side) => went,
        () = clock.sleep(limit) => Err(Halt::Time(limit)),
    };
    if let Err(halt) = went {
        let cause = Place { arm, stage: pace.current() }.cause(halt);
        notes.push(cause.text);
        notes.extend(cause.evidence);
    }
    drop(watched);
    Ok((Box::new(Held { sandbox, _ground: ground, _disk: None }), notes))
}

/// The disk that the last attempt of an arm left in a run, if it was kept. Nothing runs on it, and what is written
/// there is gone with the sandbox.
///
/// # Errors
/// See [`ReopenError`].
pub async fn reopen_kept(
    cell: &PlanCell,
    (run, arm): (&RunId, Arm),
    harness: &Harness,
) -> Result<Option<Box<dyn Sandbox>>, ReopenError> {
    let mut ground = Preparation::new(harness).ground(cell).await??;
    let Some(image) = harness.store.kept(&disks::name(run, &cell.id, arm), &ground.image)? else { return Ok(None) };
    ground.image = image;
    let disk = harness.store.hold(&ground.image, &ground.binds)?;
    let spec = SandboxSpec { upper: Upper::Memory, init: Init::Guest, ..spec(&visited(cell), &ground, arm) };
    let sandbox = harness.backend.open(&spec).await?;
    Ok(Some(Box::new(Held { sandbox, _ground: Arc::new(ground), _disk: Some(disk) })))
}
