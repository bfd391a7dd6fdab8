//! The form of an accepted baseline: a short header, then readings in the order of their keys, one line each where one
//! line is enough, those that move by themselves with all that was seen.

use std::collections::BTreeMap;

use jiff::civil::Date;
use patchbed_model::{Better, Class, Digest, Health, Key, Reading, RunId, Value};
use serde::{Deserialize, Serialize};

use super::yaml;
use crate::noise::{Baseline, Entry, Seen, Volatility};

/// The version of the format.
const FORMAT: &str = "snapshot/1";

/// What stands above all else, for people.
const ABOVE: &str =
    "# What this environment shows when nothing is changed. Written by `patchbed accept`, not by hand.\n";

/// What stands above the readings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Header {
    /// The format's version.
    pub patchbed: String,
    /// The scenario.
    pub scenario: String,
    /// The image.
    pub image: String,
    /// The products that are on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub software: Vec<String>,
    /// The digest of all that decides what is seen without a patch.
    pub environment: Digest,
    /// How many attempts were pooled.
    pub attempts: u32,
    /// When.
    pub when: Date,
    /// Of a candidate: the run that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Of a candidate: the digest of the accepted file that it was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
}

/// A baseline as a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// What stands above.
    pub header: Header,
    /// The pooled readings.
    pub baseline: Baseline,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    header: Header,
    /// Good and bad states, written `good: running`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    states: BTreeMap<Key, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    contents: BTreeMap<Key, Plain>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    facts: BTreeMap<Key, Plain>,
    /// What moves by itself, and all that is in no short form.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    moving: BTreeMap<Key, Moving>,
    /// The digest of everything above: a file that was cut off or changed by hand is not believed.
    sum: String,
}

/// A value as YAML has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Plain {
    Number(f64),
    Text(String),
    List(Vec<String>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Moving {
    /// How it moves, for people.
    how: String,
    seen: Vec<Sighting>,
    #[serde(default, skip_serializing_if = "is_zero")]
    others: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sighting {
    times: u32,
    class: Class,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    health: Option<Health>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    better: Option<Better>,
    value: Plain,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Header {
    /// A header of this format; the rest is for the caller to fill in.
    #[must_use]
    pub fn format() -> String {
        FORMAT.to_owned()
    }
}

impl Stored {
    /// The text of the file.
    pub(super) fn write(&self) -> Result<String, String> {
        let mut document = Document {
            header: self.header.clone(),
            states: BTreeMap::new(),
            contents: BTreeMap::new(),
            facts: BTreeMap::new(),
            moving: BTreeMap::new(),
            sum: String::new(),
        };
        for (key, entry) in &self.baseline.entries {
            document.add(key, entry, self.baseline.attempts);
        }
        document.sum = document.check()?;
        Ok(format!("{ABOVE}{}", yaml::write(&document)?))
    }

    /// Reads a file; the error says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let version = text.lines().find_map(|line| line.trim().strip_prefix("patchbed: "));
        match version.map(str::trim) {
            Some(FORMAT) => {}
            Some(other) => return Err(format!("made by another version of patchbed: format `{other}`")),
            None => return Err("not a snapshot: no `patchbed:` line".to_owned()),
        }
        let mut document: Document = yaml::read(text)?;
        let sum = std::mem::take(&mut document.sum);
        if document.check()? != sum {
            return Err("changed since it was written: its sum is another".to_owned());
        }
        Ok(Self { baseline: document.baseline(), header: document.header })
    }
}

impl Document {
    fn add(&mut self, key: &Key, entry: &Entry, attempts: u32) {
        let volatility = entry.volatility(attempts);
        let reading = entry.usual().filter(|_| volatility == Volatility::Stable);
        let (key, stable) = (key.clone(), reading.filter(|reading| reading.unit.is_none()));
        match stable.map(|reading| (reading.class, reading.health, &reading.value)) {
            Some((Class::State, Some(health), Value::Text(text))) => {
                let word = if health == Health::Good { "good" } else { "bad" };
                self.states.insert(key, format!("{word}: {text}"));
            }
            Some((Class::Content, None, value)) => {
                self.contents.insert(key, Plain::of(value));
            }
            Some((Class::Fact, None, value)) => {
                self.facts.insert(key, Plain::of(value));
            }
            Some(_) | None => {
                self.moving.insert(key, Moving::of(entry, volatility));
            }
        }
    }

    fn check(&self) -> Result<String, String> {
        let text = yaml::write(&(&self.header, &self.states, &self.contents, &self.facts, &self.moving))?;
        Ok(Digest::of(text.as_bytes()).short().to_owned())
    }

    fn baseline(&mut self) -> Baseline {
        let attempts = self.header.attempts;
        let stable = |reading: Reading| Entry { seen: vec![Seen { reading, times: attempts }], others: 0 };
        let mut entries: BTreeMap<Key, Entry> = BTreeMap::new();
        for (key, text) in std::mem::take(&mut self.states) {
            let (word, text) = text.split_once(": ").unwrap_or(("bad", &text));
            let health = if word == "good" { Health::Good } else { Health::Bad };
            entries.insert(key, stable(Reading::state(text, health)));
        }
        let contents = std::mem::take(&mut self.contents);
        entries.extend(contents.into_iter().map(|(key, value)| (key, stable(Reading::content(value.value())))));
        let facts = std::mem::take(&mut self.facts);
        entries.extend(facts.into_iter().map(|(key, value)| (key, stable(Reading::fact(value.value())))));
        let moving = std::mem::take(&mut self.moving);
        entries.extend(moving.into_iter().map(|(key, moving)| (key, moving.entry())));
        Baseline { attempts, entries }
    }
}

impl Plain {
    fn of(value: &Value) -> Self {
        match value {
            Value::Number(number) => Self::Number(*number),
            Value::Text(text) => Self::Text(text.clone()),
            Value::List(items) => Self::List(items.clone()),
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::Text(text),
            Self::List(items) => Value::List(items),
        }
    }
}

impl Moving {
    fn of(entry: &Entry, volatility: Volatility) -> Self {
        let times = |seen: &Seen| Sighting {
            times: seen.times,
            class: seen.reading.class,
            health: seen.reading.health,
            unit: seen.reading.unit.clone(),
            better: seen.reading.better,
            value: Plain::of(&seen.reading.value),
        };
        let seen = entry.seen.iter().map(times).collect();
        Self { how: volatility.word().to_owned(), seen, others: entry.others }
    }

    fn entry(self) -> Entry {
        let seen = self.seen.into_iter().map(|one| Seen {
            reading: Reading {
                class: one.class,
                value: one.value.value(),
                health: one.health,
                unit: one.unit,
                better: one.better,
                evidence: Vec::new(),
            },
            times: one.times,
        });
        Entry { seen: seen.collect(), others: self.others }
    }
}
