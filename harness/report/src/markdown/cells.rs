//! The table of a scenario's cells.

use patchbed_model::Verdict;
use patchbed_model::record::{CellRecord, ScenarioRecord};

use super::page::Page;
use super::text::{code, in_table, prose};
use crate::telling::Telling;
use crate::terminal::outage;
use crate::words;

/// With more cells than this, those that are the same are only counted.
const MANY: usize = 20;

pub(super) fn write(telling: &Telling<'_>, scenario: &ScenarioRecord, page: &mut Page) {
    let many = scenario.cells.len() > MANY;
    let quiet = |cell: &&CellRecord| many && matches!(cell.verdict, Verdict::Same | Verdict::Skipped);
    let mut head = head(scenario);
    for cell in scenario.cells.iter().filter(|cell| !quiet(cell)) {
        page.add(1, "cell", &format!("{}{}", std::mem::take(&mut head), row(telling, scenario, cell)));
    }
    for verdict in [Verdict::Same, Verdict::Skipped] {
        let count = scenario.cells.iter().filter(quiet).filter(|cell| cell.verdict == verdict).count();
        if count > 0 {
            let glyph = words::glyph(verdict, telling.look).0;
            let row = format!("| {glyph} | | {count} more | {verdict} |\n");
            page.add(count, "cell", &format!("{}{row}", std::mem::take(&mut head)));
        }
    }
}

fn head(scenario: &ScenarioRecord) -> String {
    let attempts = scenario.cells.iter().map(|cell| cell.timeline.len()).sum();
    let counts = format!("{}, {}", words::count(scenario.cells.len(), "cell"), words::count(attempts, "attempt"));
    format!("\n### {}: {counts}\n\n| | Cell | Holds | Found |\n|---|---|---|---|\n", prose(&scenario.id))
}

fn row(telling: &Telling<'_>, scenario: &ScenarioRecord, cell: &CellRecord) -> String {
    let glyph = words::glyph(cell.verdict, telling.look).0;
    let found: Vec<String> = std::iter::once(telling.summary(scenario, cell))
        .chain(outage::texts(cell, telling.look))
        .filter(|text| !text.is_empty())
        .map(|text| in_table(&prose(&text)))
        .collect();
    let name = in_table(&prose(&words::cell_name(scenario, cell, telling.look)));
    format!("| {glyph} | {} | {name} | {} |\n", in_table(&code(&telling.id(&cell.id))), found.join("; "))
}
