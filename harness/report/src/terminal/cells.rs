//! The line of a scenario and the lines of its cells.

use std::io::{self, Write};

use patchbed_model::record::{CellRecord, ScenarioRecord};

use super::screen::Screen;
use crate::layout::{Line, cut, wrap};
use crate::look::Tone;
use crate::{outage, safe, telling, words};

/// The column of the text below the line of a cell.
const COLUMN: usize = 13;

pub(super) fn write(screen: &Screen<'_>, scenario: &ScenarioRecord, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", header(screen, scenario))?;
    let (shown, counted) = telling::worth_a_line(scenario);
    let names: Vec<String> = shown.iter().map(|cell| words::cell_name(scenario, cell, screen.look)).collect();
    let widest = names.iter().map(|name| console::measure_text_width(name)).max().unwrap_or(0);
    for (cell, name) in shown.iter().zip(&names) {
        writeln!(out, "{}", line(screen, scenario, cell, name, widest))?;
        outages(screen, cell, out)?;
    }
    for (verdict, count) in counted {
        let (glyph, tone) = words::glyph(verdict, screen.look);
        writeln!(out, "  {} {count} more: {verdict}", screen.look.paint(tone, glyph))?;
    }
    Ok(())
}

/// For how long its services could not be reached, below the line of the cell.
fn outages(screen: &Screen<'_>, cell: &CellRecord, out: &mut dyn Write) -> io::Result<()> {
    let look = screen.look;
    for text in outage::texts(cell, look) {
        for (at, line) in wrap(&text, look.width.saturating_sub(COLUMN)).iter().enumerate() {
            let label = look.paint(Tone::Dim, if at == 0 { "    Outage   " } else { "             " });
            writeln!(out, "{label}{line}")?;
        }
    }
    Ok(())
}

fn header(screen: &Screen<'_>, scenario: &ScenarioRecord) -> String {
    let attempts = scenario.cells.iter().map(|cell| cell.timeline.len()).sum();
    let dot = screen.look.own(" · ");
    let counts =
        format!("{dot}{}{dot}{}", words::count(scenario.cells.len(), "cell"), words::count(attempts, "attempt"));
    let elapsed = if screen.record.scenarios.len() == 1 {
        words::elapsed(screen.record).map(words::duration).unwrap_or_default()
    } else {
        String::new()
    };
    let name = cut(&safe::name(&scenario.id, screen.look), screen.look.width.saturating_sub(40), screen.look);
    Line::new(screen.look).add(Tone::Strong, &name).add(Tone::Plain, &counts).right(Tone::Dim, &elapsed).finish()
}

fn line(screen: &Screen<'_>, scenario: &ScenarioRecord, cell: &CellRecord, name: &str, widest: usize) -> String {
    let look = screen.look;
    let (glyph, tone) = words::glyph(cell.verdict, look);
    let id = screen.id(&cell.id);
    let start = Line::new(look).add(Tone::Plain, "  ").add(tone, glyph).add(Tone::Plain, &format!(" {id}  "));
    let widest = widest.min(look.width / 2 - 8);
    let column = start.width() + widest + 2;
    let start = start.add(Tone::Plain, &cut(name, widest, look));
    let summary = screen.telling().summary(scenario, cell);
    if summary.is_empty() {
        return start.finish();
    }
    let start = start.to(column);
    let room = start.left(0);
    start.add(Tone::Plain, &cut(&summary, room, look)).finish()
}
