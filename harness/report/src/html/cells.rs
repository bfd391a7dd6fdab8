//! The cells: the worst of them in full, and all of them as rows of a table.

use std::cmp::Reverse;
use std::io::{self, Write};

use patchbed_model::record::{CellRecord, ScenarioRecord};
use patchbed_model::text::shorten;
use patchbed_model::{Arm, Difference, Digest, Stage};

use super::page::Page;
use super::room::Room;
use super::sides::{self, Pair};
use super::tags::{self, Table};
use super::{attempts, metrics, repeat, search};
use crate::{outage, words};

/// How many characters of a reason stand in a row.
const REASON: usize = 100;
/// How many readings that move by themselves are named.
const KEYS: usize = 8;

pub(super) fn write_in_full(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section aria-labelledby=\"in-full\">\n<h2 id=\"in-full\">Cells in full</h2>")?;
    let all: usize = page.record.scenarios.iter().map(|scenario| scenario.cells.len()).sum();
    let shown = page.in_full.len();
    if all > shown {
        writeln!(out, "<p>The worst {shown} of {all} cells; <code>patchbed show CELL</code> shows any other.</p>")?;
    }
    for (at, (scenario, cell)) in page.in_full.iter().enumerate() {
        InFull { page, scenario, cell, id: format!("cell-{at}") }.write(out)?;
    }
    writeln!(out, "</section>")
}

/// A cell that is shown in full, and what it is called inside the page.
struct InFull<'a> {
    page: &'a Page<'a>,
    scenario: &'a ScenarioRecord,
    cell: &'a CellRecord,
    id: String,
}

impl InFull<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { page, scenario, cell, id } = self;
        let room = &mut page.room();
        let (class, verdict) = (tags::class(cell.verdict), tags::verdict_of(cell));
        let short = tags::escape(&page.id(&cell.id));
        let name = tags::escape(&shorten(&words::cell_name(scenario, cell, &page.look), REASON));
        writeln!(out, "<article class=\"{class}\" aria-labelledby=\"{id}\">")?;
        writeln!(out, "<h3 id=\"{id}\">{short} {verdict}: {name}</h3>\n<dl>")?;
        self.facts(out, room)?;
        writeln!(out, "</dl>")?;
        for (part, caption) in PARTS {
            let pairs = pairs(cell.differences.iter().filter(|difference| Part::of(difference) == part));
            sides::write(out, (&format!("{id}-{part:?}"), caption), &pairs, room)?;
        }
        let silent = pairs(cell.silenced.iter());
        sides::write(out, (&format!("{id}-silent"), "What differs and does not count"), &silent, room)?;
        metrics::write(out, &format!("{id}-metrics"), &cell.metrics, room)?;
        cell.search.iter().try_for_each(|found| search::write(out, id, found, room))?;
        attempts::write(out, id, cell, room)?;
        if room.refused() {
            writeln!(out, "<p>… the rest: <code>patchbed show {short} --diff</code></p>")?;
        }
        writeln!(out, "</article>")
    }

    fn facts(&self, out: &mut dyn Write, room: &mut Room) -> io::Result<()> {
        let cell = self.cell;
        let mut say = |label, text: &str| match room.line(text) {
            Some(text) if !text.is_empty() => tags::entry(out, label, &text),
            Some(_) | None => Ok(()),
        };
        say("Why", &cell.reason)?;
        outage::texts(cell, &self.page.look).iter().try_for_each(|text| say("Outage", text))?;
        for stop in &cell.stops {
            say("Stopped", &format!("{} in {}: {}", stop.subject, stop.stage, stop.text))?;
            said(&stop.evidence).try_for_each(|line| say("Evidence", line))?;
        }
        for ill in &cell.ill {
            let value = words::side(Some(ill.value.trim_end()), "", &self.page.look);
            say("Ill", &format!("{}: {value}", ill.key))?;
            said(&ill.evidence).try_for_each(|line| say("Evidence", line))?;
        }
        say("Undo", &undone(cell))?;
        say("Readings", &readings(cell))?;
        say("Noise", &noise(cell))?;
        cell.notes.iter().try_for_each(|note| say("Note", note))?;
        say("Id", &cell.id.0)?;
        say("Scenario", &self.scenario.id)?;
        say("Patches", &cell.patches.join(", "))?;
        say("Products", &cell.software.join(", "))?;
        let digest = cell.image_digest.as_ref().map(Digest::to_string).unwrap_or_default();
        say("Image", &format!("{} {digest}", cell.image))?;
        repeat::cell(self.page, self.scenario, &self.cell.id, out)
    }
}

/// The lines in which something stands.
fn said(lines: &[String]) -> impl Iterator<Item = &str> {
    lines.iter().flat_map(|text| text.lines()).filter(|line| !line.trim().is_empty())
}

/// What a difference is about: what a patch does to packages and files is looked at apart from what broke, and so is what
/// logs say anew and what stays when the patch is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Health,
    Logs,
    Packages,
    Files,
    Residue,
}

/// The parts in their order, each with what stands above it.
const PARTS: [(Part, &str); 5] = [
    (Part::Health, "What differs"),
    (Part::Logs, "Lines of logs"),
    (Part::Packages, "Packages"),
    (Part::Files, "Files"),
    (Part::Residue, "What is not as before when the patch is taken back"),
];

impl Part {
    fn of(difference: &Difference) -> Self {
        let key = &difference.key;
        match key.subject() {
            "reverted" => Self::Residue,
            "packages" => Self::Packages,
            "files" => Self::Files,
            _ if key.as_str().split('.').any(|part| part == "log") => Self::Logs,
            _ => Self::Health,
        }
    }
}

/// What became of the environment when the patch was taken back; nothing where it was not.
fn undone(cell: &CellRecord) -> String {
    let times = cell.timeline.iter().filter(|attempt| attempt.stages.contains_key(&Stage::Revert)).count();
    if times == 0 || cell.stops.iter().any(|stop| stop.stage == Stage::Revert) {
        return String::new();
    }
    let left = cell.differences.iter().filter(|difference| Part::of(difference) == Part::Residue).count();
    let left = if left == 0 {
        "nothing is left behind".to_owned()
    } else {
        format!("{} not as before", words::count(left, "reading"))
    };
    format!("the patch was taken back in {}: {left}", words::count(times, "attempt"))
}

/// The differences with their sides, the worst first.
fn pairs<'a>(differences: impl Iterator<Item = &'a Difference>) -> Vec<Pair<'a>> {
    let mut differences: Vec<&Difference> = differences.collect();
    differences.sort_by_key(|difference| Reverse(difference.verdict));
    differences.into_iter().map(Pair::from).collect()
}

fn readings(cell: &CellRecord) -> String {
    let compared = format!("{} compared", words::count(cell.readings, "reading"));
    if cell.volatile.is_empty() {
        return compared;
    }
    let keys: Vec<&str> = cell.volatile.iter().take(KEYS).map(patchbed_model::Key::as_str).collect();
    let more = cell.volatile.len().saturating_sub(KEYS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{compared}, {} move by themselves: {}{more}", cell.volatile.len(), keys.join(", "))
}

fn noise(cell: &CellRecord) -> String {
    let percent = (cell.noise_bound * 100.0).clamp(0.0, 100.0);
    format!("an unchanged reading moves by itself in at most {percent:.0} % of runs (95 % confidence)")
}

pub(super) fn write_all(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section aria-labelledby=\"cells\">\n<h2 id=\"cells\">All cells</h2>")?;
    let heads = ["Cell", "Scenario", "Image", "Patches", "Products", "Verdict", "Why", "Attempts without + with"];
    Table { id: "rows", caption: "All cells, in the order of the run", heads: &heads }.begin(out)?;
    for scenario in &page.record.scenarios {
        let name = tags::name(&scenario.id);
        scenario.cells.iter().try_for_each(|cell| row(page, &name, cell, out))?;
    }
    tags::end_table(out)?;
    writeln!(out, "</section>")
}

fn row(page: &Page<'_>, scenario: &str, cell: &CellRecord, out: &mut dyn Write) -> io::Result<()> {
    let attempts = |arm| cell.attempts.get(&arm).copied().unwrap_or(0);
    let (id, image) = (page.link(&cell.id), tags::name(&cell.image));
    let (patches, products) = (tags::patches(&cell.patches, cell.given), tags::names(&cell.software, "none"));
    let (verdict, why) = (tags::verdict_of(cell), tags::text(&shorten(&cell.reason, REASON)));
    write!(out, "<tr><th scope=\"row\">{id}</th><td>{scenario}</td><td>{image}</td><td>{patches}</td>")?;
    write!(out, "<td>{products}</td><td>{verdict}</td><td>{why}</td>")?;
    writeln!(out, "<td>{} + {}</td></tr>", attempts(Arm::Control), attempts(Arm::Patched))
}
