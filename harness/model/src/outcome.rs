//! How an attempt ended, and whose fault it was when it stopped early.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::reading::Snapshot;

/// Which timeline an attempt follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// Without the patch.
    Control,
    /// With the patch.
    Patched,
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control => "control",
            Self::Patched => "patched",
        })
    }
}

/// The stages of a run, in order. The same words stand in commands, logs and documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each stage is its own word")]
pub enum Stage {
    Load,
    Plan,
    Open,
    Install,
    Start,
    Exercise,
    Apply,
    Restart,
    Observe,
    Revert,
    Compare,
    Judge,
    Report,
    Close,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Load => "load",
            Self::Plan => "plan",
            Self::Open => "open",
            Self::Install => "install",
            Self::Start => "start",
            Self::Exercise => "exercise",
            Self::Apply => "apply",
            Self::Restart => "restart",
            Self::Observe => "observe",
            Self::Revert => "revert",
            Self::Compare => "compare",
            Self::Judge => "judge",
            Self::Report => "report",
            Self::Close => "close",
        })
    }
}

/// Whose fault a stop was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The patch under test.
    Patch,
    /// A third-party product.
    Software,
    /// What the scenario says: a service that never worked, a workload that fails without the patch.
    Scenario,
    /// The machine: no space, no sandbox, a registry away.
    Environment,
    /// patchbed itself.
    Harness,
}

/// What stopped an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// An image or a package could not be had.
    NotPrepared,
    /// The sandbox did not open.
    SandboxNotOpened,
    /// The guest went away: killed, out of memory, or crashed.
    GuestLost,
    /// A change could not be done: the tool said no.
    ChangeFailed,
    /// A change did not end within its limit.
    ChangeTimedOut,
    /// A change could not be taken back.
    RevertFailed,
    /// A service did not become ready before the patch.
    ServiceNotReady,
    /// A workload failed before the patch.
    WorkloadFailed,
    /// A limit of the scenario was reached: time, memory, disk or processes.
    LimitReached,
    /// The machine has no space left.
    NoSpace,
    /// The attempt was cut off by a signal or a crash of the harness.
    Interrupted,
    /// A defect of patchbed.
    Bug,
}

/// Why an attempt stopped, and whose fault it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// What happened.
    pub kind: CauseKind,
    /// The stage in which it happened.
    pub stage: Stage,
    /// Whose fault it was.
    pub blame: Blame,
    /// The service, change or workload it happened to.
    pub subject: String,
    /// One sentence without a full stop.
    pub text: String,
    /// The last lines of the tool, without control characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It reached the end: this was seen.
    Observed(Snapshot),
    /// It stopped early.
    Stopped(Cause),
}
