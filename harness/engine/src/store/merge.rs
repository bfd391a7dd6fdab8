//! Results of several machines, put together as one run and judged together.
//!
//! What is kept of a cell is never made better by merging: results that disagree are undecided, and cells without a
//! result are counted. Pure: where results come from is told in `part`.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use jiff::Timestamp;
use patchbed_model::event::{PlannedCell, Source};
use patchbed_model::record::{CellRecord, Host, ScenarioRecord};
use patchbed_model::{CellId, Event, Exit, RunId, Verdict};

use super::fold::{UNFINISHED, exit};
use super::part::Part;
use crate::plan::{PlanDocument, PlannedAttempts};

/// Why results cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is nothing to put together.
    #[error("there is no record to merge")]
    Nothing,
    /// A scenario was another one on another machine.
    #[error("`{one}` and `{other}` are of different versions of `{file}`")]
    OtherScenario {
        /// A result.
        one: Utf8PathBuf,
        /// One that does not fit to it.
        other: Utf8PathBuf,
        /// The scenario's file.
        file: String,
    },
    /// A cell is not in the plan.
    #[error("cell {cell} of `{path}` is not in the plan: {names}")]
    OtherPlan {
        /// The result.
        path: Utf8PathBuf,
        /// The cell.
        cell: CellId,
        /// What people call it by.
        names: String,
    },
}

impl MergeError {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Nothing => "name records that `patchbed run --report json=FILE` wrote, or a folder that holds them",
            Self::OtherScenario { .. } => "run all parts on one state of the scenarios",
            Self::OtherPlan { .. } => {
                "take that result out, or make the plan again from the files that were run: `patchbed plan --out FILE`"
            }
        }
    }
}

/// Results that were put together.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    runs: Vec<RunId>,
    notes: Vec<String>,
    layers_made: usize,
    /// The machine, where it was one and the same for all.
    host: Option<Host>,
    time: Option<(Timestamp, Timestamp)>,
    sources: Vec<Source>,
    cells: Vec<(PlannedCell, Option<CellRecord>)>,
}

/// Puts results together. With a plan, its cells stand in its order, and those without a result are known.
///
/// # Errors
/// See [`MergeError`].
pub fn merge(parts: &[Part], plan: Option<&PlanDocument>) -> Result<Merged, MergeError> {
    if parts.is_empty() && plan.is_none() {
        return Err(MergeError::Nothing);
    }
    let sources = sources(parts)?;
    plan.map_or(Ok(()), |plan| fits(parts, plan))?;
    let mut results: BTreeMap<CellId, Vec<CellRecord>> = BTreeMap::new();
    let mut order: Vec<PlannedCell> =
        plan.map(|plan| plan.cells.iter().map(|cell| entitled(cell, parts)).collect()).unwrap_or_default();
    let mut known: BTreeSet<CellId> = order.iter().map(|cell| cell.id.clone()).collect();
    for (_, scenario, cell) in all(parts) {
        if known.insert(cell.id.clone()) {
            order.push(planned(scenario, cell));
        }
        results.entry(cell.id.clone()).or_default().push(cell.clone());
    }
    let cells = order.into_iter().map(|cell| {
        let result = results.remove(&cell.id).and_then(combined);
        (cell, result)
    });
    Ok(Merged {
        runs: parts.iter().map(|part| part.record.run.clone()).collect(),
        notes: notes(parts),
        layers_made: parts.iter().map(|part| part.record.layers_made).sum(),
        host: host(parts),
        time: time(parts),
        sources,
        cells: cells.collect(),
    })
}

impl Merged {
    /// The cells without a result: none was there, or it says nothing yet.
    pub fn missing(&self) -> impl Iterator<Item = &CellId> {
        let is_missing = |result: &Option<CellRecord>| result.as_ref().is_none_or(is_void);
        self.cells.iter().filter(move |(_, result)| is_missing(result)).map(|(cell, _)| &cell.id)
    }

    /// How the program ends: as for one run of all cells, and undecided when one has no result.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let exit = exit(self.cells.iter().filter_map(|(_, result)| result.as_ref()));
        let never_run =
            |result: &Option<CellRecord>| result.as_ref().is_none_or(|cell| matches!(cell.verdict, Verdict::Skipped));
        if self.cells.iter().any(|(_, result)| never_run(result)) { exit.max(Exit::Undecided) } else { exit }
    }

    /// The journal of a run that is these results.
    #[must_use]
    pub fn events(self, (run, now): (RunId, Timestamp), exit: Exit, arguments: Vec<String>) -> Vec<Event> {
        let (at, end) = self.time.unwrap_or((now, now));
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let (planned, results): (Vec<PlannedCell>, Vec<Option<CellRecord>>) = self.cells.into_iter().unzip();
        let mut events =
            vec![Event::RunStarted { run, at, version, sources: self.sources, arguments, host: self.host }];
        events.extend(planned.into_iter().map(Event::CellPlanned));
        events.push(Event::RunMerged { runs: self.runs, layers_made: self.layers_made });
        events.extend(results.into_iter().flatten().map(|cell| Event::CellMerged { cell: Box::new(cell) }));
        events.extend(self.notes.into_iter().map(|text| Event::Note { cell: None, text }));
        events.push(Event::RunFinished { at: end, exit });
        events
    }
}

/// The machine of all parts; what differs among them is not known of the whole.
fn host(parts: &[Part]) -> Option<Host> {
    let mut hosts = parts.iter().map(|part| part.record.host.as_ref());
    let first = hosts.next()??;
    hosts.all(|host| host == Some(first)).then(|| first.clone())
}

/// All cells of all parts.
fn all(parts: &[Part]) -> impl Iterator<Item = (&Part, &ScenarioRecord, &CellRecord)> {
    parts.iter().flat_map(|part| {
        let scenarios = part.record.scenarios.iter();
        scenarios.flat_map(move |scenario| scenario.cells.iter().map(move |cell| (part, scenario, cell)))
    })
}

/// The scenario files, of which all parts must have had the same.
fn sources(parts: &[Part]) -> Result<Vec<Source>, MergeError> {
    let mut known: BTreeMap<&str, (Source, &Part)> = BTreeMap::new();
    for part in parts {
        for scenario in &part.record.scenarios {
            let Some(digest) = scenario.digest.clone() else { continue };
            let source = Source { file: scenario.file.clone(), digest: digest.clone(), lines: scenario.lines.clone() };
            let (first, by) = known.entry(&scenario.file).or_insert((source, part));
            if first.digest != digest {
                return Err(MergeError::OtherScenario {
                    one: by.path.clone(),
                    other: part.path.clone(),
                    file: scenario.file.clone(),
                });
            }
        }
    }
    Ok(known.into_values().map(|(source, _)| source).collect())
}

/// Whether all cells are of the plan. A run may add cells to find out which products it takes: these differ from a cell
/// of the plan in products, and in nothing else.
fn fits(parts: &[Part], plan: &PlanDocument) -> Result<(), MergeError> {
    let planned: BTreeSet<&CellId> = plan.cells.iter().map(|cell| &cell.id).collect();
    for (part, scenario, cell) in all(parts).filter(|(_, _, cell)| !planned.contains(&cell.id)) {
        let of_plan = |one: &&PlannedAttempts| {
            let ground = (&one.names.scenario, &one.names.image, &one.names.patches, one.given);
            ground == (&scenario.id, &cell.image, &cell.patches, cell.given)
        };
        let mut alike = plan.cells.iter().filter(of_plan).peekable();
        if alike.peek().is_none() || alike.any(|one| one.names.software == cell.software) {
            let patches = cell.patches.join(", ");
            let on = cell.software.iter().fold(String::new(), |on, product| format!("{on} + {product}"));
            let names = format!("{} · {} · {patches}{on}", scenario.id, cell.image);
            return Err(MergeError::OtherPlan { path: part.path.clone(), cell: cell.id.clone(), names });
        }
    }
    Ok(())
}

/// A cell of the plan, with the title of its scenario where a part knows it.
fn entitled(cell: &PlannedAttempts, parts: &[Part]) -> PlannedCell {
    let mut scenarios = parts.iter().flat_map(|part| &part.record.scenarios);
    let known = scenarios.find(|scenario| scenario.id == cell.names.scenario && scenario.file == cell.file);
    let planned = cell.planned();
    PlannedCell { title: known.map_or_else(|| planned.title.clone(), |scenario| scenario.title.clone()), ..planned }
}

fn planned(scenario: &ScenarioRecord, cell: &CellRecord) -> PlannedCell {
    PlannedCell {
        id: cell.id.clone(),
        scenario: scenario.id.clone(),
        title: scenario.title.clone(),
        file: scenario.file.clone(),
        image: cell.image.clone(),
        image_digest: cell.image_digest.clone(),
        patches: cell.patches.clone(),
        software: cell.software.clone(),
        given: cell.given,
        trial_of: None,
    }
}

/// What the parts say of themselves, each once, and whether they are of one version.
fn notes(parts: &[Part]) -> Vec<String> {
    let versions: BTreeSet<&str> = parts.iter().map(|part| part.record.version.as_str()).collect();
    let versions: Vec<&str> = versions.into_iter().collect();
    let differ =
        (versions.len() > 1).then(|| format!("made by different versions of patchbed: {}", versions.join(", ")));
    parts.iter().flat_map(|part| part.record.notes.iter().cloned()).chain(differ).collect()
}

/// From the first begin to the last end.
fn time(parts: &[Part]) -> Option<(Timestamp, Timestamp)> {
    let begin = parts.iter().map(|part| part.record.started).min()?;
    let end = parts.iter().map(|part| part.record.finished.unwrap_or(part.record.started)).max()?;
    Some((begin, end))
}

/// Whether a result says nothing: the cell was not run to its end, or the machine was to blame, which another try mends.
fn is_void(cell: &CellRecord) -> bool {
    match cell.verdict {
        Verdict::Skipped => true,
        Verdict::Inconclusive => (cell.temporary && !cell.broken_before) || cell.reason == UNFINISHED,
        Verdict::Same
        | Verdict::Improved
        | Verdict::Changed
        | Verdict::Unstable
        | Verdict::Ineffective
        | Verdict::Regressed => false,
    }
}

/// One result of several of the same cell, whatever their order: the fullest of those that say something. It is
/// undecided when these disagree.
fn combined(mut results: Vec<CellRecord>) -> Option<CellRecord> {
    if !results.iter().all(is_void) {
        results.retain(|cell| !is_void(cell));
    }
    let verdicts: BTreeSet<(Verdict, bool)> = results.iter().map(|cell| (cell.verdict, cell.broken_before)).collect();
    let best = results.into_iter().max_by_key(fullness)?;
    Some(if verdicts.len() > 1 && !is_void(&best) { disagreed(best, &verdicts) } else { best })
}

/// By what the one of several results that is kept is chosen: weight, attempts, then anything that is the same everywhere.
fn fullness(cell: &CellRecord) -> (Verdict, usize, String) {
    (cell.verdict, cell.attempts.values().sum(), serde_json::to_string(cell).unwrap_or_default())
}

/// A cell of which machines found different things.
fn disagreed(mut cell: CellRecord, verdicts: &BTreeSet<(Verdict, bool)>) -> CellRecord {
    let named: BTreeSet<String> = verdicts.iter().map(|(verdict, ill)| named(*verdict, *ill)).collect();
    cell.reason = format!("results disagree: {}", named.into_iter().collect::<Vec<_>>().join(", "));
    (cell.verdict, cell.broken_before, cell.temporary) = (Verdict::Unstable, false, false);
    cell.differences.iter_mut().for_each(|one| one.verdict = Verdict::Unstable);
    cell
}

fn named(verdict: Verdict, broken_before: bool) -> String {
    if broken_before { "ill without the patch".to_owned() } else { verdict.to_string() }
}
