//! Asks written probes again, in an environment in which a person looks around.

use patchbed_kinds::probe::automatic::{DriftScope, Programs};
use patchbed_kinds::probe::canonical::canonical_reading;
use patchbed_model::{Key, Reading};
use patchbed_sandbox::{LinkError, Sandbox};

use super::clock::Clock;
use super::data::Remembered;
use super::look::Sight;
use super::timeline::{PATCHED, Watched};
use crate::plan::PlanCell;
use crate::scenario::Probe;

/// What these written probes of a cell read now.
///
/// # Errors
/// [`LinkError`] when the guest is gone.
pub async fn again(
    cell: &PlanCell,
    sandbox: &dyn Sandbox,
    clock: &dyn Clock,
    probes: &[&Probe],
) -> Result<Vec<(Key, Reading)>, LinkError> {
    let watched = Watched::of(cell);
    let (remembered, programs, scope) = (Remembered::default(), Programs::default(), DriftScope::default());
    let sight = Sight {
        services: &watched.inside(cell, sandbox, clock),
        remembered: &remembered,
        probes,
        products: &[],
        automatic: false,
        programs: &programs,
        scope: &scope,
        since: PATCHED,
    };
    let mut all = Vec::new();
    for probe in probes {
        all.extend(sight.written(probe).await?);
    }
    Ok(all.into_iter().map(|(key, reading)| (key, canonical_reading(reading))).collect())
}
