//! The pooled control snapshots, and what they say about each reading.

use std::collections::{BTreeMap, BTreeSet};

use patchbed_model::{Class, Health, Key, Reading, Snapshot, Value};

use super::shape::alike;
use super::stands::keeps;

/// The most different values that are remembered of one reading: with so many it is volatile anyway.
pub const MOST_VALUES: usize = 16;

/// Pooled control snapshots.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// How many attempts were pooled.
    pub attempts: u32,
    /// What was seen under each key.
    pub entries: BTreeMap<Key, Entry>,
}

/// What was seen under one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Each different value with the number of attempts that showed it, the most frequent first.
    pub seen: Vec<Seen>,
    /// Attempts whose value is not in `seen`, because there were too many different ones.
    pub others: u32,
}

/// One value, and how many attempts showed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The first reading with this value.
    pub reading: Reading,
    /// How many attempts showed it.
    pub times: u32,
}

/// How a reading behaves when nothing is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// One value, in every attempt.
    Stable,
    /// Few values that come again: another one has to be explained.
    FewValued,
    /// Not there in every attempt.
    PresenceFlaky,
    /// Another value nearly every time: what it will be next cannot be said.
    Volatile,
}

impl Volatility {
    /// The word for it in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::FewValued => "few-valued",
            Self::PresenceFlaky => "sometimes",
            Self::Volatile => "volatile",
        }
    }
}

impl Baseline {
    /// Pools snapshots. Their order does not matter.
    pub fn pool<'a>(snapshots: impl IntoIterator<Item = &'a Snapshot>) -> Self {
        let mut baseline = Self::default();
        for snapshot in snapshots {
            baseline.attempts += 1;
            for (key, reading) in &snapshot.readings {
                baseline.entry(key).add(reading, 1);
            }
        }
        baseline.settle();
        baseline
    }

    /// Both pools as one. Pools that contradict each other should not be joined.
    #[must_use]
    pub fn joined(mut self, other: &Self) -> Self {
        self.attempts += other.attempts;
        for (key, entry) in &other.entries {
            let mine = self.entry(key);
            for seen in &entry.seen {
                mine.add(&seen.reading, seen.times);
            }
            mine.others += entry.others;
        }
        self.settle();
        self
    }

    /// The keys of states and contents that have one value in each pool, but not the same one: the pools are of different
    /// environments or times, whatever their names say.
    #[must_use]
    pub fn contradictions(&self, other: &Self) -> Vec<Key> {
        let keys: BTreeSet<&Key> = self.entries.keys().chain(other.entries.keys()).collect();
        let same = |one: &Reading, two: &Reading| one.value == two.value && one.health == two.health;
        let contradicts = |key: &&Key| match (self.stable(key), other.stable(key)) {
            (Some(one), Some(two)) => !same(one, two),
            (Some(_), None) => !other.entries.contains_key(*key),
            (None, Some(_)) => !self.entries.contains_key(*key),
            (None, None) => false,
        };
        keys.into_iter().filter(contradicts).cloned().collect()
    }

    /// How the reading under `key` behaves; `None` when it was never seen.
    #[must_use]
    pub fn volatility(&self, key: &Key) -> Option<Volatility> {
        self.entries.get(key).map(|entry| entry.volatility(self.attempts))
    }

    /// The keys of readings that move by themselves. Metrics and facts are meant to move and are not among them.
    #[must_use]
    pub fn moving(&self) -> Vec<Key> {
        let moves =
            |(_, entry): &(&Key, &Entry)| entry.is_compared() && entry.volatility(self.attempts) != Volatility::Stable;
        self.entries.iter().filter(moves).map(|(key, _)| key.clone()).collect()
    }

    /// The reading under `key` when it is compared and has one value in every attempt.
    fn stable(&self, key: &Key) -> Option<&Reading> {
        let entry = self.entries.get(key).filter(|entry| entry.is_compared())?;
        entry.usual().filter(|_| entry.volatility(self.attempts) == Volatility::Stable)
    }

    fn entry(&mut self, key: &Key) -> &mut Entry {
        self.entries.entry(key.clone()).or_insert_with(|| Entry { seen: Vec::new(), others: 0 })
    }

    /// Puts the values of each entry into an order that does not depend on the order of attempts.
    fn settle(&mut self) {
        for entry in self.entries.values_mut() {
            entry.seen.sort_by_cached_key(|seen| (std::cmp::Reverse(seen.times), rank(&seen.reading)));
            entry.cut();
        }
    }
}

/// A number, or a text that is one.
#[must_use]
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        Value::List(_) => None,
    }
    .filter(|number: &f64| number.is_finite())
}

/// How many of the counts are 1.
fn once(times: &[u32]) -> u32 {
    times.iter().filter(|times| **times == 1).sum()
}

/// A text by which two different readings have an order.
fn rank(reading: &Reading) -> String {
    format!("{:?}{:?}{:?}", reading.value, reading.health, reading.class)
}

impl Entry {
    /// How the reading behaves, when there were so many attempts in all.
    #[must_use]
    pub fn volatility(&self, attempts: u32) -> Volatility {
        match (self.is_volatile(), self.present() < attempts, self.seen.len()) {
            (true, _, _) => Volatility::Volatile,
            (false, true, _) => Volatility::PresenceFlaky,
            (false, false, 0 | 1) => Volatility::Stable,
            (false, false, _) => Volatility::FewValued,
        }
    }

    /// Whether the next value cannot be said: it changed at least twice, and at least half of the attempts showed a
    /// value that no other showed. That share is about the chance that the next value is a new one as well (Good 1953).
    fn is_volatile(&self) -> bool {
        self.others > 0 || (self.seen.len() >= 3 && once(&self.counts()) * 2 >= self.present())
    }

    /// Whether two attempts differ and there are no more: whether the reading has few values or ever new ones is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.seen.len() == 2 && self.present() == 2
    }

    /// Whether a volatile reading may well show this value next: it keeps what stands still in all values seen, and has
    /// the shape of one of them, or the shapes move as freely as the values do. Class and health are those of some value
    /// seen in any case.
    #[must_use]
    pub fn moves_like(&self, now: &Reading) -> bool {
        let known = |seen: &&Seen| seen.reading.health == now.health && seen.reading.class == now.class;
        if !self.seen.iter().any(|seen| known(&seen)) {
            return false;
        }
        let kind = std::mem::discriminant(&now.value);
        let values: Vec<&Value> = self.seen.iter().map(|seen| &seen.reading.value).collect();
        let is_like = values.iter().any(|value| alike(value, &now.value))
            || (self.is_shapeless() && values.iter().any(|value| std::mem::discriminant(*value) == kind));
        is_like && keeps(&values, &now.value)
    }

    /// Whether most attempts showed a shape that no other showed, so that nothing can be said of the next one.
    fn is_shapeless(&self) -> bool {
        let mut shapes: Vec<(&Value, u32)> = Vec::new();
        for seen in &self.seen {
            match shapes.iter_mut().find(|(value, _)| alike(value, &seen.reading.value)) {
                Some((_, times)) => *times += seen.times,
                None => shapes.push((&seen.reading.value, seen.times)),
            }
        }
        let times: Vec<u32> = shapes.into_iter().map(|(_, times)| times).collect();
        times.len() >= 3 && once(&times) * 2 > times.iter().sum()
    }

    fn counts(&self) -> Vec<u32> {
        self.seen.iter().map(|seen| seen.times).collect()
    }

    /// In how many attempts it was there.
    #[must_use]
    pub fn present(&self) -> u32 {
        self.seen.iter().map(|seen| seen.times).sum::<u32>() + self.others
    }

    /// The median of the numbers seen.
    #[must_use]
    pub fn middle(&self) -> Option<f64> {
        let mut numbers: Vec<(f64, u32)> =
            self.seen.iter().filter_map(|seen| number(&seen.reading.value).map(|value| (value, seen.times))).collect();
        numbers.sort_by(|one, other| one.0.total_cmp(&other.0));
        let total: u32 = numbers.iter().map(|(_, times)| times).sum();
        let at = |place: u32| {
            let mut left = place;
            numbers
                .iter()
                .find(|(_, times)| left.checked_sub(*times).map(|rest| left = rest).is_none())
                .map(|(v, _)| *v)
        };
        let (low, high) = (at(total.checked_sub(1)? / 2)?, at(total / 2)?);
        Some(f64::midpoint(low, high))
    }

    /// Forgets the rarest values beyond the most that are remembered; of a metric the lowest and the highest in turn,
    /// so that the middle stays where it is.
    fn cut(&mut self) {
        while self.seen.len() > MOST_VALUES {
            let place = if self.class() == Some(Class::Metric) { self.outermost() } else { self.seen.len() - 1 };
            self.others += self.seen.remove(place).times;
        }
    }

    /// The place of the highest number, or of the lowest when it is its turn.
    fn outermost(&self) -> usize {
        let numbers = self.seen.iter().map(|seen| number(&seen.reading.value).unwrap_or_default()).enumerate();
        let by = |one: &(usize, f64), other: &(usize, f64)| one.1.total_cmp(&other.1);
        let found = if self.others.is_multiple_of(2) { numbers.max_by(by) } else { numbers.min_by(by) };
        found.map_or(0, |(place, _)| place)
    }

    /// The most frequent reading.
    #[must_use]
    pub fn usual(&self) -> Option<&Reading> {
        self.seen.first().map(|seen| &seen.reading)
    }

    /// Whether it is compared without a rule: metrics and facts are meant to move.
    fn is_compared(&self) -> bool {
        matches!(self.class(), Some(Class::State | Class::Content))
    }

    /// The class of the readings.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.usual().map(|reading| reading.class)
    }

    /// Whether every remembered value has this health.
    #[must_use]
    pub fn always(&self, health: Health) -> bool {
        !self.seen.is_empty() && self.seen.iter().all(|seen| seen.reading.health == Some(health))
    }

    /// How many attempts showed a value of this health.
    #[must_use]
    pub fn times(&self, health: Health) -> u32 {
        self.seen.iter().filter(|seen| seen.reading.health == Some(health)).map(|seen| seen.times).sum()
    }

    /// Takes in a value that so many attempts showed. Evidence is no part of a value.
    fn add(&mut self, reading: &Reading, times: u32) {
        let same = |seen: &&mut Seen| {
            seen.reading.value == reading.value
                && seen.reading.health == reading.health
                && seen.reading.class == reading.class
        };
        match self.seen.iter_mut().find(same) {
            Some(seen) => {
                seen.times += times;
                // Attempts have no order: the same lines stand for the value whichever comes first.
                let lines = |reading: &Reading| (reading.evidence.is_empty(), reading.evidence.clone());
                if lines(reading) < lines(&seen.reading) {
                    seen.reading.evidence.clone_from(&reading.evidence);
                }
            }
            None => self.seen.push(Seen { reading: reading.clone(), times }),
        }
    }
}
