//! Taking decisions: all of them are checked before any is written.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::{Acceptance, Difference, Verdict};

use super::{Decision, Pending, ReviewError};
use crate::store::{Committed, Found, Stored};

/// Accepts what waits. Gives back the files that were written.
///
/// # Errors
/// See [`ReviewError`]; nothing is written then.
pub fn accept(snapshots: &Utf8Path, pending: &[Pending], decision: &Decision) -> Result<Vec<Utf8PathBuf>, ReviewError> {
    let committed = Committed::at(snapshots);
    let mut accepted: BTreeMap<String, Vec<Acceptance>> = BTreeMap::new();
    let mut baselines: BTreeMap<Utf8PathBuf, (Found, Utf8PathBuf)> = BTreeMap::new();
    for one in pending {
        allowed(one, decision)?;
        if !one.differences.is_empty() {
            let list = match accepted.entry(one.scenario.clone()) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => entry.insert(committed.accepted(&one.scenario)?),
            };
            add(list, one, decision);
        }
        if let Some(waiting) = fresh(&committed, one)? {
            baselines.insert(committed.baseline_file(&one.names()), waiting);
        }
    }
    let mut written = Vec::new();
    for (scenario, list) in accepted {
        written.push(committed.write_accepted(&scenario, list)?);
    }
    for (file, (found, candidate)) in baselines {
        let mut stored: Stored = found.stored;
        (stored.header.run, stored.header.replaces) = (None, None);
        committed.write(&file, &stored)?;
        committed.remove(&candidate)?;
        written.push(file);
    }
    Ok(written)
}

/// Rejects what waits: candidates are removed, differences stay as they are. Gives back the files that were removed.
///
/// # Errors
/// See [`ReviewError`].
pub fn reject(snapshots: &Utf8Path, pending: &[Pending]) -> Result<Vec<Utf8PathBuf>, ReviewError> {
    let committed = Committed::at(snapshots);
    let mut removed = Vec::new();
    for candidate in pending.iter().filter_map(|one| one.candidate.as_ref()) {
        if committed.remove(&candidate.file)? {
            removed.push(candidate.file.clone());
        }
    }
    Ok(removed)
}

/// Whether this may be accepted by this decision at all.
fn allowed(pending: &Pending, decision: &Decision) -> Result<(), ReviewError> {
    let cell = pending.cell.clone();
    match pending.verdict {
        Verdict::Inconclusive | Verdict::Unstable | Verdict::Skipped => {
            return Err(ReviewError::Undecided { cell, reason: pending.reason.clone() });
        }
        Verdict::Same | Verdict::Improved | Verdict::Changed | Verdict::Ineffective | Verdict::Regressed => {}
    }
    let regressed = pending.differences.iter().any(|one| one.verdict == Verdict::Regressed);
    match (regressed, decision.known_issue) {
        (true, false) => return Err(ReviewError::Regressed { cell }),
        (true | false, true) if decision.because.is_none() => return Err(ReviewError::Unexplained("a reason")),
        (true | false, true) if decision.until.is_none() => return Err(ReviewError::Unexplained("an end")),
        (true | false, true) | (false, false) => {}
    }
    if pending.differences.is_empty() && pending.candidate.is_none() {
        return Err(ReviewError::Undecided { cell, reason: pending.reason.clone() });
    }
    Ok(())
}

/// Adds the differences of a cell; an older acceptance of the same reading in the same scope gives way.
fn add(list: &mut Vec<Acceptance>, pending: &Pending, decision: &Decision) {
    for difference in &pending.differences {
        let acceptance = acceptance(pending, difference, decision);
        list.retain(|old| {
            (&old.key, &old.patches, &old.image, &old.software)
                != (&acceptance.key, &acceptance.patches, &acceptance.image, &acceptance.software)
        });
        list.push(acceptance);
    }
    list.sort_by(|one, other| (&one.key, &one.patches).cmp(&(&other.key, &other.patches)));
}

fn acceptance(pending: &Pending, difference: &Difference, decision: &Decision) -> Acceptance {
    Acceptance {
        key: difference.key.clone(),
        was: difference.was.as_deref().map(Acceptance::value),
        now: difference.now.as_deref().map(Acceptance::value),
        patches: pending.patches.clone(),
        image: Some(pending.image.clone()),
        software: Some(pending.software.clone()),
        because: decision.because.clone(),
        by: decision.by.clone(),
        date: decision.date,
        until: decision.until,
        known_issue: decision.known_issue && difference.verdict == Verdict::Regressed,
    }
}

/// The candidate, when the accepted file is still the one that it was compared with.
fn fresh(committed: &Committed, pending: &Pending) -> Result<Option<(Found, Utf8PathBuf)>, ReviewError> {
    let Some(candidate) = &pending.candidate else {
        return Ok(None);
    };
    let names = pending.names();
    let waiting = committed.candidate(&names)?;
    let Some(waiting) = waiting.filter(|found| found.stored.header.run.as_ref() == Some(&pending.run)) else {
        return Err(ReviewError::Moved(candidate.file.clone()));
    };
    let accepted = committed.baseline(&names)?;
    if accepted.as_ref().map(|found| &found.digest) != waiting.stored.header.replaces.as_ref() {
        return Err(ReviewError::Moved(committed.baseline_file(&names)));
    }
    let file = waiting.file.clone();
    Ok(Some((waiting, file)))
}
