//! Scenario files in, run record out: load, plan, compare, judge, store, run, review.
//!
//! Modules stand in the order
//! `scenario → covering → sabotage → load → plan → noise → compare → judge → search → store → run → review → init`, and
//! each imports only what stands left of it (`scripts/layers` checks that). Nothing here knows terminals, report formats
//! or argument parsing.
//!
//! The way through it: [`load::load`] reads files, [`plan::plan`] makes cells of them, [`run::run`] makes the attempts
//! and gives back the record, which [`store::State`] keeps and [`review`] decides on.

pub mod compare;
pub mod init;
pub mod judge;
pub mod load;
pub mod noise;
pub mod plan;
pub mod review;
pub mod run;
pub mod sabotage;
pub mod scenario;
pub mod search;
pub mod store;

mod covering;
mod expression;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod strategies;
