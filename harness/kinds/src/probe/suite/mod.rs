//! `suite`: an existing test suite, with one state for each of its tests.
//!
//! A format reads what a suite printed into a [`Report`](report::Report), whatever is printed. Formats know no
//! sandbox, and the report alone knows keys and readings.

mod autopkgtest;
mod cargo;
mod control;
mod go_json;
mod junit;
mod kind;
mod report;
mod tap;
#[cfg(test)]
mod tests;

pub use kind::{Format, Suite};
