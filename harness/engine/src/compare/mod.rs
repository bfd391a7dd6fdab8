//! One snapshot against a baseline, under rules: the differences. Pure.
//!
//! Without a rule the class of a reading decides: a state that got worse is `regressed`, one that got better `improved`,
//! another state or content `changed`; a metric is never alarming on its own; a fact never is. A reading that moves by
//! itself is compared by shape only. What a rule allows stays in the list, silenced, and is counted.

mod allow;
mod difference;

pub use allow::{Allowed, allows};
pub use difference::{REVERTED, compare, compare_reverted, reverted};

#[cfg(test)]
mod tests;
