//! Cells about which nothing is said: why, and what stopped them. Those with one reason stand together.

use std::collections::BTreeMap;
use std::io::{self, Write};

use patchbed_model::CellId;
use patchbed_model::record::{CellRecord, ScenarioRecord};

use super::block::Block;
use super::screen::Screen;
use crate::layout::{Line, cut};
use crate::look::Tone;
use crate::{safe, words};

pub(super) fn write(screen: &Screen<'_>, scenario: &ScenarioRecord, out: &mut dyn Write) -> io::Result<()> {
    let explained = |cell: &&CellRecord| scenario.causes.iter().any(|cause| cause.cells.contains(&cell.id));
    let mut reasons: BTreeMap<&str, Vec<&CellRecord>> = BTreeMap::new();
    for cell in scenario.cells.iter().filter(|cell| cell.verdict.undecided() && !explained(cell)) {
        reasons.entry(&cell.reason).or_default().push(cell);
    }
    for (reason, cells) in reasons {
        block(screen, reason, &cells).write(out)?;
    }
    Ok(())
}

fn block<'a>(screen: &'a Screen<'a>, reason: &str, cells: &[&CellRecord]) -> Block<'a> {
    let look = screen.look;
    let (glyph, tone) = words::glyph(cells[0].verdict, look);
    let ids: Vec<CellId> = cells.iter().map(|cell| cell.id.clone()).collect();
    let right = format!("{} [{}]", words::count(cells.len(), "cell"), screen.ids(&ids));
    let start = Line::new(look).add(tone, glyph).add(Tone::Plain, " ");
    let reason_shown = safe::shown(reason, look);
    let room = start.left(console::measure_text_width(&right));
    let heading = start.add(Tone::Strong, &cut(&reason_shown, room, look)).right(Tone::Dim, &right).finish();
    let mut block = Block::new(screen, heading);
    if console::measure_text_width(&reason_shown) > room {
        block.text("Why", &reason_shown, "");
    }
    for stop in &cells[0].stops {
        let text = format!("{} in {}: {}", stop.subject, stop.stage, stop.text);
        block.text("Stopped", &safe::shown(&text, look), "");
        block.evidence(&stop.evidence, ids.first());
    }
    block.command("More", &format!("patchbed show {}", screen.id(&ids[0])));
    block
}
