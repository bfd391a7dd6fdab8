//! What a run says while it runs. Drawn from events only, by a thread of its own, so that a terminal that does not
//! take any more never holds up the run.

mod board;
mod draw;
mod region;
mod sinks;
mod tick;

pub(crate) use sinks::Sinks;
