//! The differences of one snapshot, and what each alone would mean.

use std::collections::BTreeSet;

use patchbed_model::{Allow, Class, Difference, Differences, Health, Key, Reading, Rule, Rules, Snapshot, Verdict};

use super::allow::{Allowed, allows};
use crate::noise::{Baseline, Entry, Volatility, alike};

/// What differs in `now`, in the order of keys. `rules` are those that hold today; see [`Rules::in_force`].
#[must_use]
pub fn compare(baseline: &Baseline, now: &Snapshot, rules: &Rules) -> Differences {
    if baseline.attempts == 0 {
        return Vec::new();
    }
    let keys: BTreeSet<&Key> = baseline.entries.keys().chain(now.readings.keys()).collect();
    let compared = keys.into_iter().filter_map(|key| {
        let pair = Pair { key, before: baseline.entries.get(key), now: now.readings.get(key), baseline };
        pair.difference(rules.for_key(key))
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
            (Class::Metric | Class::Fact, None) => None,
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

    /// Metrics and facts: only what breaks a rule differs; what the rule allows was never in doubt.
    fn of_number(&self, rule: &Rule) -> Option<Difference> {
        match (allows(&rule.allow, self.before, self.now), self.now.is_some() && self.before.is_some()) {
            (Allowed::Yes, _) | (_, false) => None,
            (Allowed::No, true) => self.weighed(Some(Verdict::Changed)),
            (Allowed::Worse, true) => self.weighed(Some(Verdict::Regressed)),
        }
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
                self.was_seen() || (moves && moves_like(before, now))
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
        let health = |reading: Option<&Reading>| reading.filter(|r| r.class == Class::State).and_then(|r| r.health);
        match (health(was), health(self.now), self.now.is_some()) {
            (Some(Health::Good) | None, Some(Health::Bad), _) | (Some(Health::Good), None, false) => Verdict::Regressed,
            (Some(Health::Bad), Some(Health::Good), _) | (Some(Health::Bad), None, false) => Verdict::Improved,
            (Some(Health::Good), Some(Health::Good), _)
            | (Some(Health::Bad), Some(Health::Bad), _)
            | (Some(_), None, true)
            | (None, Some(Health::Good) | None, _) => Verdict::Changed,
        }
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
        | Allow::AtLeastNumber(_) => true,
        Allow::Exact | Allow::Ignore | Allow::Shape | Allow::Set => false,
    }
}

/// A volatile reading is compared by shape only; when not even the shapes of the baseline agree, by kind only. A state
/// keeps its health in any case.
fn moves_like(before: &Entry, now: &Reading) -> bool {
    if !before.seen.iter().any(|seen| seen.reading.health == now.health && seen.reading.class == now.class) {
        return false;
    }
    let values = || before.seen.iter().map(|seen| &seen.reading.value);
    let Some(first) = values().next() else {
        return false;
    };
    if values().all(|value| alike(first, value)) {
        return values().any(|value| alike(value, &now.value));
    }
    values().any(|value| std::mem::discriminant(value) == std::mem::discriminant(&now.value))
}

fn silenced(mut difference: Difference, rule: &Rule) -> Difference {
    let reason = rule.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    difference.silenced = Some(format!("rule `{}`{reason}", rule.key.0));
    difference
}
