//! One section per reason for which nothing is said about cells.

use patchbed_model::record::{CellRecord, ScenarioRecord};
use patchbed_model::{CellId, Verdict};

use super::cause::{evidence, more};
use super::page::Page;
use super::text::{code, prose};
use crate::telling::{self, Telling};
use crate::words;

/// How many ill readings are shown.
const READINGS: usize = 4;

pub(super) fn write(telling: &Telling<'_>, scenario: &ScenarioRecord, page: &mut Page) {
    for (reason, cells) in telling::unexplained(scenario, Verdict::undecided) {
        page.add(1, "undecided reason", &block(telling, scenario, reason, &cells));
    }
}

fn block(telling: &Telling<'_>, scenario: &ScenarioRecord, reason: &str, cells: &[&CellRecord]) -> String {
    let glyph = words::glyph(cells[0].verdict, telling.look).0;
    let ids: Vec<CellId> = cells.iter().map(|cell| cell.id.clone()).collect();
    let (count, place) = (words::count(cells.len(), "cell"), code(&scenario.id));
    let ids = code(&telling.ids(&ids));
    let mut parts = vec![format!("\n### {glyph} {}\n\n{count} of {place}: {ids}\n\n", prose(reason))];
    for stop in &cells[0].stops {
        let text = format!("{} in {}: {}", stop.subject, stop.stage, stop.text);
        parts.push(format!("- **Stopped** {}\n", prose(&text)));
        parts.extend(evidence(&stop.evidence));
    }
    for ill in cells[0].ill.iter().take(READINGS) {
        parts.push(format!("- **Ill** {}: {}\n", code(ill.key.as_str()), code(ill.value.trim_end())));
        parts.extend(evidence(&ill.evidence));
    }
    parts.extend(more(cells[0].ill.len(), READINGS));
    parts.push(format!("- **More** {}\n", code(&format!("patchbed show {}", telling.id(&cells[0].id)))));
    parts.concat()
}
