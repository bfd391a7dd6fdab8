//! The loop of a run: starts attempts while there is room, takes in what they say, judges cells that are ripe.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use patchbed_model::search::Search;
use patchbed_model::{AttemptId, Blame, Cause, CauseKind, CellId, Event, Exit, Judgement, Outcome, Record, Stage};
use patchbed_sandbox::Lack;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{Id, JoinError, JoinSet};

use super::attempt::{Attempt, Bench, Finished};
use super::cancel::Urgency;
use super::chronicle::Chronicle;
use super::course::{Course, Next};
use super::further::further;
use super::harness::{FailOn, Harness, RunError, Searching};
use super::hunt::{Hunt, searched};
use super::prepare::Ground;
use super::scales::Weighing;
use crate::plan::PlanCell;
use crate::search::{Set, Step};
use crate::store::{StateError, exit};

/// What the attempts of a cell stand on; the error is why it has nothing to stand on.
pub(super) type Grounded = Result<Arc<Ground>, Cause>;

/// A cell with what its attempts stand on.
pub(super) struct Lane {
    pub(super) course: Course,
    pub(super) ground: Grounded,
    /// What was said of it before the run was cut off.
    pub(super) judged: Option<Judgement>,
    /// Whether nothing else may run beside its attempts.
    pub(super) is_measured: bool,
}

/// A run under way.
pub(super) struct Dispatch<'a> {
    harness: &'a Harness,
    bench: Bench,
    chronicle: Chronicle<'a>,
    lanes: Vec<Lane>,
    /// How many of the lanes were taken up.
    begun: usize,
    /// Whether grounds are being made.
    is_laying: bool,
    weighing: Weighing<'a>,
    tasks: JoinSet<Finished>,
    names: BTreeMap<Id, (usize, AttemptId)>,
    events: (UnboundedSender<Event>, UnboundedReceiver<Event>),
    /// Whether no new attempts are started any more.
    ending: bool,
    lack: Option<Lack>,
}

impl<'a> Dispatch<'a> {
    pub(super) fn new(harness: &'a Harness, bench: Bench, chronicle: Chronicle<'a>) -> Self {
        Self {
            harness,
            weighing: Weighing::new(harness, chronicle.run()),
            bench,
            chronicle,
            lanes: Vec::new(),
            begun: 0,
            is_laying: false,
            tasks: JoinSet::new(),
            names: BTreeMap::new(),
            events: unbounded_channel(),
            ending: false,
            lack: None,
        }
    }

    /// Makes what the attempts of these cells stand on, one after another, and attempts on what is made already meanwhile.
    /// `ground` and `lane` give nothing when there is no time for it any more.
    pub(super) async fn lay(
        &mut self,
        cells: &[PlanCell],
        mut ground: impl AsyncFnMut(&PlanCell) -> Result<Option<Grounded>, RunError>,
        mut lane: impl FnMut(&PlanCell, Option<Grounded>, &mut Chronicle<'_>) -> Result<Option<Lane>, StateError>,
    ) -> Result<(), RunError> {
        self.is_laying = true;
        for cell in cells {
            let ground = self.meanwhile(ground(cell)).await??;
            let Some(lane) = lane(cell, ground, &mut self.chronicle)? else { break };
            self.lanes.push(lane);
            self.take_up()?;
            if self.ending {
                break;
            }
        }
        self.is_laying = false;
        Ok(())
    }

    /// Runs until nothing is left to do, or the run is cancelled. `further` makes a lane of a cell that is added, if
    /// there is time for it.
    pub(super) async fn run(
        mut self,
        further: impl AsyncFnMut(PlanCell, &mut Chronicle<'_>) -> Result<Option<Lane>, RunError>,
    ) -> Result<Record, RunError> {
        let ended = self.work_on(further).await;
        // Attempts that still live are dropped, which kills everything inside their sandboxes.
        self.tasks.abort_all();
        ended?;
        if let Some(lack) = self.lack {
            return Err(RunError::Unable(vec![lack]));
        }
        self.finish()
    }

    /// Runs the cells of the plan, then one after another those that are needed to find out which products it takes.
    async fn work_on(
        &mut self,
        mut further: impl AsyncFnMut(PlanCell, &mut Chronicle<'_>) -> Result<Option<Lane>, RunError>,
    ) -> Result<(), RunError> {
        self.work().await?;
        while let Some(cell) = self.next_cell() {
            let Some(lane) = further(cell, &mut self.chronicle).await? else { break };
            self.lanes.push(lane);
            self.work().await?;
        }
        self.search(&mut further).await
    }

    /// Searches the bundles of cells for their guilty parts.
    async fn search(
        &mut self,
        further: &mut impl AsyncFnMut(PlanCell, &mut Chronicle<'_>) -> Result<Option<Lane>, RunError>,
    ) -> Result<(), RunError> {
        let searching = self.harness.options.searching;
        let cells: Vec<&PlanCell> = self.lanes.iter().map(|lane| &lane.course.cell).collect();
        for id in searched(&self.chronicle.record(), &cells, searching) {
            let Some(place) = self.lanes.iter().position(|lane| lane.course.cell.id == id) else { continue };
            let Some(hunt) = self.hunt(place, searching)? else { continue };
            let Some(search) = self.hunted(place, hunt, further).await? else { return Ok(()) };
            self.chronicle.tell(Event::Searched { cell: id, search: Box::new(search) })?;
        }
        Ok(())
    }

    fn hunt(&mut self, place: usize, searching: Searching) -> Result<Option<Hunt>, StateError> {
        let Some(Lane { course, ground, .. }) = self.lanes.get(place) else { return Ok(None) };
        let (scales, _) = self.weighing.scales(&course.cell, ground.as_deref().ok(), &course.control())?;
        Ok(Hunt::new(course, scales, searching, self.harness.options.jobs))
    }

    /// What a search found; `None` when the run ended before.
    async fn hunted(
        &mut self,
        place: usize,
        mut hunt: Hunt,
        further: &mut impl AsyncFnMut(PlanCell, &mut Chronicle<'_>) -> Result<Option<Lane>, RunError>,
    ) -> Result<Option<Search>, RunError> {
        let mut lanes: BTreeMap<Set, usize> = BTreeMap::new();
        loop {
            let sets = match hunt.step() {
                Step::Done(answer) => {
                    return Ok(self.lanes.get(place).map(|lane| hunt.search(&lane.course.cell, &answer)));
                }
                Step::Try(sets) => sets,
            };
            let mut asked = Vec::new();
            for set in sets {
                if let std::collections::btree_map::Entry::Vacant(free) = lanes.entry(set) {
                    let Some(lane) = self.lanes.get(place) else { return Ok(None) };
                    let cell = lane.course.cell.trial(set.places());
                    let Some(lane) = further(cell, &mut self.chronicle).await? else { return Ok(None) };
                    free.insert(self.lanes.len());
                    self.lanes.push(lane);
                }
                let number = hunt.ask(set);
                let Some((lane, at)) = lanes.get(&set).and_then(|at| Some((self.lanes.get_mut(*at)?, *at))) else {
                    return Ok(None);
                };
                lane.course.ask(number);
                asked.push((set, at, number));
            }
            self.work().await?;
            for (set, at, number) in asked {
                let Some(trial) = self.lanes.get_mut(at) else { return Ok(None) };
                let attempt = trial.course.cell.attempt(number);
                let stopped = trial.ground.as_ref().err().map(|cause| Outcome::Stopped(cause.clone()));
                let Some(outcome) = trial.course.taken(&attempt).or(stopped) else { return Ok(None) };
                let Some(lane) = self.lanes.get(place) else { return Ok(None) };
                hunt.learn(&lane.course, set, &outcome);
            }
        }
    }

    fn next_cell(&self) -> Option<PlanCell> {
        if self.ending || self.bench.cancel.urgency() > Urgency::None {
            return None;
        }
        let cells: Vec<&PlanCell> = self.lanes.iter().map(|lane| &lane.course.cell).collect();
        further(&self.chronicle.record(), &cells)
    }

    /// Takes up the lanes that are new.
    fn take_up(&mut self) -> Result<(), StateError> {
        for lane in self.lanes.iter().skip(self.begun) {
            if let Some(judgement) = &lane.judged {
                self.weighing.remember(&lane.course.cell.names(), judgement)?;
            }
        }
        self.trust()?;
        // What is known whole needs no ground any more.
        (self.begun..self.lanes.len()).try_for_each(|place| self.judge_one(place))?;
        self.judge_ungrounded()?;
        self.begun = self.lanes.len();
        Ok(())
    }

    /// Works until nothing is left to do, or no time.
    async fn work(&mut self) -> Result<(), StateError> {
        self.take_up()?;
        while self.goes_on().await? {}
        Ok(())
    }

    /// Works while something else is done.
    async fn meanwhile<T>(&mut self, other: impl Future<Output = T>) -> Result<T, StateError> {
        let mut other = pin!(other);
        loop {
            tokio::select! {
                biased;
                goes_on = self.goes_on() => if !goes_on? { return Ok(other.await) },
                done = &mut other => return Ok(done),
            }
        }
    }

    /// Starts what there is room for and waits for what happens next. Tells whether anything can.
    async fn goes_on(&mut self) -> Result<bool, StateError> {
        self.start()?;
        if self.tasks.is_empty() {
            return Ok(false);
        }
        let cancel = self.bench.cancel.clone();
        let urgent = if self.ending { Urgency::Now } else { Urgency::Soon };
        tokio::select! {
            biased;
            () = cancel.at_least(urgent) => match cancel.urgency() {
                Urgency::Now => return Ok(false),
                Urgency::Soon | Urgency::None => self.ending = true,
            },
            Some(event) = self.events.1.recv() => self.chronicle.tell(event)?,
            Some(ended) = self.tasks.join_next_with_id() => self.ended(ended)?,
        }
        Ok(true)
    }

    /// Where a fresh accepted baseline is of the very same environment, one attempt with the patch may be enough.
    fn trust(&mut self) -> Result<(), StateError> {
        for lane in self.lanes.iter_mut().skip(self.begun) {
            let Ok(ground) = &lane.ground else { continue };
            let Some(text) = self.weighing.trusted(&lane.course.cell, ground)? else { continue };
            if lane.course.trust() {
                self.chronicle.tell(Event::Note { cell: Some(lane.course.cell.id.clone()), text })?;
            }
        }
        Ok(())
    }

    /// Starts attempts while there is room: of the first cell that has any left. What is measured waits until it is alone.
    fn start(&mut self) -> Result<(), StateError> {
        while !self.ending && self.has_room() {
            let is_alone = self.tasks.is_empty() && !self.is_laying;
            let mut lanes = self.lanes.iter_mut().enumerate().filter(|(_, lane)| is_alone || !lane.is_measured);
            let next = lanes.find_map(|(place, lane)| {
                let ground = lane.ground.as_ref().ok()?;
                let id = lane.course.next()?;
                Some((place, Attempt { id, cell: lane.course.cell.clone(), ground: Arc::clone(ground) }))
            });
            let Some((place, attempt)) = next else {
                return Ok(());
            };
            let id = attempt.id.clone();
            self.chronicle.tell(Event::AttemptStarted { attempt: id.clone(), at: self.harness.clock.now() })?;
            let task = self.tasks.spawn(attempt.make(self.bench.clone(), self.events.0.clone()));
            self.names.insert(task.id(), (place, id));
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        let is_measured = |place: usize| self.lanes.get(place).is_some_and(|lane| lane.is_measured);
        self.tasks.len() < self.harness.options.jobs.max(1)
            && !self.names.values().any(|(place, _)| is_measured(*place))
    }

    fn ended(&mut self, ended: Result<(Id, Finished), JoinError>) -> Result<(), StateError> {
        // What the attempt said before it ended comes first.
        while let Ok(event) = self.events.1.try_recv() {
            self.chronicle.tell(event)?;
        }
        let (task, finished) = match ended {
            Ok((task, finished)) => (task, Ok(finished)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some((place, id)) = self.names.remove(&task) else {
            return Ok(());
        };
        let finished = finished.unwrap_or_else(|error| bug(id, error));
        self.take(place, finished)
    }

    fn take(&mut self, place: usize, finished: Finished) -> Result<(), StateError> {
        let Some(lane) = self.lanes.get_mut(place) else {
            return Ok(());
        };
        let cell = lane.course.cell.id.clone();
        let cut_off = matches!(&finished.outcome, Outcome::Stopped(cause) if cause.kind == CauseKind::Interrupted);
        let (outcome, next) = lane.course.ended(&finished.id, finished.outcome);
        if next == Next::Again {
            let text = format!("{} {} is made again: {}", finished.id.arm, finished.id.number, text_of(&outcome));
            self.chronicle.tell(Event::Note { cell: Some(cell), text })?;
        }
        self.ending |= finished.lack.is_some() || cut_off;
        self.lack = self.lack.take().or(finished.lack);
        let (outcome, milliseconds) = (Box::new(outcome), finished.milliseconds);
        let event = Event::AttemptFinished { attempt: finished.id, outcome, milliseconds, notes: finished.notes };
        self.chronicle.tell(event)?;
        if cut_off { Ok(()) } else { self.judge_one(place) }
    }

    fn judge_one(&mut self, place: usize) -> Result<(), StateError> {
        let Some(Lane { course, ground, .. }) = self.lanes.get_mut(place) else {
            return Ok(());
        };
        if !course.is_ripe() {
            return Ok(());
        }
        let (control, ground) = (course.control(), ground.as_deref().ok());
        let (scales, notes) = self.weighing.scales(&course.cell, ground, &control)?;
        let cell = course.cell.id.clone();
        for text in notes {
            self.chronicle.tell(Event::Note { cell: Some(cell.clone()), text })?;
        }
        let Some(judgement) = course.judge(&scales) else {
            return Ok(());
        };
        for text in self.weighing.keep(&course.cell, ground, &control, &judgement)? {
            self.chronicle.tell(Event::Note { cell: Some(cell.clone()), text })?;
        }
        self.ending |= self.harness.options.first_failure_ends && judgement.verdict.exit() != Exit::Ok;
        self.chronicle.tell(Event::CellJudged { cell, judgement: Box::new(judgement) })
    }

    /// Cells that have nothing to stand on: one stopped attempt says why.
    fn judge_ungrounded(&mut self) -> Result<(), StateError> {
        for lane in self.lanes.iter_mut().skip(self.begun) {
            let Err(cause) = &lane.ground else { continue };
            let Some(attempt) = lane.course.next() else { continue };
            let outcome = Box::new(Outcome::Stopped(cause.clone()));
            let judgement = crate::judge::judge(std::slice::from_ref(&outcome), &[], &patchbed_model::Rules::default());
            let cell: CellId = attempt.cell.clone();
            self.chronicle.tell(Event::AttemptStarted { attempt: attempt.clone(), at: self.harness.clock.now() })?;
            let event = Event::AttemptFinished { attempt, outcome, milliseconds: 0, notes: Vec::new() };
            self.chronicle.tell(event)?;
            self.chronicle.tell(Event::CellJudged { cell, judgement: Box::new(judgement) })?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Record, RunError> {
        for text in self.weighing.leftovers() {
            self.chronicle.tell(Event::Note { cell: None, text })?;
        }
        let record = self.chronicle.record();
        let cells = record.scenarios.iter().flat_map(|scenario| &scenario.cells);
        let cancelled = self.bench.cancel.urgency() > Urgency::None;
        let exit = match (cancelled, exit(cells), self.harness.options.fail_on) {
            (true, _, _) => Exit::Interrupted,
            (false, Exit::Changed, FailOn::Regressed) => Exit::Ok,
            (false, exit, FailOn::Regressed | FailOn::Changed) => exit,
        };
        self.chronicle.tell(Event::RunFinished { at: self.harness.clock.now(), exit })?;
        let record = self.chronicle.record();
        self.harness.state.write_record(&record)?;
        Ok(record)
    }
}

fn text_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Stopped(cause) => cause.text.clone(),
        Outcome::Observed(_) => String::new(),
    }
}

/// A task that panicked: a defect of patchbed, and no fault of the others.
fn bug(id: AttemptId, error: JoinError) -> Finished {
    let text = match error.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "unknown".to_owned()),
        Err(error) => error.to_string(),
    };
    let cause = Cause {
        kind: CauseKind::Bug,
        stage: Stage::Observe,
        blame: Blame::Harness,
        subject: "patchbed".to_owned(),
        text: format!("internal error: {text}"),
        evidence: Vec::new(),
    };
    Finished { id, outcome: Outcome::Stopped(cause), milliseconds: 0, notes: Vec::new(), lack: None }
}
