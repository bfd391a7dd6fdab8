//! The differences of one snapshot, and what each alone would mean.

use std::collections::BTreeSet;

use patchbed_model::{Allow, Class, Difference, Differences, Health, Key, Reading, Rule, Rules, Snapshot, Verdict};

use super::allow::{Allowed, allows};
use crate::noise::{Baseline, Entry, Volatility, number};

/// How many times the most that the control arm used is within the margin of a metric without a rule. Resource use of one
/// program differs by some percent from attempt to attempt; leaks and lost limits differ by much more.
const MARGIN: f64 = 1.5;

/// What the keys of readings begin with that are seen after the patch was taken back.
pub const REVERTED: &str = "reverted.";

/// What differs in `now`, in the order of keys. `rules` are those that hold today; see [`Rules::in_force`].
#[must_use]
pub fn compare(baseline: &Baseline, now: &Snapshot, rules: &Rules) -> Differences {
    compared(baseline, now, |key| rules.for_key(key))
}

/// What differs in `after`, seen when the patch was taken back, from the same baseline. Rules may name a reading there
/// with [`REVERTED`] before its key or without; the differences have it.
#[must_use]
pub fn compare_reverted(baseline: &Baseline, after: &Snapshot, rules: &Rules) -> Differences {
    let mut all = compared(baseline, after, |key| rules.for_either(key, &reverted(key)));
    for difference in &mut all {
        difference.key = reverted(&difference.key);
        // Whatever it is, taking the patch back was to undo it.
        if difference.verdict == Verdict::Changed {
            difference.verdict = Verdict::Regressed;
        }
    }
    all
}

/// The key of a reading that is seen after the patch was taken back.
#[must_use]
pub fn reverted(key: &Key) -> Key {
    Key::new(format!("{REVERTED}{key}"))
}

fn compared<'a>(baseline: &Baseline, now: &Snapshot, rule: impl Fn(&Key) -> Option<&'a Rule>) -> Differences {
    if baseline.attempts == 0 {
        return Vec::new();
    }
    let keys: BTreeSet<&Key> = baseline.entries.keys().chain(now.readings.keys()).collect();
    let compared = keys.into_iter().filter_map(|key| {
        let pair = Pair { key, before: baseline.entries.get(key), now: now.readings.get(key), baseline };
        pair.difference(rule(key))
    });
    compared.collect()
}

/// What stands under one key on both sides.
struct Pair<'a> {
    key: &'a Key,
    before: Option<&'a Entry>,
    now: Option<&'a Reading>,
    baseline: &'a Baseline,
}

impl Pair<'_> {
    fn difference(&self, rule: Option<&Rule>) -> Option<Difference> {
        let class = self.now.map(|now| now.class).or_else(|| self.before.and_then(Entry::class))?;
        match (class, rule) {
            (Class::State | Class::Content, None) if self.is_usual() => None,
            (Class::State | Class::Content, None) => self.weighed(None),
            (Class::State | Class::Content, Some(rule)) => self.by_rule(rule),
            (Class::Metric, None) => self.beyond_margin(),
            (Class::Fact, None) => None,
            (Class::Metric | Class::Fact, Some(rule)) => self.of_number(rule),
        }
    }

    /// A rule never makes a difference of what the baseline has seen. Of a reading that moves by itself it makes one
    /// only when it speaks of the value.
    fn by_rule(&self, rule: &Rule) -> Option<Difference> {
        let usual = self.is_usual();
        if self.was_seen() || (usual && (self.now.is_none() || !speaks_of_value(&rule.allow))) {
            return None;
        }
        match allows(&rule.allow, self.before, self.now) {
            Allowed::Yes if usual => None,
            Allowed::Yes => self.weighed(None).map(|difference| silenced(difference, rule)),
            Allowed::No => self.weighed(None),
            Allowed::Worse => self.weighed(Some(Verdict::Regressed)),
        }
    }

    /// Metrics and facts: only what breaks a rule differs; what the rule allows was never in doubt. One that is gone or
    /// new cannot keep to a rule that speaks of both sides.
    fn of_number(&self, rule: &Rule) -> Option<Difference> {
        if self.now.is_none() && self.is_usual() {
            return None;
        }
        let verdict = match allows(&rule.allow, self.before, self.now) {
            Allowed::Yes => return None,
            Allowed::No => Verdict::Changed,
            Allowed::Worse => Verdict::Regressed,
        };
        let mut difference = self.weighed(Some(verdict))?;
        if let Some(share) = self.share_of_patch(&rule.allow) {
            difference.evidence.insert(0, share);
        }
        Some(difference)
    }

    /// How much of a number is there without the patch, where a rule bounds the rest.
    fn share_of_patch(&self, allow: &Allow) -> Option<String> {
        let Allow::AtMostMore(most) = allow else { return None };
        let unit = self.now?.unit.as_deref()?;
        let (was, now) = (self.before?.middle()?, number(&self.now?.value)?);
        let told = |number: f64| format!("{} {unit}", (number * 100.0).round() / 100.0);
        let (was, now, most) = (told(was), told(now), told(most.in_unit(Some(unit))?));
        Some(format!("{now}, {was} of it also without the patch; at most {most} more allowed"))
    }

    /// Metrics without a rule: far more than any control attempt used is for a person to look at.
    fn beyond_margin(&self) -> Option<Difference> {
        // Where a direction is wanted, the attempts of both arms are compared as a whole.
        let (before, now) = (self.before?, self.now.filter(|now| now.better.is_none())?);
        let most = before.seen.iter().filter_map(|seen| number(&seen.reading.value)).reduce(f64::max)?;
        let free = free_of_charge(now.unit.as_deref()?)?;
        let is_beyond = number(&now.value)? > most * MARGIN + free;
        is_beyond.then(|| self.weighed(Some(Verdict::Changed))).flatten()
    }

    /// Whether some control attempt showed just this.
    fn was_seen(&self) -> bool {
        let (Some(before), Some(now)) = (self.before, self.now) else {
            return false;
        };
        before.seen.iter().any(|seen| seen.reading.value == now.value && seen.reading.health == now.health)
    }

    /// Whether it is as without the patch: seen there, or moving like what was seen there.
    fn is_usual(&self) -> bool {
        let attempts = self.baseline.attempts;
        match (self.before, self.now) {
            (None, _) => false,
            (Some(before), None) => before.present() < attempts,
            (Some(before), Some(now)) => {
                let moves = before.volatility(attempts) == Volatility::Volatile;
                self.was_seen() || (moves && before.moves_like(now))
            }
        }
    }

    fn weighed(&self, verdict: Option<Verdict>) -> Option<Difference> {
        let was = self.before.and_then(Entry::usual);
        let mut difference = Difference::between(self.key, was, self.now)?;
        difference.verdict = verdict.unwrap_or_else(|| self.meaning(was));
        Some(difference)
    }

    /// What the difference means by the class of the reading alone.
    fn meaning(&self, was: Option<&Reading>) -> Verdict {
        if was.is_some_and(Reading::is_unseen) || self.now.is_some_and(Reading::is_unseen) {
            return Verdict::Inconclusive;
        }
        let health = |reading: Option<&Reading>| reading.filter(|r| r.class == Class::State).and_then(|r| r.health);
        match (health(was), health(self.now), self.now.is_some()) {
            (Some(Health::Good) | None, Some(Health::Bad), _) | (Some(Health::Good), None, false) => Verdict::Regressed,
            (Some(Health::Bad), Some(Health::Good), _) | (Some(Health::Bad), None, false) => Verdict::Improved,
            (Some(Health::Good), Some(Health::Good), _)
            | (Some(Health::Bad), Some(Health::Bad), _)
            | (Some(_), None, true)
            | (None, Some(Health::Good) | None, _) => self.another(),
        }
    }

    /// What another value means that is not worse. Of a reading of which it is open whether it has few values, nothing
    /// can be said yet.
    fn another(&self) -> Verdict {
        if self.now.is_some() && self.before.is_some_and(Entry::is_open) { Verdict::Unstable } else { Verdict::Changed }
    }
}

/// What may be used beside the margin, by unit: of small numbers half as much again means nothing. Units of other kinds have
/// no default rule.
fn free_of_charge(unit: &str) -> Option<f64> {
    match unit {
        "bytes" => Some(16.0 * 1024.0 * 1024.0),
        "descriptors" | "threads" => Some(16.0),
        _ => None,
    }
}

/// Whether a rule speaks of the value itself and not of its distance to the baseline.
const fn speaks_of_value(allow: &Allow) -> bool {
    match allow {
        Allow::Matches(_)
        | Allow::OneOf(_)
        | Allow::AtMost(_)
        | Allow::AtLeast(_)
        | Allow::Within(_)
        | Allow::WithinNumber(_)
        | Allow::AtMostNumber(_)
        | Allow::AtMostMore(_)
        | Allow::AtLeastNumber(_) => true,
        Allow::Exact | Allow::Ignore | Allow::Shape | Allow::Set => false,
    }
}

fn silenced(mut difference: Difference, rule: &Rule) -> Difference {
    let reason = rule.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    difference.silenced = Some(format!("rule `{}`{reason}", rule.key.0));
    difference
}
