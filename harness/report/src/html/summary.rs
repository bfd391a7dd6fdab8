//! The verdict in a sentence, and how many cells got which.

use std::io::{self, Write};

use patchbed_model::Verdict;

use super::page::Page;
use super::tags::{self, Table};
use crate::words;

pub(super) fn write(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    let record = page.record;
    writeln!(out, "<h1>{}</h1>", tags::escape(&page.telling().counts()))?;
    let took = words::elapsed(record).map(|took| format!(" in {}", words::duration(took))).unwrap_or_default();
    let run = tags::text(&record.run.0);
    let started = words::time(record.started);
    writeln!(out, "<p>{} &#183; run {run}, {started}{took}, exit {}</p>", tags::verdict(record.verdict), record.exit)?;
    if record.finished.is_none() {
        writeln!(out, "<p>Cut off before its end: <code>patchbed run --last</code> goes on</p>")?;
    }
    for note in &record.notes {
        writeln!(out, "<p>Note: {}</p>", tags::text(note))?;
    }
    counts(page, out)
}

fn counts(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    let counts = &page.record.counts;
    let table = Table { id: "counts", caption: "Cells by verdict", heads: &["Verdict", "Cells"] };
    table.begin(out)?;
    for verdict in Verdict::ALL {
        let count = counts.get(&verdict).copied().unwrap_or(0);
        writeln!(out, "<tr><th scope=\"row\">{}</th><td>{count}</td></tr>", tags::verdict(verdict))?;
    }
    let all: usize = counts.values().sum();
    for (label, count) in [("undecided in all", words::undecided(page.record)), ("all cells", all)] {
        writeln!(out, "<tr><th scope=\"row\">{label}</th><td>{count}</td></tr>")?;
    }
    tags::end_table(out)
}
