//! How the patches of a cell are given.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the patches of a cell are given: a failure may be in the delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// One after another.
    #[default]
    OneByOne,
    /// Packages that follow one another in one transaction.
    Together,
    /// Killed in the middle; the machine is started again and what is left is mended.
    CutOff,
}

impl Given {
    /// Whether it is the usual way, of which nothing is said.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::OneByOne
    }

    /// In the words of a sentence: `given one by one`.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::OneByOne => "given one by one",
            Self::Together => "given in one transaction",
            Self::CutOff => "cut off in the middle and mended",
        }
    }
}
