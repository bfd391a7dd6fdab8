//! Which cell a run adds when its own are judged, to find out which products a regression takes.

use patchbed_model::record::{CauseRecord, ScenarioRecord};
use patchbed_model::{Record, Verdict};

use crate::covering::pairs;
use crate::judge::localise::{budget, question};
use crate::plan::PlanCell;
use crate::scenario::SoftwareAxis;
use crate::store::rows;

/// The next cell, if one is needed and the ground on which it would stand has had no more than its share.
pub(super) fn further(record: &Record, cells: &[&PlanCell]) -> Option<PlanCell> {
    let causes =
        record.scenarios.iter().flat_map(|scenario| scenario.causes.iter().map(move |cause| (scenario, cause)));
    causes
        .filter(|(_, cause)| cause.verdict == Verdict::Regressed)
        .find_map(|(scenario, cause)| of(scenario, cause, cells))
}

fn of(scenario: &ScenarioRecord, cause: &CauseRecord, cells: &[&PlanCell]) -> Option<PlanCell> {
    let shown = cells.iter().find(|cell| cause.cells.contains(&cell.id))?;
    let products = shown.scenario.software.len();
    let on_this_ground = cells.iter().filter(|cell| cell.shares_ground(shown)).count();
    let open = shown.scenario.matrix.software == SoftwareAxis::Pairs
        && on_this_ground < pairs(products).len() + budget(products);
    open.then(|| question(&rows(scenario, cause))).flatten().map(|products| shown.with_products(&products))
}
