//! Why the verdict is what it is, as data and as one sentence.

use std::collections::BTreeMap;

use patchbed_model::text::{one_line, shorten};
use patchbed_model::{Cause, Difference, Differences, Ill, Key, Verdict};

use super::health::Health;
use super::promise::Unkept;
use super::rate::{Finding, Rate};

/// How many keys a sentence names.
const NAMED: usize = 3;

/// What decided.
pub(super) enum Because<'a> {
    /// The environment or the harness stopped attempts.
    Infrastructure(Vec<Cause>),
    /// There is too little to go by.
    TooFew(String),
    /// All attempts without the patch stopped.
    StoppedBefore(Cause),
    /// All attempts with the patch stopped, and the patch is to blame.
    Stopped(Cause),
    /// Attempts of one arm ended differently.
    Disagree { arm: &'static str, seen: u32, of: u32, cause: Cause },
    /// The patch stopped some attempts, and none was stopped without it.
    SometimesStopped(Cause, Rate),
    /// The heaviest differences, with their keys.
    Differences(Verdict, Vec<&'a Key>),
    /// Promises that did not come true.
    Unkept(&'a [Unkept]),
    /// A difference that only some patched attempts show, or of a reading that has too few attempts to know it by.
    Sometimes(&'a Difference),
    /// A state that is bad in some attempts with the patch.
    Rate(&'a Difference, &'a Rate),
    /// A state that is good and bad without the patch.
    Flaky(&'a (Key, u32, u32)),
    /// Readings that are ill in all control attempts.
    BrokenBefore(&'a [Ill]),
}

impl<'a> Because<'a> {
    pub(super) fn of_differences(differences: &'a Differences, rates: &'a BTreeMap<Key, Rate>) -> Self {
        let verdict = differences.iter().filter(|one| one.counts()).map(|one| one.verdict).max();
        let verdict = verdict.unwrap_or(Verdict::Same);
        let heaviest: Vec<&Difference> =
            differences.iter().filter(|one| one.counts() && one.verdict == verdict).collect();
        let told = |one: &'a Difference| {
            let is_told = |rate: &&Rate| one.verdict == Verdict::Unstable || rate.finding() == Finding::Worse;
            Some(Self::Rate(one, rates.get(&one.key).filter(is_told)?))
        };
        match (verdict, heaviest.as_slice()) {
            (Verdict::Unstable, [one, ..]) => told(one).unwrap_or(Self::Sometimes(one)),
            (Verdict::Regressed, [one]) => told(one).unwrap_or_else(|| Self::Differences(verdict, vec![&one.key])),
            _ => Self::Differences(verdict, heaviest.into_iter().map(|one| &one.key).collect()),
        }
    }

    pub(super) fn of_promises(unkept: &'a [Unkept]) -> Option<Self> {
        (!unkept.is_empty()).then_some(Self::Unkept(unkept))
    }

    pub(super) fn of_flaky(health: &'a Health) -> Option<Self> {
        health.flaky.first().map(Self::Flaky)
    }

    pub(super) fn of_broken(health: &'a Health) -> Option<Self> {
        (!health.broken.is_empty()).then_some(Self::BrokenBefore(&health.broken))
    }

    /// What is ill without the patch, when that decided.
    pub(super) fn ill(&self) -> Vec<Ill> {
        match self {
            Self::BrokenBefore(ill) => ill.to_vec(),
            Self::Infrastructure(_)
            | Self::TooFew(_)
            | Self::StoppedBefore(_)
            | Self::Stopped(_)
            | Self::Unkept(_)
            | Self::Disagree { .. }
            | Self::SometimesStopped(..)
            | Self::Rate(..)
            | Self::Differences(..)
            | Self::Sometimes(_)
            | Self::Flaky(_) => Vec::new(),
        }
    }

    /// The verdict that follows.
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Infrastructure(_) | Self::TooFew(_) | Self::StoppedBefore(_) | Self::BrokenBefore(_) => {
                Verdict::Inconclusive
            }
            Self::Stopped(_) => Verdict::Regressed,
            Self::Unkept(_) => Verdict::Ineffective,
            Self::SometimesStopped(_, rate) if rate.finding() == Finding::Worse => Verdict::Regressed,
            Self::SometimesStopped(..) | Self::Disagree { .. } | Self::Sometimes(_) | Self::Flaky(_) => {
                Verdict::Unstable
            }
            Self::Rate(difference, _) => difference.verdict,
            Self::Differences(verdict, _) => *verdict,
        }
    }
}

/// One sentence without a full stop.
pub(super) fn reason(because: &Because<'_>) -> String {
    match because {
        Because::Infrastructure(causes) => match causes.as_slice() {
            [] => "the environment failed".to_owned(),
            [one] => said(one),
            [one, rest @ ..] => format!("{}, and {} more", said(one), rest.len()),
        },
        Because::TooFew(text) => text.clone(),
        Because::StoppedBefore(cause) => format!("ill without the patch already: {}", said(cause)),
        Because::Stopped(cause) => said(cause),
        Because::Disagree { arm, seen, of, cause } => {
            format!("{seen} of {of} attempts {arm} the patch stopped: {}", said(cause))
        }
        Because::SometimesStopped(cause, rate) => format!("{}, {}", said(cause), rate.told()),
        Because::Rate(difference, rate) => format!("`{}` is bad {}", difference.key, rate.told()),
        Because::Differences(verdict, keys) => of_differences(*verdict, keys),
        Because::Unkept(unkept) => match unkept {
            [] => "a promise did not come true".to_owned(),
            [one] => broken_promise(one),
            [one, rest @ ..] => format!("{}, and {} more", broken_promise(one), rest.len()),
        },
        Because::Sometimes(difference) => sometimes(difference),
        Because::Flaky((key, bad, of)) => format!("`{key}` is bad in {bad} of {of} attempts without the patch"),
        Because::BrokenBefore(ill) => {
            let list: Vec<&Key> = ill.iter().map(|one| &one.key).collect();
            format!("ill without the patch already: {}", named(&list))
        }
    }
}

fn broken_promise(unkept: &Unkept) -> String {
    let Unkept { key, becomes, found, kept: (kept, of) } = unkept;
    let mut values: Vec<String> = found.iter().take(NAMED).map(|value| format!("`{value}`")).collect();
    if found.len() > NAMED {
        values.push(format!("{} more", found.len() - NAMED));
    }
    let is = if found.is_empty() { "is not there".to_owned() } else { format!("is {}", values.join(", ")) };
    let when = if *kept == 0 { String::new() } else { format!(" in {} of {of} attempts with the patch", of - kept) };
    format!("`{key}` {is}{when}, and not `{becomes}` as promised")
}

fn sometimes(difference: &Difference) -> String {
    let (seen, of) = difference.seen;
    if seen == of {
        return format!("`{}` differs, and is another in each attempt without the patch", difference.key);
    }
    format!("`{}` differs in {seen} of {of} attempts with the patch", difference.key)
}

fn of_differences(verdict: Verdict, keys: &[&Key]) -> String {
    let readings = if keys.len() == 1 { "1 reading".to_owned() } else { format!("{} readings", keys.len()) };
    match verdict {
        Verdict::Same | Verdict::Skipped => "no difference that is not there without the patch".to_owned(),
        Verdict::Regressed => format!("{readings} got worse: {}", named(keys)),
        Verdict::Ineffective => format!("{readings} did not become what was promised: {}", named(keys)),
        Verdict::Improved => format!("{readings} got better: {}", named(keys)),
        Verdict::Changed | Verdict::Unstable | Verdict::Inconclusive => format!("{readings} changed: {}", named(keys)),
    }
}

fn named(keys: &[&Key]) -> String {
    let mut text: Vec<String> = keys.iter().take(NAMED).map(|key| format!("`{key}`")).collect();
    if keys.len() > NAMED {
        text.push(format!("{} more", keys.len() - NAMED));
    }
    text.join(", ")
}

fn said(cause: &Cause) -> String {
    shorten(&one_line(&cause.text), 200)
}
