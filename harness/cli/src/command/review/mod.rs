//! `review`, `accept`, `reject`: deciding on differences and new baselines.
//!
//! - `waiting`: what waits, cut down to what was named
//! - `decide`: `accept` and `reject`, which ask nothing
//! - `list`: `review` where nobody can be asked
//! - `session`: `review` on a terminal, one decision after the other
//! - `item`, `screen`, `keys`: what a decision is about, how it is shown, how it is typed

mod decide;
mod item;
mod keys;
mod list;
mod screen;
mod session;
mod waiting;

pub(super) use decide::{accept, reject};
pub(super) use session::review;

/// The folder of what people accepted.
pub(super) const SNAPSHOTS: &str = "snapshots";
