//! The verdict in a sentence, and how many cells got which.

use std::io::{self, Write};

use patchbed_model::Verdict;

use super::page::Page;
use super::tags::{self, Table};
use crate::words;

/// Of how many cells the summary says what may be shipped.
const CELLS: usize = 12;

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
    ship(page, out)?;
    counts(page, out)
}

/// What may be shipped, and what is held, of every bundle of which parts were tried.
fn ship(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cells = page.record.scenarios.iter().flat_map(|scenario| &scenario.cells);
    let searched =
        cells.filter_map(|cell| Some((cell, cell.search.as_ref().filter(|one| !one.safe_subset.is_empty())?)));
    let searched: Vec<_> = searched.take(CELLS).collect();
    if searched.is_empty() {
        return Ok(());
    }
    writeln!(out, "<dl>")?;
    let room = &mut page.room();
    for (cell, search) in searched {
        let parts = [("Ship", &search.safe_subset), ("Hold", &search.hold)];
        for (label, names) in parts.into_iter().filter(|(_, names)| !names.is_empty()) {
            let Some(names) = room.line(&names.join(", ")) else { continue };
            tags::entry(out, label, &format!("{names} [{}]", page.link(&cell.id)))?;
        }
    }
    writeln!(out, "</dl>")
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
