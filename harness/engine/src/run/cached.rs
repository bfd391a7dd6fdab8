//! What earlier runs found out of cells in which nothing has changed since, for runs that are asked to take it over.

use std::collections::BTreeMap;

use patchbed_model::{AttemptId, CellId, Digest, Event, Judgement, Outcome, RunId, Verdict};

use super::harness::Harness;
use crate::plan::PlanCell;
use crate::store::StateError;

/// How many runs are looked through.
const LOOKED_BACK: usize = 10;

/// How the note begins that says where attempts were made.
const TAKEN: &str = "attempts taken from run ";

/// What is known of cells from the latest finished run that decided them.
#[derive(Debug, Default)]
pub(super) struct Cached(BTreeMap<CellId, Kept>);

/// What one run tells of one cell.
#[derive(Debug)]
pub(super) struct Kept {
    /// Where the attempts were made.
    pub(super) note: String,
    /// What was told of the attempts.
    pub(super) events: Vec<Event>,
    inputs: Option<Digest>,
    is_decided: bool,
}

impl Cached {
    /// What earlier runs tell, where that is asked for.
    pub(super) fn of(harness: &Harness, cells: &[PlanCell]) -> Result<Self, StateError> {
        let mut cached = Self::default();
        if !harness.options.cached {
            return Ok(cached);
        }
        let runs = harness.state.runs()?;
        let others = runs.iter().rev().filter(|run| harness.options.resume.as_ref() != Some(run));
        for run in others.take(LOOKED_BACK) {
            if cells.iter().all(|cell| cached.0.contains_key(&cell.id)) {
                break;
            }
            // What a later version wrote cannot be read, and need not be.
            let Ok((events, _)) = harness.state.journal(run) else { continue };
            for (cell, kept) in decided(run, events) {
                cached.0.entry(cell).or_insert(kept);
            }
        }
        Ok(cached)
    }

    /// What is known of a cell, when it was made of the same things.
    pub(super) fn take(&mut self, cell: &CellId, inputs: &Digest) -> Option<Kept> {
        self.0.remove(cell).filter(|kept| kept.inputs.as_ref() == Some(inputs))
    }
}

/// The cells that a run decided, if it came to its end and was of this version.
fn decided(run: &RunId, events: Vec<Event>) -> BTreeMap<CellId, Kept> {
    let is_of_this_version =
        |event: &Event| matches!(event, Event::RunStarted { version, .. } if version == env!("CARGO_PKG_VERSION"));
    let is_end = |event: &Event| matches!(event, Event::RunFinished { .. });
    if !events.iter().any(is_of_this_version) || !events.iter().any(is_end) {
        return BTreeMap::new();
    }
    let mut cells = BTreeMap::new();
    for event in events {
        let Some(cell) = cell_of(&event) else { continue };
        cells.entry(cell.clone()).or_insert_with(|| Kept::new(run)).add(event);
    }
    cells.retain(|_, kept| kept.is_decided);
    cells
}

fn cell_of(event: &Event) -> Option<&CellId> {
    match event {
        Event::AttemptStarted { attempt, .. }
        | Event::StageFinished { attempt, .. }
        | Event::OutagesSeen { attempt, .. }
        | Event::AttemptFinished { attempt, .. } => Some(&attempt.cell),
        Event::CellPrepared { cell, .. } | Event::CellJudged { cell, .. } | Event::Note { cell: Some(cell), .. } => {
            Some(cell)
        }
        Event::RunStarted { .. }
        | Event::CellPlanned(_)
        | Event::LayerMade { .. }
        | Event::Searched { .. }
        | Event::RunMerged { .. }
        | Event::CellMerged { .. }
        | Event::Note { cell: None, .. }
        | Event::RunResumed { .. }
        | Event::RunFinished { .. } => None,
    }
}

impl Kept {
    fn new(run: &RunId) -> Self {
        let note = format!("{TAKEN}{run}: nothing that goes in has changed since");
        Self { note, events: Vec::new(), inputs: None, is_decided: false }
    }

    fn add(&mut self, event: Event) {
        match event {
            Event::CellPrepared { inputs, .. } => {
                if self.inputs.as_ref() != Some(&inputs) {
                    self.events.clear();
                }
                self.inputs = Some(inputs);
            }
            Event::CellJudged { judgement, .. } => self.is_decided = is_decided(&judgement),
            // That run had taken them from yet another one.
            Event::Note { text, .. } if text.starts_with(TAKEN) => self.note = text,
            Event::AttemptStarted { .. }
            | Event::StageFinished { .. }
            | Event::OutagesSeen { .. }
            | Event::AttemptFinished { .. } => self.events.push(event),
            Event::RunStarted { .. }
            | Event::CellPlanned(_)
            | Event::LayerMade { .. }
            | Event::Searched { .. }
            | Event::RunMerged { .. }
            | Event::CellMerged { .. }
            | Event::Note { .. }
            | Event::RunResumed { .. }
            | Event::RunFinished { .. } => {}
        }
    }

    /// How the attempts ended, the last try of each.
    pub(super) fn outcomes(&self) -> BTreeMap<AttemptId, Outcome> {
        let ended = |event: &Event| {
            let Event::AttemptFinished { attempt, outcome, .. } = event else { return None };
            Some((attempt.clone(), (**outcome).clone()))
        };
        self.events.iter().filter_map(ended).collect()
    }
}

/// Whether a judgement says something that another run would say again.
fn is_decided(judgement: &Judgement) -> bool {
    let is_decided = match judgement.verdict {
        Verdict::Same | Verdict::Improved | Verdict::Changed | Verdict::Ineffective | Verdict::Regressed => true,
        Verdict::Unstable | Verdict::Inconclusive | Verdict::Skipped => false,
    };
    is_decided && !judgement.temporary
}
