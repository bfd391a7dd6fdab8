//! One snapshot against a baseline, under rules: the differences. Pure.
//!
//! Without a rule the class of a reading decides: a state that got worse is `regressed`, one that got better `improved`,
//! another state or content `changed`; a metric is `changed` when it is far beyond what was seen; a fact never alarms. Of a
//! reading with few values any other one differs; one that moves all the time is compared by shape only. What a rule allows
//! stays in the list, silenced, and is counted.

mod allow;
mod difference;

pub use allow::{Allowed, allows};
pub use difference::{REVERTED, compare, compare_reverted, reverted};

#[cfg(test)]
mod tests;
