//! Parts of a plan for several machines, cut by how long cells are thought to take.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use patchbed_model::CellId;

use super::cell::{Plan, PlanCell};

/// What an attempt is thought to take when nothing is known of it, in milliseconds.
const ATTEMPT: u64 = 2_000;

/// What the start of systemd is thought to add.
const SYSTEMD: u64 = 4_000;

/// What a patch, a product or a workload is thought to add.
const STEP: u64 = 1_000;

/// One of several parts of a plan. All machines that cut a plan into as many parts cut it alike: nothing of the host is
/// asked, and the order of the scenarios does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    total: usize,
}

impl Shard {
    /// Part `index` of `total`, counted from 1; `None` when there is no such part.
    #[must_use]
    pub const fn new(index: usize, total: usize) -> Option<Self> {
        if 1 <= index && index <= total { Some(Self { index, total }) } else { None }
    }

    /// The cells of this part, in the order of the plan. Estimates are in milliseconds; a cell without one is guessed.
    #[must_use]
    pub fn of(self, plan: Plan, estimates: &BTreeMap<CellId, u64>) -> Plan {
        let weight = |cell: &PlanCell| estimates.get(&cell.id).copied().unwrap_or_else(|| guess(cell));
        let mut cells: Vec<(Reverse<u64>, CellId)> =
            plan.cells.iter().map(|cell| (Reverse(weight(cell)), cell.id.clone())).collect();
        cells.sort();
        let mut loads = vec![0_u64; self.total];
        let mut mine = BTreeSet::new();
        for (Reverse(weight), cell) in cells {
            let lightest = loads.iter_mut().enumerate().min_by_key(|(_, load)| **load);
            let Some((place, load)) = lightest else { continue };
            // A cell of no weight still takes its turn.
            *load = load.saturating_add(weight.max(1));
            if place + 1 == self.index {
                mine.insert(cell);
            }
        }
        Plan { cells: plan.cells.into_iter().filter(|cell| mine.contains(&cell.id)).collect() }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.total)
    }
}

/// How long a cell that never ran is thought to take, by what its scenario says. It only has to be right in proportion.
fn guess(cell: &PlanCell) -> u64 {
    let steps = cell.patches().count() + cell.software().count() + cell.workloads().count();
    let boot = if cell.image().systemd { ATTEMPT + SYSTEMD } else { ATTEMPT };
    let boots = if cell.reboots() { 2 * boot } else { boot };
    let watched = u64::try_from(cell.scenario.watch.as_millis()).unwrap_or(u64::MAX);
    let attempt = boots.saturating_add(STEP * steps as u64).saturating_add(watched);
    attempt.saturating_mul(cell.attempts().len() as u64)
}
