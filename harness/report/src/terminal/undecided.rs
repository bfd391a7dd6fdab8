//! Cells about which nothing is said: why, and what stopped them. Those with one reason stand together.

use std::io::{self, Write};

use patchbed_model::record::{CellRecord, ScenarioRecord};
use patchbed_model::text::shorten;
use patchbed_model::{CellId, Ill, Verdict};

use super::block::Block;
use super::screen::Screen;
use crate::layout::{Line, cut};
use crate::look::Tone;
use crate::{safe, telling, words};

/// How many ill readings one reason shows, how many lines of each, and how much of each value.
const READINGS: usize = 4;
const LINES: usize = 3;
const VALUE: usize = 200;

pub(super) fn write(screen: &Screen<'_>, scenario: &ScenarioRecord, out: &mut dyn Write) -> io::Result<()> {
    for (reason, cells) in telling::unexplained(scenario, Verdict::undecided) {
        block(screen, reason, &cells).write(out)?;
    }
    Ok(())
}

impl Block<'_> {
    /// What is ill without the patch, each with the first lines that explain it.
    fn ill(&mut self, ill: &[Ill], cell: &CellId) {
        let look = self.screen.look;
        for one in ill.iter().take(READINGS) {
            let value = words::side(Some(&shorten(one.value.trim_end(), VALUE)), "", look);
            self.text("Ill", &format!("{}: {value}", safe::shown(one.key.as_str(), look)), "");
            let lines: Vec<&String> = one.evidence.iter().filter(|line| !line.trim().is_empty()).collect();
            for line in lines.iter().take(LINES) {
                self.text("", &safe::shown(line.trim_end(), look), "");
            }
            if lines.len() > LINES {
                let count = words::count(lines.len() - LINES, "line");
                let (cell, key) = (self.screen.id(cell), safe::shown(one.key.as_str(), look));
                let more = look.own(&format!("… {count} more: patchbed show {cell} --log '{key}'"));
                self.lines.push(self.labelled("").add(Tone::Dim, &more).finish());
            }
        }
        if ill.len() > READINGS {
            self.more(ill.len() - READINGS, "reading", Some(cell));
        }
    }
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
    block.ill(&cells[0].ill, &ids[0]);
    block.command("More", &format!("patchbed show {}", screen.id(&ids[0])));
    block
}
