//! The table of a scenario's cells.

use std::{iter, mem};

use patchbed_model::record::{CellRecord, ScenarioRecord};

use super::page::Page;
use super::text::{code, in_table, prose};
use crate::outage;
use crate::telling::{self, Telling};
use crate::words;

pub(super) fn write(telling: &Telling<'_>, scenario: &ScenarioRecord, page: &mut Page) {
    let (shown, counted) = telling::worth_a_line(scenario);
    let mut head = head(scenario);
    for cell in shown {
        page.add(1, "cell", &format!("{}{}", mem::take(&mut head), row(telling, scenario, cell)));
    }
    for (verdict, count) in counted {
        let glyph = words::glyph(verdict, telling.look).0;
        let row = format!("| {glyph} | | {count} more | {verdict} |\n");
        page.add(count, "cell", &format!("{}{row}", mem::take(&mut head)));
    }
}

fn head(scenario: &ScenarioRecord) -> String {
    let attempts = scenario.cells.iter().map(|cell| cell.timeline.len()).sum();
    let counts = format!("{}, {}", words::count(scenario.cells.len(), "cell"), words::count(attempts, "attempt"));
    format!("\n### {}: {counts}\n\n| | Cell | Holds | Found |\n|---|---|---|---|\n", prose(&scenario.id))
}

fn row(telling: &Telling<'_>, scenario: &ScenarioRecord, cell: &CellRecord) -> String {
    let glyph = words::glyph(cell.verdict, telling.look).0;
    let found: Vec<String> = iter::once(telling.summary(scenario, cell))
        .chain(outage::texts(cell, telling.look))
        .filter(|text| !text.is_empty())
        .map(|text| in_table(&prose(&text)))
        .collect();
    let name = in_table(&prose(&words::cell_name(scenario, cell, telling.look)));
    format!("| {glyph} | {} | {name} | {} |\n", in_table(&code(&telling.id(&cell.id))), found.join("; "))
}
