//! What is kept: the state folder with its runs and journals, the record as a fold over a journal, and the files of
//! accepted baselines and differences that people commit.

mod causes;
mod committed;
mod document;
mod durable;
mod fold;
mod journal;
mod line;
mod merge;
mod part;
mod secret;
mod snapshot;
mod state;
mod yaml;

pub(crate) use causes::rows;
pub use committed::{Committed, Found};
pub use document::{DocumentError, read_plan};
pub use fold::{Fold, exit, fold};
pub use journal::Journal;
pub use merge::{MergeError, Merged, merge};
pub use part::{Part, PartError, parts};
pub use secret::{is_masked, masked, masked_event, masked_outcome};
pub use snapshot::{Header, Stored};
pub use state::{Lock, State, StateError};

#[cfg(test)]
mod tests;
