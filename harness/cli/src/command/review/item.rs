//! What one decision is about.

use std::cmp::Reverse;

use patchbed_engine::review::{Candidate, Pending};
use patchbed_model::{Difference, Verdict};

/// What one decision is about, with the cells that it holds for.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The difference or the baseline.
    pub(super) subject: Subject,
    /// The cells, cut down to the subject: at least one.
    pub(super) cells: Vec<Pending>,
}

/// A difference or a baseline.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    /// One change of one reading.
    Difference(Difference),
    /// A new baseline of one environment.
    Baseline(Candidate),
}

impl Item {
    /// What waits, one decision each: the same change in several cells of a scenario is one, and so is the baseline of
    /// several cells. Differences come first, the heaviest of them before all.
    pub(super) fn all(waiting: &[Pending]) -> Vec<Self> {
        let mut items: Vec<Self> = Vec::new();
        for pending in waiting {
            let differences = pending.differences.iter().cloned().map(Subject::Difference);
            for subject in differences.chain(pending.candidate.clone().map(Subject::Baseline)) {
                let cell = subject.of(pending);
                match items.iter_mut().find(|item| item.is_about(&subject, pending)) {
                    Some(item) => item.cells.push(cell),
                    None => items.push(Self { subject, cells: vec![cell] }),
                }
            }
        }
        items.sort_by_key(|item| Reverse(item.verdict()));
        items
    }

    /// Whether it is something that got worse.
    pub(super) fn regressed(&self) -> bool {
        self.verdict() == Some(Verdict::Regressed)
    }

    fn verdict(&self) -> Option<Verdict> {
        match &self.subject {
            Subject::Difference(difference) => Some(difference.verdict),
            Subject::Baseline(_) => None,
        }
    }

    fn is_about(&self, other: &Subject, pending: &Pending) -> bool {
        match (&self.subject, other) {
            (Subject::Difference(mine), Subject::Difference(other)) => {
                self.cells[0].scenario == pending.scenario
                    && (&mine.key, &mine.was, &mine.now, mine.verdict)
                        == (&other.key, &other.was, &other.now, other.verdict)
            }
            (Subject::Baseline(mine), Subject::Baseline(other)) => mine.file == other.file,
            (Subject::Difference(_), Subject::Baseline(_)) | (Subject::Baseline(_), Subject::Difference(_)) => false,
        }
    }
}

impl Subject {
    /// The cell with nothing in it but this.
    fn of(&self, pending: &Pending) -> Pending {
        let mut cell = pending.clone();
        (cell.differences, cell.candidate) = match self {
            Self::Difference(difference) => (vec![difference.clone()], None),
            Self::Baseline(candidate) => (Vec::new(), Some(candidate.clone())),
        };
        cell
    }
}
