//! TAP 14: one test point per cell. Undecided cells are `not ok`, so that no reader takes them for passes.

use std::io::{self, Write};

use patchbed_model::Record;

use crate::case::{self, Case, Standing};
use crate::format::Report;
use crate::safe;

/// Writes the Test Anything Protocol.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tap;

impl Report for Tap {
    fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "TAP version 14")?;
        writeln!(out, "1..{}", case::all(record).count())?;
        (1..).zip(case::all(record)).try_for_each(|(number, case)| point(number, &case, out))
    }
}

fn point(number: usize, case: &Case<'_>, out: &mut dyn Write) -> io::Result<()> {
    let name = escape(&format!("{}: {}", case.scenario.id, case.name()));
    match case.standing() {
        Standing::Passed => writeln!(out, "ok {number} - {name}"),
        Standing::Skipped => writeln!(out, "ok {number} - {name} # SKIP {}", escape(&case.cell.reason)),
        Standing::Failed | Standing::Undecided => {
            writeln!(out, "not ok {number} - {name}")?;
            diagnostics(case, out)
        }
    }
}

/// What explains a test point, as the YAML block below it. The details are one text: old readers know few kinds of lists.
fn diagnostics(case: &Case<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  ---")?;
    writeln!(out, "  verdict: {}", case.cell.verdict)?;
    for (key, text) in [("file", &case.scenario.file), ("message", &case.cell.reason)] {
        writeln!(out, "  {key}: {}", quoted(text)?)?;
    }
    for (at, line) in case.explanation().lines().skip(1).enumerate() {
        writeln!(out, "{}    - {}", if at == 0 { "  details: |\n" } else { "" }, safe::xml(&safe::line(line)))?;
    }
    writeln!(out, "  ...")
}

/// A line as a string in quotes, which means the same in YAML as in JSON.
fn quoted(text: &str) -> io::Result<String> {
    Ok(serde_json::to_string(&safe::xml(&safe::line(text)))?)
}

/// A description in which nothing begins a directive.
fn escape(text: &str) -> String {
    safe::line(text).replace('\\', "\\\\").replace('#', "\\#")
}
