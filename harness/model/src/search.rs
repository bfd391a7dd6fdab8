//! What a search for the guilty part of a bundle found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The search in the bundle of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Search {
    /// How many patches the bundle has.
    pub patches: usize,
    /// How many attempts with parts of the bundle were made.
    pub runs: usize,
    /// Who brings what.
    pub found: Vec<Found>,
    /// The largest part of the bundle, by weight, that was tried and is clean; absent when none is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub safe_subset: Vec<String>,
    /// The patches that are withheld from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold: Vec<String>,
    /// What stays open without these: their origins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<String>,
}

impl Search {
    /// What was found of a sign.
    #[must_use]
    pub fn of(&self, sign: &str) -> Option<&Found> {
        self.found.iter().find(|found| found.signs.iter().any(|one| one == sign))
    }
}

impl Found {
    /// The guilty patches in words: `a + b` are guilty together, `a, or b` each by itself.
    #[must_use]
    pub fn guilty(&self) -> Option<String> {
        let sets = self.sets.iter().map(|set| set.join(" + "));
        (self.answer == Answer::Guilty).then(|| sets.collect::<Vec<_>>().join(", or "))
    }
}

/// Who brings some signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// The signs: keys of readings, or the texts of stops.
    pub signs: Vec<String>,
    /// What is known of who brings them.
    pub answer: Answer,
    /// Least sets of patches, each of which is enough by itself; the likeliest ones while that is open.
    pub sets: Vec<Vec<String>>,
    /// How likely the answer is, from 0 to 1.
    pub posterior: f64,
    /// Of the attempts with such a set those that showed the signs, and all.
    pub with: (u32, u32),
    /// Of the attempts without such a set those that showed the signs, and all.
    pub without: (u32, u32),
}

/// What is known of who brings a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The sets, each of which was seen to do it alone, unless it cannot be tried alone.
    Guilty,
    /// Nobody: it came by chance.
    Nobody,
    /// Not enough attempts were made to tell.
    Open,
}
