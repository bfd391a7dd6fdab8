//! One cell in full: its attempts, what differs, what is silent, what moves by itself, what could not be looked at.

use std::io::{self, Write};

use patchbed_model::record::{AttemptRecord, CellRecord, ScenarioRecord};
use patchbed_model::{CellId, Difference, Record};

use super::sides::signed;
use crate::format::Report;
use crate::look::{Look, Tone};
use crate::{layout, outage, safe, words};

/// How many keys are listed where only their number matters.
const KEYS: usize = 8;

/// How much is said of each difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// One line each.
    Brief,
    /// Both sides in full.
    Full,
}

/// Writes one cell of a record.
#[derive(Clone, Debug)]
pub struct Detail {
    /// How it looks.
    pub look: Look,
    /// Which cell; every cell when `None`.
    pub cell: Option<CellId>,
    /// How much is said of each difference.
    pub depth: Depth,
}

impl Report for Detail {
    fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        for scenario in &record.scenarios {
            let meant = |cell: &&CellRecord| self.cell.as_ref().is_none_or(|id| *id == cell.id);
            for cell in scenario.cells.iter().filter(meant) {
                self.cell(scenario, cell, out)?;
            }
        }
        Ok(())
    }
}

impl Detail {
    fn cell(&self, scenario: &ScenarioRecord, cell: &CellRecord, out: &mut dyn Write) -> io::Result<()> {
        let look = &self.look;
        let (glyph, tone) = words::glyph(cell.verdict, look);
        let name = words::cell_name(scenario, cell, look);
        let head = format!("{}  {}: {name}", safe::line(&cell.id.0), safe::name(&scenario.id, look));
        writeln!(out, "{} {}", look.paint(tone, glyph), look.paint(Tone::Strong, &head))?;
        let digest = cell.image_digest.as_ref().map(|digest| format!(" ({})", safe::line(digest.short())));
        let image = format!("{}{}", safe::name(&cell.image, look), digest.unwrap_or_default());
        self.value("Image", &image, out)?;
        self.value("Verdict", &format!("{}: {}", cell.verdict, safe::shown(&cell.reason, look)), out)?;
        self.attempts(cell, out)?;
        outage::texts(cell, look).iter().try_for_each(|text| self.value("Outage", text, out))?;
        self.differences("Differs", &cell.differences, out)?;
        self.differences("Silent", &cell.silenced, out)?;
        for stop in &cell.stops {
            let text = format!("{} in {}: {}", stop.subject, stop.stage, stop.text);
            self.value("Stopped", &safe::shown(&text, look), out)?;
            self.evidence(&stop.evidence, out)?;
        }
        for ill in &cell.ill {
            let value = words::side(Some(ill.value.trim_end()), "", look);
            self.value("Ill", &format!("{}: {value}", safe::shown(ill.key.as_str(), look)), out)?;
            self.evidence(&ill.evidence, out)?;
        }
        self.readings(cell, out)?;
        cell.notes.iter().try_for_each(|note| self.value("Note", &safe::shown(note, look), out))?;
        writeln!(out)
    }

    fn value(&self, label: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
        for (at, line) in layout::wrap(text, self.look.width.saturating_sub(12)).iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            writeln!(out, "  {}{line}", self.look.paint(Tone::Strong, &format!("{label:<10}")))?;
        }
        Ok(())
    }

    fn attempts(&self, cell: &CellRecord, out: &mut dyn Write) -> io::Result<()> {
        for (at, attempt) in cell.timeline.iter().enumerate() {
            self.value(if at == 0 { "Attempts" } else { "" }, &self.attempt(attempt), out)?;
        }
        Ok(())
    }

    fn attempt(&self, attempt: &AttemptRecord) -> String {
        let took = attempt.milliseconds.map(|took| format!(" after {}", words::duration(took))).unwrap_or_default();
        let stages: Vec<String> =
            attempt.stages.iter().map(|(stage, took)| format!("{stage} {}", words::duration(*took))).collect();
        let stages = if stages.is_empty() { String::new() } else { format!(": {}", stages.join(", ")) };
        let outcome = safe::shown(&attempt.outcome, &self.look);
        format!("{} {} {outcome}{took}{stages}", attempt.arm, attempt.number)
    }

    fn differences(&self, label: &str, differences: &[Difference], out: &mut dyn Write) -> io::Result<()> {
        for (at, difference) in differences.iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let (seen, of) = difference.seen;
            let line = format!("{}, in {seen} of {of} attempts", words::difference(difference, &self.look));
            writeln!(out, "  {}{line}", self.look.paint(Tone::Strong, &format!("{label:<10}")))?;
            if let Some(why) = &difference.silenced {
                writeln!(out, "              because {}", safe::shown(why, &self.look))?;
            }
            if self.depth == Depth::Full {
                self.sides(difference, out)?;
            }
            self.evidence(&difference.evidence, out)?;
        }
        Ok(())
    }

    /// Both sides as a diff with three lines around each change.
    fn sides(&self, difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
        let (was, now) = (difference.was.as_deref().unwrap_or(""), difference.now.as_deref().unwrap_or(""));
        let (was, now) = (words::lines(was), words::lines(now));
        let diff = similar::TextDiff::from_slices(&was, &now);
        for group in diff.grouped_ops(3) {
            for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
                let (tone, text) = signed(&change, &self.look);
                writeln!(out, "              {}", self.look.paint(tone, &text))?;
            }
        }
        Ok(())
    }

    fn evidence(&self, lines: &[String], out: &mut dyn Write) -> io::Result<()> {
        let lines = lines.iter().flat_map(|line| safe::lines(line));
        for line in lines {
            let line = if self.look.glyphs == crate::Glyphs::Ascii { safe::shown(&line, &self.look) } else { line };
            writeln!(out, "              {}", self.look.paint(Tone::Dim, &format!("| {line}")))?;
        }
        Ok(())
    }

    fn readings(&self, cell: &CellRecord, out: &mut dyn Write) -> io::Result<()> {
        let mut text = format!("{} compared", words::count(cell.readings, "reading"));
        if !cell.volatile.is_empty() {
            let keys: Vec<String> =
                cell.volatile.iter().take(KEYS).map(|key| safe::shown(key.as_str(), &self.look)).collect();
            let more = cell.volatile.len().saturating_sub(KEYS);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            text = format!("{text}, {} move by themselves: {}{more}", cell.volatile.len(), keys.join(", "));
        }
        self.value("Readings", &text, out)?;
        let percent = (cell.noise_bound * 100.0).clamp(0.0, 100.0);
        let text = format!("an unchanged reading moves by itself in at most {percent:.0} % of runs (95 % confidence)");
        if cell.attempts.values().sum::<usize>() > 0 { self.value("Noise", &text, out) } else { Ok(()) }
    }
}
