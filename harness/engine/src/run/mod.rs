//! Runs a plan: prepares what it is made of, makes attempts of both arms, judges, keeps everything in the journal.

mod cancel;
mod clock;
mod harness;
mod reopen;

pub use cancel::{Cancel, Canceller, Urgency};
pub use clock::{Clock, SystemClock};
pub use harness::{BaselineChoice, Candidates, EventSink, FailOn, Harness, Options, RunError, run};
pub use reopen::{ReopenError, Side, reopen};
