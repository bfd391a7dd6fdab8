//! What a scenario can name, one file each: changes, probes, image sources.
//!
//! A kind reads itself from a scenario (`document`), says what it needs before a run, and does its work through an
//! open sandbox. Nothing here knows scheduling, history or reports.

pub mod change;
pub mod document;
pub mod image;
pub mod probe;
