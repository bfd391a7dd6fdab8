//! What is said of a run, of its cells and causes, in the words of every format for people. How that is laid out is theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use patchbed_model::record::{CauseRecord, CellRecord, ScenarioRecord};
use patchbed_model::search::{Answer, Found, Search};
use patchbed_model::{CellId, Record, Verdict};

use crate::look::Look;
use crate::{safe, words};

/// With more cells than this, those that are the same are only counted.
const MANY: usize = 20;

/// What every sentence needs.
#[derive(Clone, Copy)]
pub(crate) struct Telling<'a> {
    pub(crate) record: &'a Record,
    pub(crate) look: &'a Look,
    pub(crate) short: &'a BTreeMap<CellId, String>,
}

/// One thing that is said of a cause, under a label.
pub(crate) enum Claim<'a> {
    /// A sentence, and the cells that prove it.
    Sentence(&'static str, String, &'a [CellId]),
    /// A command to copy.
    Command(&'static str, String),
}

/// The cells that are worth a line, and how many others have which verdict.
pub(crate) fn worth_a_line(scenario: &ScenarioRecord) -> (Vec<&CellRecord>, Vec<(Verdict, usize)>) {
    let many = scenario.cells.len() > MANY;
    let quiet = |cell: &&CellRecord| many && matches!(cell.verdict, Verdict::Same | Verdict::Skipped);
    let (counted, shown): (Vec<_>, Vec<_>) = scenario.cells.iter().partition(quiet);
    let of = |verdict| (verdict, counted.iter().filter(|cell| cell.verdict == verdict).count());
    (shown, [Verdict::Same, Verdict::Skipped].map(of).into_iter().filter(|(_, count)| *count > 0).collect())
}

/// Cells of such verdicts that no cause explains, by their reason.
pub(crate) fn unexplained(
    scenario: &ScenarioRecord,
    such: impl Fn(Verdict) -> bool,
) -> BTreeMap<&str, Vec<&CellRecord>> {
    let explained = |cell: &&CellRecord| scenario.causes.iter().any(|cause| cause.cells.contains(&cell.id));
    let mut reasons: BTreeMap<&str, Vec<&CellRecord>> = BTreeMap::new();
    for cell in scenario.cells.iter().filter(|cell| such(cell.verdict) && !explained(cell)) {
        reasons.entry(&cell.reason).or_default().push(cell);
    }
    reasons
}

/// The label of the readings of a cause.
pub(crate) const fn broke(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Improved => "What mended",
        Verdict::Changed => "What changed",
        Verdict::Same
        | Verdict::Skipped
        | Verdict::Inconclusive
        | Verdict::Unstable
        | Verdict::Ineffective
        | Verdict::Regressed => "What broke",
    }
}

impl<'a> Telling<'a> {
    /// The short ids of cells, cut where there are many.
    pub(crate) fn ids(&self, cells: &[CellId]) -> String {
        let mut ids: Vec<String> = cells.iter().take(4).map(|id| self.id(id)).collect();
        if cells.len() > ids.len() {
            ids.push(format!("+{}", cells.len() - ids.len()));
        }
        ids.join(" ")
    }

    /// The short id of a cell.
    pub(crate) fn id(&self, cell: &CellId) -> String {
        self.short.get(cell).cloned().unwrap_or_else(|| safe::line(&cell.0))
    }

    /// How many cells got which verdict. What matters is said even when it is nothing.
    pub(crate) fn counts(&self) -> String {
        let record = self.record;
        if record.scenarios.iter().all(|scenario| scenario.cells.is_empty()) {
            return "No cells".to_owned();
        }
        let of = |verdict| record.counts.get(&verdict).copied().unwrap_or(0);
        let causes =
            |verdict| record.scenarios.iter().flat_map(|s| &s.causes).filter(|cause| cause.verdict == verdict).count();
        let told = [Verdict::Regressed, Verdict::Ineffective, Verdict::Changed, Verdict::Improved];
        // A cell has the verdict of the worst that it shows: what else it shows is told with that.
        let mut more: Vec<String> = told
            .into_iter()
            .filter(|verdict| of(*verdict) == 0 && causes(*verdict) > 0)
            .map(|verdict| format!("{} more {verdict}", causes(verdict)))
            .collect();
        let mut parts = Vec::new();
        for verdict in told.into_iter().filter(|verdict| of(*verdict) > 0) {
            let count = (causes(verdict) > 0).then(|| words::count(causes(verdict), "cause"));
            let because: Vec<String> = count.into_iter().chain(more.drain(..)).collect();
            let because = if because.is_empty() { String::new() } else { format!(" ({})", because.join(", ")) };
            parts.push((of(verdict), format!("{verdict}{because}")));
        }
        if of(Verdict::Same) > 0 {
            parts.push((of(Verdict::Same), "same".to_owned()));
        }
        parts.push((words::undecided(record), self.undecided()));
        if of(Verdict::Skipped) > 0 {
            parts.push((of(Verdict::Skipped), "skipped".to_owned()));
        }
        let said = parts.iter().enumerate().map(|(at, (number, what))| match at {
            0 => format!("{} {what}", words::count(*number, "cell")),
            _ => format!("{number} {what}"),
        });
        said.collect::<Vec<_>>().join(", ")
    }

    fn undecided(&self) -> String {
        let before = self.record.scenarios.iter().flat_map(|s| &s.cells).filter(|cell| cell.broken_before).count();
        if before > 0 { format!("undecided ({before} broken before)") } else { "undecided".to_owned() }
    }

    /// What was found in the cell, in a few words.
    pub(crate) fn summary(&self, scenario: &ScenarioRecord, cell: &CellRecord) -> String {
        if let Some(other) = same_causes_as(scenario, cell) {
            return format!("as {}", self.id(other));
        }
        if cell.broken_before {
            return format!("broken before: {}", safe::shown(&cell.reason, self.look));
        }
        match cell.verdict {
            Verdict::Inconclusive | Verdict::Unstable | Verdict::Skipped | Verdict::Ineffective => {
                format!("{}: {}", cell.verdict, safe::shown(&cell.reason, self.look))
            }
            Verdict::Same | Verdict::Improved | Verdict::Changed | Verdict::Regressed => self.counted(cell),
        }
    }

    fn counted(&self, cell: &CellRecord) -> String {
        let mut parts = Vec::new();
        for verdict in [Verdict::Regressed, Verdict::Changed, Verdict::Improved] {
            let count = cell.differences.iter().filter(|difference| difference.verdict == verdict).count();
            if count > 0 {
                parts.push(format!("{count} {verdict}"));
            }
        }
        if parts.is_empty() && cell.verdict != Verdict::Same {
            parts.push(format!("{}: {}", cell.verdict, safe::shown(&cell.reason, self.look)));
        }
        if !cell.silenced.is_empty() {
            parts.push(format!("{} accepted", cell.silenced.len()));
        }
        parts.join(", ")
    }

    /// Since when, in which way, which part of the bundle, with which products.
    pub(crate) fn claims(&self, scenario: &'a ScenarioRecord, cause: &'a CauseRecord) -> Vec<Claim<'a>> {
        let since = cause
            .since
            .as_ref()
            .map(|since| Claim::Sentence("Since", safe::shown(&words::since(since), self.look), &cause.cells));
        let only = cause.only_given.as_ref().map(|only| {
            let text = format!("{}: otherwise the same patches do not do this", only.given.text());
            Claim::Sentence("Only when", text, &only.not_in)
        });
        let search = self.search(scenario, cause);
        let ship = self.ship_others(scenario, cause).filter(|_| search.is_empty());
        since.into_iter().chain(only).chain(search).chain(ship).chain(self.products(scenario, cause)).collect()
    }

    /// The patches that may be shipped without the guilty one, where each was tried apart from it.
    fn ship_others(&self, scenario: &ScenarioRecord, cause: &CauseRecord) -> Option<Claim<'a>> {
        let guilty = &cause.since.as_ref().filter(|_| cause.verdict == Verdict::Regressed)?.patch;
        let is_well = |cell: &CellRecord| matches!(cell.verdict, Verdict::Same | Verdict::Improved);
        let mut patches: BTreeMap<&String, bool> = BTreeMap::new();
        for (patch, cell) in scenario.cells.iter().flat_map(|cell| cell.patches.iter().map(move |patch| (patch, cell)))
        {
            *patches.entry(patch).or_insert(true) &= is_well(cell);
        }
        let well: Vec<String> = patches.into_iter().filter(|(_, well)| *well).map(|(patch, _)| patch.clone()).collect();
        let hold = safe::name(guilty, self.look);
        let text = format!("{}: well in every cell; hold {hold}", self.names(&well, ", "));
        (!well.is_empty()).then_some(Claim::Sentence("Ship", text, &[]))
    }

    /// How sure it is, and what to do.
    pub(crate) fn advice(&self, cause: &'a CauseRecord) -> Vec<Claim<'a>> {
        let sure = safe::shown(&cause.sure, self.look);
        let sure = (!sure.is_empty()).then_some(Claim::Sentence("How sure", sure, &[]));
        let commands = cause.cells.first().map(|cell| self.commands(cause.verdict, cell));
        sure.into_iter().chain(commands.into_iter().flatten()).collect()
    }

    fn commands(&self, verdict: Verdict, cell: &CellId) -> Vec<Claim<'a>> {
        let cell = self.id(cell);
        let quote = self.look.own("\"…\"");
        let decide = match verdict {
            Verdict::Regressed | Verdict::Ineffective => {
                let started = self.record.started.to_zoned(jiff::tz::TimeZone::UTC).date();
                let until = words::known_until(started);
                let command = format!("patchbed accept {cell} --known-issue --because {quote} --until {until}");
                Some(Claim::Command("Live with it", command))
            }
            Verdict::Changed => Some(Claim::Command("Fine so", format!("patchbed accept {cell} --because {quote}"))),
            Verdict::Same | Verdict::Improved | Verdict::Skipped | Verdict::Inconclusive | Verdict::Unstable => None,
        };
        iter::once(Claim::Command("Go inside", format!("patchbed shell {cell}"))).chain(decide).collect()
    }

    /// Which part of the bundle brings it, and which part may be shipped.
    fn search(&self, scenario: &ScenarioRecord, cause: &CauseRecord) -> Vec<Claim<'a>> {
        let searched = scenario.cells.iter().filter(|cell| cause.cells.contains(&cell.id));
        let Some(search) = searched.clone().find_map(|cell| cell.search.as_ref()) else {
            // Of patches that were only tried together nobody knows which it was.
            let whole = searched
                .filter(|cell| cell.patches.len() > 1)
                .find(|cell| cause.since.as_ref().is_some_and(|since| since.patch == cell.patches.join(" + ")));
            let whole = whole.filter(|_| cause.only_given.is_none());
            let command = |cell: &CellRecord| format!("patchbed bisect {}", self.id(&cell.id));
            return whole.map(|cell| Claim::Command("Find out", command(cell))).into_iter().collect();
        };
        let keys = cause.broke.iter().map(|broke| broke.key.as_str());
        let Some(found) = iter::once(cause.title.as_str()).chain(keys).find_map(|sign| search.of(sign)) else {
            return Vec::new();
        };
        let next = match found.answer {
            Answer::Open => cause.cells.first().map(|cell| {
                let budget = (2 * search.runs).max(1);
                Claim::Command("Find out", format!("patchbed bisect {} --budget {budget}", self.id(cell)))
            }),
            Answer::Guilty | Answer::Nobody => self.ship(search, found),
        };
        iter::once(self.found(search, found)).chain(next).collect()
    }

    fn found(&self, search: &Search, found: &Found) -> Claim<'a> {
        let of = words::count(search.patches, "patch");
        let (runs, posterior) = (words::count(search.runs, "run"), words::posterior(found.posterior));
        let text = match found.answer {
            Answer::Guilty => {
                let guilty = found.sets.iter().flatten().collect::<BTreeSet<_>>().len();
                format!("{guilty} of {of} (bisect: {runs}, posterior {posterior})")
            }
            Answer::Nobody => format!("none of {of}: it came by chance (bisect: {runs}, posterior {posterior})"),
            Answer::Open => {
                let sets = found.sets.iter().map(|set| self.names(set, " + ")).collect::<Vec<_>>().join(", or ");
                format!("not known after {runs}, likeliest {sets} (posterior {posterior})")
            }
        };
        Claim::Sentence("Out of", text, &[])
    }

    fn ship(&self, search: &Search, found: &Found) -> Option<Claim<'a>> {
        let text = if search.safe_subset.is_empty() {
            (found.answer == Answer::Guilty).then(|| "not known: no part without it was seen to be clean".to_owned())?
        } else {
            let leaves = self.names(&search.leaves, ", ");
            let leaves = if leaves.is_empty() { String::new() } else { format!("; that leaves {leaves} open") };
            let (safe, of) = (search.safe_subset.len(), words::count(search.patches, "patch"));
            format!("{safe} of {of}: hold {}{leaves}", self.names(&search.hold, " + "))
        };
        Some(Claim::Sentence("Ship", text, &[]))
    }

    /// What it has to do with products, where there are any.
    fn products(&self, scenario: &ScenarioRecord, cause: &'a CauseRecord) -> Option<Claim<'a>> {
        let without_products =
            |cells: &[CellId]| scenario.cells.iter().any(|cell| cell.software.is_empty() && cells.contains(&cell.id));
        if !cause.only_with.is_empty() {
            let alone = if is_fine_alone(scenario, cause) { "is fine" } else { "does not do this" };
            let text = format!("{}: the patch alone {alone}", self.names(&cause.only_with, " + "));
            Some(Claim::Sentence("Only with", text, &cause.not_in))
        } else if !cause.hidden_by.is_empty() {
            let text = format!("{}: the patch alone does it", self.names(&cause.hidden_by, " + "));
            Some(Claim::Sentence("Hidden by", text, &cause.not_in))
        } else if !cause.perhaps_with.is_empty() {
            let sets: Vec<String> = cause.perhaps_with.iter().map(|names| self.names(names, " + ")).collect();
            let text = format!("not known, perhaps {}: no decided cell tells", sets.join(" or "));
            Some(Claim::Sentence("Only with", text, &cause.not_in))
        } else if without_products(&cause.cells) && scenario.cells.iter().any(|cell| !cell.software.is_empty()) {
            Some(Claim::Sentence("Only with", "no product: the patch alone does it".to_owned(), &[]))
        } else {
            None
        }
    }

    fn names(&self, names: &[String], separator: &str) -> String {
        names.iter().map(|name| safe::name(name, self.look)).collect::<Vec<_>>().join(separator)
    }
}

/// Whether the cell without any product is well; it may show something else, for a person to look at.
fn is_fine_alone(scenario: &ScenarioRecord, cause: &CauseRecord) -> bool {
    let alone = |cell: &&CellRecord| cell.software.is_empty() && cause.not_in.contains(&cell.id);
    scenario.cells.iter().filter(alone).any(|cell| matches!(cell.verdict, Verdict::Same | Verdict::Improved))
}

/// An earlier cell that shows exactly the same causes.
fn same_causes_as<'a>(scenario: &'a ScenarioRecord, cell: &CellRecord) -> Option<&'a CellId> {
    let shows = |cause: &&CauseRecord| cause.cells.contains(&cell.id);
    let mut causes = scenario.causes.iter().filter(shows);
    let first = causes.next()?.cells.first()?;
    let others = scenario.causes.iter().filter(|cause| cause.cells.contains(first));
    let same = others.eq(scenario.causes.iter().filter(shows));
    (same && first != &cell.id).then_some(first)
}
