//! An attempt from boot to boot: where its timeline is cut by the end of one start of the machine and goes on after the
//! next one.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbed_kinds::change::WayBack;
use patchbed_kinds::probe::automatic::DriftScope;
use patchbed_model::{Arm, Given, Key, Reading, Stage};
use patchbed_sandbox::Sandbox;

use super::clock::Clock;
use super::cut::Cut;
use super::data;
use super::halt::{Halt, Place, of_open};
use super::outage::Watch;
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
        let (done, changed) = self.change(sandbox).await?;
        let mut snapshot = self.timeline(sandbox).after(changed, &remembered, (&done.scope, PATCHED)).await?;
        snapshot.readings.extend(done.versions.iter().map(version));
        if self.cell.scenario.rollback && self.arm == Arm::Patched {
            self.pace.stage(Stage::Revert, self.timeline(sandbox).revert()).await?;
            let ready = self.pace.stage(Stage::Restart, self.restart(sandbox, REVERTED)).await?;
            let timeline = self.timeline(sandbox);
            let mut again = timeline.after(ready, &remembered, (&DriftScope::default(), REVERTED)).await?;
            if timeline.works_after() {
                data::as_kept_before(&snapshot, &mut again);
            }
            snapshot.readings.extend(again.readings.into_iter().map(|(key, reading)| (reverted(&key), reading)));
        }
        Ok(Seen { snapshot, notes: done.notes })
    }

    /// Applies the patches, or nothing, and restarts what is to be restarted. Gives what was seen meanwhile.
    async fn change(&self, sandbox: &mut dyn Sandbox) -> Result<(Done, BTreeMap<Key, Reading>), Halt> {
        if self.cell.given() == Given::CutOff {
            let done = self.pace.stage(Stage::Apply, self.cut(sandbox)).await?;
            return Ok((done, self.pace.stage(Stage::Restart, self.restart(sandbox, PATCHED)).await?));
        }
        let timeline = self.timeline(sandbox);
        let (watch, (mut done, mut seen)) = self.pace.stage(Stage::Apply, Watch::over_patch(&timeline)).await?;
        done.notes.extend(watch.note.clone());
        if self.cell.reboots() {
            // What happens to services from here on is the reboot's doing.
            seen.extend(watch.until_now());
            seen.extend(self.pace.stage(Stage::Restart, self.restart(sandbox, PATCHED)).await?);
        } else {
            let restarted = async { Ok::<_, Halt>((timeline.restart().await?, watch.end().await)) };
            let (ready, outages) = self.pace.stage(Stage::Restart, restarted).await?;
            seen.extend(ready);
            seen.extend(outages);
        }
        Ok((done, seen))
    }

    /// Up to where a person wants to look around.
    pub(super) async fn up_to(&self, sandbox: &mut dyn Sandbox, side: Side) -> Result<(), Halt> {
        self.timeline(sandbox).before().await?;
        if self.cell.given() == Given::CutOff {
            self.cut(sandbox).await?;
        } else {
            self.timeline(sandbox).apply().await?;
        }
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

    /// Kills in the middle what applies the patches, starts the machine again, and mends what is left.
    async fn cut(&self, sandbox: &mut dyn Sandbox) -> Result<Done, Halt> {
        let cut = Cut { cell: &self.cell.id, number: self.number };
        let place = self.timeline(sandbox).cut_off(&cut).await?;
        self.reboot(sandbox, PATCHED).await?;
        self.timeline(sandbox).start_again().await?;
        let mut done = self.timeline(sandbox).repair().await?;
        if self.arm == Arm::Patched {
            done.notes.push(format!("what applied the patches was killed {place}"));
        }
        Ok(done)
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
