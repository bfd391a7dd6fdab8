//! The nouns of patchbed that outlive a run: what is read, what differs, what is decided, what is kept.
//!
//! Plain data in, plain data out. Nothing here opens a file, starts a process, asks the time or knows YAML;
//! everything is serialisable, ordered, and safe to read back years later.

pub mod acceptance;
pub mod comparison;
pub mod diagnostic;
pub mod difference;
pub mod event;
pub mod exit;
pub mod given;
pub mod id;
pub mod metric;
pub mod outage;
pub mod outcome;
pub mod reading;
pub mod record;
pub mod rule;
pub mod search;
pub mod text;
pub mod verdict;

pub use acceptance::Acceptance;
pub use comparison::Comparison;
pub use diagnostic::{Code, Diagnostic, Label, Severity};
pub use difference::{Difference, Differences, Ill, Judgement};
pub use event::{AttemptId, Event};
pub use exit::Exit;
pub use given::Given;
pub use id::{CellId, Digest, Key, RunId};
pub use metric::Metric;
pub use outage::{Outage, Outages};
pub use outcome::{Arm, Blame, Cause, CauseKind, Outcome, Stage};
pub use reading::{Better, Class, Health, Reading, Snapshot, Value};
pub use record::Record;
pub use rule::{Allow, Rule, Rules};
pub use verdict::Verdict;
