//! Metrics without a rule, of which a direction is wanted: both arms are compared as a whole. Pure.
//!
//! A metric got worse when the attempts with the patch rank too badly for chance, and lie further off than a margin that
//! control attempts do not reach among themselves. Only attempts of this run are compared: what was kept of earlier ones
//! was measured on another day, and perhaps on another machine. What cannot be decided is said and alarms nobody.
//!
//! Of many metrics some rank badly by chance. So the ranks of all metrics of a cell are held against the bound of Benjamini
//! and Hochberg (1995) as well: the more of them there are, the rarer each has to be, and the more attempts that takes. Only
//! metrics need it. A state that becomes bad alarms at once. A content alarms when no attempt with the patch shows what all
//! without it show, which happens to one that moves by itself in at most 4 of 1000 cells with five and four attempts,
//! whatever the way in which it moves, and to one that moves in a tenth of attempts in 1 of 10 000.

use patchbed_model::difference::DifferenceKind;
use patchbed_model::{Better, Difference, Key, Metric, Reading, Rules, Snapshot, Value, Verdict};

use super::ranks::{Chances, chances, least_chance, middle, shift, spread};
use super::tally::rule_for;
use crate::compare::REVERTED;
use crate::noise::number;

/// The chance up to which the ranks of one metric are not taken for chance: five attempts without and four with the patch
/// just reach it.
const RARE: f64 = 0.01;
/// The share of the metrics of a cell called worse that may be so by chance.
const FALSE: f64 = 0.05;
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

/// How far apart the arms must lie, when the control attempts show these numbers.
fn margin(control: &[f64], unit: Option<&str>) -> f64 {
    let middle = middle(control.to_vec()).unwrap_or_default().abs();
    (middle * LEAST).max(spread(control).unwrap_or_default() * SPREADS).max(unit.map_or(0.0, free_of_charge))
}

/// The least change of a metric that could be told if as many attempts with the patch were made as there are without it;
/// `None` when no change could.
pub(super) fn least_told(control: &[f64], unit: Option<&str>) -> Option<f64> {
    (least_chance(control.len(), control.len()) <= RARE).then(|| margin(control, unit))
}

/// A metric as both arms show it.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    key: &'a Key,
    reading: &'a Reading,
    better: Better,
    control: Vec<f64>,
    patched: Vec<f64>,
    /// The chances of ranks as bad as these, and of ranks as good.
    chance_of_worse: f64,
    chance_of_better: f64,
    /// Up to which of the first chances ranks are not taken for chance.
    rarely_worse: f64,
    /// Up to which of the second ones.
    rarely_better: f64,
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
        let (control, patched) = (numbers(control, &plain), numbers(patched, key));
        let (chance_of_worse, chance_of_better, rarely_worse, rarely_better) = (1.0, 1.0, RARE, RARE);
        all.push(Measured {
            key,
            reading,
            better,
            control,
            patched,
            chance_of_worse,
            chance_of_better,
            rarely_worse,
            rarely_better,
        });
    }
    // Most often no metric lies so far off that chances matter.
    if all.iter().any(Measured::is_apart) {
        all.iter_mut().for_each(Measured::weigh);
        let rarely_worse = rare(all.iter().map(|one| one.chance_of_worse).collect());
        let rarely_better = rare(all.iter().map(|one| one.chance_of_better).collect());
        for one in &mut all {
            (one.rarely_worse, one.rarely_better) = (rarely_worse, rarely_better);
        }
    }
    all
}

/// Up to which of these chances, each of one metric, it is not taken for chance.
fn rare(mut chances: Vec<f64>) -> f64 {
    chances.sort_by(f64::total_cmp);
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let share = FALSE / count(chances.len().max(1));
    let below = (1..=chances.len()).rev().find(|place| chances[place - 1] <= share * count(*place));
    RARE.min(share * count(below.unwrap_or(1)))
}

impl Measured<'_> {
    /// Finds how rare the ranks are.
    fn weigh(&mut self) {
        let Chances { higher, lower } = chances(&self.control, &self.patched);
        (self.chance_of_worse, self.chance_of_better) = match self.better {
            Better::Lower => (higher, lower),
            Better::Higher => (lower, higher),
        };
    }

    /// Whether the arms lie further apart than the margin, whichever way.
    fn is_apart(&self) -> bool {
        self.worse().abs() > self.margin()
    }

    /// Whether more attempts should decide.
    pub(super) fn is_suspect(&self) -> bool {
        self.finding() == Finding::Suspect
    }

    /// Whether more attempts should decide because these cannot.
    pub(super) fn has_too_few(&self) -> bool {
        self.is_suspect() && !self.can_decide(self.rarely_worse)
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
        let chance = if verdict == Verdict::Regressed { self.chance_of_worse } else { self.chance_of_better };
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

    /// The numbers, for people to look at.
    pub(super) fn numbers(&self) -> Metric {
        Metric {
            key: self.key.clone(),
            unit: self.reading.unit.clone(),
            better: self.better,
            control: self.control.clone(),
            patched: self.patched.clone(),
            margin: self.margin(),
        }
    }

    /// What is to be said when nothing could be decided.
    pub(super) fn note(&self) -> Option<String> {
        match self.finding() {
            Finding::Nothing | Finding::Better | Finding::Worse => None,
            Finding::Suspect | Finding::Unclear => {
                let seen = if self.can_decide(self.rarely_worse) {
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
        let rarely = |chance: f64, rare: f64| self.can_decide(rare) && chance <= rare;
        if worse > margin && rarely(self.chance_of_worse, self.rarely_worse) {
            Finding::Worse
        } else if worse > margin {
            Finding::Suspect
        } else if -worse > margin && rarely(self.chance_of_better, self.rarely_better) {
            Finding::Better
        } else if worse > self.middle() * LEAST {
            Finding::Unclear
        } else {
            Finding::Nothing
        }
    }

    /// Whether the attempts are enough to tell any effect from chance: one control attempt does not show how far two lie
    /// apart.
    fn can_decide(&self, rare: f64) -> bool {
        self.control.len() > 1 && least_chance(self.control.len(), self.patched.len()) <= rare
    }

    /// By how much the patched arm is worse; negative when it is better.
    fn worse(&self) -> f64 {
        cost(shift(&self.control, &self.patched).unwrap_or_default(), self.better)
    }

    fn margin(&self) -> f64 {
        margin(&self.control, self.reading.unit.as_deref())
    }

    fn middle(&self) -> f64 {
        middle(self.control.clone()).unwrap_or_default().abs()
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

/// The number turned so that more of it is worse.
fn cost(number: f64, better: Better) -> f64 {
    match better {
        Better::Lower => number,
        Better::Higher => -number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-12
    }

    #[test]
    fn the_more_metrics_there_are_the_rarer_each_has_to_be() {
        assert!(near(rare(vec![0.3]), RARE));
        assert!(near(rare(vec![0.3; 5]), RARE));
        assert!(near(rare(vec![0.3; 100]), FALSE / 100.0));
        // Where many are rare, each of them may be less so.
        let half: Vec<f64> = [0.004; 50].into_iter().chain([0.5; 50]).collect();
        assert!(near(rare(half), RARE));
        let ten: Vec<f64> = [0.004; 10].into_iter().chain([0.5; 90]).collect();
        assert!(near(rare(ten), FALSE / 10.0));
        assert!(near(rare(Vec::new()), RARE));
    }
}
