//! What the scenario promises of the patch: whether it came true, and which differences it explains.

use std::collections::BTreeSet;

use patchbed_model::text::{one_line, shorten};
use patchbed_model::{Difference, Key, Reading, Snapshot, Verdict};

use crate::compare::REVERTED;
use crate::scenario::Promise;

/// How many characters of a value are told.
const LONGEST: usize = 60;

/// A promise that did not come true in every attempt with the patch.
#[derive(Debug)]
pub(super) struct Unkept {
    /// The keys it speaks of.
    pub(super) key: String,
    /// What was promised.
    pub(super) becomes: String,
    /// The values found instead; empty when nothing stands under the key.
    pub(super) found: Vec<String>,
    /// In how many attempts it came true, of how many.
    pub(super) kept: (u32, u32),
}

/// The promises that did not come true in every attempt with the patch.
pub(super) fn unkept(promises: &[Promise], patched: &[&Snapshot]) -> Vec<Unkept> {
    let short = |value: &str| shorten(&one_line(value), LONGEST);
    let of = |promise: &Promise| {
        let (kept, broken): (Vec<&Snapshot>, Vec<&Snapshot>) =
            patched.iter().partition(|snapshot| holds(promise, snapshot));
        let found: BTreeSet<String> =
            broken.iter().flat_map(|one| spoken_of(promise, one)).map(|reading| short(&text(reading))).collect();
        let count = |list: &[&Snapshot]| u32::try_from(list.len()).unwrap_or(u32::MAX);
        (!broken.is_empty()).then(|| Unkept {
            key: promise.key.0.clone(),
            becomes: short(&promise.becomes),
            found: found.into_iter().collect(),
            kept: (count(&kept), count(patched)),
        })
    };
    promises.iter().filter_map(of).collect()
}

/// What is to be said of promises that are kept, but would have been without the patch as well.
pub(super) fn notes(promises: &[Promise], control: &[&Snapshot], patched: &[&Snapshot]) -> Vec<String> {
    let always = |promise: &Promise, arm: &[&Snapshot]| !arm.is_empty() && arm.iter().all(|one| holds(promise, one));
    let before = promises.iter().filter(|promise| always(promise, control) && always(promise, patched));
    before
        .map(|promise| {
            let becomes = shorten(&one_line(&promise.becomes), LONGEST);
            format!("promised, but so without the patch already: `{}` is `{becomes}`", promise.key.0)
        })
        .collect()
}

/// The difference, silenced where it is just what was promised. One for the better is told all the same.
pub(super) fn explained(mut difference: Difference, promises: &[Promise]) -> Difference {
    let foretold = |promise: &&Promise| {
        let value = difference.now.as_deref().map(|now| now.trim_end_matches('\n'));
        speaks_of(promise, &difference.key) && value == Some(promise.becomes.as_str())
    };
    if difference.silenced.is_none()
        && matches!(difference.verdict, Verdict::Changed | Verdict::Unstable | Verdict::Regressed)
        && let Some(promise) = promises.iter().find(foretold)
    {
        difference.silenced = Some(format!("promised by `{}`", promise.key.0));
    }
    difference
}

/// Whether some reading has the promised value.
fn holds(promise: &Promise, snapshot: &Snapshot) -> bool {
    spoken_of(promise, snapshot).any(|reading| text(reading) == promise.becomes)
}

fn spoken_of<'a>(promise: &'a Promise, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Reading> {
    snapshot.readings.iter().filter(|(key, _)| speaks_of(promise, key)).map(|(_, reading)| reading)
}

/// A promise is about the time while the patch is in.
fn speaks_of(promise: &Promise, key: &Key) -> bool {
    promise.key.matches(key) && !key.as_str().starts_with(REVERTED)
}

fn text(reading: &Reading) -> String {
    reading.value.to_string().trim_end_matches('\n').to_owned()
}
