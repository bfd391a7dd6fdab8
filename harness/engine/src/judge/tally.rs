//! The differences of all patched attempts as one list, with how often each was seen.

use std::collections::{BTreeMap, BTreeSet};

use patchbed_model::difference::DifferenceKind;
use patchbed_model::{
    Acceptance, Allow, Class, Difference, Differences, Health, Key, Reading, Rule, Rules, Snapshot, Value, Verdict,
};

use super::health::is_flaky;
use super::metric::Measured;
use super::promise::explained;
use super::rate::{Count, Finding, Rate};
use super::versions::Versions;
use crate::compare::{REVERTED, compare, compare_reverted, reverted};
use crate::noise::{Baseline, Entry, Volatility};
use crate::scenario::Promise;

/// A new log line counts when more than one in so many attempts shows it.
const SOME: u32 = 4;

/// What the patched attempts are weighed with.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    /// What the attempts are compared with.
    pub(super) baseline: &'a Baseline,
    /// The control attempts of this run alone.
    pub(super) control: &'a Baseline,
    pub(super) rules: &'a Rules,
    pub(super) accepted: &'a [Acceptance],
    /// Readings that are not looked at again after the patch was taken back.
    pub(super) once: &'a [Key],
    /// What the patch is there to change.
    pub(super) promises: &'a [Promise],
    /// The versions that it brings.
    pub(super) versions: &'a Versions,
    /// Whether attempts with the patch differ on purpose, so that what one of them shows is not chance.
    pub(super) varied: bool,
}

impl Tally<'_> {
    /// The differences of `patched` against the baseline, in the order of keys.
    pub(super) fn of(
        &self,
        patched: &[&Snapshot],
        measured: &[Measured<'_>],
        rates: &BTreeMap<Key, Rate>,
    ) -> Differences {
        let middles = self.middles(patched);
        let is_middle =
            |one: &Difference| one.kind == DifferenceKind::Changed && middles.readings.contains_key(&one.key);
        let by_key = self.by_key(patched);
        let of = count(patched.len());
        let mut all: BTreeMap<Key, Difference> = BTreeMap::new();
        for one in self.differences(&middles).into_iter().filter(is_middle) {
            // In how many attempts the number alone would have said so: a middle is never beyond all of them.
            let alone = by_key.get(&one.key).into_iter().flatten().filter(|one| is_middle(one)).count();
            all.insert(one.key.clone(), Difference { seen: (count(alone), of), ..self.settled(one) });
        }
        for (key, mut same) in by_key {
            same.retain(|one| !is_middle(one));
            let each_counts = self.varied && !rates.contains_key(&key);
            let kept = merged(&same, of, each_counts).filter(|one| one.seen.0 == of || !self.moves(one));
            all.extend(kept.map(|one| by_rate(one, rates.get(&key))).map(|one| (key, one)));
        }
        for (key, rate) in rates.iter().filter(|(_, rate)| rate.finding() != Finding::NoWorse) {
            if !all.contains_key(key) {
                all.extend(self.as_before(key, patched).map(|one| (key.clone(), by_rate(one, Some(rate)))));
            }
        }
        let measured = measured.iter().filter_map(Measured::difference);
        all.extend(measured.map(|one| (one.key.clone(), self.settled(one))));
        all.into_values().collect()
    }

    /// The differences of each attempt under their keys.
    fn by_key(&self, patched: &[&Snapshot]) -> BTreeMap<Key, Vec<Difference>> {
        let mut by_key: BTreeMap<Key, Vec<Difference>> = BTreeMap::new();
        for difference in patched.iter().flat_map(|snapshot| self.differences(snapshot)) {
            by_key.entry(difference.key.clone()).or_default().push(self.settled(difference));
        }
        by_key
    }

    /// How often states are bad in each arm, of those that are so in some attempts with the patch and not in all, or
    /// without it as well.
    pub(super) fn rates(&self, patched: &[&Snapshot]) -> BTreeMap<Key, Rate> {
        let by_key = self.by_key(patched);
        let worse = by_key.iter().filter(|(_, same)| same.iter().any(is_worse)).map(|(key, _)| key);
        let flaky = [self.control, self.baseline].into_iter().flat_map(|arm| &arm.entries);
        let flaky = flaky.filter(|(key, entry)| is_flaky(key, entry, self.rules)).map(|(key, _)| key);
        let keys: BTreeSet<&Key> = worse.chain(flaky).collect();
        let rate = |key: &Key| {
            let same = by_key.get(key).map(Vec::as_slice).unwrap_or_default();
            // What was seen without the patch is bad, and no difference.
            let is_known = |one: &&Reading| {
                let value = Some(one.value.to_string());
                one.health == Some(Health::Bad) && same.iter().all(|other| other.now != value)
            };
            let known = patched.iter().filter_map(|snapshot| snapshot.readings.get(key)).filter(is_known).count();
            let bad = count(same.iter().filter(|one| is_worse(one)).count() + known);
            Rate { without: self.without(key), with: Count { bad, of: count(patched.len()) } }
        };
        let rates = keys.into_iter().map(|key| (key.clone(), rate(key)));
        rates.filter(|(_, rate)| rate.is_mixed() && (!self.varied || rate.without.bad > 0)).collect()
    }

    /// How often a state is bad without the patch. What earlier runs saw counts only while nothing bad is seen in this one:
    /// a machine that has a bad day has it in both arms.
    fn without(&self, key: &Key) -> Count {
        let plain = Key::from(key.as_str().strip_prefix(REVERTED).unwrap_or(key.as_str()));
        let bad = |arm: &Baseline| Count {
            bad: arm.entries.get(&plain).map_or(0, |entry| entry.times(Health::Bad)),
            of: arm.attempts,
        };
        let today = bad(self.control);
        if today.bad > 0 { today } else { bad(self.baseline) }
    }

    /// What some attempts with the patch show as some without it do: bad, where good is usual or was.
    fn as_before(&self, key: &Key, patched: &[&Snapshot]) -> Option<Difference> {
        let rank = |one: &&Reading| format!("{:?}{:?}", one.value, one.evidence);
        let bad = patched.iter().filter_map(|snapshot| snapshot.readings.get(key));
        let now = bad.filter(|one| one.health == Some(Health::Bad)).min_by_key(rank)?;
        let entries = [self.control, self.baseline].into_iter().filter_map(|arm| arm.entries.get(key));
        let mut good = entries.flat_map(|entry| &entry.seen).map(|seen| &seen.reading);
        let was = good.find(|one| one.health == Some(Health::Good))?;
        let difference = Difference::between(key, Some(was), Some(now))?;
        Some(self.settled(Difference { verdict: Verdict::Unstable, ..difference }))
    }

    /// The difference with why it does not count, if it does not.
    fn settled(&self, difference: Difference) -> Difference {
        self.versions.explained(explained(accept(difference, self.accepted), self.promises))
    }

    /// The middle values of metrics that a bound speaks of: single attempts scatter, so that all are judged as one.
    fn middles(&self, patched: &[&Snapshot]) -> Snapshot {
        let is_bounded = |(key, reading): &(&Key, &Reading)| {
            reading.class == Class::Metric && self.rule(key).is_some_and(|rule| is_bound(&rule.allow))
        };
        let bounded = patched.iter().map(|snapshot| -> Snapshot {
            snapshot.readings.iter().filter(is_bounded).map(|(key, reading)| (key.clone(), reading.clone())).collect()
        });
        let pooled = Baseline::pool(&bounded.collect::<Vec<_>>());
        let middle = |(key, entry): (&Key, &Entry)| {
            Some((key.clone(), Reading { value: Value::Number(tidy(entry.middle()?)), ..entry.usual()?.clone() }))
        };
        pooled.entries.iter().filter_map(middle).collect()
    }

    /// Whether what only some attempts show is the reading's own movement: a content that moves by itself, or the use of
    /// resources.
    fn moves(&self, one: &Difference) -> bool {
        let plain = one.key.as_str().strip_prefix(REVERTED).map(Key::from);
        match one.class {
            Class::Content => matches!(
                self.baseline.volatility(plain.as_ref().unwrap_or(&one.key)),
                Some(Volatility::Volatile | Volatility::FewValued)
            ),
            Class::Metric => self.rule(&one.key).is_none(),
            Class::State | Class::Fact => false,
        }
    }

    fn rule(&self, key: &Key) -> Option<&Rule> {
        rule_for(self.rules, key)
    }

    /// The differences of one snapshot. Readings after the patch was taken back are compared with the same baseline.
    fn differences(&self, snapshot: &Snapshot) -> Differences {
        let (mut now, mut after) = (Snapshot::default(), Snapshot::default());
        for (key, reading) in &snapshot.readings {
            match key.as_str().strip_prefix(REVERTED) {
                Some(plain) => after.insert(plain, reading.clone()),
                None => now.insert(key.clone(), reading.clone()),
            }
        }
        let mut all = compare(self.baseline, &now, self.rules);
        if !after.readings.is_empty() {
            let again = compare_reverted(self.baseline, &after, self.rules);
            all.extend(again.into_iter().filter(|one| !self.once.iter().any(|key| reverted(key) == one.key)));
        }
        all
    }
}

/// The number without the last digits, which only computing has added.
fn tidy(number: f64) -> f64 {
    if number.abs() < 1e9 { (number * 1e6).round() / 1e6 } else { number }
}

/// The rule that holds for a reading, also for one after the patch was taken back.
pub(super) fn rule_for<'a>(rules: &'a Rules, key: &Key) -> Option<&'a Rule> {
    match key.as_str().strip_prefix(REVERTED) {
        Some(plain) => rules.for_either(&Key::from(plain), key),
        None => rules.for_key(key),
    }
}

fn accept(mut difference: Difference, accepted: &[Acceptance]) -> Difference {
    let found = accepted.iter().find(|acceptance| acceptance.covers(&difference));
    if let (Some(acceptance), None) = (found, &difference.silenced) {
        let kind = if acceptance.known_issue { "known issue, accepted" } else { "accepted" };
        let because = acceptance.because.as_deref().map(|because| format!(": {because}")).unwrap_or_default();
        difference.silenced = Some(format!("{kind} by {} on {}{because}", acceptance.by, acceptance.date));
    }
    difference
}

/// One difference for all attempts that show it: the heaviest and most frequent stands for the others. Unless each attempt
/// counts by itself, what only some of them show is not certain.
fn merged(same: &[Difference], of: u32, each_counts: bool) -> Option<Difference> {
    let seen = count(same.len());
    let times = |one: &Difference| same.iter().filter(|other| other.now == one.now).count();
    let weight = |one: &Difference| (one.counts(), one.verdict, times(one));
    // Of equals the one that is explained as most are, for a log may come late, and then as fully as can be. Attempts have
    // no order, so that of the values decides the rest.
    let rank = |one: &Difference| {
        let alike = same.iter().filter(|other| other.evidence == one.evidence).count();
        let text = format!("{:?}{:?}{:?}{:?}{:?}", one.now, one.was, one.class, one.kind, one.evidence);
        (alike, one.evidence.len(), text)
    };
    let mut best = same
        .iter()
        .max_by(|one, other| weight(one).cmp(&weight(other)).then_with(|| rank(other).cmp(&rank(one))))?
        .clone();
    best.seen = (seen, of);
    // A log line that a few attempts show is what happens now and then, for all that these tell.
    if seen * SOME <= of && best.kind == DifferenceKind::New && best.key.as_str().contains(".log.") {
        best.silenced.get_or_insert_with(|| format!("seen in {seen} of {of} attempts: too few to tell"));
    }
    if seen < of && best.counts() && !each_counts {
        best.verdict = Verdict::Unstable;
    }
    Some(best)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether it is a state that got worse, and counts.
fn is_worse(one: &Difference) -> bool {
    one.counts() && one.class == Class::State && one.verdict == Verdict::Regressed
}

/// What attempts disagree about, with what the rates say of it.
fn by_rate(mut one: Difference, rate: Option<&Rate>) -> Difference {
    let Some(rate) = rate.filter(|_| one.counts() && one.verdict == Verdict::Unstable) else {
        return one;
    };
    if rate.finding() == Finding::Worse {
        one.verdict = Verdict::Regressed;
    }
    one.seen = (rate.with.bad, rate.with.of);
    one.evidence.insert(0, format!("bad {}", rate.told()));
    one
}

/// Whether a rule bounds a number.
const fn is_bound(allow: &Allow) -> bool {
    match allow {
        Allow::Within(_)
        | Allow::AtMost(_)
        | Allow::AtLeast(_)
        | Allow::WithinNumber(_)
        | Allow::AtMostNumber(_)
        | Allow::AtMostMore(_)
        | Allow::AtLeastNumber(_) => true,
        Allow::Exact | Allow::Ignore | Allow::Shape | Allow::Set | Allow::Matches(_) | Allow::OneOf(_) => false,
    }
}
