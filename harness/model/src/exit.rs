//! Exit codes: the part of the answer that scripts read. They are a contract; see the README of the command.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// Everything same, improved or accepted.
    Ok,
    /// The patch made something worse, did not apply, was ineffective, or did not roll back.
    Regressed,
    /// Wrong flag, wrong scenario, missing file.
    Usage,
    /// No regression, but differences that nobody has looked at.
    Changed,
    /// The selection matched nothing.
    Nothing,
    /// Attempts disagree, too few attempts, cells without a result.
    Undecided,
    /// The control arm is already ill, so nothing is said about the patch.
    BrokenBefore,
    /// An internal error.
    Bug,
    /// Infrastructure only: the one code that an engine may retry.
    Temporary,
    /// The host cannot sandbox.
    Unable,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl Exit {
    /// The number given to the operating system.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Regressed => 1,
            Self::Usage => 2,
            Self::Changed => 3,
            Self::Nothing => 4,
            Self::Undecided => 5,
            Self::BrokenBefore => 6,
            Self::Bug => 70,
            Self::Temporary => 75,
            Self::Unable => 77,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The heavier of two: 130/143 > 70 > 2 > 77 > 1 > 5 > 6 > 75 > 3 > 4 > 0.
    #[must_use]
    pub const fn max(self, other: Self) -> Self {
        if self.weight() >= other.weight() { self } else { other }
    }

    const fn weight(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Nothing => 1,
            Self::Changed => 2,
            Self::Temporary => 3,
            Self::BrokenBefore => 4,
            Self::Undecided => 5,
            Self::Regressed => 6,
            Self::Unable => 7,
            Self::Usage => 8,
            Self::Bug => 9,
            Self::Terminated => 10,
            Self::Interrupted => 11,
        }
    }
}
