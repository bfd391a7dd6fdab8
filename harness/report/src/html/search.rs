//! What the search in the bundle of a cell found: who brings what, which attempts prove it, what may be shipped.

use std::io::{self, Write};

use patchbed_model::search::{Answer, Found, Search};

use super::room::Room;
use super::tags::{self, Table};
use crate::words;

pub(super) fn write(out: &mut dyn Write, id: &str, search: &Search, room: &mut Room) -> io::Result<()> {
    let id = &format!("{id}-search");
    let (patches, runs) = (words::count(search.patches, "patch"), words::count(search.runs, "attempt"));
    let caption = &format!("Who brings it: {runs} with parts of {patches}");
    let heads = &["Patches", "Answer", "Attempts with them", "Attempts without", "Brings"];
    Table { id, caption, heads }.begin(out)?;
    search.found.iter().try_for_each(|found| row(out, found, room))?;
    tags::end_table(out)?;
    writeln!(out, "<dl>")?;
    let parts = [("Safe together", &search.safe_subset), ("Hold", &search.hold), ("Leaves open", &search.leaves)];
    for (label, names) in parts.into_iter().filter(|(_, names)| !names.is_empty()) {
        room.line(&names.join(", ")).map_or(Ok(()), |names| tags::entry(out, label, &names))?;
    }
    writeln!(out, "</dl>")
}

fn row(out: &mut dyn Write, found: &Found, room: &mut Room) -> io::Result<()> {
    let sets: Vec<String> = found.sets.iter().map(|set| set.join(" + ")).collect();
    let sets = if sets.is_empty() { "none".to_owned() } else { sets.join(", or ") };
    let (Some(sets), Some(signs)) = (room.line(&sets), room.line(&found.signs.join(", "))) else { return Ok(()) };
    let answer = match found.answer {
        Answer::Guilty => "guilty",
        Answer::Nobody => "it came by chance",
        Answer::Open => "not known, the likeliest",
    };
    let ((seen, with), (before, without)) = (found.with, found.without);
    write!(out, "<tr><th scope=\"row\">{sets}</th><td>{answer}, posterior {}</td>", words::posterior(found.posterior))?;
    writeln!(out, "<td>{seen} of {with} show it</td><td>{before} of {without} show it</td><td>{signs}</td></tr>")
}
