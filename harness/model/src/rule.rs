//! Rules: how two readings may differ.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Key;

/// How a reading may differ from its baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Allow {
    /// Not at all.
    Exact,
    /// In any way; the difference is still counted.
    Ignore,
    /// In value but not in kind: digits for digits, words for words, about the same length.
    Shape,
    /// In order only: lines or items are compared as a set.
    Set,
    /// By at most this share of the baseline, either way (0.1 is 10 %).
    Within(f64),
    /// Upwards by at most this share of the baseline; downwards freely.
    AtMost(f64),
    /// Downwards by at most this share of the baseline; upwards freely.
    AtLeast(f64),
    /// By at most this, either way.
    WithinNumber(Amount),
    /// Up to this, whatever the baseline is.
    AtMostNumber(Amount),
    /// By at most this more than the baseline; downwards freely.
    AtMostMore(Amount),
    /// Down to this, whatever the baseline is.
    AtLeastNumber(Amount),
    /// Freely as long as it matches this regular expression.
    Matches(String),
    /// Freely among these.
    OneOf(Vec<String>),
}

/// A number to which readings are held, in the unit in which it was written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Amount {
    /// In whatever unit the reading has.
    Plain(f64),
    /// In bytes.
    Bytes(f64),
    /// In seconds.
    Seconds(f64),
}

impl Amount {
    /// The number in the unit of a reading; `None` when that measures something else. A reading without a unit is
    /// taken to be in the unit of the amount.
    #[must_use]
    pub fn in_unit(self, unit: Option<&str>) -> Option<f64> {
        match (self, unit) {
            (Self::Plain(number), _)
            | (Self::Bytes(number), None | Some("bytes" | "B"))
            | (Self::Seconds(number), None | Some("s" | "seconds")) => Some(number),
            (Self::Seconds(number), Some("ms" | "milliseconds")) => Some(number * 1e3),
            (Self::Seconds(number), Some("us" | "µs" | "microseconds")) => Some(number * 1e6),
            (Self::Seconds(number), Some("ns" | "nanoseconds")) => Some(number * 1e9),
            (Self::Bytes(_) | Self::Seconds(_), Some(_)) => None,
        }
    }
}

/// A pattern over keys in which `*` stands for any run of characters, dots included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct KeyPattern(pub String);

impl KeyPattern {
    /// Whether `key` is meant. Linear in the lengths of both for every pattern with few stars.
    #[must_use]
    pub fn matches(&self, key: &Key) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = key.as_str().strip_prefix(first) else {
            return false;
        };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else {
            return rest.is_empty();
        };
        for part in parts {
            let Some(at) = rest.find(part) else {
                return false;
            };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

/// One line under `rules:`, or the `allow:` of a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// The keys it speaks of.
    pub key: KeyPattern,
    /// What it allows.
    pub allow: Allow,
    /// Why a rule that silences something is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The last day on which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
}

/// All rules of a scenario, in the order written. The last one that matches a key holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Rules(pub Vec<Rule>);

impl Rules {
    /// The rule that holds for `key`, if any was written.
    #[must_use]
    pub fn for_key(&self, key: &Key) -> Option<&Rule> {
        self.for_either(key, key)
    }

    /// The rule that holds for a reading that goes by two keys.
    #[must_use]
    pub fn for_either(&self, one: &Key, other: &Key) -> Option<&Rule> {
        self.0.iter().rev().find(|rule| rule.key.matches(one) || rule.key.matches(other))
    }

    /// The rules that still hold on `today`, and those whose last day is over.
    #[must_use]
    pub fn in_force(&self, today: Date) -> (Self, Vec<Rule>) {
        let (over, holding) = self.0.iter().cloned().partition(|rule| rule.until.is_some_and(|last| last < today));
        (Self(holding), over)
    }
}
