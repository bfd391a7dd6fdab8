//! Runs a plan: prepares what it is made of, makes attempts of both arms, judges, keeps everything in the journal.

mod again;
mod attempt;
mod begin;
mod boots;
mod cached;
mod cancel;
mod chronicle;
mod clock;
mod course;
mod cut;
mod data;
mod degraded;
mod delivery;
mod disks;
mod dispatch;
mod drop_in;
mod further;
mod halt;
mod harness;
mod hunt;
mod kept;
mod look;
mod outage;
mod owner;
mod pace;
mod patch;
mod prepare;
mod reopen;
mod scales;
mod service;
mod settle;
mod timeline;
mod transaction;
mod unit;
mod workload;

pub use again::again;
pub use begin::run;
pub use cancel::{Cancel, Canceller, Urgency};
pub use clock::{Clock, SystemClock};
pub use harness::{BaselineChoice, Candidates, EventSink, FailOn, Harness, Keep, Options, RunError, Searching};
pub use reopen::{ReopenError, Side, reopen, reopen_kept};
pub(crate) use unit::booted;

#[cfg(test)]
mod tests;
