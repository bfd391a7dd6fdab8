//! The last lines: counts that are complete, where the record is, how the command ends.

use std::io::{self, Write};

use super::screen::Screen;
use crate::layout::{Line, wrap};
use crate::look::Tone;
use crate::{safe, words};

pub(super) fn write(screen: &Screen<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    let exit = format!("exit {}", screen.record.exit);
    let mut text = format!("{}.", words::counts(screen.record));
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
