//! Every attempt of a cell: what its stages took, and when its services could not be reached.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::iter;

use patchbed_model::outage::{Closed, Step};
use patchbed_model::record::{AttemptRecord, CellRecord};
use patchbed_model::{Arm, Outage, Outages, Stage};

use super::room::Room;
use super::tags::{self, Table};
use crate::words;

/// How wide a bar is, in its own units.
const WIDTH: u64 = 1000;

/// Writes all attempts. The id is the beginning of the ids of the tables.
pub(super) fn write(out: &mut dyn Write, id: &str, cell: &CellRecord, room: &mut Room) -> io::Result<()> {
    if cell.timeline.is_empty() {
        return Ok(());
    }
    stages(out, &format!("{id}-attempts"), cell, room)?;
    if cell.timeline.iter().any(|attempt| attempt.outages.is_some()) {
        outages(out, &format!("{id}-outages"), cell, room)?;
    }
    Ok(())
}

fn stages(out: &mut dyn Write, id: &str, cell: &CellRecord, room: &mut Room) -> io::Result<()> {
    let stages: BTreeSet<Stage> = cell.timeline.iter().flat_map(|attempt| attempt.stages.keys().copied()).collect();
    let names: Vec<String> = stages.iter().map(ToString::to_string).collect();
    let mut heads = vec!["Attempt", "Outcome", "Took"];
    heads.extend(names.iter().map(String::as_str));
    let table = Table { id, caption: "Attempts and their stages", heads: &heads };
    table.begin(out)?;
    for attempt in &cell.timeline {
        let Some(outcome) = room.line(&attempt.outcome) else { break };
        let took = attempt.milliseconds.map_or_else(|| "not finished".to_owned(), words::duration);
        writeln!(out, "<tr><th scope=\"row\" class=\"short\">{}</th><td>{outcome}</td><td>{took}</td>", name(attempt))?;
        for stage in &stages {
            let took = attempt.stages.get(stage).map(|took| words::duration(*took)).unwrap_or_default();
            write!(out, "<td>{took}</td>")?;
        }
        writeln!(out, "</tr>")?;
    }
    tags::end_table(out)
}

fn outages(out: &mut dyn Write, id: &str, cell: &CellRecord, room: &mut Room) -> io::Result<()> {
    let mut watched: Vec<_> = cell.timeline.iter().filter_map(Watched::of).collect();
    watched.sort_by_key(|one| one.arm);
    let whole = watched.iter().map(|one| one.seen.milliseconds).max().unwrap_or(0);
    let heads = ["Attempt", "What", "When", "Timeline"];
    let caption = &format!(
        "Services that could not be reached, from before the patch until after the restart; a timeline is {} long",
        words::duration(whole),
    );
    Table { id, caption, heads: &heads }.begin(out)?;
    watched.iter().try_for_each(|one| one.write(whole, out, room))?;
    tags::end_table(out)
}

/// What one attempt saw.
struct Watched<'a> {
    attempt: String,
    arm: Arm,
    seen: &'a Outages,
}

impl<'a> Watched<'a> {
    fn of(attempt: &'a AttemptRecord) -> Option<Self> {
        let seen = attempt.outages.as_ref()?;
        Some(Self { attempt: name(attempt), arm: attempt.arm, seen })
    }

    /// Its rows, with timelines of this length in milliseconds.
    fn write(&self, whole: u64, out: &mut dyn Write, room: &mut Room) -> io::Result<()> {
        self.steps(whole, out, room)?;
        self.seen.services.iter().try_for_each(|service| self.closed(service, whole, out, room))
    }

    /// The beginning of a row.
    fn head(&self) -> String {
        format!("<tr><th scope=\"row\" class=\"short\">{}</th>", self.attempt)
    }

    /// What was done meanwhile.
    fn steps(&self, whole: u64, out: &mut dyn Write, room: &mut Room) -> io::Result<()> {
        let text = |step: &Step| format!("{} {}", step.what, span(step.from, step.to));
        let text: Vec<String> = self.seen.steps.iter().map(text).collect();
        let Some(text) = room.line(&text.join("; ")) else { return Ok(()) };
        let watched = words::duration(self.seen.milliseconds);
        writeln!(out, "{}<td>steps in {watched}</td><td>{text}</td><td>", self.head())?;
        let times: Vec<(u64, u64)> = self.seen.steps.iter().map(|step| (step.from, step.to)).collect();
        self.bar(out, whole, &times, "step")?;
        writeln!(out, "</td></tr>")
    }

    /// When a service could not be reached.
    fn closed(&self, service: &Outage, whole: u64, out: &mut dyn Write, room: &mut Room) -> io::Result<()> {
        let text = |closed: &Closed| match closed.during.as_slice() {
            [] => format!("closed {}", span(closed.from, closed.to)),
            during => format!("closed {}, during {}", span(closed.from, closed.to), during.join(", ")),
        };
        let mut said: Vec<String> = service.closed.iter().map(text).collect();
        if said.is_empty() {
            said.push("never closed".to_owned());
        } else {
            said.push(format!("{} in all", words::duration(service.milliseconds())));
        }
        said.push(format!("restarted {}x", service.restarts));
        let what = format!("{} at {}", service.service, service.addresses.join(", "));
        let (Some(what), Some(said)) = (room.line(&what), room.line(&said.join("; "))) else { return Ok(()) };
        writeln!(out, "{}<td>{what}</td><td>{said}</td><td>", self.head())?;
        let times: Vec<(u64, u64)> = service.closed.iter().map(|closed| (closed.from, closed.to)).collect();
        self.bar(out, whole, &times, if self.arm == Arm::Patched { "bad" } else { "without" })?;
        writeln!(out, "</td></tr>")
    }

    /// Times on a bar as long as what it watched; the text beside it says the same.
    fn bar(&self, out: &mut dyn Write, whole: u64, times: &[(u64, u64)], class: &str) -> io::Result<()> {
        write!(out, "<svg viewBox=\"0 0 {WIDTH} 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">")?;
        let place = |time: u64| time.min(whole).saturating_mul(WIDTH).checked_div(whole).unwrap_or(0).min(WIDTH);
        for (from, to, class) in iter::once((0, self.seen.milliseconds, "watched"))
            .chain(times.iter().take(20).map(|(from, to)| (*from, *to, class)))
        {
            let (x, width) = (place(from), place(to).saturating_sub(place(from)).max(2));
            write!(out, "<rect class=\"{class}\" x=\"{x}\" y=\"0\" width=\"{width}\" height=\"10\"></rect>")?;
        }
        write!(out, "</svg>")
    }
}

fn name(attempt: &AttemptRecord) -> String {
    format!("{} {}", attempt.arm, attempt.number)
}

fn span(from: u64, to: u64) -> String {
    format!("from {} to {}", words::duration(from), words::duration(to))
}
