//! What differs between the arms, and what was made of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Key;
use crate::metric::Metric;
use crate::outcome::Cause;
use crate::reading::{Class, Reading};
use crate::verdict::Verdict;

/// In which way a reading differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DifferenceKind {
    /// In the baseline, not now.
    Gone,
    /// Now, not in the baseline.
    New,
    /// In both, with other values.
    Changed,
}

/// One reading that breaks its rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Where it stands.
    pub key: Key,
    /// What kind of reading it is.
    pub class: Class,
    /// In which way it differs.
    pub kind: DifferenceKind,
    /// The baseline's value as text; absent when new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// The value now as text; absent when gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// What this difference alone would mean.
    pub verdict: Verdict,
    /// Lines that explain it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Why it does not count, when a rule or an acceptance silences it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced: Option<String>,
    /// In how many patched attempts it was seen, of how many.
    pub seen: (u32, u32),
}

impl Difference {
    /// A difference of `now` against `was`, as yet without weight.
    #[must_use]
    pub fn between(key: &Key, was: Option<&Reading>, now: Option<&Reading>) -> Option<Self> {
        let kind = match (was, now) {
            (Some(_), Some(_)) => DifferenceKind::Changed,
            (Some(_), None) => DifferenceKind::Gone,
            (None, Some(_)) => DifferenceKind::New,
            (None, None) => return None,
        };
        let reading = now.or(was)?;
        Some(Self {
            key: key.clone(),
            class: reading.class,
            kind,
            was: was.map(|reading| reading.value.to_string()),
            now: now.map(|reading| reading.value.to_string()),
            verdict: Verdict::Changed,
            evidence: reading.evidence.clone(),
            silenced: None,
            seen: (1, 1),
        })
    }

    /// Whether it counts towards the verdict.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.silenced.is_none()
    }
}

/// All differences of one comparison, in the order of their keys.
pub type Differences = Vec<Difference>;

/// A reading that is ill without the patch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ill {
    /// The reading.
    pub key: Key,
    /// Its value.
    pub value: String,
    /// Lines that explain it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// What was decided about one cell, with all that it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// One sentence that says why.
    pub reason: String,
    /// Whether the control arm was ill already.
    pub broken_before: bool,
    /// Whether only the infrastructure is to blame, so that a second try may help.
    pub temporary: bool,
    /// What differs, silenced differences included.
    pub differences: Differences,
    /// Why attempts stopped, each once.
    pub causes: Vec<Cause>,
    /// What is ill in every attempt without the patch, when that decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ill: Vec<Ill>,
    /// Readings that move by themselves: seen to differ among control attempts.
    pub volatile: Vec<Key>,
    /// The metrics that were judged by comparing the arms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// What a person should know besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// An upper bound, at 95 % confidence, of the share of runs in which one unchanged reading would move by itself,
    /// given that none of the counted ones did in the control attempts.
    pub noise_bound: f64,
}
