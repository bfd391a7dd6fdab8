//! Acceptances: differences that a person looked at and lives with.

use std::collections::BTreeSet;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::difference::Difference;
use crate::id::{Digest, Key};

/// Values longer than this, or of several lines, are kept by digest.
const LONGEST_VALUE: usize = 200;

/// A difference that was looked at and accepted. It holds for exactly this change of value in exactly this scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Acceptance {
    /// The reading.
    pub key: Key,
    /// Its value before; absent when it was not there. Long values stand as their digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// Its value after; absent when it is gone. Long values stand as their digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// The patches that are in; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<String>,
    /// The image; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The products that are on; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<Vec<String>>,
    /// Why it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Who accepted it.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub date: Date,
    /// The last day on which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
    /// Whether it is a regression that people live with for a while.
    #[serde(default, skip_serializing_if = "is_false")]
    pub known_issue: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Acceptance {
    /// Whether this difference is the one that was accepted. The scope is the caller's question.
    #[must_use]
    pub fn covers(&self, difference: &Difference) -> bool {
        self.key == difference.key
            && self.was == difference.was.as_deref().map(Self::value)
            && self.now == difference.now.as_deref().map(Self::value)
    }

    /// Whether it speaks of the cell with this image, these patches and these products. Their order means nothing.
    #[must_use]
    pub fn speaks_of(&self, image: &str, patches: &[String], software: &[String]) -> bool {
        let same = |mine: &[String], theirs: &[String]| {
            mine.iter().collect::<BTreeSet<_>>() == theirs.iter().collect::<BTreeSet<_>>()
        };
        self.image.as_ref().is_none_or(|mine| mine == image)
            && (self.patches.is_empty() || same(&self.patches, patches))
            && self.software.as_ref().is_none_or(|mine| same(mine, software))
    }

    /// A value as an acceptance keeps it: short ones as they are, long ones as their digest.
    #[must_use]
    pub fn value(text: &str) -> String {
        if text.len() > LONGEST_VALUE || text.contains('\n') {
            return Digest::of(text.as_bytes()).to_string();
        }
        text.to_owned()
    }
}
