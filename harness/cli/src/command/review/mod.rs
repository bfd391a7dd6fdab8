//! `review`, `accept`, `reject`: deciding on differences and new baselines. None of them asks anything.
//!
//! - `waiting`: what waits, cut down to what was named
//! - `decide`: `accept` and `reject`
//! - `list`: `review`

mod decide;
mod list;
mod waiting;

pub(super) use decide::{accept, reject};
pub(super) use list::review;

/// The folder of what people accepted.
pub(super) const SNAPSHOTS: &str = "snapshots";
