//! The outcomes of both arms in, one verdict out, with all that it rests on. Total and pure.
//!
//! * A stop that the environment or the harness is to blame for makes the cell `inconclusive`, whatever the rest says.
//! * A patch that does not apply, in all attempts, is `regressed`.
//! * Attempts of one arm that disagree make it `unstable`: some stop and some do not, a state is good in one control
//!   attempt and bad in another, a difference shows in some patched attempts only.
//! * What is bad in some patched attempts, a state or the attempt itself, is `regressed` when its rate is too high for
//!   chance, given the rate without the patch. Later attempts that pass never make it `same`.
//! * What is ill in all control attempts and no better with the patch is *broken before*: nothing is said about the
//!   patch there. It makes the cell `inconclusive` when it is a written probe or the state of a service.
//! * A promise that does not come true in every attempt with the patch makes it `ineffective`, unless something got worse.
//! * A metric of which a direction is wanted, and no rule speaks, is compared by the ranks of all attempts of both arms.
//! * Else the heaviest difference that counts is the verdict.

pub mod attribution;
mod case;
mod health;
pub mod localise;
mod metric;
mod moves;
mod promise;
mod ranks;
mod rate;
mod reason;
mod tally;
pub mod versions;

pub use case::{Case, Pool, judge};
pub use moves::{Moves, Moving, Scatter, Shown};

#[cfg(test)]
mod tests;
