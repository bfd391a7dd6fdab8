//! Scenario files in, run record out: load, plan, run, compare, judge, search, store, review.
//!
//! Modules stand in the order `scenario → load → plan → compare → judge → noise → run → store → review`, and each
//! imports only what stands left of it (`scripts/layers` checks that). Nothing here knows terminals, report formats
//! or argument parsing.

pub mod load;
pub mod scenario;
