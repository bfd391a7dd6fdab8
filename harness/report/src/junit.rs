//! JUnit XML: one suite per scenario, one case per cell. Undecided cells are errors, never passes. Elements and attributes
//! are those that Jenkins' schema has, and which GitLab reads as well.

use std::io::{self, Write};
use std::time::Duration;

use patchbed_model::Record;
use patchbed_model::record::ScenarioRecord;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::case::{self, Case, Standing};
use crate::format::Report;
use crate::{safe, words};

/// Writes JUnit XML.
#[derive(Clone, Copy, Debug, Default)]
pub struct Junit;

impl Report for Junit {
    fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        let mut report = quick_junit::Report::new("patchbed");
        report.time = words::elapsed(record).map(Duration::from_millis);
        for scenario in &record.scenarios {
            report.add_test_suite(suite(record, scenario));
        }
        let text = report.to_string().map_err(io::Error::other)?;
        // Jenkins' schema counts what was skipped in suites alone.
        out.write_all(text.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1).as_bytes())
    }
}

fn suite(record: &Record, scenario: &ScenarioRecord) -> TestSuite {
    let mut suite = TestSuite::new(safe::xml(&scenario.id));
    suite.timestamp = record.started.to_string().parse().ok();
    suite.extra.insert("file".into(), safe::xml(&scenario.file).as_str().into());
    suite.set_time(Duration::from_millis(case::of(record, scenario).map(|case| case.milliseconds()).sum()));
    for (name, value) in [
        ("run", record.run.0.as_str()),
        ("version", &record.version),
        ("title", &scenario.title),
        ("verdict", &scenario.verdict.to_string()),
    ] {
        suite.add_property((name, safe::xml(value).as_str()));
    }
    suite.add_test_cases(case::of(record, scenario).map(|case| test_case(&case)));
    suite
}

fn test_case(of: &Case<'_>) -> TestCase {
    let cell = of.cell;
    let mut case = TestCase::new(safe::xml(&of.name()), status(of));
    case.set_classname(safe::xml(&of.scenario.id));
    case.set_time(Duration::from_millis(of.milliseconds()));
    if !cell.notes.is_empty() {
        case.set_system_out(safe::xml(&cell.notes.join("\n")));
    }
    case
}

fn status(case: &Case<'_>) -> TestCaseStatus {
    let cell = case.cell;
    let mut status = match case.standing() {
        Standing::Passed => return TestCaseStatus::success(),
        Standing::Skipped => TestCaseStatus::skipped(),
        Standing::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Standing::Undecided => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    status.set_message(safe::xml(&cell.reason));
    if case.standing() != Standing::Skipped {
        status.set_type(cell.verdict.to_string());
        status.set_description(safe::xml(&case.explanation()));
    }
    status
}
