//! What became of each fault, and how many of a hundred such faults would be noticed.

use patchbed_model::record::{CellRecord, ScenarioRecord};
use patchbed_model::text::one_line;
use patchbed_model::{Difference, Key, Stage, Verdict};
use serde::Serialize;

use super::fault::{Fault, FaultKind};
use super::rewrite::NOTHING;

/// The quantile of the normal distribution for an interval at 95 % confidence.
const QUANTILE: f64 = 1.959_964;

/// What the scripts say where there is nothing that could be broken so.
const UNFIT: &str = "unfit: ";

/// What became of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// The verdict of its cell says that something is wrong.
    Noticed,
    /// The cell looks as it does without the fault.
    Missed,
    /// Its script could not prove that it took hold.
    NotInjected,
    /// There is nothing that could be broken so.
    Unfit,
    /// Nothing can be said: the attempts disagree, or the environment is to blame.
    Undecided,
}

/// What became of one fault in one environment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What kind it is.
    pub kind: FaultKind,
    /// What it was done to.
    pub subject: String,
    /// On which image.
    pub image: String,
    /// What became of it.
    pub told: Told,
    /// The verdict of its cell.
    pub verdict: Verdict,
    /// The differences in which it shows, the gravest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shows: Vec<Key>,
    /// Why it was not injected, or why nothing can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of the faults of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// The scenario's id.
    pub scenario: String,
    /// The file as the user named it.
    pub file: String,
    /// What differs where nothing was done, and is no sign of a fault: a service was restarted once more, or it moves by
    /// itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub idle: Vec<Key>,
    /// Why nothing is proved, when no verdict could be reached where nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moves: Option<String>,
    /// How many faults were noticed.
    pub noticed: u32,
    /// How many took hold, and were noticed or missed.
    pub injected: u32,
    /// The interval for the share of such faults that are noticed, at 95 % confidence; absent where none took hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// Each fault.
    pub faults: Vec<Finding>,
    /// The kinds of which the scenario names nothing that they could be done to: nobody knows whether it would notice them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub untried: Vec<FaultKind>,
}

impl Findings {
    /// What the record says of these faults, of all those that are of the `wanted` kinds.
    #[must_use]
    pub fn of(scenario: &ScenarioRecord, faults: &[Fault], wanted: &[FaultKind]) -> Self {
        let is_tried = |kind: &FaultKind| faults.iter().any(|fault| fault.kind == *kind);
        let found = |cell: &CellRecord| {
            let fault = faults.iter().find(|fault| cell.patches == [fault.name()])?;
            Some(Finding::of(fault, cell))
        };
        Self {
            scenario: scenario.id.clone(),
            file: scenario.file.clone(),
            idle: scenario.cells.iter().filter(|cell| is_idle(cell)).flat_map(counting).collect(),
            moves: scenario.cells.iter().find_map(moves),
            noticed: 0,
            injected: 0,
            interval: None,
            faults: scenario.cells.iter().filter_map(found).collect(),
            untried: wanted.iter().copied().filter(|kind| !is_tried(kind)).collect(),
        }
        .counted()
    }

    /// These, but for what was found of the same faults later.
    #[must_use]
    pub fn then(self, later: &Self) -> Self {
        let newest = |one: Finding| {
            let same =
                |other: &&Finding| (other.kind, &other.subject, &other.image) == (one.kind, &one.subject, &one.image);
            later.faults.iter().find(same).cloned().unwrap_or(one)
        };
        let faults = self.faults.into_iter().map(newest).collect();
        Self { faults, idle: later.idle.clone(), moves: later.moves.clone(), ..self }.counted()
    }

    /// The same without what is no sign of a fault, and with its counts.
    fn counted(mut self) -> Self {
        self.faults.iter_mut().for_each(|one| one.discount(&self.idle));
        let count = |wanted: &[Told]| {
            u32::try_from(self.faults.iter().filter(|one| wanted.contains(&one.told)).count()).unwrap_or(u32::MAX)
        };
        let (noticed, injected) = (count(&[Told::Noticed]), count(&[Told::Noticed, Told::Missed]));
        Self { noticed, injected, interval: (injected > 0).then(|| interval(noticed, injected)), ..self }
    }

    /// Whether faults took hold, and none was noticed.
    #[must_use]
    pub const fn is_blind(&self) -> bool {
        self.injected > 0 && self.noticed == 0
    }
}

impl Finding {
    /// Whether it is about this fault.
    #[must_use]
    pub fn is_of(&self, fault: &Fault) -> bool {
        self.kind == fault.kind && self.subject == fault.subject
    }

    /// Whether more attempts would say nothing else: a state is worse, or the fault cannot be injected.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        match self.told {
            Told::NotInjected | Told::Unfit => true,
            Told::Noticed | Told::Missed | Told::Undecided => matches!(self.verdict, Verdict::Regressed),
        }
    }

    fn of(fault: &Fault, cell: &CellRecord) -> Self {
        let (told, reason) = told(cell);
        Self {
            kind: fault.kind,
            subject: fault.subject.clone(),
            image: cell.image.clone(),
            shows: if told == Told::Noticed { counting(cell) } else { Vec::new() },
            told,
            verdict: cell.verdict,
            reason,
        }
    }

    /// What shows where nothing was done does not count; when nothing else is left, the fault was missed.
    fn discount(&mut self, idle: &[Key]) {
        let showed = !self.shows.is_empty();
        self.shows.retain(|key| !idle.contains(key));
        if showed && self.shows.is_empty() {
            self.told = Told::Missed;
        }
    }
}

/// What became of the fault of a cell, and why when nothing can be said.
fn told(cell: &CellRecord) -> (Told, Option<String>) {
    if let Some(stop) = cell.stops.iter().find(|stop| stop.stage == Stage::Apply) {
        let text = stop.evidence.last().unwrap_or(&stop.text);
        return match text.strip_prefix(UNFIT) {
            Some(why) => (Told::Unfit, Some(one_line(why))),
            None => (Told::NotInjected, Some(one_line(text))),
        };
    }
    match cell.verdict {
        Verdict::Regressed | Verdict::Changed | Verdict::Ineffective => (Told::Noticed, None),
        Verdict::Same | Verdict::Improved => (Told::Missed, None),
        Verdict::Unstable | Verdict::Inconclusive | Verdict::Skipped => (Told::Undecided, Some(cell.reason.clone())),
    }
}

/// Why nothing is known of what differs where nothing was done.
fn moves(cell: &CellRecord) -> Option<String> {
    match cell.verdict {
        Verdict::Unstable | Verdict::Inconclusive | Verdict::Skipped if is_idle(cell) => Some(cell.reason.clone()),
        Verdict::Unstable
        | Verdict::Inconclusive
        | Verdict::Skipped
        | Verdict::Same
        | Verdict::Improved
        | Verdict::Changed
        | Verdict::Ineffective
        | Verdict::Regressed => None,
    }
}

/// Whether nothing was done in the cell.
fn is_idle(cell: &CellRecord) -> bool {
    cell.patches == [NOTHING]
}

/// The differences that count, the gravest first.
fn counting(cell: &CellRecord) -> Vec<Key> {
    let mut counting: Vec<&Difference> = cell.differences.iter().filter(|one| one.counts()).collect();
    counting.sort_by_key(|one| std::cmp::Reverse(one.verdict));
    counting.into_iter().map(|one| one.key.clone()).collect()
}

/// The interval of Wilson (1927) for a share of which `noticed` of `of` were seen, at 95 % confidence. It is right for few
/// trials, and for shares near none and all, where the usual one is not.
#[must_use]
pub fn interval(noticed: u32, of: u32) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (n, share, square) = (f64::from(of), f64::from(noticed) / f64::from(of), QUANTILE * QUANTILE);
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = QUANTILE / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}
