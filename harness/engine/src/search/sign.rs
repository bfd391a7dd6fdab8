//! By what a failure of the whole bundle is known again when a part of it is tried. What is compared is what was seen
//! and not only that something failed: a part that fails in another way tells nothing of this failure.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use patchbed_model::text::{one_line, shorten};
use patchbed_model::{Blame, Cause, CauseKind, Class, Difference, Judgement, Key, Outcome, Value, Verdict};

use super::hunt::Told;
use super::posterior::Noise;
use crate::judge::Case;

/// What stands between the names of patches that are given together.
const TOGETHER: &str = " + ";
/// The most signs that are followed.
const MOST: usize = 32;

/// A sign of a failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// The attempt stops in this way.
    Stop(CauseKind, String, String),
    /// A state is one of these; it is absent where it is gone.
    State(Key, BTreeSet<Option<String>>),
    /// A text differs.
    Content(Key),
    /// A number is beyond the middle between the arms.
    Metric { key: Key, middle: f64, is_above: bool },
}

/// The signs of what a bundle does in a cell, the gravest first: its stops, else the differences that count.
#[must_use]
pub fn signs(judgement: &Judgement, control: &[Outcome], patched: &[Outcome]) -> Vec<Sign> {
    let of_patch =
        judgement.causes.iter().filter(|cause| cause.blame == Blame::Patch || cause.blame == Blame::Software);
    let stops: Vec<Sign> = of_patch.map(Sign::of_stop).collect();
    if !stops.is_empty() {
        return stops.into_iter().take(MOST).collect();
    }
    let is_sign = |one: &&Difference| one.counts() && matches!(one.verdict, Verdict::Regressed | Verdict::Changed);
    let mut differences: Vec<&Difference> = judgement.differences.iter().filter(is_sign).collect();
    differences.sort_by_key(|one| (Reverse(one.verdict), one.class, one.key.clone()));
    let signs = differences.into_iter().filter_map(|one| Sign::of(one, control, patched));
    signs.take(MOST).collect()
}

/// What an attempt tells of each sign. `case` has the control arm; the attempt takes the place of its patched arm.
#[must_use]
pub fn told(signs: &[Sign], case: &Case<'_>, outcome: &Outcome) -> Vec<Told> {
    match outcome {
        Outcome::Stopped(stop) => signs.iter().map(|sign| sign.of_stopped(stop)).collect(),
        Outcome::Observed(snapshot) => {
            let alone = Case { patched: std::slice::from_ref(outcome), promises: &[], ..*case };
            let differences = alone.judge().differences;
            let of = |key: &Key| differences.iter().find(|one| one.key == *key);
            let number = |key: &Key| match snapshot.readings.get(key).map(|reading| &reading.value) {
                Some(Value::Number(number)) => Some(*number),
                Some(Value::Text(_) | Value::List(_)) | None => None,
            };
            // A part that breaks something else is not clean, and nothing is said of what it would show without that.
            let breaks_more = signs.len() < MOST
                && differences.iter().any(|one| {
                    one.counts() && one.verdict == Verdict::Regressed && !signs.iter().any(|sign| sign.is_of(&one.key))
                });
            let told = |sign: &Sign| {
                let told = sign.of_observed(of, number);
                if told == Told::Clean && breaks_more { Told::Open } else { told }
            };
            signs.iter().map(told).collect()
        }
    }
}

/// How far a trial can be trusted on a sign, by what attempts of the whole bundle and of the control arm tell of it.
#[must_use]
pub fn noise(whole: &[Vec<Told>], control: &[Vec<Told>], sign: usize) -> Noise {
    let counts = |arm: &[Vec<Told>]| {
        let of = |wanted| arm.iter().filter(|told| told.get(sign) == Some(&wanted)).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        (count(of(Told::Shown)), count(of(Told::Shown) + of(Told::Clean)))
    };
    Noise::from_counts(counts(whole), counts(control))
}

impl Sign {
    fn of_stop(cause: &Cause) -> Self {
        Self(Kind::Stop(cause.kind, cause.subject.clone(), shorten(&one_line(&cause.text), 160)))
    }

    fn of(one: &Difference, control: &[Outcome], patched: &[Outcome]) -> Option<Self> {
        let key = one.key.clone();
        let kind = match one.class {
            Class::Content => Kind::Content(key),
            Class::State => {
                let values =
                    observed(patched).map(|snapshot| snapshot.get(&key).map(|reading| reading.value.to_string()));
                let before: BTreeSet<Option<String>> = observed(control)
                    .map(|snapshot| snapshot.get(&key).map(|reading| reading.value.to_string()))
                    .collect();
                let values: BTreeSet<Option<String>> = values.collect();
                // What disagrees among attempts is bad in some and as before in others.
                Kind::State(key, if one.verdict == Verdict::Regressed { &values - &before } else { values })
            }
            Class::Metric => {
                let middle_of = |outcomes: &[Outcome]| {
                    let mut numbers: Vec<f64> = observed(outcomes)
                        .filter_map(|snapshot| match snapshot.get(&key)?.value {
                            Value::Number(number) => Some(number),
                            Value::Text(_) | Value::List(_) => None,
                        })
                        .collect();
                    numbers.sort_by(f64::total_cmp);
                    numbers.get(numbers.len() / 2).copied()
                };
                let (before, after) = (middle_of(control)?, middle_of(patched)?);
                Kind::Metric { key, middle: f64::midpoint(before, after), is_above: after > before }
            }
            Class::Fact => return None,
        };
        Some(Self(kind))
    }

    /// What it is called by: the key of a reading, or the text of a stop.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.0 {
            Kind::Stop(_, _, text) => text.clone(),
            Kind::State(key, _) | Kind::Content(key) | Kind::Metric { key, .. } => key.to_string(),
        }
    }

    fn is_of(&self, reading: &Key) -> bool {
        match &self.0 {
            Kind::Stop(..) => false,
            Kind::State(key, _) | Kind::Content(key) | Kind::Metric { key, .. } => key == reading,
        }
    }

    fn of_stopped(&self, cause: &Cause) -> Told {
        match &self.0 {
            // Patches that are given together stop together, and no part of them has the same name.
            Kind::Stop(kind, subject, _)
                if *kind == cause.kind && (*subject == cause.subject || subject.contains(TOGETHER)) =>
            {
                Told::Shown
            }
            Kind::Stop(..) | Kind::State(..) | Kind::Content(_) | Kind::Metric { .. } => Told::Open,
        }
    }

    fn of_observed<'a>(
        &self,
        difference: impl Fn(&Key) -> Option<&'a Difference>,
        number: impl Fn(&Key) -> Option<f64>,
    ) -> Told {
        match &self.0 {
            Kind::Stop(..) => Told::Clean,
            Kind::Content(key) => {
                if difference(key).is_some() {
                    Told::Shown
                } else {
                    Told::Clean
                }
            }
            Kind::State(key, values) => match difference(key) {
                None => Told::Clean,
                Some(one) if values.contains(&one.now) => Told::Shown,
                Some(_) => Told::Open,
            },
            Kind::Metric { key, middle, is_above } => match number(key) {
                None => Told::Open,
                Some(number) if (number > *middle) == *is_above => Told::Shown,
                Some(_) => Told::Clean,
            },
        }
    }
}

fn observed(outcomes: &[Outcome]) -> impl Iterator<Item = &std::collections::BTreeMap<Key, patchbed_model::Reading>> {
    outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Observed(snapshot) => Some(&snapshot.readings),
        Outcome::Stopped(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use patchbed_model::{Health, Reading, Snapshot, Stage};

    use super::*;

    fn seen(exit: &str, page: &str) -> Outcome {
        let health = if exit == "0" { Health::Good } else { Health::Bad };
        let readings = [
            (Key::new("probe.buy.exit"), Reading::state(exit, health)),
            (Key::new("probe.buy.stdout"), Reading::content(page)),
        ];
        Outcome::Observed(Snapshot { readings: readings.into() })
    }

    fn stopped(subject: &str) -> Outcome {
        Outcome::Stopped(Cause {
            kind: CauseKind::ChangeFailed,
            stage: Stage::Apply,
            blame: Blame::Patch,
            subject: subject.to_owned(),
            text: "dpkg says no".to_owned(),
            evidence: Vec::new(),
        })
    }

    #[test]
    fn a_part_that_fails_in_another_way_tells_nothing() {
        let control = [seen("0", "sold"), seen("0", "sold")];
        let patched = [seen("1", "no"), seen("1", "no")];
        let case = Case { control: &control, patched: &patched, ..Case::default() };
        let signs = signs(&case.judge(), &control, &patched);
        assert_eq!(signs.iter().map(Sign::name).collect::<Vec<_>>(), ["probe.buy.exit", "probe.buy.stdout"]);
        assert_eq!(told(&signs, &case, &seen("1", "no")), [Told::Shown, Told::Shown]);
        assert_eq!(told(&signs, &case, &seen("0", "sold")), [Told::Clean, Told::Clean]);
        assert_eq!(told(&signs, &case, &seen("127", "not found")), [Told::Open, Told::Shown]);
        assert_eq!(told(&signs, &case, &stopped("expat")), [Told::Open, Told::Open]);
    }

    #[test]
    fn a_part_that_breaks_something_else_is_not_clean() {
        let control = [seen("0", "sold"), seen("0", "sold")];
        let patched = [seen("0", "sold twice"), seen("0", "sold twice")];
        let case = Case { control: &control, patched: &patched, ..Case::default() };
        let signs = signs(&case.judge(), &control, &patched);
        assert_eq!(signs.iter().map(Sign::name).collect::<Vec<_>>(), ["probe.buy.stdout"]);
        assert_eq!(told(&signs, &case, &seen("0", "sold")), [Told::Clean]);
        assert_eq!(told(&signs, &case, &seen("1", "sold")), [Told::Open]);
        assert_eq!(told(&signs, &case, &seen("1", "sold twice")), [Told::Shown]);
    }

    #[test]
    fn a_stop_is_known_by_what_it_happened_to() {
        let control = [seen("0", "sold"), seen("0", "sold")];
        let patched = [stopped("expat"), stopped("expat")];
        let case = Case { control: &control, patched: &patched, ..Case::default() };
        let signs = signs(&case.judge(), &control, &patched);
        assert_eq!(told(&signs, &case, &stopped("expat")), [Told::Shown]);
        assert_eq!(told(&signs, &case, &stopped("perl")), [Told::Open]);
        assert_eq!(told(&signs, &case, &seen("0", "sold")), [Told::Clean]);
    }
}
