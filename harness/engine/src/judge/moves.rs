//! How much an environment moves by itself: attempts without a patch in, what moves and what stands still out. Pure.

use patchbed_model::{Class, Key, Snapshot};

use super::metric::least_told;
use super::ranks::{middle, spread};
use crate::noise::{Baseline, Entry, Volatility, bound, number};

/// What attempts without a patch show of each other.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Moves {
    /// How many attempts were observed.
    pub attempts: u32,
    /// How many states and contents were the same in every attempt.
    pub still: usize,
    /// An upper bound, at 95 % confidence, of the share of attempts in which one of those moves after all.
    pub bound: f64,
    /// States and contents that move.
    pub moving: Vec<Moving>,
    /// Metrics.
    pub metrics: Vec<Scatter>,
}

/// A reading that moves.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Moving {
    /// The reading.
    pub key: Key,
    /// In one word: `few-valued`, `sometimes`, `volatile`.
    pub how: &'static str,
    /// How many attempts showed it at all.
    pub present: u32,
    /// Its values, the most frequent first.
    pub values: Vec<Shown>,
}

/// A value, and how many attempts showed it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// The value as text.
    pub value: String,
    /// How many attempts showed it.
    pub times: u32,
}

/// A metric, and how far it scatters.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Scatter {
    /// The metric.
    pub key: Key,
    /// Its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The median.
    pub median: f64,
    /// The least number seen.
    pub least: f64,
    /// The greatest number seen.
    pub most: f64,
    /// How far two attempts lie apart, in the middle.
    pub apart: f64,
    /// Whether attempts of both arms are compared; others are judged by a rule or a wide margin.
    pub compared: bool,
    /// From which change on a patch could be told to make it worse, with as many attempts; absent when none could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_from: Option<f64>,
}

impl Moves {
    /// What these attempts show.
    #[must_use]
    pub fn of(snapshots: &[Snapshot]) -> Self {
        let baseline = Baseline::pool(snapshots);
        let moving = baseline.moving();
        let compared = |entry: &&Entry| matches!(entry.class(), Some(Class::State | Class::Content));
        let of_metric = |(key, entry): (&Key, &Entry)| scatter(key, entry, snapshots);
        Self {
            attempts: baseline.attempts,
            still: baseline.entries.values().filter(compared).count() - moving.len(),
            bound: bound(baseline.attempts),
            metrics: baseline.entries.iter().filter_map(of_metric).collect(),
            moving: moving.iter().filter_map(|key| Some(how(key, baseline.entries.get(key)?, &baseline))).collect(),
        }
    }
}

fn how(key: &Key, entry: &Entry, baseline: &Baseline) -> Moving {
    let shown = entry.seen.iter().map(|seen| Shown { value: seen.reading.value.to_string(), times: seen.times });
    let how = baseline.volatility(key).map_or("", Volatility::word);
    Moving { key: key.clone(), how, present: entry.present(), values: shown.collect() }
}

/// How far a metric scatters; `None` for another reading.
fn scatter(key: &Key, entry: &Entry, snapshots: &[Snapshot]) -> Option<Scatter> {
    let reading = entry.usual().filter(|reading| reading.class == Class::Metric)?;
    let readings = snapshots.iter().filter_map(|snapshot| snapshot.readings.get(key));
    let numbers: Vec<f64> = readings.filter_map(|reading| number(&reading.value)).collect();
    let unit = reading.unit.as_deref();
    Some(Scatter {
        key: key.clone(),
        unit: reading.unit.clone(),
        median: middle(numbers.clone())?,
        least: numbers.iter().copied().reduce(f64::min)?,
        most: numbers.iter().copied().reduce(f64::max)?,
        apart: spread(&numbers).unwrap_or_default(),
        compared: reading.better.is_some(),
        told_from: reading.better.and_then(|_| least_told(&numbers, unit)),
    })
}

#[cfg(test)]
mod tests {
    use patchbed_model::{Better, Reading};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::strategies::snapshot;

    #[test]
    fn what_moves_is_told_with_how_and_what_stands_is_counted() {
        let attempt = |page: &str, time: f64| {
            let mut snapshot = Snapshot::default();
            snapshot.insert("page", Reading::content(page));
            snapshot.insert("title", Reading::content("shop"));
            snapshot.insert("time", Reading::measured(time, "ms", Better::Lower));
            snapshot.insert("version", Reading::fact(page));
            snapshot
        };
        let attempts =
            [("a", 10.0), ("b", 11.0), ("a", 12.0), ("a", 10.5), ("b", 11.5)].map(|(page, time)| attempt(page, time));
        let moves = Moves::of(&attempts);
        let shown = |value: &str, times| Shown { value: value.to_owned(), times };
        let values = vec![shown("a", 3), shown("b", 2)];
        assert_eq!(moves.moving, [Moving { key: Key::from("page"), how: "few-valued", present: 5, values }]);
        assert_eq!((moves.attempts, moves.still, moves.metrics.len()), (5, 1, 1));
        let metric = &moves.metrics[0];
        assert_eq!((metric.median, metric.least, metric.most, metric.apart), (11.0, 10.0, 12.0, 1.0));
        assert_eq!(metric.told_from, Some(2.0));
        // With three attempts of each arm ranks are never rare enough.
        assert_eq!(Moves::of(&attempts[..3]).metrics[0].told_from, None);
    }

    proptest! {
        #[test]
        fn every_compared_reading_stands_or_moves(snapshots in vec(snapshot(), 0..5)) {
            let moves = Moves::of(&snapshots);
            prop_assert!(moves.moving.iter().all(|one| one.present > 0 && !one.values.is_empty() && !one.how.is_empty()));
            prop_assert!(moves.metrics.iter().all(|one| one.least <= one.median && one.median <= one.most));
        }
    }
}
