//! What `cargo test` prints: the lines of Rust's own test programs.

use std::collections::BTreeMap;

use super::report::{Outcome, Report, Test};

/// Reads lines such as `test name ... ok`. Every program says first how many tests it has.
pub(super) fn read(text: &str) -> Report {
    let mut report = Report::default();
    let mut announced = 0_usize;
    let mut printed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut section = None;
    for line in text.lines() {
        if let Some(count) = announcement(line) {
            announced = announced.saturating_add(count);
        } else if let Some(test) = test(line) {
            report.tests.push(test);
        } else if let Some(name) = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----")) {
            section = Some(name);
        } else if line == "failures:" {
            section = None;
        } else if let Some(name) = section {
            printed.entry(name).or_default().push(line.to_owned());
        }
    }
    for test in &mut report.tests {
        let lines = printed.get(test.name.as_str()).filter(|_| test.outcome == Outcome::Failed);
        test.evidence.extend(lines.into_iter().flatten().cloned());
    }
    let told = report.tests.len();
    report.trouble = (told < announced).then(|| format!("cut short: {told} of {announced} tests"));
    report
}

/// `running 3 tests`.
fn announcement(line: &str) -> Option<usize> {
    let count = line.strip_prefix("running ")?;
    count.strip_suffix(" tests").or_else(|| count.strip_suffix(" test"))?.parse().ok()
}

/// `test name ... ok`, perhaps with how long it took, why it was ignored, or what a benchmark measured.
fn test(line: &str) -> Option<Test> {
    let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let outcome = match result.split([' ', ',']).next()? {
        "ok" | "bench:" => Outcome::Ok,
        "FAILED" => Outcome::Failed,
        "ignored" => Outcome::Skipped,
        _ => return None,
    };
    let reason = result.strip_prefix("ignored, ").map(str::to_owned);
    Some(Test::new(name.trim_end_matches(" - should panic"), outcome).because(reason))
}
