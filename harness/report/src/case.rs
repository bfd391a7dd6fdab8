//! A cell as a test case: what readers of test results are told of it, whatever their format is.

use std::iter;

use patchbed_model::record::{CauseRecord, CellRecord, ScenarioRecord};
use patchbed_model::{Difference, Exit, Record, Verdict};

use crate::look::Look;
use crate::words;

/// How a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Fine.
    Passed,
    /// Something is worse, or a person must look.
    Failed,
    /// Nothing is said about the patch.
    Undecided,
    /// Not run.
    Skipped,
}

/// A cell with all that it stands in.
pub(crate) struct Case<'a> {
    pub(crate) record: &'a Record,
    pub(crate) scenario: &'a ScenarioRecord,
    pub(crate) cell: &'a CellRecord,
}

/// Every cell of a record, in its order.
pub(crate) fn all(record: &Record) -> impl Iterator<Item = Case<'_>> {
    record.scenarios.iter().flat_map(|scenario| of(record, scenario))
}

/// Every cell of a scenario, in its order.
pub(crate) fn of<'a>(record: &'a Record, scenario: &'a ScenarioRecord) -> impl Iterator<Item = Case<'a>> {
    scenario.cells.iter().map(move |cell| Case { record, scenario, cell })
}

impl Case<'_> {
    /// The cell's id and what is in it.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.cell.id, words::cell_name(self.scenario, self.cell, &Look::default()))
    }

    /// How it stands; what is different passes only in a run that a difference does not fail.
    pub(crate) fn standing(&self) -> Standing {
        match self.cell.verdict {
            Verdict::Same | Verdict::Improved => Standing::Passed,
            Verdict::Changed if self.record.exit_name == Exit::Ok => Standing::Passed,
            Verdict::Changed | Verdict::Regressed | Verdict::Ineffective => Standing::Failed,
            Verdict::Unstable | Verdict::Inconclusive => Standing::Undecided,
            Verdict::Skipped => Standing::Skipped,
        }
    }

    /// What all attempts took together.
    pub(crate) fn milliseconds(&self) -> u64 {
        self.cell.timeline.iter().filter_map(|attempt| attempt.milliseconds).sum()
    }

    /// Why, in lines: the reason, what differs, what stopped, and the causes.
    pub(crate) fn explanation(&self) -> String {
        let cell = self.cell;
        let mut lines = vec![cell.reason.clone()];
        lines.extend(cell.differences.iter().map(difference));
        for stop in &cell.stops {
            lines.push(format!("stopped in {}: {}: {}", stop.stage, stop.subject, stop.text));
            lines.extend(stop.evidence.iter().map(|line| format!("  {line}")));
        }
        lines.extend(self.scenario.causes.iter().filter(|cause| cause.cells.contains(&cell.id)).flat_map(explanation));
        lines.join("\n")
    }
}

fn difference(difference: &Difference) -> String {
    let was = difference.was.as_deref().unwrap_or("not there");
    let now = difference.now.as_deref().unwrap_or("gone");
    format!("{} {}: {was} → {now}", difference.verdict, difference.key)
}

fn explanation(cause: &CauseRecord) -> Vec<String> {
    let since = cause.since.as_ref().map(|since| format!("since: {}", words::since(since)));
    let sure = (!cause.sure.is_empty()).then(|| format!("how sure: {}", cause.sure));
    let evidence = cause.evidence.iter().map(|line| format!("evidence: {line}"));
    iter::once(format!("cause: {}", cause.title)).chain(since).chain(evidence).chain(sure).collect()
}
