//! The last lines: counts that are complete, where the record is, how the command ends.

use std::io::{self, Write};

use patchbed_model::Verdict;

use super::screen::Screen;
use crate::layout::{Line, wrap};
use crate::look::Tone;
use crate::{safe, words};

pub(super) fn write(screen: &Screen<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    let exit = format!("exit {}", screen.record.exit);
    let mut text = format!("{}.", counts(screen));
    if let (Some(elapsed), true) = (words::elapsed(screen.record), screen.record.scenarios.len() > 1) {
        text = format!("{text} {}.", words::duration(elapsed));
    }
    let place = screen.place.map(|place| format!("Record: {}", safe::shown(place, screen.look))).unwrap_or_default();
    let tone = words::glyph(screen.record.verdict, screen.look).1;
    let mut lines = wrap(&text, screen.look.width);
    let last = lines.pop().unwrap_or_default();
    for line in lines {
        writeln!(out, "{}", screen.look.paint(Tone::Strong, &line))?;
    }
    let mut line = Line::new(screen.look).add(Tone::Strong, &last);
    if !place.is_empty() && place.len() + 1 > line.left(exit.len()) {
        writeln!(out, "{}", line.finish())?;
        line = Line::new(screen.look).add(Tone::Dim, &place);
    } else if !place.is_empty() {
        line = line.add(Tone::Plain, " ").add(Tone::Dim, &place);
    }
    if line.left(exit.len()) == 0 && line.width() > 0 {
        writeln!(out, "{}", line.finish())?;
        line = Line::new(screen.look);
    }
    writeln!(out, "{}", line.right(tone, &exit).finish())?;
    if screen.record.finished.is_none() {
        writeln!(out, "Cut off before its end: `patchbed run --last` goes on")?;
    }
    Ok(())
}

/// How many cells got which verdict. What matters is said even when it is nothing.
fn counts(screen: &Screen<'_>) -> String {
    let record = screen.record;
    if record.scenarios.iter().all(|scenario| scenario.cells.is_empty()) {
        return "No cells".to_owned();
    }
    let of = |verdict| record.counts.get(&verdict).copied().unwrap_or(0);
    let mut parts = Vec::new();
    for verdict in [Verdict::Regressed, Verdict::Ineffective, Verdict::Changed, Verdict::Improved] {
        if of(verdict) > 0 {
            let causes =
                record.scenarios.iter().flat_map(|s| &s.causes).filter(|cause| cause.verdict == verdict).count();
            let because = if causes > 0 { format!(" ({})", words::count(causes, "cause")) } else { String::new() };
            parts.push((of(verdict), format!("{verdict}{because}")));
        }
    }
    if of(Verdict::Same) > 0 {
        parts.push((of(Verdict::Same), "same".to_owned()));
    }
    parts.push((words::undecided(record), undecided(screen)));
    if of(Verdict::Skipped) > 0 {
        parts.push((of(Verdict::Skipped), "skipped".to_owned()));
    }
    let said = parts.iter().enumerate().map(|(at, (number, what))| match at {
        0 => format!("{} {what}", words::count(*number, "cell")),
        _ => format!("{number} {what}"),
    });
    said.collect::<Vec<_>>().join(", ")
}

fn undecided(screen: &Screen<'_>) -> String {
    let before = screen.record.scenarios.iter().flat_map(|s| &s.cells).filter(|cell| cell.broken_before).count();
    if before > 0 { format!("undecided ({before} broken before)") } else { "undecided".to_owned() }
}
