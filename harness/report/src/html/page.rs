//! The page from its head to its end.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use patchbed_model::record::{CellRecord, ScenarioRecord};
use patchbed_model::{CellId, Record};

use super::room::Room;
use super::{causes, cells, matrix, provenance, summary, tags};
use crate::format::Report;
use crate::look::Look;
use crate::telling::Telling;
use crate::{outage, words};

/// How many cells are shown in full, the worst first.
const IN_FULL: usize = 50;

/// Writes a page for a browser.
#[derive(Clone, Copy, Debug, Default)]
pub struct Html;

impl Report for Html {
    fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        let page = Page::new(record);
        page.head(out)?;
        summary::write(&page, out)?;
        causes::write(&page, out)?;
        matrix::write(&page, out)?;
        cells::write_in_full(&page, out)?;
        cells::write_all(&page, out)?;
        provenance::write(&page, out)?;
        writeln!(out, "</main>\n</body>\n</html>")
    }
}

/// What every part of the page needs.
pub(super) struct Page<'a> {
    pub(super) record: &'a Record,
    pub(super) look: Look,
    pub(super) short: BTreeMap<CellId, String>,
    /// The cells that are shown in full, in their order.
    pub(super) in_full: Vec<(&'a ScenarioRecord, &'a CellRecord)>,
    /// The places of these cells.
    places: BTreeMap<&'a CellId, usize>,
}

impl<'a> Page<'a> {
    fn new(record: &'a Record) -> Self {
        let look = Look::default();
        let cells = |scenario: &'a ScenarioRecord| scenario.cells.iter().map(move |cell| (scenario, cell));
        let mut in_full: Vec<_> = record.scenarios.iter().flat_map(cells).collect();
        in_full.sort_by_cached_key(|(_, cell)| (Reverse(cell.verdict), outage::texts(cell, &look).is_empty()));
        in_full.truncate(IN_FULL);
        let places = in_full.iter().enumerate().map(|(at, (_, cell))| (&cell.id, at)).collect();
        Self { record, short: words::short_ids(record), look, in_full, places }
    }

    /// The short id of a cell, safe, and with a link where the cell is shown in full.
    pub(super) fn link(&self, cell: &CellId) -> String {
        let id = tags::escape(&self.id(cell));
        match self.places.get(cell) {
            Some(at) => format!("<a href=\"#cell-{at}\">{id}</a>"),
            None => id,
        }
    }

    /// The short id of a cell as it stands in commands.
    pub(super) fn id(&self, cell: &CellId) -> String {
        self.telling().id(cell)
    }

    /// What is said in every format for people.
    pub(super) fn telling(&self) -> Telling<'_> {
        Telling { record: self.record, look: &self.look, short: &self.short }
    }

    /// The room of one cell or one cause of the page.
    pub(super) fn room(&self) -> Room {
        let causes: usize = self.record.scenarios.iter().map(|scenario| scenario.causes.len()).sum();
        Room::among(self.in_full.len() + causes.min(causes::CAUSES))
    }

    fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        let title = format!("{}: {}", self.record.verdict, tags::text(&self.record.run.0));
        writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />")?;
        writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\" />", tags::policy())?;
        writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />")?;
        writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\" />")?;
        writeln!(out, "<title>patchbed: {title}</title>\n<style>{}</style>\n</head>\n<body>", tags::STYLE)?;
        writeln!(out, "<a class=\"skip\" href=\"#report\">Skip to the report</a>")?;
        writeln!(out, "<nav aria-label=\"Parts of the report\"><ul>")?;
        for (part, name) in [
            ("causes", "Causes"),
            ("matrix", "Matrix"),
            ("in-full", "Cells in full"),
            ("cells", "All cells"),
            ("provenance", "Provenance"),
        ] {
            writeln!(out, "<li><a href=\"#{part}\">{name}</a></li>")?;
        }
        writeln!(out, "</ul></nav>\n<main id=\"report\" tabindex=\"-1\">")
    }
}
