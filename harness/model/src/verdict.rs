//! Verdicts: what is said about a cell, a scenario, a run.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// What is said about the patch. The order is the order of weight: the greatest of several is the verdict of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Not run.
    Skipped,
    /// No difference that is not there without the patch.
    Same,
    /// Something ill became well.
    Improved,
    /// Different, and no rule says whether that is worse: a person must look.
    Changed,
    /// The environment or the harness is to blame, or there were too few attempts.
    Inconclusive,
    /// Attempts of one arm disagree.
    Unstable,
    /// The patch was applied, and something that it promised did not come true.
    Ineffective,
    /// A rule, a stop or a lost state says worse.
    Regressed,
}

impl Verdict {
    /// Every verdict, in the order in which counts are shown.
    pub const ALL: [Self; 8] = [
        Self::Same,
        Self::Regressed,
        Self::Changed,
        Self::Improved,
        Self::Ineffective,
        Self::Unstable,
        Self::Inconclusive,
        Self::Skipped,
    ];

    /// The exit code of a run in which this is the heaviest verdict.
    #[must_use]
    pub const fn exit(self) -> Exit {
        match self {
            Self::Same | Self::Improved | Self::Skipped => Exit::Ok,
            Self::Changed => Exit::Changed,
            Self::Unstable | Self::Inconclusive => Exit::Undecided,
            Self::Regressed | Self::Ineffective => Exit::Regressed,
        }
    }

    /// Whether nothing is said about the patch.
    #[must_use]
    pub const fn undecided(self) -> bool {
        matches!(self, Self::Unstable | Self::Inconclusive)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Skipped => "skipped",
            Self::Same => "same",
            Self::Improved => "improved",
            Self::Changed => "changed",
            Self::Inconclusive => "inconclusive",
            Self::Unstable => "unstable",
            Self::Ineffective => "ineffective",
            Self::Regressed => "regressed",
        })
    }
}
