//! One cell in the course of a run: what is still to be made, what came of it, when it can be judged.

use std::collections::{BTreeMap, VecDeque};

use patchbed_model::{
    Acceptance, Arm, AttemptId, Blame, Cause, CauseKind, Class, Difference, Given, Judgement, Key, Outcome, Rules,
    Stage, Verdict,
};

use crate::judge::{Case, Pool};
use crate::noise::Baseline;
use crate::plan::PlanCell;
use crate::scenario::{When, Workload, outage_key};

/// How often an attempt that the environment stopped is made, in all.
const TRIES: u32 = 3;

/// The most blocks of `confirm` attempts of each arm that are made besides. The first is made when anything is suspect; the
/// others only while a rate or a metric is open. With `confirm: 3` that is 23 attempts without the patch and 22 with it at
/// most, of which a patch that makes a check fail in 30 % of attempts needs two thirds; twice as many would find few more.
const MOST_BLOCKS: u32 = 7;

/// The most of these blocks that are made because of texts that differ in some attempts with the patch only: what shows
/// without it as well moves by itself.
const MOST_FLICKERS: u32 = 3;

/// A cell in the course of a run.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) cell: PlanCell,
    queue: VecDeque<AttemptId>,
    running: usize,
    outcomes: BTreeMap<AttemptId, Outcome>,
    tries: BTreeMap<AttemptId, Vec<Cause>>,
    phase: Phase,
}

/// How far a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Those with the patch alone: an accepted baseline stands for those without it, until something is suspect.
    Trusting,
    /// The attempts that are made in any case.
    First,
    /// More of both arms, so many blocks of them, because something is suspect.
    Confirming(u32),
    /// Nothing is left to be made.
    Judged,
}

/// What is to be done with an attempt that ended.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// It counts.
    Keep,
    /// The environment stopped it: it is made again.
    Again,
}

/// What a cell is judged by besides its outcomes.
#[derive(Clone, Debug, Default)]
pub(super) struct Scales {
    pub(super) rules: Rules,
    pub(super) stored: Option<Baseline>,
    pub(super) pool: Pool,
    pub(super) accepted: Vec<Acceptance>,
}

impl Course {
    /// A cell of which these outcomes are known from before the run was cut off.
    pub(super) fn new(cell: PlanCell, known: BTreeMap<AttemptId, Outcome>) -> Self {
        let is_begun = |block: &u32| cell.confirmations(*block).iter().any(|attempt| known.contains_key(attempt));
        let blocks = (1..=MOST_BLOCKS).rev().find(is_begun).unwrap_or_default();
        let all = cell.attempts().into_iter().chain((1..=blocks).flat_map(|block| cell.confirmations(block)));
        let queue = all.filter(|attempt| !known.contains_key(attempt)).collect();
        let phase = if blocks > 0 { Phase::Confirming(blocks) } else { Phase::First };
        Self { cell, queue, running: 0, outcomes: known, tries: BTreeMap::new(), phase }
    }

    /// A cell that was judged before the run was cut off, by these outcomes; or one that is not judged by itself.
    pub(super) fn judged(cell: PlanCell, outcomes: BTreeMap<AttemptId, Outcome>) -> Self {
        Self { cell, queue: VecDeque::new(), running: 0, outcomes, tries: BTreeMap::new(), phase: Phase::Judged }
    }

    /// Has a further attempt of a trial made, unless it is known already.
    pub(super) fn ask(&mut self, number: u32) {
        let attempt = self.cell.attempt(number);
        if !self.outcomes.contains_key(&attempt) {
            self.queue.push_back(attempt);
        }
    }

    /// How an attempt of a trial ended. It is kept no longer.
    pub(super) fn taken(&mut self, attempt: &AttemptId) -> Option<Outcome> {
        self.outcomes.remove(attempt)
    }

    /// Has an accepted baseline stand for the attempts without the patch, until something is suspect. Tells whether it
    /// does: not where one of these was made already, or none with a patch are wanted.
    pub(super) fn trust(&mut self) -> bool {
        let has = |arm| self.outcomes.keys().any(|attempt| attempt.arm == arm);
        let is_wanted = has(Arm::Patched) || self.queue.iter().any(|attempt| attempt.arm == Arm::Patched);
        let does = self.phase == Phase::First && !has(Arm::Control) && is_wanted;
        if does {
            self.queue.retain(|attempt| attempt.arm == Arm::Patched);
            self.phase = Phase::Trusting;
        }
        does
    }

    /// Has the attempts without the patch made after all, before anything else.
    fn distrust(&mut self) {
        if self.phase == Phase::Trusting {
            self.phase = Phase::First;
            let control = self.cell.attempts().into_iter().filter(|attempt| attempt.arm == Arm::Control);
            control.rev().for_each(|attempt| self.queue.push_front(attempt));
        }
    }

    /// The next attempt to be made.
    pub(super) fn next(&mut self) -> Option<AttemptId> {
        let next = self.queue.pop_front()?;
        self.running += 1;
        Some(next)
    }

    /// Takes in how an attempt ended. The outcome may come back with another blame: a guest that is lost in the same
    /// stage every time with the patch, and never without, is the patch's doing.
    pub(super) fn ended(&mut self, attempt: &AttemptId, outcome: Outcome) -> (Outcome, Next) {
        self.running -= 1;
        let outcome = match outcome {
            Outcome::Stopped(cause) if retried(&cause) => {
                let tries = self.tries.entry(attempt.clone()).or_default();
                tries.push(cause.clone());
                if u32::try_from(tries.len()).unwrap_or(u32::MAX) < TRIES {
                    self.queue.push_front(attempt.clone());
                    self.distrust();
                    return (Outcome::Stopped(cause), Next::Again);
                }
                Outcome::Stopped(self.blamed(attempt, cause))
            }
            other @ (Outcome::Stopped(_) | Outcome::Observed(_)) => other,
        };
        self.outcomes.insert(attempt.clone(), outcome.clone());
        (outcome, Next::Keep)
    }

    fn blamed(&self, attempt: &AttemptId, cause: Cause) -> Cause {
        let tries = self.tries.get(attempt).map(Vec::as_slice).unwrap_or_default();
        let same = |one: &Cause| one.kind == CauseKind::GuestLost && one.stage == cause.stage;
        let well = |arm| self.outcomes.iter().any(|(id, out)| id.arm == arm && matches!(out, Outcome::Observed(_)));
        let by_patch = attempt.arm == Arm::Patched
            && cause.stage >= Stage::Apply
            && tries.iter().all(same)
            && well(Arm::Control)
            && !well(Arm::Patched);
        if !by_patch {
            return cause;
        }
        let text = format!("{}, in each of {} tries and never without the patch", cause.text, tries.len());
        Cause { blame: Blame::Patch, text, ..cause }
    }

    /// Whether all that was to be made is made, so that it can be judged.
    pub(super) fn is_ripe(&self) -> bool {
        self.phase != Phase::Judged && self.queue.is_empty() && self.running == 0
    }

    /// Judges it; `None` when something is suspect and more attempts of both arms are to decide.
    pub(super) fn judge(&mut self, scales: &Scales) -> Option<Judgement> {
        let (judgement, is_suspect) = self.verdict(scales);
        if self.phase == Phase::Trusting && is_suspect {
            self.distrust();
            return None;
        }
        let blocks = match self.phase {
            Phase::Trusting | Phase::First => 0,
            Phase::Confirming(blocks) => blocks,
            Phase::Judged => MOST_BLOCKS,
        };
        if is_suspect && blocks < MOST_BLOCKS && self.cell.scenario.attempts.confirm > 0 {
            self.phase = Phase::Confirming(blocks + 1);
            self.queue.extend(self.cell.confirmations(blocks + 1));
            return None;
        }
        self.phase = Phase::Judged;
        // Of ten thousand cells no more is kept than what is in the record and what a search may begin with.
        let is_searched = matches!(judgement.verdict, Verdict::Regressed | Verdict::Changed);
        if self.cell.patches().count() < 2 || !is_searched {
            self.outcomes.clear();
        }
        self.tries.clear();
        Some(judgement)
    }

    /// The pooled control attempts.
    pub(super) fn control(&self) -> Baseline {
        let outcomes = self.arm(Arm::Control);
        Case { control: &outcomes, ..Case::default() }.baseline()
    }

    /// The verdict, and whether more attempts could change what is said.
    fn verdict(&self, scales: &Scales) -> (Judgement, bool) {
        // Where no attempts with a patch are wanted, those without it are held against themselves.
        let is_alone = self.cell.scenario.attempts.patched == 0;
        let control = self.arm(Arm::Control);
        let patched = if is_alone { control.clone() } else { self.arm(Arm::Patched) };
        self.with_case(scales, (&control, &patched), |case| {
            let judgement = case.judge();
            let is_suspect = match self.phase {
                // Metrics of another day say nothing of today's.
                Phase::Trusting => judgement.verdict != Verdict::Same || case.has_metric(),
                Phase::First => suspect(&judgement) || case.has_suspect_metric() || case.is_open(),
                Phase::Confirming(blocks) => {
                    let is_open = case.is_open() || (flickers(&judgement) && blocks < MOST_FLICKERS);
                    may_change(judgement.verdict) && is_open
                }
                Phase::Judged => false,
            };
            (judgement, is_suspect)
        })
    }

    /// What the cell's attempts are judged by, for as long as it is looked at.
    pub(super) fn with_case<T>(
        &self,
        scales: &Scales,
        (control, patched): (&[Outcome], &[Outcome]),
        look: impl FnOnce(&Case<'_>) -> T,
    ) -> T {
        let during = self.cell.workloads().filter(|workload| workload.when == When::During);
        let outages = self.cell.services().into_iter().map(|service| outage_key(&service.name));
        let once: Vec<Key> = during.map(Workload::key).chain(outages).collect();
        let optional = self.cell.optional();
        look(&Case {
            control,
            patched,
            rules: &scales.rules.0,
            stored: scales.stored.as_ref(),
            pool: if self.phase == Phase::Trusting { Pool::Stored } else { scales.pool },
            accepted: &scales.accepted,
            once: &once,
            promises: self.cell.promises(),
            optional: &optional,
            varied: self.cell.given() == Given::CutOff,
        })
    }

    /// How the attempts of an arm ended.
    pub(super) fn arm(&self, arm: Arm) -> Vec<Outcome> {
        self.outcomes.iter().filter(|(id, _)| id.arm == arm).map(|(_, outcome)| outcome.clone()).collect()
    }
}

/// Whether another try may help: the machine failed, not what was tried. What was interrupted is not tried again.
fn retried(cause: &Cause) -> bool {
    cause.blame == Blame::Environment && cause.kind != CauseKind::Interrupted
}

/// Whether what is open still counts: nothing is graver than what got worse, and nothing is said where attempts failed or
/// all was ill before.
const fn may_change(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Regressed | Verdict::Inconclusive | Verdict::Skipped => false,
        Verdict::Same | Verdict::Improved | Verdict::Changed | Verdict::Unstable | Verdict::Ineffective => true,
    }
}

/// Whether texts differ in some attempts with the patch only.
fn flickers(judgement: &Judgement) -> bool {
    let flickers = |one: &Difference| one.counts() && one.class == Class::Content && one.seen.0 < one.seen.1;
    judgement.verdict == Verdict::Unstable && judgement.differences.iter().any(flickers)
}

/// Whether more attempts could change what is said.
fn suspect(judgement: &Judgement) -> bool {
    match judgement.verdict {
        Verdict::Regressed | Verdict::Ineffective | Verdict::Unstable | Verdict::Changed | Verdict::Improved => true,
        Verdict::Same | Verdict::Skipped => false,
        // What is ill already may still hide differences, of which then more must be known.
        Verdict::Inconclusive => judgement.broken_before && judgement.differences.iter().any(Difference::counts),
    }
}
