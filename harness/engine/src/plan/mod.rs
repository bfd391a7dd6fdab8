//! What will be done: scenarios and a selection in, cells with their attempts and steps out. Pure; opens nothing.

mod cell;
mod document;
mod expand;
mod ground;
mod selection;
mod shard;
mod steps;

pub use cell::{CellNames, Plan, PlanCell, interleaved};
pub use document::{Durations, PlanDocument, PlannedAttempts, PlannedLimits, SCHEMA};
pub use expand::{MOST_CELLS, PlanError, plan};
pub use ground::Layer;
pub(crate) use ground::upper;
pub use selection::{Expression, ExpressionError, Selection};
pub use shard::Shard;
pub use steps::{Step, steps};

#[cfg(test)]
mod tests;
