//! What was observed: readings under keys, and the snapshot that holds them.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Key;

/// What kind of thing a reading is; it decides the rule that holds when none is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Running, exit 0, port open: a change for the worse is `regressed`.
    State,
    /// Text, JSON, digests: any unexplained change is `changed`.
    Content,
    /// A measured number: compared by statistics with a margin.
    Metric,
    /// Versions and the like: shown, never alarming.
    Fact,
}

/// Whether a state is one that people want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
}

/// Which direction of a metric people want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Times and sizes.
    Lower,
    /// Rates.
    Higher,
}

/// An observed value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Text, one line or many.
    Text(String),
    /// A number in the unit that the reading names.
    Number(f64),
    /// Several texts. The observer has put them in an order that means something, or sorted them.
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::List(items) => f.write_str(&items.join(", ")),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// One observed value, its class, and what helps to understand it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// What kind of thing it is.
    pub class: Class,
    /// What was seen.
    pub value: Value,
    /// For a state: whether it is one that people want; `None` when nobody could see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// The unit of a metric, such as `ms` or `bytes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The wanted direction of a metric that is judged by comparing attempts; `None`: only a rule or a margin judges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better: Option<Better>,
    /// Lines that explain the value: the end of an output, a log line. Never compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

impl Reading {
    /// A state that is good or bad.
    pub fn state(value: impl Into<Value>, health: Health) -> Self {
        Self { health: Some(health), ..Self::plain(Class::State, value.into()) }
    }

    /// A state that nobody could see, for a limit of the harness's own: neither good nor bad, and nothing follows from it.
    pub fn unseen(value: impl Into<Value>) -> Self {
        Self::plain(Class::State, value.into())
    }

    /// Whether it is a state that nobody could see.
    #[must_use]
    pub fn is_unseen(&self) -> bool {
        self.class == Class::State && self.health.is_none()
    }

    /// A content: any difference counts.
    pub fn content(value: impl Into<Value>) -> Self {
        Self::plain(Class::Content, value.into())
    }

    /// A fact: shown, never alarming.
    pub fn fact(value: impl Into<Value>) -> Self {
        Self::plain(Class::Fact, value.into())
    }

    /// A metric in `unit`.
    #[must_use]
    pub fn metric(number: f64, unit: &str) -> Self {
        Self { unit: Some(unit.to_owned()), ..Self::plain(Class::Metric, Value::Number(number)) }
    }

    /// A metric in `unit` of which one direction is wanted.
    #[must_use]
    pub fn measured(number: f64, unit: &str, better: Better) -> Self {
        Self { better: Some(better), ..Self::metric(number, unit) }
    }

    /// The same reading with lines that explain it.
    #[must_use]
    pub fn because(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    fn plain(class: Class, value: Value) -> Self {
        Self { class, value, health: None, unit: None, better: None, evidence: Vec::new() }
    }
}

/// All readings of one attempt, in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Snapshot {
    /// The readings by key.
    pub readings: BTreeMap<Key, Reading>,
}

impl Snapshot {
    /// Adds a reading; a second one under the same key replaces the first.
    pub fn insert(&mut self, key: impl Into<Key>, reading: Reading) {
        self.readings.insert(key.into(), reading);
    }

    /// The reading under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Reading> {
        self.readings.get(&Key::from(key))
    }
}

impl FromIterator<(Key, Reading)> for Snapshot {
    fn from_iter<T: IntoIterator<Item = (Key, Reading)>>(iter: T) -> Self {
        Self { readings: iter.into_iter().collect() }
    }
}
