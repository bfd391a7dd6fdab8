//! Deciding on what a run found: accept differences and new baselines, or reject them.

mod decide;
mod prune;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::civil::Date;
use patchbed_model::record::CellRecord;
use patchbed_model::{Acceptance, CellId, Difference, Differences, Key, Reading, Rules, RunId, Snapshot, Verdict};

use crate::compare::compare;
use crate::noise::Baseline;
use crate::plan::CellNames;
use crate::store::{Committed, State, StateError};

pub use decide::{accept, reject};
pub use prune::prune;

/// What waits for a decision in one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// The run that found it.
    pub run: RunId,
    /// The cell.
    pub cell: CellId,
    /// The scenario's id.
    pub scenario: String,
    /// The image.
    pub image: String,
    /// The patches that are in.
    pub patches: Vec<String>,
    /// The products that are on.
    pub software: Vec<String>,
    /// The cell's verdict.
    pub verdict: Verdict,
    /// Why it is so.
    pub reason: String,
    /// Differences that count and are not accepted.
    pub differences: Differences,
    /// A new baseline of the environment.
    pub candidate: Option<Candidate>,
}

/// A new baseline that waits beside the accepted one.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its file.
    pub file: Utf8PathBuf,
    /// What differs from the accepted one; empty when there is none yet.
    pub moved: Vec<Difference>,
    /// Whether there is an accepted one.
    pub replaces: bool,
}

/// Why and for how long something is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Who decides.
    pub by: String,
    /// Today.
    pub date: Date,
    /// Why.
    pub because: Option<String>,
    /// The last day on which it holds.
    pub until: Option<Date>,
    /// Whether it is a regression that people live with for a while: needs `because` and `until`.
    pub known_issue: bool,
}

/// Why a decision was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The accepted file is no longer the one that the candidate was compared with.
    #[error("`{0}` changed since the run that made the candidate")]
    Moved(Utf8PathBuf),
    /// A regression can only be accepted as a known issue.
    #[error("cell {cell} regressed: a regression is accepted as a known issue only")]
    Regressed {
        /// The cell.
        cell: CellId,
    },
    /// A known issue needs a reason and an end.
    #[error("a known issue needs {0}")]
    Unexplained(&'static str),
    /// A cell without a result cannot be accepted.
    #[error("cell {cell} has no result: {reason}")]
    Undecided {
        /// The cell.
        cell: CellId,
        /// Why not.
        reason: String,
    },
    /// A file of accepted things cannot be read.
    #[error("read `{path}`: {text}")]
    Damaged {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        text: String,
    },
    /// The state folder or a file.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What waits for a decision after a run, where only what is accepted until `today` or longer is decided. `snapshots` is
/// the folder of accepted baselines and differences.
///
/// # Errors
/// See [`ReviewError`].
pub fn pending(state: &State, run: &RunId, snapshots: &Utf8Path, today: Date) -> Result<Vec<Pending>, ReviewError> {
    let committed = Committed::at(snapshots);
    let mut waiting = Vec::new();
    for scenario in state.record(run)?.scenarios {
        let mut accepted = committed.accepted(&scenario.id)?;
        accepted.retain(|one| one.until.is_none_or(|last| last >= today));
        for cell in scenario.cells {
            let one = of_cell(run, &scenario.id, cell, &accepted, &committed)?;
            if !one.differences.is_empty() || one.candidate.is_some() {
                waiting.push(one);
            }
        }
    }
    Ok(waiting)
}

fn of_cell(
    run: &RunId,
    scenario: &str,
    cell: CellRecord,
    accepted: &[Acceptance],
    committed: &Committed,
) -> Result<Pending, ReviewError> {
    let mine: Vec<&Acceptance> = accepted.iter().filter(|one| in_scope(one, &cell)).collect();
    let mut pending = Pending {
        run: run.clone(),
        cell: cell.id,
        scenario: scenario.to_owned(),
        image: cell.image,
        patches: cell.patches,
        software: cell.software,
        verdict: cell.verdict,
        reason: cell.reason,
        differences: cell.differences,
        candidate: None,
    };
    pending.differences.retain(|difference| !mine.iter().any(|one| one.covers(difference)));
    pending.candidate = candidate(run, &pending.names(), committed)?;
    Ok(pending)
}

/// Whether an acceptance speaks of a cell.
fn in_scope(acceptance: &Acceptance, cell: &CellRecord) -> bool {
    acceptance.speaks_of(&cell.image, &cell.patches, &cell.software)
}

/// The candidate that this run left, with what differs from the accepted baseline.
fn candidate(run: &RunId, names: &CellNames, committed: &Committed) -> Result<Option<Candidate>, ReviewError> {
    let found = committed.candidate(names)?;
    let Some(found) = found.filter(|found| found.stored.header.run.as_ref() == Some(run)) else {
        return Ok(None);
    };
    let accepted = committed.baseline(names)?;
    let moved = accepted.as_ref().map(|accepted| {
        let now: Snapshot = usual(&found.stored.baseline).collect();
        compare(&accepted.stored.baseline, &now, &Rules::default())
    });
    Ok(Some(Candidate { file: found.file, moved: moved.unwrap_or_default(), replaces: accepted.is_some() }))
}

fn usual(baseline: &Baseline) -> impl Iterator<Item = (Key, Reading)> {
    baseline.entries.iter().filter_map(|(key, entry)| Some((key.clone(), entry.usual()?.clone())))
}

impl Pending {
    /// What people call the cell by.
    #[must_use]
    pub fn names(&self) -> CellNames {
        CellNames {
            scenario: self.scenario.clone(),
            image: self.image.clone(),
            patches: self.patches.clone(),
            software: self.software.clone(),
        }
    }
}
