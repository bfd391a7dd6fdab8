//! Which causes are new, which are still there, and which are solved.

use std::collections::BTreeSet;

use super::{CauseStanding, ComparedCause, ComparedCell, Level};
use crate::id::{CellId, Key};
use crate::record::{CauseRecord, Record};
use crate::verdict::Verdict;

/// Every cause of both runs, those of the later one first.
pub(super) fn of(earlier: &Record, later: &Record, cells: &[ComparedCell]) -> Vec<ComparedCause> {
    let (before, after) = (causes(earlier), causes(later));
    let mut left: Vec<Option<Named<'_>>> = before.into_iter().map(Some).collect();
    let same = [alike as fn(&Named<'_>, &Named<'_>) -> bool, share_a_reading];
    let mut found: Vec<Option<Named<'_>>> = after.iter().map(|_| None).collect();
    for same in same {
        for (now, found) in after.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            let was = left.iter_mut().find(|was| was.as_ref().is_some_and(|was| same(was, now)));
            *found = was.and_then(Option::take);
        }
    }
    let decided = decided(cells);
    let both = after.into_iter().zip(found).map(|(now, was)| compared(was, Some(now), &decided));
    let mut all: Vec<ComparedCause> = both.flatten().collect();
    all.extend(left.into_iter().filter_map(|was| compared(was, None, &decided)));
    all
}

/// A cause with the id of its scenario.
type Named<'a> = (&'a str, &'a CauseRecord);

fn causes(record: &Record) -> Vec<Named<'_>> {
    let all = record.scenarios.iter().flat_map(|scenario| scenario.causes.iter().map(|cause| (&*scenario.id, cause)));
    all.filter(|(_, cause)| cause.verdict != Verdict::Improved).collect()
}

fn alike(one: &Named<'_>, other: &Named<'_>) -> bool {
    one.0 == other.0 && one.1.title == other.1.title
}

fn share_a_reading(one: &Named<'_>, other: &Named<'_>) -> bool {
    let keys: BTreeSet<&Key> = one.1.broke.iter().map(|broke| &broke.key).collect();
    one.0 == other.0 && other.1.broke.iter().any(|broke| keys.contains(&broke.key))
}

/// The cells of the earlier run that have a result in the later one.
fn decided(cells: &[ComparedCell]) -> BTreeSet<&CellId> {
    let known = |cell: &&ComparedCell| cell.later.as_ref().is_some_and(|now| Level::of(now.verdict) != Level::Unknown);
    cells.iter().filter(known).filter_map(|cell| cell.earlier.as_ref()).map(|was| &was.id).collect()
}

fn compared(was: Option<Named<'_>>, now: Option<Named<'_>>, decided: &BTreeSet<&CellId>) -> Option<ComparedCause> {
    let (scenario, cause) = now.or(was)?;
    let standing = match (was, now) {
        (None, _) => CauseStanding::New,
        (Some(_), Some(_)) => CauseStanding::Still,
        (Some((_, was)), None) if was.cells.iter().all(|cell| decided.contains(cell)) => CauseStanding::Solved,
        (Some(_), None) => CauseStanding::Unknown,
    };
    let cells = |named: Option<Named<'_>>| named.map(|(_, cause)| cause.cells.clone()).unwrap_or_default();
    Some(ComparedCause {
        scenario: scenario.to_owned(),
        title: cause.title.clone(),
        verdict: cause.verdict,
        standing,
        since: cause.since.as_ref().map(|since| since.patch.clone()),
        earlier: cells(was),
        later: cells(now),
    })
}
