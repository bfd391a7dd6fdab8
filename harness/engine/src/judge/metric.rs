//! Metrics without a rule, of which a direction is wanted: both arms are compared as a whole. Pure.
//!
//! A metric got worse when the attempts with the patch rank too badly for chance, and lie further off than a margin that
//! control attempts do not reach among themselves. Only attempts of this run are compared: what was kept of earlier ones
//! was measured on another day, and perhaps on another machine. What cannot be decided is said and alarms nobody.

use patchbed_model::difference::DifferenceKind;
use patchbed_model::{Better, Difference, Key, Reading, Rules, Snapshot, Value, Verdict};

use super::ranks::{chance_of_higher, least_chance, middle, shift, spread};
use super::tally::rule_for;
use crate::compare::REVERTED;
use crate::noise::number;

/// The chance up to which ranks are not taken for chance. A scenario may have many metrics, each with a chance of its
/// own; five attempts without and four with the patch just reach it.
const RARE: f64 = 0.01;
/// The least share of the control arm's middle that means something.
const LEAST: f64 = 0.05;
/// How many times as far as two control attempts lie apart the arms must lie apart. With five and four attempts of numbers
/// that scatter normally, ranks and margin together call 5 of 1000 equal metrics worse (simulated; the margin alone 25).
const SPREADS: f64 = 2.0;

/// What of a unit means nothing: memory comes from the kernel and from allocators in pieces, so that less than a mebibyte
/// more or less says nothing of what a program keeps.
fn free_of_charge(unit: &str) -> f64 {
    const MEBIBYTE: f64 = 1024.0 * 1024.0;
    match unit {
        "bytes" | "byte" | "B" => MEBIBYTE,
        "kB" | "KB" | "KiB" => MEBIBYTE / 1024.0,
        "MB" | "MiB" => 1.0,
        _ => 0.0,
    }
}

/// A metric as both arms show it.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    key: &'a Key,
    reading: &'a Reading,
    better: Better,
    control: Vec<f64>,
    patched: Vec<f64>,
}

/// What the numbers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    /// Nothing that counts.
    Nothing,
    /// Better than chance and margin allow.
    Better,
    /// Worse than chance and margin allow.
    Worse,
    /// So much worse that more attempts should decide.
    Suspect,
    /// Worse, and within what scatters.
    Unclear,
}

/// All metrics that are judged by comparing the arms.
pub(super) fn measured<'a>(control: &[&'a Snapshot], patched: &[&'a Snapshot], rules: &Rules) -> Vec<Measured<'a>> {
    let numbers = |arm: &[&Snapshot], key: &Key| -> Vec<f64> {
        arm.iter().filter_map(|one| one.readings.get(key)).filter_map(|reading| number(&reading.value)).collect()
    };
    let mut all: Vec<Measured<'a>> = Vec::new();
    for (key, reading) in patched.iter().flat_map(|snapshot| &snapshot.readings) {
        let Some(better) = reading.better else { continue };
        if rule_for(rules, key).is_some() || all.iter().any(|one| one.key == key) {
            continue;
        }
        let plain = Key::from(key.as_str().strip_prefix(REVERTED).unwrap_or(key.as_str()));
        all.push(Measured { key, reading, better, control: numbers(control, &plain), patched: numbers(patched, key) });
    }
    all
}

impl Measured<'_> {
    /// Whether more attempts should decide.
    pub(super) fn is_suspect(&self) -> bool {
        self.finding() == Finding::Suspect
    }

    /// The difference that was found.
    pub(super) fn difference(&self) -> Option<Difference> {
        let verdict = match self.finding() {
            Finding::Worse => Verdict::Regressed,
            Finding::Better => Verdict::Improved,
            Finding::Nothing | Finding::Suspect | Finding::Unclear => return None,
        };
        let (was, now) = (middle(self.control.clone())?, middle(self.patched.clone())?);
        let apart = |number: &&f64| (**number - was).abs() > self.margin();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let text = |number: f64| Some(Value::Number(number).to_string());
        let chance = if verdict == Verdict::Regressed { self.chance_of_worse() } else { self.chance_of_better() };
        let evidence = format!(
            "{} in {}: by chance in {:.1} % of cases; from {} on it could be told",
            self.told(self.worse()),
            self.attempts(),
            chance * 100.0,
            self.amount(self.margin()),
        );
        Some(Difference {
            key: self.key.clone(),
            class: self.reading.class,
            kind: DifferenceKind::Changed,
            was: text(was),
            now: text(now),
            verdict,
            evidence: vec![evidence],
            silenced: None,
            seen: (count(self.patched.iter().filter(apart).count()), count(self.patched.len())),
        })
    }

    /// What is to be said when nothing could be decided.
    pub(super) fn note(&self) -> Option<String> {
        match self.finding() {
            Finding::Nothing | Finding::Better | Finding::Worse => None,
            Finding::Suspect | Finding::Unclear => {
                let seen = if self.can_decide() {
                    format!("from {} on it could be told", self.amount(self.margin()))
                } else {
                    "too few to tell any effect".to_owned()
                };
                let told = self.told(self.worse());
                Some(format!("inconclusive: `{}` is {told} in {}, {seen}", self.key, self.attempts()))
            }
        }
    }

    fn finding(&self) -> Finding {
        let (worse, margin) = (self.worse(), self.margin());
        let rarely = |chance: f64| chance <= RARE;
        if worse > margin && self.can_decide() && rarely(self.chance_of_worse()) {
            Finding::Worse
        } else if worse > margin {
            Finding::Suspect
        } else if -worse > margin && self.can_decide() && rarely(self.chance_of_better()) {
            Finding::Better
        } else if worse > self.middle() * LEAST {
            Finding::Unclear
        } else {
            Finding::Nothing
        }
    }

    /// Whether the attempts are enough to tell any effect: one control attempt does not show how far two lie apart.
    fn can_decide(&self) -> bool {
        self.control.len() > 1 && least_chance(self.control.len(), self.patched.len()) <= RARE
    }

    fn chance_of_worse(&self) -> f64 {
        chance_of_higher(&self.costs(&self.control), &self.costs(&self.patched))
    }

    fn chance_of_better(&self) -> f64 {
        chance_of_higher(&self.costs(&self.patched), &self.costs(&self.control))
    }

    /// By how much the patched arm is worse; negative when it is better.
    fn worse(&self) -> f64 {
        shift(&self.costs(&self.control), &self.costs(&self.patched)).unwrap_or_default()
    }

    /// How far apart the arms must lie.
    fn margin(&self) -> f64 {
        let free = self.reading.unit.as_deref().map_or(0.0, free_of_charge);
        (self.middle() * LEAST).max(spread(&self.control).unwrap_or_default() * SPREADS).max(free)
    }

    fn middle(&self) -> f64 {
        middle(self.control.clone()).unwrap_or_default().abs()
    }

    /// The numbers turned so that more of them is worse.
    fn costs(&self, numbers: &[f64]) -> Vec<f64> {
        match self.better {
            Better::Lower => numbers.to_vec(),
            Better::Higher => numbers.iter().map(|number| -number).collect(),
        }
    }

    fn told(&self, worse: f64) -> String {
        format!("{} {}", self.amount(worse.abs()), if worse > 0.0 { "worse" } else { "better" })
    }

    /// A distance as a share of the control arm's middle; in its unit when that is nothing.
    fn amount(&self, distance: f64) -> String {
        if self.middle() > 0.0 {
            return format!("{:.0} %", distance / self.middle() * 100.0);
        }
        let unit = self.reading.unit.as_deref().unwrap_or_default();
        format!("{distance} {unit}").trim_end().to_owned()
    }

    fn attempts(&self) -> String {
        format!("{} attempts without and {} with the patch", self.control.len(), self.patched.len())
    }
}
