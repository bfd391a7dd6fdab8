//! Lines with labels: the building stone of everything below the cells.

use std::io::{self, Write};

use patchbed_model::CellId;

use super::screen::Screen;
use crate::layout::{Line, wrap};
use crate::look::Tone;
use crate::telling::Claim;
use crate::{safe, words};

/// The column in which the values of a block begin.
pub(super) const COLUMN: usize = 15;
/// How many lines of evidence one block shows.
const EVIDENCE: usize = 8;

/// A heading and labelled lines below it.
pub(super) struct Block<'a> {
    pub(super) screen: &'a Screen<'a>,
    pub(super) lines: Vec<String>,
}

impl<'a> Block<'a> {
    /// A block under a heading, after an empty line.
    pub(super) fn new(screen: &'a Screen<'a>, heading: String) -> Self {
        Self { screen, lines: vec![String::new(), heading] }
    }

    /// Writes it.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.lines.iter().try_for_each(|line| writeln!(out, "{line}"))
    }

    /// A label with its text, wrapped under itself; the references stand at the right edge of the first line.
    pub(super) fn text(&mut self, label: &str, text: &str, refs: &str) {
        if text.is_empty() {
            return;
        }
        let look = self.screen.look;
        let room = look.width.saturating_sub(COLUMN + if refs.is_empty() { 0 } else { refs.len() + 2 });
        for (at, line) in wrap(text, room).iter().enumerate() {
            let (label, refs) = if at == 0 { (label, refs) } else { ("", "") };
            self.lines.push(self.labelled(label).add(Tone::Plain, line).right(Tone::Dim, refs).finish());
        }
    }

    /// A claim, with the cells that prove it.
    pub(super) fn claim(&mut self, claim: &Claim<'_>) {
        match claim {
            Claim::Sentence(label, text, []) => self.text(label, text, ""),
            Claim::Sentence(label, text, proof) => self.text(label, text, &format!("[{}]", self.screen.ids(proof))),
            Claim::Command(label, command) => self.command(label, command),
        }
    }

    /// A command to copy: never broken into lines.
    pub(super) fn command(&mut self, label: &str, command: &str) {
        self.lines.push(self.labelled(label).add(Tone::Plain, command).finish());
    }

    /// The beginning of a line: its label, up to the column of the values.
    pub(super) fn labelled(&self, label: &str) -> Line<'_> {
        Line::new(self.screen.look).add(Tone::Plain, "  ").add(Tone::Strong, label).to(COLUMN)
    }

    /// Lines that prove it, those of the first attempt first.
    pub(super) fn evidence(&mut self, lines: &[String], cell: Option<&CellId>) {
        let lines: Vec<&String> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
        for (at, line) in lines.iter().take(EVIDENCE).enumerate() {
            self.text(if at == 0 { "Evidence" } else { "" }, &safe::shown(line.trim_end(), self.screen.look), "");
        }
        if lines.len() > EVIDENCE {
            self.more(lines.len() - EVIDENCE, "line", cell);
        }
    }

    /// How much is not shown here, and the command that shows it.
    pub(super) fn more(&mut self, number: usize, noun: &str, cell: Option<&CellId>) {
        let cell = cell.map(|cell| self.screen.id(cell)).unwrap_or_default();
        let text = format!("… {} more: patchbed show {cell}", words::count(number, noun));
        self.lines.push(self.labelled("").add(Tone::Dim, &self.screen.look.own(&text)).finish());
    }
}
