//! What is kept: the state folder with its runs and journals, the record as a fold over a journal, and the files of
//! accepted baselines and differences that people commit.

mod state;

pub use state::{Lock, State, StateError};
