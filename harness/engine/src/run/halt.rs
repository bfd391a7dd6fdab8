//! Why an attempt halts, and the cause with its blame that is made of it.

use std::time::Duration;

use patchbed_kinds::change::{ChangeError, seconds};
use patchbed_kinds::probe::ProbeError;
use patchbed_model::text::visible;
use patchbed_model::{Arm, Blame, Cause, CauseKind, Stage};
use patchbed_sandbox::message::{Failure, FailureKind};
use patchbed_sandbox::{AskError, LinkError, OpenError};

/// Why an attempt cannot go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// The guest is gone or speaks nonsense.
    Link(LinkError),
    /// The guest could not do what the engine itself needs.
    Failed(Failure),
    /// The time of the whole sandbox is over.
    Time(Duration),
    /// The run is being cancelled.
    Cancelled,
    /// The cause is known where it happened.
    Cause(Box<Cause>),
}

impl From<AskError> for Halt {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Link(link) => Self::Link(link),
            AskError::Failed(failure) => Self::Failed(failure),
        }
    }
}

impl From<LinkError> for Halt {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl From<Cause> for Halt {
    fn from(cause: Cause) -> Self {
        Self::Cause(Box::new(cause))
    }
}

/// Where in which timeline something halts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) arm: Arm,
    pub(super) stage: Stage,
}

impl Place {
    /// Whose doing it is when what runs inside misbehaves here: the patch's once it is being applied, else the scenario's.
    pub(super) fn blame(self) -> Blame {
        match self.arm {
            Arm::Patched if self.stage >= Stage::Apply => Blame::Patch,
            Arm::Patched | Arm::Control => Blame::Scenario,
        }
    }

    /// The cause that a halt here has.
    pub(super) fn cause(self, halt: Halt) -> Cause {
        match halt {
            Halt::Cause(cause) => *cause,
            Halt::Link(LinkError::Gone(text)) => {
                let text = format!("the guest went away in {}: {text}", self.stage);
                self.because(CauseKind::GuestLost, Blame::Environment, "guest", text)
            }
            Halt::Link(LinkError::Protocol(text)) => {
                self.because(CauseKind::Bug, Blame::Harness, "guest", format!("the guest answered out of turn: {text}"))
            }
            Halt::Failed(failure) => self.failed(&failure),
            Halt::Time(limit) => {
                let text = format!("the time limit of {} was reached in {}", seconds(limit), self.stage);
                self.because(CauseKind::LimitReached, self.blame(), "time", text)
            }
            Halt::Cancelled => {
                let text = format!("interrupted in {}", self.stage);
                self.because(CauseKind::Interrupted, Blame::Environment, "run", text)
            }
        }
    }

    fn failed(self, failure: &Failure) -> Cause {
        match failure.kind {
            FailureKind::Limit => self.because(CauseKind::LimitReached, self.blame(), "limit", visible(&failure.text)),
            FailureKind::NotFound | FailureKind::Refused | FailureKind::System | FailureKind::Unsupported => {
                self.because(CauseKind::Bug, Blame::Harness, "guest", visible(&failure.text))
            }
        }
    }

    pub(super) fn because(self, kind: CauseKind, blame: Blame, subject: &str, text: String) -> Cause {
        Cause { kind, stage: self.stage, blame, subject: subject.to_owned(), text, evidence: Vec::new() }
    }
}

/// The cause of a change that did not work. `blame` is for when the tool said no.
pub(super) fn of_change(error: ChangeError, place: Place, blame: Blame, subject: &str) -> Halt {
    let text = format!("{subject}: {error}");
    let cause = |kind, blame, evidence: Vec<String>| {
        let evidence = evidence.iter().map(|line| visible(line)).collect();
        Halt::from(Cause { evidence, ..place.because(kind, blame, subject, visible(&text)) })
    };
    match error {
        ChangeError::Link(link) => Halt::Link(link),
        ChangeError::Unavailable(_) => cause(CauseKind::NotPrepared, Blame::Environment, Vec::new()),
        ChangeError::Unfit(_) => cause(CauseKind::ChangeFailed, blame, Vec::new()),
        ChangeError::Refused { evidence, .. } => cause(CauseKind::ChangeFailed, blame, evidence),
        ChangeError::TimedOut { evidence, .. } => cause(CauseKind::ChangeTimedOut, blame, evidence),
    }
}

/// The cause of a sandbox that did not open.
pub(super) fn of_open(error: &OpenError, arm: Arm) -> Cause {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    let kind = match error {
        OpenError::Exhausted { source, .. } if is_full(source) => CauseKind::NoSpace,
        OpenError::Exhausted { .. } | OpenError::Lacking(_) | OpenError::Setup(_) | OpenError::Runner(_) => {
            CauseKind::SandboxNotOpened
        }
    };
    Place { arm, stage: Stage::Open }.because(kind, Blame::Environment, "sandbox", text)
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// A probe that could not be asked is a broken link; one that is blind is told apart by its text.
pub(super) fn of_probe(error: ProbeError) -> Result<String, LinkError> {
    match error {
        ProbeError::Blind(text) => Ok(text),
        ProbeError::Link(link) => Err(link),
    }
}
