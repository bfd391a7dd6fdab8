//! The differences of all patched attempts as one list, with how often each was seen.

use std::collections::BTreeMap;

use patchbed_model::{Acceptance, Class, Difference, Differences, Key, Rules, Snapshot, Verdict};

use crate::compare::{REVERTED, compare, compare_reverted, reverted};
use crate::noise::Baseline;

/// What the patched attempts are weighed with.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    pub(super) baseline: &'a Baseline,
    pub(super) rules: &'a Rules,
    pub(super) accepted: &'a [Acceptance],
    /// Readings that are not looked at again after the patch was taken back.
    pub(super) once: &'a [Key],
}

impl Tally<'_> {
    /// The differences of `patched` against the baseline, in the order of keys.
    pub(super) fn of(&self, patched: &[&Snapshot]) -> Differences {
        let mut by_key: BTreeMap<Key, Vec<Difference>> = BTreeMap::new();
        for snapshot in patched {
            for difference in self.differences(snapshot) {
                by_key.entry(difference.key.clone()).or_default().push(accept(difference, self.accepted));
            }
        }
        let of = u32::try_from(patched.len()).unwrap_or(u32::MAX);
        by_key.into_values().filter_map(|same| merged(&same, of)).collect()
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

fn accept(mut difference: Difference, accepted: &[Acceptance]) -> Difference {
    let found = accepted.iter().find(|acceptance| acceptance.covers(&difference));
    if let (Some(acceptance), None) = (found, &difference.silenced) {
        let kind = if acceptance.known_issue { "known issue, accepted" } else { "accepted" };
        let because = acceptance.because.as_deref().map(|because| format!(": {because}")).unwrap_or_default();
        difference.silenced = Some(format!("{kind} by {} on {}{because}", acceptance.by, acceptance.date));
    }
    difference
}

/// One difference for all attempts that show it: the heaviest and most frequent stands for the others.
fn merged(same: &[Difference], of: u32) -> Option<Difference> {
    let seen = u32::try_from(same.len()).unwrap_or(u32::MAX);
    let times = |one: &Difference| same.iter().filter(|other| other.now == one.now).count();
    let weight = |one: &Difference| (one.counts(), one.verdict, times(one));
    // Attempts have no order, so that of the values decides between equals.
    let rank = |one: &Difference| format!("{:?}{:?}{:?}{:?}{:?}", one.now, one.was, one.class, one.kind, one.evidence);
    let mut best = same
        .iter()
        .max_by(|one, other| weight(one).cmp(&weight(other)).then_with(|| rank(other).cmp(&rank(one))))?
        .clone();
    best.seen = (seen, of);
    if seen < of && best.counts() {
        match best.class {
            Class::State | Class::Content => best.verdict = Verdict::Unstable,
            Class::Metric | Class::Fact => best.silenced = Some(format!("in {seen} of {of} attempts only")),
        }
    }
    Some(best)
}
