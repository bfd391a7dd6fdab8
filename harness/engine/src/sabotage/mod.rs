//! Known faults in place of the patches: would the scenario have noticed? A scenario in, the same scenario with faults for
//! patches out; then a record in, what was noticed out. Pure.
//!
//! A fault is a patch that runs a shell script inside the sandbox, on the services that are up. The script proves that the
//! fault took hold, else it ends with an error, and the fault counts neither as noticed nor as missed. Programs that the
//! guest starts run behind a line of shell, in both arms alike, which takes up what a script left for it. The script has
//! ended by then, and has proved only that all is there which the fault needs.

mod derive;
mod fault;
mod rewrite;
mod script;
mod tally;

pub use derive::faults;
pub use fault::{Fault, FaultKind};
pub use rewrite::{Care, NOTHING, sabotaged};
pub use tally::{Finding, Findings, Told, interval};

#[cfg(test)]
mod tests;
