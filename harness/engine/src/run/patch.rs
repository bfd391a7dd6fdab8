//! Applying patches and taking them back.

use std::time::Duration;

use patchbed_kinds::change::{Applied, Change as _, ChangeError, NewVersion, Prepared, Site, WayBack};
use patchbed_kinds::probe::automatic::DriftScope;
use patchbed_model::{Arm, Blame, Cause, CauseKind, Stage};
use patchbed_sandbox::Sandbox;

use super::clock::Clock;
use super::delivery::Part;
use super::halt::{Halt, Place, of_change};

/// How much of an attempt's time changes leave to what comes after them, at most a quarter of it.
const RESERVE: Duration = Duration::from_mins(1);

/// What a change gets however late it is: whether the time is over is then told by the attempt.
const LEAST: Duration = Duration::from_secs(1);

/// Where patches are applied.
#[derive(Debug)]
pub(super) struct Patching<'a> {
    pub(super) sandbox: &'a dyn Sandbox,
    pub(super) systemd: bool,
    /// Whether the patches will be taken back.
    pub(super) way_back: WayBack,
    pub(super) clock: &'a dyn Clock,
    /// The limit of the whole attempt.
    pub(super) limit: Duration,
    /// When it is reached.
    pub(super) ends: Duration,
}

/// What patches did.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    pub(super) scope: DriftScope,
    pub(super) notes: Vec<String>,
    pub(super) versions: Vec<NewVersion>,
}

impl Done {
    fn take(&mut self, applied: Applied, name: &str) {
        self.notes.extend(applied.notes.into_iter().map(|note| format!("{name}: {note}")));
        self.versions.extend(applied.versions);
        self.scope.packages.extend(applied.packages);
        self.scope.paths.extend(applied.paths);
        self.scope.dropped.extend(applied.dropped);
    }
}

impl Patching<'_> {
    /// Applies the parts in order.
    pub(super) async fn apply(&self, parts: &[Part<'_>]) -> Result<Done, Halt> {
        let place = Place { arm: Arm::Patched, stage: Stage::Apply };
        let mut done = Done::default();
        for part in parts {
            for (number, (change, prepared)) in part.apply.iter().enumerate() {
                let applied = change.apply(&self.site(prepared, &format!("{}-{number}", part.key))).await;
                let applied = applied.map_err(|error| of_change(error, place, Blame::Patch, &part.name))?;
                done.take(applied, &part.name);
            }
        }
        Ok(done)
    }

    /// Mends what is left of the parts, in order.
    pub(super) async fn repair(&self, parts: &[Part<'_>]) -> Result<Done, Halt> {
        let place = Place { arm: Arm::Patched, stage: Stage::Apply };
        let mut done = Done::default();
        for part in parts {
            for (number, (change, prepared)) in part.apply.iter().enumerate() {
                let repaired = change.repair(&self.site(prepared, &format!("{}-{number}", part.key))).await;
                let name = format!("{} cannot be mended after it was cut off", part.name);
                let applied = repaired.map_err(|error| of_change(error, place, Blame::Patch, &name))?;
                done.take(applied, &part.name);
            }
        }
        Ok(done)
    }

    /// Takes the parts back, the last first.
    pub(super) async fn revert(&self, parts: &[Part<'_>]) -> Result<(), Halt> {
        for part in parts.iter().rev() {
            let reverted = if part.revert.is_empty() { self.undo(part).await } else { self.by_hand(part).await };
            reverted.map_err(|error| not_reverted(error, &part.name))?;
        }
        Ok(())
    }

    async fn undo(&self, part: &Part<'_>) -> Result<(), ChangeError> {
        for (number, (change, prepared)) in part.apply.iter().enumerate().rev() {
            change.revert(&self.site(prepared, &format!("{}-{number}", part.key))).await?;
        }
        Ok(())
    }

    /// The changes that the patch names as its way back.
    async fn by_hand(&self, part: &Part<'_>) -> Result<(), ChangeError> {
        for (number, (change, prepared)) in part.revert.iter().enumerate() {
            change.apply(&self.site(prepared, &format!("{}-revert-{number}", part.key))).await?;
        }
        Ok(())
    }

    fn site<'b>(&'b self, prepared: &'b Prepared, name: &'b str) -> Site<'b> {
        let (within, systemd, way_back) = (self.left(), self.systemd, self.way_back);
        Site { sandbox: self.sandbox, prepared, name, within, systemd, way_back }
    }

    /// How long a change may take that says nothing else: what is left of the attempt, but for a reserve.
    fn left(&self) -> Duration {
        let left = self.ends.saturating_sub(self.clock.elapsed());
        left.saturating_sub(RESERVE.min(self.limit / 4)).max(LEAST)
    }
}

/// Whatever the tool said: a patch that cannot be taken back is a fault of its own.
fn not_reverted(error: ChangeError, name: &str) -> Halt {
    let place = Place { arm: Arm::Patched, stage: Stage::Revert };
    match of_change(error, place, Blame::Patch, name) {
        Halt::Cause(cause) if cause.blame == Blame::Patch => {
            Halt::from(Cause { kind: CauseKind::RevertFailed, text: format!("taking back {}", cause.text), ..*cause })
        }
        other @ (Halt::Cause(_) | Halt::Link(_) | Halt::Failed(_) | Halt::Time(_) | Halt::Cancelled) => other,
    }
}
