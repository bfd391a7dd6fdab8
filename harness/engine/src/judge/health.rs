//! What is ill without the patch: always (broken before) or sometimes (flaky).

use patchbed_model::{Allow, Class, Ill, Key, Rules, Snapshot, reading};

use crate::compare::{Allowed, allows};
use crate::noise::{Baseline, Entry};
use crate::scenario::{DATA, DEGRADED};

/// How many lines are kept of what explains one reading; the journal has all.
const EVIDENCE: usize = 12;

/// What is ill without the patch.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Written probes and states of services that are bad in every control attempt and no better with the patch, and
    /// what could not be seen in one of them.
    pub(super) broken: Vec<Ill>,
    /// States that are good in some control attempts and bad in others: the key, how often bad, of how many.
    pub(super) flaky: Vec<(Key, u32, u32)>,
}

impl Health {
    /// Looks at the states of the control attempts. A rule that allows the bad value takes it out of the question.
    pub(super) fn of(control: &Baseline, patched: &[&Snapshot], rules: &Rules, optional: &[Key]) -> Self {
        let mut health = Self::default();
        for (key, entry) in &control.entries {
            if entry.class() != Some(Class::State) || excused(rules, key, entry) {
                continue;
            }
            let (bad, good) = (entry.times(reading::Health::Bad), entry.times(reading::Health::Good));
            if entry.seen.iter().any(|seen| seen.reading.is_unseen()) && vital(key) {
                health.broken.extend(ill(key, entry));
            } else if is_flaky(key, entry, rules) {
                health.flaky.push((key.clone(), bad, bad + good));
            } else if bad == control.attempts && vital(key) && !is_below(key, optional) && !mended(patched, key) {
                health.broken.extend(ill(key, entry));
            }
        }
        health
    }
}

/// Whether a state is good in some attempts and bad in others, and no rule allows both.
pub(super) fn is_flaky(key: &Key, entry: &Entry, rules: &Rules) -> bool {
    let (bad, good) = (entry.times(reading::Health::Bad), entry.times(reading::Health::Good));
    entry.class() == Some(Class::State) && bad > 0 && good > 0 && !excused(rules, key, entry)
}

/// The usual value of a reading, with the lines that explain it.
fn ill(key: &Key, entry: &Entry) -> Option<Ill> {
    let reading = entry.usual()?;
    let evidence = reading.evidence.iter().take(EVIDENCE).cloned().collect();
    Some(Ill { key: key.clone(), value: reading.value.to_string(), evidence })
}

/// Whether a key is one of these or stands below one.
fn is_below(key: &Key, tops: &[Key]) -> bool {
    let below = |top: &Key| {
        key.as_str().strip_prefix(top.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    tops.iter().any(below)
}

/// Whether the patch makes it good in every attempt.
fn mended(patched: &[&Snapshot], key: &Key) -> bool {
    let good = |snapshot: &&Snapshot| {
        snapshot.readings.get(key).and_then(|reading| reading.health) == Some(reading::Health::Good)
    };
    !patched.is_empty() && patched.iter().all(good)
}

/// Whether a rule allows every value seen, whatever stands on the other side.
fn excused(rules: &Rules, key: &Key, entry: &Entry) -> bool {
    let Some(rule) = rules.for_key(key) else {
        return false;
    };
    match rule.allow {
        Allow::Ignore | Allow::Matches(_) | Allow::OneOf(_) => {
            entry.seen.iter().all(|seen| allows(&rule.allow, None, Some(&seen.reading)) == Allowed::Yes)
        }
        Allow::Exact
        | Allow::Shape
        | Allow::Set
        | Allow::Within(_)
        | Allow::AtMost(_)
        | Allow::AtLeast(_)
        | Allow::WithinNumber(_)
        | Allow::AtMostNumber(_)
        | Allow::AtMostMore(_)
        | Allow::AtLeastNumber(_) => false,
    }
}

/// Whether the reading is of a written probe or of data, or says whether a service runs or a product protects. Log lines,
/// packages, files and the like may be bad since ever without anything being broken.
fn vital(key: &Key) -> bool {
    let text = key.as_str();
    let state = text.rsplit_once('.').is_some_and(|(head, last)| match last {
        "ready" | "look" => true,
        "state" => head.ends_with(".process") || head.contains(".process."),
        // A product that does not protect without the patch shows nothing of what the patch does to it.
        DEGRADED => !head.contains('.'),
        _ => false,
    });
    state || matches!(key.subject(), "probe" | "workload" | DATA)
}
