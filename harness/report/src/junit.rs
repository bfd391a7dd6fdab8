//! JUnit XML: one suite per scenario, one case per cell. Undecided cells are errors, never passes.

use std::io::{self, Write};
use std::time::Duration;

use patchbed_model::record::{CauseRecord, CellRecord, ScenarioRecord};
use patchbed_model::{Difference, Exit, Record, Verdict};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::format::Report;
use crate::look::Look;
use crate::{safe, words};

/// Writes JUnit XML.
#[derive(Clone, Copy, Debug, Default)]
pub struct Junit;

impl Report for Junit {
    fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        let mut report = quick_junit::Report::new("patchbed");
        report.timestamp = record.started.to_string().parse().ok();
        report.time = words::elapsed(record).map(Duration::from_millis);
        for scenario in &record.scenarios {
            report.add_test_suite(suite(record, scenario));
        }
        report.serialize(out).map_err(io::Error::other)
    }
}

fn suite(record: &Record, scenario: &ScenarioRecord) -> TestSuite {
    let mut suite = TestSuite::new(safe::xml(&scenario.id));
    suite.set_time(scenario.cells.iter().map(time).sum());
    for (name, value) in [
        ("run", record.run.0.as_str()),
        ("version", &record.version),
        ("title", &scenario.title),
        ("file", &scenario.file),
        ("verdict", &scenario.verdict.to_string()),
    ] {
        suite.add_property((name, safe::xml(value).as_str()));
    }
    suite.add_test_cases(scenario.cells.iter().map(|cell| case(record, scenario, cell)));
    suite
}

fn case(record: &Record, scenario: &ScenarioRecord, cell: &CellRecord) -> TestCase {
    let name = format!("{} {}", cell.id, words::cell_name(scenario, cell, &Look::default()));
    let mut case = TestCase::new(safe::xml(&name), status(record, scenario, cell));
    case.set_classname(safe::xml(&scenario.id));
    case.set_time(time(cell));
    case.set_assertions(cell.readings);
    for (name, value) in [("image", &cell.image), ("verdict", &cell.verdict.to_string())] {
        case.add_property((name, safe::xml(value).as_str()));
    }
    if !cell.notes.is_empty() {
        case.set_system_out(safe::xml(&cell.notes.join("\n")));
    }
    case
}

fn status(record: &Record, scenario: &ScenarioRecord, cell: &CellRecord) -> TestCaseStatus {
    let kind = match cell.verdict {
        Verdict::Same | Verdict::Improved => return TestCaseStatus::success(),
        Verdict::Changed if record.exit_name == Exit::Ok => return TestCaseStatus::success(),
        Verdict::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(safe::xml(&cell.reason));
            return status;
        }
        Verdict::Changed | Verdict::Regressed | Verdict::Ineffective => NonSuccessKind::Failure,
        Verdict::Unstable | Verdict::Inconclusive => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(cell.verdict.to_string());
    status.set_message(safe::xml(&cell.reason));
    status.set_description(safe::xml(&description(scenario, cell)));
    status
}

fn description(scenario: &ScenarioRecord, cell: &CellRecord) -> String {
    let mut lines = vec![cell.reason.clone()];
    lines.extend(cell.differences.iter().map(difference));
    for stop in &cell.stops {
        lines.push(format!("stopped in {}: {}: {}", stop.stage, stop.subject, stop.text));
        lines.extend(stop.evidence.iter().map(|line| format!("  {line}")));
    }
    for cause in scenario.causes.iter().filter(|cause| cause.cells.contains(&cell.id)) {
        lines.extend(explanation(cause));
    }
    lines.join("\n")
}

fn difference(difference: &Difference) -> String {
    let was = difference.was.as_deref().unwrap_or("not there");
    let now = difference.now.as_deref().unwrap_or("gone");
    format!("{} {}: {was} → {now}", difference.verdict, difference.key)
}

fn explanation(cause: &CauseRecord) -> Vec<String> {
    let mut lines = vec![format!("cause: {}", cause.title)];
    if let Some(since) = &cause.since {
        lines.push(format!("since: {}", words::since(since)));
    }
    lines.extend(cause.evidence.iter().map(|line| format!("evidence: {line}")));
    if !cause.sure.is_empty() {
        lines.push(format!("how sure: {}", cause.sure));
    }
    lines
}

fn time(cell: &CellRecord) -> Duration {
    cell.timeline.iter().filter_map(|attempt| attempt.milliseconds).map(Duration::from_millis).sum()
}
