//! An attempt from boot to boot: where its timeline is cut by the end of one start of the machine and goes on after the
//! next one.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbed_kinds::change::WayBack;
use patchbed_kinds::probe::automatic::DriftScope;
use patchbed_model::{Arm, Given, Key, Reading, Snapshot, Stage};
use patchbed_sandbox::Sandbox;

use super::clock::Clock;
use super::cut::Cut;
use super::data::{self, Remembered};
use super::halt::{Halt, Place, of_open};
use super::pace::Pace;
use super::patch::Done;
use super::prepare::Ground;
use super::reopen::Side;
use super::timeline::{PATCHED, REVERTED, Seen, Timeline, Watched, version};
use crate::compare::reverted;
use crate::plan::PlanCell;
use crate::scenario::Restarting;

/// One attempt under way, whichever start of its machine this is.
#[derive(Debug)]
pub(super) struct Boots<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) pace: &'a Pace,
    pub(super) cell: &'a PlanCell,
    pub(super) ground: &'a Ground,
    pub(super) arm: Arm,
    /// The attempt's number in its arm: where it is cut off depends on it.
    pub(super) number: u32,
    pub(super) watched: &'a Watched<'a>,
    /// Whether the patches will be taken back.
    pub(super) way_back: WayBack,
    /// When the time of the attempt is over.
    pub(super) ends: Duration,
}

impl<'a> Boots<'a> {
    /// All of it.
    pub(super) async fn run(&self, sandbox: &mut dyn Sandbox) -> Result<Seen, Halt> {
        let remembered = self.timeline(sandbox).before().await?;
        let (done, during) = self.pace.stage(Stage::Apply, self.apply(sandbox)).await?;
        let mut snapshot = self.after(sandbox, &remembered, (&done.scope, PATCHED)).await?;
        snapshot.readings.extend(during);
        snapshot.readings.extend(done.versions.iter().map(version));
        if self.cell.scenario.rollback && self.arm == Arm::Patched {
            self.pace.stage(Stage::Revert, self.timeline(sandbox).revert()).await?;
            let mut again = self.after(sandbox, &remembered, (&DriftScope::default(), REVERTED)).await?;
            if self.timeline(sandbox).works_after() {
                data::as_kept_before(&snapshot, &mut again);
            }
            snapshot.readings.extend(again.readings.into_iter().map(|(key, reading)| (reverted(&key), reading)));
        }
        Ok(Seen { snapshot, notes: done.notes })
    }

    /// Up to where a person wants to look around.
    pub(super) async fn up_to(&self, sandbox: &mut dyn Sandbox, side: Side) -> Result<(), Halt> {
        self.timeline(sandbox).before().await?;
        self.apply(sandbox).await?;
        self.restart(sandbox, PATCHED).await?;
        if side == Side::Reverted {
            self.timeline(sandbox).revert().await?;
            self.restart(sandbox, REVERTED).await?;
        }
        Ok(())
    }

    fn timeline<'s>(&self, sandbox: &'s dyn Sandbox) -> Timeline<'s, 'a> {
        Timeline {
            sandbox,
            clock: self.clock,
            pace: self.pace,
            cell: self.cell,
            ground: self.ground,
            arm: self.arm,
            watched: self.watched,
            way_back: self.way_back,
            ends: self.ends,
        }
    }

    /// Applies the patches; or kills in the middle what does it, starts the machine again, and mends what is left.
    async fn apply(&self, sandbox: &mut dyn Sandbox) -> Result<(Done, BTreeMap<Key, Reading>), Halt> {
        if self.cell.given() != Given::CutOff {
            return self.timeline(sandbox).apply().await;
        }
        let cut = Cut { cell: &self.cell.id, number: self.number };
        let place = self.timeline(sandbox).cut_off(&cut).await?;
        self.reboot(sandbox, PATCHED).await?;
        self.timeline(sandbox).start_again().await?;
        let mut done = self.timeline(sandbox).repair().await?;
        if self.arm == Arm::Patched {
            done.notes.push(format!("what applied the patches was killed {place}"));
        }
        Ok((done, BTreeMap::new()))
    }

    /// From the restart to the look.
    async fn after(
        &self,
        sandbox: &mut dyn Sandbox,
        remembered: &Remembered<'a>,
        (scope, since): (&DriftScope, &str),
    ) -> Result<Snapshot, Halt> {
        let ready = self.pace.stage(Stage::Restart, self.restart(sandbox, since)).await?;
        self.timeline(sandbox).after(ready, remembered, (scope, since)).await
    }

    /// Restarts what is to be restarted.
    async fn restart(&self, sandbox: &mut dyn Sandbox, since: &str) -> Result<BTreeMap<Key, Reading>, Halt> {
        if self.cell.scenario.restart == Restarting::Reboot {
            self.reboot(sandbox, since).await?;
            return self.timeline(sandbox).start_again().await;
        }
        self.timeline(sandbox).restart().await
    }

    /// Stops the services and starts the same disk again. What was marked before is forgotten with the guest.
    async fn reboot(&self, sandbox: &mut dyn Sandbox, since: &str) -> Result<(), Halt> {
        self.timeline(sandbox).stop().await?;
        let rebooted = sandbox.reboot().await;
        rebooted.map_err(|error| {
            let place = Place { arm: self.arm, stage: self.pace.current() };
            let cause = of_open(&error, self.arm);
            Halt::from(place.because(cause.kind, cause.blame, &cause.subject, cause.text))
        })?;
        self.timeline(sandbox).mark(since).await
    }
}
