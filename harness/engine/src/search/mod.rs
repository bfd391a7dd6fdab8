//! The search for the guilty part of a bundle: from what trials of parts of it told, which parts to try next, or who it
//! was. Pure: a run that is resumed asks the same questions in the same order.
//!
//! [`next_step`] is the whole of it. What a trial is, and how it is seen whether something shows, is the run's matter.

mod bundle;
mod hunt;
mod posterior;
mod set;
mod sign;
#[cfg(test)]
mod tests;

pub use bundle::{Bundle, MOST_PATCHES};
pub use hunt::{Answer, Finding, Question, Step, Told, Trial, next_step};
pub use posterior::Noise;
pub use set::Set;
pub use sign::{Sign, noise, signs, told};
