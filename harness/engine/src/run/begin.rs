//! How a run begins: checks the host, prepares, opens the journal of a new run or goes on with an old one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use patchbed_kinds::image::{Shelf, Store};
use patchbed_model::event::{PlannedCell, Source};
use patchbed_model::{AttemptId, Blame, Cause, CellId, Digest, Event, Judgement, Outcome, Record};
use patchbed_sandbox::{Lack, LackWeight};

use super::attempt::Bench;
use super::cached::Cached;
use super::cancel::{Cancel, Urgency};
use super::chronicle::Chronicle;
use super::course::Course;
use super::disks::{Disks, forget_fine};
use super::dispatch::{Dispatch, Grounded, Lane};
use super::harness::{EventSink, Harness, Keep, RunError};
use super::pace::milliseconds;
use super::prepare::{Ground, Preparation};
use crate::plan::{Durations, Plan, PlanCell};
use crate::store::{StateError, masked_event};

/// Runs a plan to its end, or to where it is cancelled: then the record says what is not known.
///
/// # Errors
/// See [`RunError`].
pub async fn run(
    plan: &Plan,
    harness: &Harness,
    sink: &mut dyn EventSink,
    cancel: &Cancel,
) -> Result<Record, RunError> {
    let mut preparation = Preparation::new(harness);
    run_on(plan, harness, (sink, cancel), async |cell| preparation.ground(cell).await).await
}

/// Runs a plan on grounds that are made in this way.
pub(super) async fn run_on(
    plan: &Plan,
    harness: &Harness,
    (sink, cancel): (&mut dyn EventSink, &Cancel),
    mut ground: impl AsyncFnMut(&PlanCell) -> Result<Result<Ground, Cause>, RunError>,
) -> Result<Record, RunError> {
    let notes = able(plan, harness)?;
    let _lock = harness.state.lock()?;
    let mut earlier = Earlier::of(harness, plan)?;
    earlier.cached = Cached::of(harness, &plan.cells)?;
    let mut chronicle = match &harness.options.resume {
        Some(run) => {
            let mut chronicle = Chronicle::new(harness.state.resume(run)?, sink);
            for event in &earlier.events {
                chronicle.remember(event);
            }
            chronicle.tell(Event::RunResumed { at: harness.clock.now() })?;
            chronicle
        }
        None => begun(plan, harness, sink)?,
    };
    for text in notes.into_iter().chain(earlier.notes.iter().cloned()) {
        chronicle.tell(Event::Note { cell: None, text })?;
    }
    let cells: Vec<PlanCell> = plan.cells.iter().cloned().chain(earlier.added(plan)).collect();
    let (backend, clock) = (Arc::clone(&harness.backend), Arc::clone(&harness.clock));
    let disks = Disks::of(harness.options.keep, &harness.store, chronicle.run());
    let bench = Bench { backend, clock, cancel: cancel.clone(), disks };
    let mut dispatch = Dispatch::new(harness, bench, chronicle);
    let lane = |cell: &PlanCell, ground, earlier: &mut Earlier, chronicle: &mut Chronicle<'_>| {
        tell_layers(cell, &harness.store, chronicle)?;
        lane(cell, ground, earlier, chronicle)
    };
    dispatch
        .lay(
            &longest_first(cells, &harness.state.durations()),
            async |cell| grounded(cell, cancel, &mut ground).await,
            |cell, ground, chronicle| lane(cell, ground, &mut earlier, chronicle),
        )
        .await?;
    let further = async |cell: PlanCell, chronicle: &mut Chronicle<'_>| {
        chronicle.tell(Event::CellPlanned(cell.planned()))?;
        if !cell.is_trial() {
            let text = "run to find out which products it takes".to_owned();
            chronicle.tell(Event::Note { cell: Some(cell.id.clone()), text })?;
        }
        let ground = grounded(&cell, cancel, &mut ground).await?;
        Ok(lane(&cell, ground, &mut earlier, chronicle)?)
    };
    let record = dispatch.run(further).await?;
    if harness.options.keep == Keep::Failed
        && let Err(error) = forget_fine(&harness.store, &record)
    {
        tracing::warn!(%error, "disks of cells that are fine stay for a day");
    }
    Ok(record)
}

/// The cells whose attempts took longest in earlier runs first, so that none of them is left for the end, and before
/// them those that never ran. Those that take about as long stay in the order of the plan.
fn longest_first(mut cells: Vec<PlanCell>, durations: &Durations) -> Vec<PlanCell> {
    let seconds = |cell: &PlanCell| durations.get(&cell.names()).map_or(u64::MAX, |milliseconds| milliseconds / 1000);
    cells.sort_by_cached_key(|cell| Reverse(seconds(cell)));
    cells
}

/// What the host lacks for this plan: a fatal lack ends the run before it begins, others are noted.
fn able(plan: &Plan, harness: &Harness) -> Result<Vec<String>, RunError> {
    let units = plan.cells.iter().any(|cell| cell.image().systemd);
    let stops = |lack: &Lack| match lack.weight {
        LackWeight::Fatal => true,
        LackWeight::NoUnits => units,
        LackWeight::Degraded => false,
    };
    let (fatal, rest): (Vec<Lack>, Vec<Lack>) = harness.backend.check().into_iter().partition(stops);
    if !fatal.is_empty() {
        return Err(RunError::Unable(fatal));
    }
    let degraded = rest.into_iter().filter(|lack| lack.weight == LackWeight::Degraded);
    Ok(degraded.map(|lack| format!("this host lacks {} ({}): {}", lack.what, lack.because, lack.remedy)).collect())
}

/// Begins the chronicle of a new run: what is planned is in its journal before anything is told.
fn begun<'a>(plan: &Plan, harness: &Harness, sink: &'a mut dyn EventSink) -> Result<Chronicle<'a>, StateError> {
    let now = harness.clock.now();
    let seed = harness.options.seed.map_or_else(|| now.as_nanosecond() ^ i128::from(std::process::id()), i128::from);
    let run = harness.state.new_run(now, seed);
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    for scenario in plan.cells.iter().map(|cell| &cell.scenario) {
        let (file, digest, lines) = (scenario.file.to_string(), scenario.digest.clone(), scenario.lines.clone());
        sources.insert(file.clone(), Source { file, digest, lines });
    }
    let started = masked_event(Event::RunStarted {
        run: run.clone(),
        at: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sources: sources.into_values().collect(),
        arguments: harness.options.arguments.clone(),
        host: harness.options.host.clone(),
    });
    let planned = plan.cells.iter().map(|cell| Event::CellPlanned(cell.planned()));
    let first: Vec<Event> = std::iter::once(started).chain(planned).collect();
    let mut chronicle = Chronicle::new(harness.state.begin(&run, &first)?, sink);
    for event in &first {
        chronicle.written(event);
    }
    Ok(chronicle)
}

/// What is known from before the run was cut off.
#[derive(Debug, Default)]
struct Earlier {
    events: Vec<Event>,
    notes: Vec<String>,
    planned: BTreeSet<CellId>,
    added: Vec<PlannedCell>,
    inputs: BTreeMap<CellId, Digest>,
    outcomes: BTreeMap<CellId, BTreeMap<AttemptId, Outcome>>,
    judged: BTreeMap<CellId, Judgement>,
    cached: Cached,
}

impl Earlier {
    fn of(harness: &Harness, plan: &Plan) -> Result<Self, RunError> {
        let Some(run) = &harness.options.resume else {
            return Ok(Self::default());
        };
        let (events, notes) = harness.state.journal(run)?;
        let mut earlier = Self { notes, ..Self::default() };
        for event in &events {
            earlier.take(event);
        }
        if earlier.planned != plan.cells.iter().map(|cell| cell.id.clone()).collect() {
            return Err(RunError::OtherPlan(run.clone()));
        }
        earlier.events = events;
        Ok(earlier)
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::CellPlanned(cell) if self.inputs.is_empty() => {
                self.planned.insert(cell.id.clone());
            }
            Event::CellPlanned(cell) => self.added.push(cell.clone()),
            Event::CellPrepared { cell, inputs, .. } => {
                if self.inputs.insert(cell.clone(), inputs.clone()).is_some_and(|before| before != *inputs) {
                    self.forget(cell);
                }
            }
            Event::AttemptFinished { attempt, outcome, .. } if counts(outcome) => {
                let of_cell = self.outcomes.entry(attempt.cell.clone()).or_default();
                of_cell.insert(attempt.clone(), (**outcome).clone());
            }
            Event::CellJudged { cell, judgement } if !judgement.temporary => {
                self.judged.insert(cell.clone(), (**judgement).clone());
            }
            Event::RunStarted { .. }
            | Event::LayerMade { .. }
            | Event::AttemptStarted { .. }
            | Event::StageFinished { .. }
            | Event::OutagesSeen { .. }
            | Event::AttemptFinished { .. }
            | Event::CellJudged { .. }
            | Event::Searched { .. }
            | Event::RunMerged { .. }
            | Event::CellMerged { .. }
            | Event::Note { .. }
            | Event::RunResumed { .. }
            | Event::RunFinished { .. } => {}
        }
    }

    /// The cells that the run had added: cells of the plan with other products.
    fn added(&self, plan: &Plan) -> Vec<PlanCell> {
        let cell = |added: &PlannedCell| {
            let products = added.software.iter().cloned().collect();
            plan.cells.iter().map(|cell| cell.with_products(&products)).find(|cell| cell.id == added.id)
        };
        self.added.iter().filter_map(cell).collect()
    }

    fn forget(&mut self, cell: &CellId) {
        self.outcomes.remove(cell);
        self.judged.remove(cell);
    }
}

/// Whether an attempt need not be made again: what the machine or the harness stopped says nothing.
fn counts(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Observed(_) => true,
        Outcome::Stopped(cause) => match cause.blame {
            Blame::Patch | Blame::Software | Blame::Scenario => true,
            Blame::Environment | Blame::Harness => false,
        },
    }
}

/// What the attempts of a cell stand on, if there was time for it.
async fn grounded(
    cell: &PlanCell,
    cancel: &Cancel,
    ground: &mut impl AsyncFnMut(&PlanCell) -> Result<Result<Ground, Cause>, RunError>,
) -> Result<Option<Grounded>, RunError> {
    // What is half made is dropped; the store never shows it.
    tokio::select! {
        biased;
        () = cancel.at_least(Urgency::Soon) => Ok(None),
        ground = ground(cell) => Ok(Some(ground?.map(Arc::new))),
    }
}

/// Tells which layers were made for a cell.
fn tell_layers(cell: &PlanCell, store: &Store, chronicle: &mut Chronicle<'_>) -> Result<(), StateError> {
    for made in store.made() {
        let milliseconds = milliseconds(made.took);
        match made.shelf {
            Shelf::Images | Shelf::Layers => chronicle.tell(Event::LayerMade {
                cell: cell.id.clone(),
                layer: made.digest,
                source: made.source,
                milliseconds,
            })?,
            Shelf::Packages | Shelf::Kept => {}
        }
    }
    Ok(())
}

/// A cell with what its attempts stand on, if there is any, and with what is known of it already.
fn lane(
    cell: &PlanCell,
    ground: Option<Grounded>,
    earlier: &mut Earlier,
    chronicle: &mut Chronicle<'_>,
) -> Result<Option<Lane>, StateError> {
    let Some(ground) = ground else { return Ok(None) };
    if let Ok(ground) = &ground {
        if earlier.inputs.get(&cell.id).is_some_and(|inputs| *inputs != ground.inputs) {
            earlier.forget(&cell.id);
            let text = "what goes in has changed since the run was cut off: all attempts are made again".to_owned();
            chronicle.tell(Event::Note { cell: Some(cell.id.clone()), text })?;
        }
        chronicle.tell(Event::CellPrepared {
            cell: cell.id.clone(),
            image_digest: ground.image.digest.clone(),
            inputs: ground.inputs.clone(),
        })?;
    }
    let judged = earlier.judged.remove(&cell.id);
    let course = if judged.is_some() || cell.is_trial() {
        Course::judged(cell.clone(), earlier.outcomes.remove(&cell.id).unwrap_or_default())
    } else {
        Course::new(cell.clone(), known(cell, &ground, earlier, chronicle)?)
    };
    Ok(Some(Lane { is_measured: cell.is_measured(), course, ground, judged }))
}

/// What is known of the cell's attempts: of those before the run was cut off, else of those of another run.
fn known(
    cell: &PlanCell,
    ground: &Grounded,
    earlier: &mut Earlier,
    chronicle: &mut Chronicle<'_>,
) -> Result<BTreeMap<AttemptId, Outcome>, StateError> {
    let own = earlier.outcomes.remove(&cell.id).unwrap_or_default();
    let Ok(ground) = ground else { return Ok(own) };
    let Some(kept) = earlier.cached.take(&cell.id, &ground.inputs).filter(|_| own.is_empty()) else {
        return Ok(own);
    };
    let outcomes = kept.outcomes();
    chronicle.tell(Event::Note { cell: Some(cell.id.clone()), text: kept.note })?;
    kept.events.iter().try_for_each(|event| chronicle.repeat(event))?;
    Ok(outcomes)
}
