//! Cells that fail for one reason, as one cause: differences and stops that show in the very same cells belong together.
//! Grouped by what was observed, never by what is thought to depend on what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use patchbed_model::record::{AttemptRecord, Broke, CauseRecord, CellRecord, OnlyGiven, ScenarioRecord, Since};
use patchbed_model::text::{one_line, shorten};
use patchbed_model::{Arm, Blame, Cause, CauseKind, CellId, Difference, Given, Judgement, Key, Snapshot, Verdict};

use crate::compare::REVERTED;
use crate::judge::attribution::{Attribution, Row, Shows, attribute};
use crate::noise::false_alarm;
use crate::scenario::DATA;

/// The most lines of evidence and of "what broke" of one cause.
const MOST_LINES: usize = 12;

/// What the timeline says of an attempt that came to its end.
pub(super) const OBSERVED: &str = "observed";

/// How a note begins that says with which products a cell is ill without the patch.
const ILL_WITH: &str = "it is ill without the patch only with ";

/// In how many of these control attempts the values of counted differences were seen as well.
pub(super) fn without(judgement: &Judgement, control: &[&Snapshot]) -> BTreeMap<Key, u32> {
    let seen = |one: &Difference| {
        let now =
            |snapshot: &&&Snapshot| snapshot.readings.get(&one.key).map(|reading| reading.value.to_string()) == one.now;
        u32::try_from(control.iter().filter(now).count()).unwrap_or(u32::MAX)
    };
    let counted = judgement.differences.iter().filter(|one| one.counts());
    counted.map(|one| (one.key.clone(), seen(one))).filter(|(_, seen)| *seen > 0).collect()
}

/// By what a thing that went wrong is known again in another cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Stop(CauseKind, String),
    Difference(Key, Option<String>),
}

/// The causes of a scenario's cells, the heaviest first.
pub(super) fn causes(cells: &[CellRecord]) -> Vec<CauseRecord> {
    let mut where_seen: BTreeMap<Sign, BTreeSet<usize>> = BTreeMap::new();
    for (place, cell) in cells.iter().enumerate() {
        for sign in signs(cell) {
            where_seen.entry(sign).or_default().insert(place);
        }
    }
    let mut groups: BTreeMap<(BTreeSet<usize>, Option<String>), BTreeSet<Sign>> = BTreeMap::new();
    for (sign, places) in where_seen {
        let guilty = places.iter().find_map(|place| guilty(cells.get(*place)?, &sign));
        groups.entry((places, guilty)).or_default().insert(sign);
    }
    let group = |((places, _), signs)| Group { cells, places, signs }.cause();
    let mut causes: Vec<CauseRecord> = groups.into_iter().filter_map(group).collect();
    causes.sort_by_key(|cause| {
        let data = cause.broke.first().is_some_and(|one| is_of_data(&one.key));
        (std::cmp::Reverse(cause.verdict), std::cmp::Reverse(data), std::cmp::Reverse(cause.cells.len()))
    });
    causes
}

/// The patches of a bundle that bring a sign, where it was searched for them. What was not searched for goes with the rest
/// when the rest has one reason.
fn guilty(cell: &CellRecord, sign: &Sign) -> Option<String> {
    let search = cell.search.as_ref()?;
    let name = match sign {
        Sign::Stop(_, _) => {
            cell.stops.iter().find(|stop| Sign::Stop(stop.kind, stop.subject.clone()) == *sign)?.text.clone()
        }
        Sign::Difference(key, _) => key.to_string(),
    };
    match (search.of(&shorten(&one_line(&name), 160)), &search.found[..]) {
        (Some(found), _) | (None, [found]) => found.guilty(),
        (None, [] | [_, _, ..]) => None,
    }
}

/// In which of the cells that differ in products alone a cause shows: those of the image and patches of its first cell.
pub(crate) fn rows(scenario: &ScenarioRecord, cause: &CauseRecord) -> Vec<Row> {
    let Some(first) = scenario.cells.iter().find(|cell| cause.cells.contains(&cell.id)) else { return Vec::new() };
    let alike = scenario.cells.iter().filter(|cell| ground(cell) == ground(first));
    let shows = |cell: &CellRecord| if cause.cells.contains(&cell.id) { Shows::Yes } else { elsewhere(cell) };
    alike.map(|cell| row(cell, shows(cell))).collect()
}

/// What is said of products that are ill without any patch: in the notes of the cells that show it.
pub(super) fn tell_ill_products(cells: &mut [CellRecord]) {
    let rows: Vec<(String, Row)> =
        cells.iter().map(|cell| (cell.image.clone(), row(cell, without_patch(cell)))).collect();
    for cell in cells.iter_mut().filter(|cell| cell.broken_before) {
        cell.notes.retain(|note| !note.starts_with(ILL_WITH));
        let alike: Vec<Row> =
            rows.iter().filter(|(image, _)| *image == cell.image).map(|(_, row)| row.clone()).collect();
        if let Attribution::OnlyWith(products) = attribute(&alike) {
            let names = products.into_iter().collect::<Vec<_>>().join(" + ");
            cell.notes.push(format!("{ILL_WITH}{names}: without that the environment is well"));
        }
    }
}

/// What cells have in common that differ in products alone.
fn ground(cell: &CellRecord) -> (&String, &Vec<String>, Given) {
    (&cell.image, &cell.patches, cell.given)
}

/// What cells have in common whose patches are given in different ways.
fn as_given(cell: &CellRecord) -> (&String, &Vec<String>, &Vec<String>) {
    (&cell.image, &cell.patches, &cell.software)
}

fn row(cell: &CellRecord, shows: Shows) -> Row {
    Row { products: cell.software.iter().cloned().collect(), shows }
}

/// Whether a cell is ill without the patch.
const fn without_patch(cell: &CellRecord) -> Shows {
    match cell.verdict {
        _ if cell.broken_before => Shows::Yes,
        Verdict::Same | Verdict::Improved | Verdict::Changed | Verdict::Ineffective | Verdict::Regressed => Shows::No,
        Verdict::Skipped | Verdict::Inconclusive | Verdict::Unstable => Shows::Unknown,
    }
}

/// What went wrong in a cell. A cell that stopped is known by its stops alone.
fn signs(cell: &CellRecord) -> Vec<Sign> {
    match cell.verdict {
        Verdict::Same | Verdict::Skipped => return Vec::new(),
        Verdict::Improved
        | Verdict::Changed
        | Verdict::Inconclusive
        | Verdict::Unstable
        | Verdict::Ineffective
        | Verdict::Regressed => {}
    }
    let stops = cell.stops.iter().map(|cause| Sign::Stop(cause.kind, cause.subject.clone()));
    let differences = cell.differences.iter().map(|one| Sign::Difference(one.key.clone(), one.now.clone()));
    stops.chain(differences).collect()
}

/// Signs that show in the very same cells.
struct Group<'a> {
    cells: &'a [CellRecord],
    places: BTreeSet<usize>,
    signs: BTreeSet<Sign>,
}

impl Group<'_> {
    fn cause(self) -> Option<CauseRecord> {
        let first = self.members().next()?;
        let differences = self.differences(first);
        let stops: Vec<&Cause> = first.stops.iter().filter(|cause| self.holds_stop(cause)).collect();
        let (attribution, not_in) = self.attribution();
        let (mut only_with, mut hidden_by, mut perhaps_with) = (Vec::new(), Vec::new(), Vec::new());
        match attribution {
            Attribution::Alone => {}
            Attribution::OnlyWith(products) => only_with.extend(products),
            Attribution::HiddenBy(products) => hidden_by.extend(products),
            Attribution::Open(several) => perhaps_with = several.into_iter().map(Vec::from_iter).collect(),
        }
        let by_difference = differences.first().map(|one| one.verdict);
        let verdict = if stops.is_empty() { by_difference? } else { first.verdict };
        let title = title(&stops, &differences)?;
        let since = std::iter::once(title.clone())
            .chain(differences.iter().map(|one| one.key.to_string()))
            .find_map(|name| self.searched(&name))
            .or_else(|| self.since(&stops, &differences));
        let evidence =
            stops.iter().flat_map(|cause| &cause.evidence).chain(differences.iter().flat_map(|d| &d.evidence));
        Some(CauseRecord {
            title,
            blame: stops.first().map_or(Blame::Patch, |cause| cause.blame),
            verdict,
            cells: self.members().map(|cell| cell.id.clone()).collect::<Vec<CellId>>(),
            since,
            only_with,
            hidden_by,
            perhaps_with,
            not_in,
            only_given: self.only_given(),
            broke: differences.iter().take(MOST_LINES).map(|one| broke(one)).collect(),
            evidence: without_repetition(evidence),
            sure: sure(&differences, first),
        })
    }

    fn members(&self) -> impl Iterator<Item = &CellRecord> {
        self.places.iter().filter_map(|place| self.cells.get(*place))
    }

    fn holds_stop(&self, cause: &Cause) -> bool {
        self.signs.contains(&Sign::Stop(cause.kind, cause.subject.clone()))
    }

    /// The differences of this group, the heaviest and most telling first.
    fn differences<'a>(&self, cell: &'a CellRecord) -> Vec<&'a Difference> {
        let mine = |one: &&Difference| self.signs.contains(&Sign::Difference(one.key.clone(), one.now.clone()));
        let mut all: Vec<&Difference> = cell.differences.iter().filter(mine).collect();
        all.sort_by_key(|one| (std::cmp::Reverse(one.verdict), one.class, telling(&one.key)));
        all
    }

    /// The patches that all cells of the group have and no other cell without it has, with the attempts that say so.
    fn since(&self, stops: &[&Cause], differences: &[&Difference]) -> Option<Since> {
        if stops.iter().any(|cause| cause.blame != Blame::Patch) {
            return None;
        }
        let mut members = self.members().map(|cell| cell.patches.iter().cloned().collect::<BTreeSet<_>>());
        let first = members.next()?;
        let common = members.fold(first, |common, patches| &common & &patches);
        let others = self.cells.iter().enumerate().filter(|(place, cell)| {
            !self.places.contains(place) && matches!(cell.verdict, Verdict::Same | Verdict::Improved | Verdict::Changed)
        });
        let innocent: BTreeSet<String> = others.flat_map(|(_, cell)| cell.patches.iter().cloned()).collect();
        let guilty: Vec<String> = common.difference(&innocent).cloned().collect();
        let guilty = if guilty.is_empty() { common.into_iter().collect() } else { guilty };
        if guilty.is_empty() {
            return None;
        }
        let (with, without) = self.counts(differences);
        Some(Since { patch: guilty.join(" + "), with, without })
    }

    /// Since which patches of a bundle, by a search.
    fn searched(&self, name: &str) -> Option<Since> {
        let found = self.members().find_map(|cell| cell.search.as_ref()?.of(name))?;
        Some(Since { patch: found.guilty()?, with: found.with, without: found.without })
    }

    /// The way in which the patches are given in all members, when each has a cell that differs from it in nothing else, and
    /// it shows in none of these.
    fn only_given(&self) -> Option<OnlyGiven> {
        let given = self.members().next()?.given;
        let mut not_in = Vec::new();
        for member in self.members() {
            let is_other = |cell: &CellRecord| cell.given != given && as_given(cell) == as_given(member);
            let others = self.cells.iter().enumerate().filter(|(_, cell)| is_other(cell));
            let others: Vec<(usize, &CellRecord)> = others.collect();
            let is_clean =
                others.iter().all(|(place, cell)| !self.places.contains(place) && elsewhere(cell) == Shows::No);
            if member.given != given || others.is_empty() || !is_clean {
                return None;
            }
            not_in.extend(others.into_iter().map(|(_, cell)| cell.id.clone()));
        }
        Some(OnlyGiven { given, not_in })
    }

    /// What the group has to do with products, by the cells that differ from a member in nothing else; and those among
    /// them in which it does not show.
    fn attribution(&self) -> (Attribution, Vec<CellId>) {
        let grounds: BTreeSet<_> = self.members().map(ground).collect();
        let cells = self.cells.iter().enumerate();
        let alike = cells.filter(|(_, cell)| grounds.contains(&ground(cell)));
        let rows = alike.map(|(place, cell)| {
            let shows = if self.places.contains(&place) { Shows::Yes } else { elsewhere(cell) };
            (cell, row(cell, shows))
        });
        let (cells, rows): (Vec<&CellRecord>, Vec<Row>) = rows.unzip();
        let clean = cells.into_iter().zip(&rows).filter(|(_, row)| row.shows == Shows::No);
        (attribute(&rows), clean.map(|(cell, _)| cell.id.clone()).collect())
    }

    /// Of the patched and of the control attempts of all cells: how many show it, of how many.
    fn counts(&self, differences: &[&Difference]) -> ((u32, u32), (u32, u32)) {
        let mut counts = ((0, 0), (0, 0));
        for cell in self.members() {
            let of = |arm| cell.attempts.get(&arm).map_or(0, |number| u32::try_from(*number).unwrap_or(u32::MAX));
            let shown = differences.first().and_then(|one| cell.differences.iter().find(|other| other.key == one.key));
            // Without a difference it is a stop.
            let (with, without) = shown.map_or((stopped(cell), 0), |one| {
                (one.seen.0, cell.without.get(&one.key).copied().unwrap_or_default())
            });
            counts.0.0 += with;
            counts.0.1 += of(Arm::Patched);
            counts.1.0 += without;
            counts.1.1 += of(Arm::Control);
        }
        counts
    }
}

/// How many attempts with the patch stopped.
fn stopped(cell: &CellRecord) -> u32 {
    let stops = |one: &&AttemptRecord| one.arm == Arm::Patched && one.outcome.starts_with("stopped");
    u32::try_from(cell.timeline.iter().filter(stops).count()).unwrap_or(u32::MAX)
}

/// Whether a cell without some signs is one in which they do not show. Where the patch does other harm, that may be the
/// same fault, seen by what was there to see it.
const fn elsewhere(cell: &CellRecord) -> Shows {
    match cell.verdict {
        Verdict::Same | Verdict::Improved | Verdict::Changed => Shows::No,
        Verdict::Skipped | Verdict::Inconclusive | Verdict::Unstable | Verdict::Ineffective | Verdict::Regressed => {
            Shows::Unknown
        }
    }
}

/// Which of several equally heavy differences says most: whether data are lost, whether a service lives, then whether it
/// answers.
fn telling(key: &Key) -> (usize, Key) {
    let ends = [".process.state", ".unit.state", ".ready"];
    let rank = ends.iter().position(|end| key.as_str().ends_with(end)).unwrap_or(ends.len());
    (if is_of_data(key) { 0 } else { rank + 1 }, key.clone())
}

/// Whether a reading says what became of data, after the patch or after it was taken back.
fn is_of_data(key: &Key) -> bool {
    Key::new(key.as_str().trim_start_matches(REVERTED)).subject() == DATA
}

fn title(stops: &[&Cause], differences: &[&Difference]) -> Option<String> {
    if let Some(cause) = stops.first() {
        return Some(shorten(&one_line(&cause.text), 160));
    }
    let one = differences.first()?;
    let value = |value: &Option<String>| value.as_deref().map(|text| shorten(&one_line(text), 50));
    Some(match (value(&one.was), value(&one.now)) {
        (Some(was), Some(now)) => format!("{}: {was} → {now}", one.key),
        (None, Some(now)) => format!("{}: new, {now}", one.key),
        (Some(was), None) => format!("{}: gone, was {was}", one.key),
        (None, None) => one.key.to_string(),
    })
}

fn broke(one: &Difference) -> Broke {
    Broke { key: one.key.clone(), was: one.was.clone(), now: one.now.clone() }
}

fn without_repetition<'a>(lines: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    lines.filter(|line| seen.insert(line.as_str())).take(MOST_LINES).cloned().collect()
}

/// How many attempts of an arm came to their end.
fn observed(cell: &CellRecord, arm: Arm) -> u32 {
    let is_one = |one: &&AttemptRecord| one.arm == arm && one.outcome == OBSERVED;
    u32::try_from(cell.timeline.iter().filter(is_one).count()).unwrap_or(u32::MAX)
}

fn sure(differences: &[&Difference], cell: &CellRecord) -> String {
    let Some(first) = differences.first() else {
        let of = |arm| cell.attempts.get(&arm).copied().unwrap_or_default();
        return format!("{} attempts with the patch, {} without", of(Arm::Patched), of(Arm::Control));
    };
    let (seen, of) = first.seen;
    let without = cell.without.get(&first.key).copied().unwrap_or_default();
    let controls = observed(cell, Arm::Control);
    let mut text = format!("{seen} of {of} attempts with the patch, {without} of {controls} without");
    if seen == of && without == 0 && controls > 1 {
        let chance = false_alarm(controls, observed(cell, Arm::Patched)) * 100.0;
        // Writing to a string cannot fail.
        let _ = write!(text, "; a reading that moves by itself would look like this in at most {chance:.1} % of runs");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A cell in which a service does not live any more.
    fn ill(id: &str) -> CellRecord {
        let difference = json!({ "key": "web.process.state", "class": "state", "kind": "changed", "was": "running",
                                 "now": "failed", "verdict": "regressed", "seen": [1, 1] });
        serde_json::from_value(json!({
            "id": id, "image": "debian", "patches": ["a", "b"], "software": ["bank"], "verdict": "regressed",
            "reason": "", "broken_before": false, "temporary": false, "attempts": {}, "differences": [difference],
            "silenced": [], "stops": [], "volatile": [], "readings": 1, "noise_bound": 0.25, "timeline": [],
        }))
        .expect("it is a cell")
    }

    /// What is said of a difference in a cell where two patches are given one by one, by another one where they are
    /// given together.
    fn told(other: impl FnOnce(&mut CellRecord)) -> Vec<Option<OnlyGiven>> {
        let mut cells = ["c1", "c2"].map(ill);
        cells[1].given = Given::Together;
        other(&mut cells[1]);
        let causes = causes(&cells);
        causes.into_iter().map(|cause| cause.only_given).collect()
    }

    fn clean(cell: &mut CellRecord) {
        cell.verdict = Verdict::Same;
        cell.differences.clear();
    }

    #[test]
    fn what_shows_in_one_way_of_giving_patches_alone_is_told_with_the_cell_that_proves_it() {
        let one_by_one = OnlyGiven { given: Given::OneByOne, not_in: vec![CellId("c2".to_owned())] };
        assert_eq!(told(clean), [Some(one_by_one)]);
        assert_eq!(told(|_| ()), [None]);
        for verdict in [Verdict::Inconclusive, Verdict::Unstable, Verdict::Skipped] {
            assert_eq!(told(|cell| (cell.verdict, cell.differences) = (verdict, Vec::new())), [None], "{verdict:?}");
        }
        let with_others = |cell: &mut CellRecord| {
            clean(cell);
            cell.software.clear();
        };
        assert_eq!(told(with_others), [None]);
    }
}
