//! One cell's outcomes, and what is decided from them.

use std::collections::BTreeMap;

use patchbed_model::{
    Acceptance, Blame, Cause, Difference, Differences, Judgement, Key, Outcome, Rules, Snapshot, Verdict,
};

use super::health::Health;
use super::metric::{Measured, measured};
use super::promise::{Unkept, notes, unkept};
use super::rate::{Count, Finding, Rate};
use super::reason::{Because, reason};
use super::tally::Tally;
use super::versions::Versions;
use crate::noise::{Baseline, bound};
use crate::scenario::Promise;

/// The fewest control attempts from which a difference can be told from noise.
const FEWEST_CONTROLS: u32 = 2;

/// Everything that a cell is judged by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Case<'a> {
    /// How the attempts without the patch ended.
    pub control: &'a [Outcome],
    /// How the attempts with the patch ended.
    pub patched: &'a [Outcome],
    /// The rules that hold today.
    pub rules: &'a [patchbed_model::Rule],
    /// Control attempts of earlier runs of the very same environment.
    pub stored: Option<&'a Baseline>,
    /// Whether this run's control attempts are part of the baseline.
    pub pool: Pool,
    /// Differences that were accepted for this cell, and still are.
    pub accepted: &'a [Acceptance],
    /// Readings that belong to the time of the patch: nobody looks at them again after it was taken back.
    pub once: &'a [Key],
    /// What the patch is there to change.
    pub promises: &'a [Promise],
    /// What may be ill without the patch: keys, each with all below it.
    pub optional: &'a [Key],
    /// Whether attempts with the patch differ on purpose: each is cut off at another point.
    pub varied: bool,
}

/// What the baseline is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pool {
    /// This run's control attempts, with the stored ones when there are any.
    #[default]
    Both,
    /// The stored ones alone.
    Stored,
}

/// Judges one cell by its outcomes and the rules that hold today.
#[must_use]
pub fn judge(control: &[Outcome], patched: &[Outcome], rules: &Rules) -> Judgement {
    Case { control, patched, rules: &rules.0, ..Case::default() }.judge()
}

impl Case<'_> {
    /// The verdict and all that it rests on.
    #[must_use]
    pub fn judge(&self) -> Judgement {
        let rules = Rules(self.rules.to_vec());
        let (baseline, control) = (self.baseline(), Baseline::pool(observed(self.control)));
        let patched: Vec<&Snapshot> = observed(self.patched).collect();
        let measured = self.measured(&rules);
        let weighed = self.weighed((&baseline, &control), &rules, &measured);
        let unkept = unkept(self.promises, &patched);
        let health = Health::of(&control, &patched, &rules, self.optional);
        let mut notes = notes(self.promises, &observed(self.control).collect::<Vec<_>>(), &patched);
        notes.extend(measured.iter().filter_map(Measured::note));
        notes.extend(weighed.rates.iter().filter_map(|(key, rate)| rate.note(&format!("`{key}` is bad"))));
        let because = self.decide(&baseline, (&weighed, &unkept), &health);
        if let Because::SometimesStopped(_, rate) = &because {
            notes.extend(rate.note("it stopped"));
        }
        Judgement {
            verdict: because.verdict(),
            reason: reason(&because),
            broken_before: matches!(because, Because::BrokenBefore(_) | Because::StoppedBefore(_)),
            temporary: matches!(&because, Because::Infrastructure(causes)
                if causes.iter().all(|cause| cause.blame == Blame::Environment)),
            causes: causes(self.control, self.patched),
            ill: because.ill(),
            volatile: baseline.moving(),
            noise_bound: bound(baseline.attempts),
            notes,
            metrics: measured.iter().map(Measured::numbers).collect(),
            differences: weighed.differences,
        }
    }

    /// The differences of all patched attempts, and how often states are bad in each arm.
    fn weighed(
        &self,
        (baseline, control): (&Baseline, &Baseline),
        rules: &Rules,
        measured: &[Measured<'_>],
    ) -> Weighed {
        let patched: Vec<&Snapshot> = observed(self.patched).collect();
        let (accepted, once, promises) = (self.accepted, self.once, self.promises);
        let versions = &Versions::of(&patched);
        let varied = self.varied;
        let tally = Tally { baseline, control, rules, accepted, once, promises, versions, varied };
        let rates = tally.rates(&patched);
        Weighed { differences: tally.of(&patched, measured, &rates), rates }
    }

    /// Whether a metric is judged by comparing the arms of this run.
    #[must_use]
    pub fn has_metric(&self) -> bool {
        !self.measured(&Rules(self.rules.to_vec())).is_empty()
    }

    /// Whether a metric looks worse and more attempts of both arms should decide.
    #[must_use]
    pub fn has_suspect_metric(&self) -> bool {
        self.measured(&Rules(self.rules.to_vec())).iter().any(Measured::is_suspect)
    }

    /// Whether still more attempts of both arms could tell: of what is bad in some attempts with the patch whether that is its
    /// doing, or of a metric that looks worse whether that is chance.
    #[must_use]
    pub fn is_open(&self) -> bool {
        if let Some(because) = self.stopped() {
            return matches!(because, Because::SometimesStopped(_, rate) if rate.finding() == Finding::Open);
        }
        let rules = Rules(self.rules.to_vec());
        let (baseline, control) = (self.baseline(), Baseline::pool(observed(self.control)));
        self.weighed((&baseline, &control), &rules, &[]).is_open()
            || self.measured(&rules).iter().any(Measured::has_too_few)
    }

    fn measured(&self, rules: &Rules) -> Vec<Measured<'_>> {
        let arm = |outcomes| observed(outcomes).collect::<Vec<_>>();
        measured(&arm(self.control), &arm(self.patched), rules)
    }

    /// The pooled control snapshots.
    #[must_use]
    pub fn baseline(&self) -> Baseline {
        match (self.pool, self.stored) {
            (Pool::Stored, stored) => stored.cloned().unwrap_or_default(),
            (Pool::Both, None) => Baseline::pool(observed(self.control)),
            (Pool::Both, Some(stored)) => Baseline::pool(observed(self.control)).joined(stored),
        }
    }

    fn decide<'a>(
        &self,
        baseline: &Baseline,
        (weighed, unkept): (&'a Weighed, &'a [Unkept]),
        health: &'a Health,
    ) -> Because<'a> {
        if let Some(because) = self.stopped() {
            return because;
        }
        if baseline.attempts == 0 && self.pool == Pool::Stored {
            return Because::TooFew("there is no accepted baseline of this environment".to_owned());
        }
        if baseline.attempts == 0 {
            return Because::TooFew("no attempt without the patch was finished".to_owned());
        }
        if baseline.entries.is_empty() {
            return Because::TooFew("nothing was observed without the patch".to_owned());
        }
        if observed(self.patched).any(|snapshot| snapshot.readings.is_empty()) {
            return Because::TooFew("nothing was observed with the patch".to_owned());
        }
        let by_difference = Because::of_differences(&weighed.differences, &weighed.rates);
        let by_promise = Because::of_promises(unkept);
        let ranked = [Some(by_difference), by_promise, Because::of_flaky(health), Because::of_broken(health)];
        // The first of several equally heavy ones is the reason.
        let heaviest =
            ranked.into_iter().flatten().reduce(|one, other| if other.verdict() > one.verdict() { other } else { one });
        match heaviest {
            Some(Because::Differences(Verdict::Changed | Verdict::Improved, _))
                if baseline.attempts < FEWEST_CONTROLS =>
            {
                Because::TooFew("one attempt without the patch cannot tell a difference from noise".to_owned())
            }
            Some(because) => because,
            None => Because::Differences(Verdict::Same, Vec::new()),
        }
    }

    /// What the stops alone decide, if they do.
    fn stopped(&self) -> Option<Because<'static>> {
        let infrastructure: Vec<Cause> =
            stops(self.control).chain(stops(self.patched)).filter(|cause| not_ours(cause)).cloned().collect();
        if !infrastructure.is_empty() {
            return Some(Because::Infrastructure(infrastructure));
        }
        let control = Ends::of(self.control);
        let patched = Ends::of(self.patched);
        match (control, patched) {
            (Ends::None, _) if self.pool == Pool::Both => {
                Some(Because::TooFew("no attempt without the patch was finished".to_owned()))
            }
            (_, Ends::None) => Some(Because::TooFew("no attempt with the patch was finished".to_owned())),
            (Ends::Stopped(cause), _) => Some(Because::StoppedBefore(cause)),
            (Ends::Mixed { seen, of, cause }, _) => Some(Because::Disagree { arm: "without", seen, of, cause }),
            (_, Ends::Mixed { seen, of, cause }) => Some(self.sometimes_stopped(Count { bad: seen, of }, cause)),
            (Ends::None | Ends::Observed, Ends::Stopped(cause)) => Some(stopped_patched(self.patched, cause)),
            (Ends::None | Ends::Observed, Ends::Observed) => None,
        }
    }

    /// Some patched attempts stopped, no control attempt did. Where each is another case, one is enough; else, and only where the patch is to blame for each of them are the rates
    /// compared.
    fn sometimes_stopped(&self, with: Count, cause: Cause) -> Because<'static> {
        if stops(self.patched).any(|cause| cause.blame != Blame::Patch) {
            return Because::Disagree { arm: "with", seen: with.bad, of: with.of, cause };
        }
        if self.varied {
            return Because::Stopped(cause);
        }
        let without = Count { bad: 0, of: u32::try_from(self.control.len()).unwrap_or(u32::MAX) };
        Because::SometimesStopped(cause, Rate { without, with })
    }
}

/// What the differences say, and what they rest on where attempts disagree.
struct Weighed {
    differences: Differences,
    rates: BTreeMap<Key, Rate>,
}

impl Weighed {
    /// Whether more attempts of both arms could decide what is bad now and then.
    fn is_open(&self) -> bool {
        let is_open = |one: &Difference| {
            one.counts() && self.rates.get(&one.key).is_some_and(|rate| rate.finding() == Finding::Open)
        };
        self.differences.iter().any(is_open)
    }
}

/// All patched attempts stopped, no control attempt did. Blame on the patch is a regression; blame on what comes before
/// the patch means that attempts which were alike so far disagree.
fn stopped_patched(patched: &[Outcome], cause: Cause) -> Because<'static> {
    let of = u32::try_from(patched.len()).unwrap_or(u32::MAX);
    if stops(patched).all(|cause| cause.blame == Blame::Patch) {
        Because::Stopped(cause)
    } else {
        Because::Disagree { arm: "with", seen: of, of, cause }
    }
}

/// How the attempts of one arm ended.
enum Ends {
    /// There are none.
    None,
    /// All were observed.
    Observed,
    /// All stopped.
    Stopped(Cause),
    /// `seen` of `of` stopped.
    Mixed { seen: u32, of: u32, cause: Cause },
}

impl Ends {
    fn of(outcomes: &[Outcome]) -> Self {
        let Some(cause) = causes(outcomes, &[]).into_iter().next() else {
            return if outcomes.is_empty() { Self::None } else { Self::Observed };
        };
        let stopped = stops(outcomes).count();
        if stopped == outcomes.len() {
            return Self::Stopped(cause);
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self::Mixed { seen: count(stopped), of: count(outcomes.len()), cause }
    }
}

const fn not_ours(cause: &Cause) -> bool {
    match cause.blame {
        Blame::Environment | Blame::Harness => true,
        Blame::Patch | Blame::Software | Blame::Scenario => false,
    }
}

fn observed(outcomes: &[Outcome]) -> impl Iterator<Item = &Snapshot> {
    outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Observed(snapshot) => Some(snapshot),
        Outcome::Stopped(_) => None,
    })
}

fn stops(outcomes: &[Outcome]) -> impl Iterator<Item = &Cause> {
    outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Stopped(cause) => Some(cause),
        Outcome::Observed(_) => None,
    })
}

/// Why attempts stopped, each once, in an order of their own.
fn causes(control: &[Outcome], patched: &[Outcome]) -> Vec<Cause> {
    let mut all: Vec<Cause> = stops(control).chain(stops(patched)).cloned().collect();
    all.sort_by_cached_key(|cause| format!("{cause:?}"));
    all.dedup_by(|one, other| one.kind == other.kind && one.subject == other.subject && one.text == other.text);
    all
}
