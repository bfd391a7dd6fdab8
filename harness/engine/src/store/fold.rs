//! The record as a fold over events: live, after a crash, and a month later it is the same. Any prefix of a journal
//! gives a valid record in which nothing unfinished looks fine.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use patchbed_model::event::{AttemptId, PlannedCell, Source};
use patchbed_model::record::{AttemptRecord, CellRecord, Culprits, Host, SCHEMA, ScenarioRecord};
use patchbed_model::search::{Answer, Search};
use patchbed_model::{
    Arm, CellId, Difference, Digest, Event, Exit, Judgement, Key, Outages, Outcome, Record, RunId, Snapshot, Stage,
    Verdict,
};

use super::causes::{OBSERVED, causes, tell_ill_products, without};

/// What is said of a cell that was begun and not judged.
pub(super) const UNFINISHED: &str = "not finished";

/// The record of these events.
#[must_use]
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Record {
    let mut state = Fold::default();
    for event in events {
        state.take(event);
    }
    state.record()
}

/// The exit code of a run with these cells.
#[must_use]
pub fn exit<'a>(cells: impl IntoIterator<Item = &'a CellRecord>) -> Exit {
    cells.into_iter().map(exit_of).reduce(Exit::max).unwrap_or(Exit::Nothing)
}

fn exit_of(cell: &CellRecord) -> Exit {
    match (cell.verdict == Verdict::Inconclusive, cell.broken_before, cell.temporary) {
        (true, true, _) => Exit::BrokenBefore,
        (true, false, true) => Exit::Temporary,
        (true, false, false) | (false, _, _) => cell.verdict.exit(),
    }
}

/// What is known so far.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    run: Option<RunId>,
    version: String,
    host: Option<Host>,
    arguments: Vec<String>,
    started: Timestamp,
    sources: Vec<Source>,
    finished: Option<(Timestamp, Exit)>,
    /// In the order in which they were planned.
    cells: Vec<CellId>,
    by_id: BTreeMap<CellId, CellFold>,
    layers_made: usize,
    notes: Vec<String>,
}

/// What is known of a cell so far.
#[derive(Clone, Debug)]
struct CellFold {
    planned: PlannedCell,
    inputs: Option<Digest>,
    attempts: BTreeMap<AttemptId, AttemptFold>,
    /// Snapshots are needed until the cell is judged.
    outcomes: BTreeMap<AttemptId, Outcome>,
    judgement: Option<Judgement>,
    without: BTreeMap<Key, u32>,
    readings: usize,
    notes: Vec<String>,
    search: Option<Search>,
    /// The result, when another run made it.
    merged: Option<Box<CellRecord>>,
}

#[derive(Clone, Debug, Default)]
struct AttemptFold {
    stages: BTreeMap<Stage, u64>,
    milliseconds: Option<u64>,
    outcome: Option<String>,
    outages: Option<Outages>,
    /// The place in the run, for the timeline.
    place: usize,
}

impl Fold {
    /// Takes in what happened next.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::RunStarted { run, at, version, sources, arguments, host } => {
                self.host.clone_from(host);
                self.arguments.clone_from(arguments);
                self.run = Some(run.clone());
                self.started = *at;
                self.version.clone_from(version);
                self.sources.clone_from(sources);
            }
            Event::CellPlanned(planned) => self.plan(planned),
            Event::CellPrepared { cell, image_digest, inputs } => {
                self.with(cell, |cell| cell.prepare(image_digest, inputs));
            }
            Event::LayerMade { .. } => self.layers_made += 1,
            Event::AttemptStarted { attempt, at: _ } => self.with(&attempt.cell, |cell| cell.start(attempt)),
            Event::StageFinished { attempt, stage, milliseconds } => self.with(&attempt.cell, |cell| {
                *cell.attempt(attempt).stages.entry(*stage).or_default() += milliseconds;
            }),
            Event::OutagesSeen { attempt, outages } => {
                self.with(&attempt.cell, |cell| cell.attempt(attempt).outages = Some((**outages).clone()));
            }
            Event::AttemptFinished { attempt, outcome, milliseconds, notes } => {
                self.with(&attempt.cell, |cell| cell.finish(attempt, outcome, *milliseconds, notes));
            }
            Event::CellJudged { cell, judgement } => self.with(cell, |cell| cell.judge(judgement)),
            Event::Searched { cell, search } => self.with(cell, |cell| cell.search = Some((**search).clone())),
            Event::RunMerged { runs, layers_made } => self.merge(runs, *layers_made),
            Event::CellMerged { cell } => self.with(&cell.id, |fold| fold.merged = Some(cell.clone())),
            Event::Note { cell: None, text } => add_once(&mut self.notes, text),
            Event::Note { cell: Some(cell), text } => self.with(cell, |cell| add_once(&mut cell.notes, text)),
            Event::RunResumed { at: _ } => self.finished = None,
            Event::RunFinished { at, exit } => self.finished = Some((*at, *exit)),
        }
    }

    /// A trial of a part of a bundle is no cell: what it told is in the search of its cell.
    fn plan(&mut self, planned: &PlannedCell) {
        if planned.trial_of.is_none() && !self.by_id.contains_key(&planned.id) {
            self.cells.push(planned.id.clone());
            self.by_id.insert(planned.id.clone(), CellFold::new(planned.clone()));
        }
    }

    fn merge(&mut self, runs: &[RunId], layers_made: usize) {
        self.layers_made += layers_made;
        let runs = if runs.len() == 1 { "1 run".to_owned() } else { format!("{} runs", runs.len()) };
        add_once(&mut self.notes, &format!("merged from the results of {runs}"));
    }

    /// Events of cells that were never planned come from damaged journals only, and say nothing.
    fn with(&mut self, cell: &CellId, change: impl FnOnce(&mut CellFold)) {
        if let Some(cell) = self.by_id.get_mut(cell) {
            change(cell);
        }
    }

    /// The run's id.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run.clone().unwrap_or_else(|| RunId("unknown".to_owned()))
    }

    /// The record of what was taken in.
    #[must_use]
    pub fn record(mut self) -> Record {
        let over = self.finished.is_some();
        let mut scenarios: Vec<ScenarioRecord> = Vec::new();
        for id in std::mem::take(&mut self.cells) {
            let Some(cell) = self.by_id.remove(&id) else { continue };
            let place = scenarios
                .iter()
                .position(|scenario| scenario.id == cell.planned.scenario && scenario.file == cell.planned.file);
            let place = place.unwrap_or_else(|| {
                scenarios.push(scenario(&cell.planned, &self.sources));
                scenarios.len() - 1
            });
            scenarios[place].cells.push(cell.record(over));
        }
        scenarios.iter_mut().for_each(weigh);
        self.whole(scenarios)
    }

    fn whole(self, scenarios: Vec<ScenarioRecord>) -> Record {
        let cells = || scenarios.iter().flat_map(|scenario| &scenario.cells);
        let exit = self.finished.map_or_else(|| exit(cells()).max(Exit::Undecided), |(_, exit)| exit);
        let mut counts: BTreeMap<Verdict, usize> = Verdict::ALL.into_iter().map(|verdict| (verdict, 0)).collect();
        for cell in cells() {
            *counts.entry(cell.verdict).or_default() += 1;
        }
        Record {
            schema: SCHEMA.to_owned(),
            run: self.run(),
            version: self.version,
            host: self.host,
            arguments: self.arguments,
            started: self.started,
            finished: self.finished.map(|(at, _)| at),
            verdict: cells().map(|cell| cell.verdict).max().unwrap_or(Verdict::Skipped),
            exit: exit.code(),
            exit_name: exit,
            counts,
            scenarios,
            layers_made: self.layers_made,
            notes: self.notes,
        }
    }
}

fn scenario(planned: &PlannedCell, sources: &[Source]) -> ScenarioRecord {
    let source = sources.iter().find(|source| source.file == planned.file);
    ScenarioRecord {
        id: planned.scenario.clone(),
        title: planned.title.clone(),
        file: planned.file.clone(),
        digest: source.map(|source| source.digest.clone()),
        lines: source.map(|source| source.lines.clone()).unwrap_or_default(),
        verdict: Verdict::Skipped,
        cells: Vec::new(),
        causes: Vec::new(),
        culprits: None,
    }
}

/// What the cells of a scenario say together.
fn weigh(scenario: &mut ScenarioRecord) {
    scenario.causes = causes(&scenario.cells);
    scenario.culprits = culprits(scenario.cells.iter().filter_map(|cell| cell.search.as_ref()));
    tell_ill_products(&mut scenario.cells);
    scenario.verdict = heaviest(&scenario.cells);
}

/// What the searches of a scenario found, together.
fn culprits<'a>(searches: impl Iterator<Item = &'a Search>) -> Option<Culprits> {
    let searches: Vec<&Search> = searches.collect();
    let guilty = || searches.iter().flat_map(|search| &search.found).filter(|found| found.answer == Answer::Guilty);
    let sets: BTreeSet<Vec<String>> = guilty().flat_map(|found| found.sets.clone()).collect();
    if sets.is_empty() {
        return None;
    }
    let (first, rest) = searches.split_first()?;
    let is_in_all = |patch: &&String| rest.iter().all(|search| search.safe_subset.contains(patch));
    Some(Culprits {
        sets: sets.into_iter().collect(),
        posterior: guilty().map(|found| found.posterior).fold(1.0, f64::min),
        runs: searches.iter().map(|search| search.runs).sum(),
        safe_subset: first.safe_subset.iter().filter(is_in_all).cloned().collect(),
    })
}

fn heaviest(cells: &[CellRecord]) -> Verdict {
    cells.iter().map(|cell| cell.verdict).max().unwrap_or(Verdict::Skipped)
}

fn add_once(notes: &mut Vec<String>, text: &str) {
    if !notes.iter().any(|note| note == text) {
        notes.push(text.to_owned());
    }
}

impl CellFold {
    fn new(planned: PlannedCell) -> Self {
        Self {
            planned,
            inputs: None,
            attempts: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            judgement: None,
            without: BTreeMap::new(),
            readings: 0,
            notes: Vec::new(),
            search: None,
            merged: None,
        }
    }

    /// What was found with other things in it says nothing any more.
    fn prepare(&mut self, image: &Digest, inputs: &Digest) {
        self.planned.image_digest = Some(image.clone());
        if self.inputs.as_ref().is_some_and(|before| before != inputs) {
            self.attempts.clear();
            self.outcomes.clear();
            self.judgement = None;
            self.search = None;
        }
        self.inputs = Some(inputs.clone());
    }

    fn attempt(&mut self, attempt: &AttemptId) -> &mut AttemptFold {
        let place = self.attempts.len();
        self.attempts.entry(attempt.clone()).or_insert_with(|| AttemptFold { place, ..AttemptFold::default() })
    }

    /// An attempt that begins again forgets what it did before it was cut off.
    fn start(&mut self, attempt: &AttemptId) {
        let fresh = AttemptFold { place: self.attempt(attempt).place, ..AttemptFold::default() };
        self.attempts.insert(attempt.clone(), fresh);
        self.outcomes.remove(attempt);
    }

    fn finish(&mut self, attempt: &AttemptId, outcome: &Outcome, milliseconds: u64, notes: &[String]) {
        let done = self.attempt(attempt);
        done.milliseconds = Some(milliseconds);
        done.outcome = Some(match outcome {
            Outcome::Observed(_) => OBSERVED.to_owned(),
            Outcome::Stopped(cause) => format!("stopped in {}", cause.stage),
        });
        self.outcomes.insert(attempt.clone(), outcome.clone());
        for note in notes {
            add_once(&mut self.notes, note);
        }
    }

    fn judge(&mut self, judgement: &Judgement) {
        let control: Vec<&Snapshot> = self.snapshots(Arm::Control).collect();
        let readings = control.iter().map(|snapshot| snapshot.readings.len()).max().unwrap_or_default();
        (self.readings, self.without) = (readings, without(judgement, &control));
        for note in &judgement.notes {
            add_once(&mut self.notes, note);
        }
        self.judgement = Some(judgement.clone());
        self.outcomes.clear();
    }

    fn snapshots(&self, arm: Arm) -> impl Iterator<Item = &Snapshot> {
        self.outcomes.iter().filter_map(move |(attempt, outcome)| match outcome {
            Outcome::Observed(snapshot) if attempt.arm == arm => Some(snapshot),
            Outcome::Observed(_) | Outcome::Stopped(_) => None,
        })
    }

    /// The cell as it is kept; `over` says whether the run ended by itself.
    fn record(self, over: bool) -> CellRecord {
        if let Some(merged) = self.merged {
            return *merged;
        }
        let untouched = self.attempts.is_empty();
        let judgement = self.judgement.unwrap_or_else(|| unjudged(over && untouched, &self.outcomes));
        let mut finished: BTreeMap<Arm, usize> = [(Arm::Control, 0), (Arm::Patched, 0)].into();
        for (attempt, done) in &self.attempts {
            *finished.entry(attempt.arm).or_default() += usize::from(done.outcome.is_some());
        }
        let (differences, silenced) = judgement.differences.into_iter().partition(Difference::counts);
        CellRecord {
            id: self.planned.id,
            image: self.planned.image,
            image_digest: self.planned.image_digest,
            patches: self.planned.patches,
            software: self.planned.software,
            given: self.planned.given,
            verdict: judgement.verdict,
            reason: judgement.reason,
            broken_before: judgement.broken_before,
            temporary: judgement.temporary,
            attempts: finished,
            differences,
            silenced,
            without: self.without,
            stops: judgement.causes,
            ill: judgement.ill,
            metrics: judgement.metrics,
            volatile: judgement.volatile,
            readings: self.readings,
            noise_bound: judgement.noise_bound,
            timeline: timeline(self.attempts),
            notes: self.notes,
            search: self.search,
        }
    }
}

/// What is said of a cell that was not judged: it was never begun, or it was cut off.
fn unjudged(never_begun: bool, outcomes: &BTreeMap<AttemptId, Outcome>) -> Judgement {
    let stopped = |outcome: &Outcome| match outcome {
        Outcome::Stopped(cause) => Some(cause.clone()),
        Outcome::Observed(_) => None,
    };
    let (verdict, reason) =
        if never_begun { (Verdict::Skipped, "not run") } else { (Verdict::Inconclusive, UNFINISHED) };
    Judgement {
        verdict,
        reason: reason.to_owned(),
        broken_before: false,
        temporary: false,
        differences: Vec::new(),
        causes: outcomes.values().filter_map(stopped).collect(),
        ill: Vec::new(),
        volatile: Vec::new(),
        metrics: Vec::new(),
        notes: Vec::new(),
        noise_bound: 1.0,
    }
}

fn timeline(attempts: BTreeMap<AttemptId, AttemptFold>) -> Vec<AttemptRecord> {
    let mut all: Vec<(AttemptId, AttemptFold)> = attempts.into_iter().collect();
    all.sort_by_key(|(_, attempt)| attempt.place);
    let record = |(id, attempt): (AttemptId, AttemptFold)| AttemptRecord {
        arm: id.arm,
        number: id.number,
        milliseconds: attempt.milliseconds,
        stages: attempt.stages,
        outcome: attempt.outcome.unwrap_or_else(|| "unfinished".to_owned()),
        outages: attempt.outages,
    };
    all.into_iter().map(record).collect()
}
