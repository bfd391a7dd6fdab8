//! The whole screen, from top to bottom.

use std::collections::BTreeMap;
use std::io::{self, Write};

use patchbed_model::{CellId, Record};

use crate::format::Report;
use crate::look::{Look, Tone};
use crate::telling::Telling;
use crate::{layout, safe, terminal};

/// Writes the screen of `run`, `show` and `report`.
#[derive(Clone, Debug)]
pub struct Terminal {
    look: Look,
    place: Option<String>,
}

/// What every part of the screen needs.
pub(super) struct Screen<'a> {
    pub(super) record: &'a Record,
    pub(super) look: &'a Look,
    pub(super) place: Option<&'a str>,
    pub(super) short: BTreeMap<CellId, String>,
}

impl Terminal {
    /// A screen of this look.
    #[must_use]
    pub fn new(look: Look) -> Self {
        Self { look, place: None }
    }

    /// The same screen, whose last line also says where the record is kept.
    #[must_use]
    pub fn kept_at(mut self, place: &str) -> Self {
        self.place = Some(place.to_owned());
        self
    }
}

impl Report for Terminal {
    fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        let screen =
            Screen { record, look: &self.look, place: self.place.as_deref(), short: crate::words::short_ids(record) };
        for scenario in &record.scenarios {
            terminal::cells::write(&screen, scenario, out)?;
        }
        for scenario in &record.scenarios {
            for cause in &scenario.causes {
                terminal::causes::write(&screen, scenario, cause, out)?;
            }
            terminal::undecided::write(&screen, scenario, out)?;
        }
        screen.notes(out)?;
        terminal::headline::write(&screen, out)
    }
}

impl Screen<'_> {
    /// What is said of the record.
    pub(super) fn telling(&self) -> Telling<'_> {
        Telling { record: self.record, look: self.look, short: &self.short }
    }

    /// The short ids of cells, cut where there are many.
    pub(super) fn ids(&self, cells: &[CellId]) -> String {
        self.telling().ids(cells)
    }

    /// The short id of a cell.
    pub(super) fn id(&self, cell: &CellId) -> String {
        self.telling().id(cell)
    }

    fn notes(&self, out: &mut dyn Write) -> io::Result<()> {
        if !self.record.notes.is_empty() {
            writeln!(out)?;
        }
        for note in &self.record.notes {
            let lines = layout::wrap(&safe::shown(note, self.look), self.look.width.saturating_sub(6));
            for (at, line) in lines.iter().enumerate() {
                let head = if at == 0 { "note: " } else { "      " };
                writeln!(out, "{}{line}", self.look.paint(Tone::Dim, head))?;
            }
        }
        Ok(())
    }
}
