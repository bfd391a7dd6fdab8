//! From scenarios to cells: the axes of the matrix, then the selection.

use std::collections::BTreeSet;
use std::sync::Arc;

use patchbed_model::Given;

use super::cell::{Plan, PlanCell};
use super::selection::Selection;
use crate::covering::pairs;
use crate::scenario::{Delivery, Patch, PatchAxis, Scenario, SoftwareAxis};

/// The most cells of one plan: more is a slip of the matrix, not a wish.
pub const MOST_CELLS: usize = 20_000;

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A prefix of a cell's id fits several cells.
    #[error("`{prefix}` is the beginning of several cells: {}", .cells.join(", "))]
    Ambiguous {
        /// What was given.
        prefix: String,
        /// The cells.
        cells: Vec<String>,
    },
    /// The matrix has too many cells.
    #[error("the matrix has {cells} cells, the limit is {MOST_CELLS}")]
    TooMany {
        /// How many it has.
        cells: usize,
    },
}

/// The cells of these scenarios that are selected.
///
/// # Errors
/// See [`PlanError`]. A selection that fits nothing is an empty plan, not an error.
pub fn plan(scenarios: impl IntoIterator<Item = Scenario>, selection: &Selection) -> Result<Plan, PlanError> {
    let scenarios: Vec<Arc<Scenario>> = scenarios.into_iter().map(Arc::new).collect();
    let cells = scenarios.iter().map(|scenario| count(scenario)).fold(0_usize, usize::saturating_add);
    if cells > MOST_CELLS {
        return Err(PlanError::TooMany { cells });
    }
    let all = Plan { cells: scenarios.iter().flat_map(cells_of).collect() };
    selection.apply(all)
}

/// How a set of patches is given, in each cell that it gets. One patch is given in one way.
fn ways(scenario: &Scenario, set: &[usize]) -> Vec<Given> {
    let mut ways = match scenario.delivery {
        Delivery::Together if set.len() > 1 => vec![Given::Together],
        Delivery::Both if set.len() > 1 => vec![Given::OneByOne, Given::Together],
        Delivery::OneByOne | Delivery::Together | Delivery::Both => vec![Given::OneByOne],
    };
    if scenario.interrupt && !set.is_empty() {
        ways.push(Given::CutOff);
    }
    ways
}

fn count(scenario: &Scenario) -> usize {
    let patches: usize = patch_sets(scenario).iter().map(|set| ways(scenario, set).len()).sum();
    let software = software_sets(scenario).len();
    scenario.images.len().saturating_mul(patches).saturating_mul(software)
}

fn cells_of(scenario: &Arc<Scenario>) -> Vec<PlanCell> {
    let patches = patch_sets(scenario);
    let software = software_sets(scenario);
    let mut cells = Vec::new();
    for image in 0..scenario.images.len() {
        for set in &patches {
            for products in &software {
                for given in ways(scenario, set) {
                    cells.push(PlanCell::new(Arc::clone(scenario), image, (set.clone(), given), products.clone()));
                }
            }
        }
    }
    cells
}

/// The sets of patches of the axis, without repetition. A scenario without patches has one empty set.
fn patch_sets(scenario: &Scenario) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..scenario.patches.len()).collect();
    let each = || all.iter().map(|place| closure(&scenario.patches, *place));
    let sets: Vec<Vec<usize>> = match scenario.matrix.patch {
        PatchAxis::All => vec![all],
        PatchAxis::Each if all.is_empty() => vec![all],
        PatchAxis::Each => each().collect(),
        PatchAxis::AllAndEach => std::iter::once(all.clone()).chain(each()).collect(),
    };
    without_repetition(sets)
}

/// A patch with all that it needs, in the order of the scenario.
fn closure(patches: &[Patch], place: usize) -> Vec<usize> {
    let mut wanted = BTreeSet::new();
    let mut open = vec![place];
    while let Some(place) = open.pop() {
        if !wanted.insert(place) {
            continue;
        }
        let needed = patches.get(place).map(|patch| patch.after.as_slice()).unwrap_or_default();
        open.extend(needed.iter().filter_map(|name| patches.iter().position(|patch| patch.name == *name)));
    }
    wanted.into_iter().collect()
}

fn software_sets(scenario: &Scenario) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..scenario.software.len()).collect();
    let sets = match scenario.matrix.software {
        SoftwareAxis::All => vec![all],
        SoftwareAxis::Each => std::iter::once(Vec::new()).chain(all.iter().map(|place| vec![*place])).collect(),
        SoftwareAxis::Pairs => pairs(all.len()),
        SoftwareAxis::None => vec![Vec::new()],
    };
    without_repetition(sets)
}

fn without_repetition(sets: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let mut seen = BTreeSet::new();
    sets.into_iter().filter(|set| seen.insert(set.clone())).collect()
}
