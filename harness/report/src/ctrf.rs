//! CTRF, the JSON of test results that many dashboards read: one test per cell. Undecided cells are `other`, never passed.

use std::io::{self, Write};

use patchbed_model::{Record, Verdict};
use serde::Serialize;

use crate::case::{self, Case, Standing};
use crate::format::Report;
use crate::{json, safe};

/// Writes CTRF.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ctrf;

impl Report for Ctrf {
    fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        let tests: Vec<Test> = case::all(record).map(|case| test(&case)).collect();
        let tool = Tool { name: "patchbed", version: safe::line(&record.version) };
        let results = Results { tool, summary: summary(record, &tests), tests };
        let document = Document { report_format: "CTRF", spec_version: "1.0.0", generated_by: "patchbed", results };
        json::write_json(&document, out)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    report_format: &'static str,
    spec_version: &'static str,
    generated_by: &'static str,
    results: Results,
}

#[derive(Serialize)]
struct Results {
    tool: Tool,
    summary: Summary,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: String,
}

/// Totals, and times in milliseconds since 1970.
#[derive(Serialize)]
struct Summary {
    tests: usize,
    passed: usize,
    failed: usize,
    pending: usize,
    skipped: usize,
    other: usize,
    suites: usize,
    start: i64,
    stop: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    name: String,
    status: Status,
    duration: u64,
    suite: [String; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    raw_status: Verdict,
    file_path: String,
    parameters: Parameters,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Passed,
    Failed,
    Skipped,
    Other,
}

/// What makes the cell.
#[derive(Serialize)]
struct Parameters {
    image: String,
    patches: Vec<String>,
    software: Vec<String>,
}

/// A run that was cut off has no end; the format wants one, and its start claims nothing.
fn summary(record: &Record, tests: &[Test]) -> Summary {
    let of = |status| tests.iter().filter(|test| test.status == status).count();
    Summary {
        tests: tests.len(),
        passed: of(Status::Passed),
        failed: of(Status::Failed),
        pending: 0,
        skipped: of(Status::Skipped),
        other: of(Status::Other),
        suites: record.scenarios.len(),
        start: record.started.as_millisecond(),
        stop: record.finished.unwrap_or(record.started).as_millisecond(),
    }
}

fn test(case: &Case<'_>) -> Test {
    let (cell, status) = (case.cell, status(case.standing()));
    let lines = |texts: &[String]| texts.iter().map(|text| safe::line(text)).collect();
    let explained = matches!(status, Status::Failed | Status::Other);
    Test {
        name: safe::line(&case.name()),
        status,
        duration: case.milliseconds(),
        suite: [safe::line(&case.scenario.id)],
        message: (status != Status::Passed).then(|| safe::line(&cell.reason)),
        trace: explained.then(|| safe::lines(&case.explanation()).join("\n")),
        raw_status: cell.verdict,
        file_path: safe::line(&case.scenario.file),
        parameters: Parameters {
            image: safe::line(&cell.image),
            patches: lines(&cell.patches),
            software: lines(&cell.software),
        },
    }
}

const fn status(standing: Standing) -> Status {
    match standing {
        Standing::Passed => Status::Passed,
        Standing::Failed => Status::Failed,
        Standing::Undecided => Status::Other,
        Standing::Skipped => Status::Skipped,
    }
}
