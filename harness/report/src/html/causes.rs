//! The causes: what broke, since when, what proves it, how sure it is, what to do.

use std::io::{self, Write};

use patchbed_model::record::{Broke, CauseRecord, ScenarioRecord};
use patchbed_model::{CellId, Verdict};

use super::page::Page;
use super::repeat;
use super::sides::{self, Pair};
use super::tags;
use crate::telling::Claim;
use crate::words;

/// How many causes are shown; a run that has more is broken as a whole.
pub(super) const CAUSES: usize = 30;
/// How many cells are named as a proof.
const PROOF: usize = 12;

pub(super) fn write(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section aria-labelledby=\"causes\">\n<h2 id=\"causes\">Causes</h2>")?;
    let all: Vec<_> = page.record.scenarios.iter().flat_map(with_scenario).collect();
    if all.is_empty() {
        writeln!(out, "<p>None was found.</p>")?;
    }
    for (at, (scenario, cause)) in all.iter().take(CAUSES).enumerate() {
        one(page, &format!("cause-{at}"), (scenario, cause), out)?;
    }
    if all.len() > CAUSES {
        let more = words::count(all.len() - CAUSES, "more cause");
        writeln!(out, "<p>… {more}: <code>patchbed show</code></p>")?;
    }
    writeln!(out, "</section>")
}

fn with_scenario(scenario: &ScenarioRecord) -> impl Iterator<Item = (&ScenarioRecord, &CauseRecord)> {
    scenario.causes.iter().map(move |cause| (scenario, cause))
}

fn one(
    page: &Page<'_>,
    id: &str,
    (scenario, cause): (&ScenarioRecord, &CauseRecord),
    out: &mut dyn Write,
) -> io::Result<()> {
    let room = &mut page.room();
    let title = room.line(&cause.title).unwrap_or_default();
    writeln!(out, "<article class=\"{}\" aria-labelledby=\"{id}\">", tags::class(cause.verdict))?;
    writeln!(out, "<h3 id=\"{id}\">{}: {title}</h3>", tags::verdict(cause.verdict))?;
    let cells = words::count(cause.cells.len(), "cell");
    writeln!(out, "<p>{}: {cells}{}</p>", tags::text(&scenario.id), proof(page, &cause.cells))?;
    let pair = |broke| Pair::broke(broke, meaning(scenario, cause, broke));
    let pairs: Vec<Pair<'_>> = cause.broke.iter().map(pair).collect();
    sides::write(out, (&format!("{id}-broke"), "What differs"), &pairs, room)?;
    writeln!(out, "<dl>")?;
    claims(page, &page.telling().claims(scenario, cause), out)?;
    tags::evidence(out, &cause.evidence, room)?;
    claims(page, &page.telling().advice(cause), out)?;
    cause.cells.first().map_or(Ok(()), |cell| repeat::cell(page, scenario, cell, out))?;
    if let Some(cell) = cause.cells.first().filter(|_| room.refused()) {
        let more = format!("<code>patchbed show {} --diff</code>", tags::escape(&page.id(cell)));
        tags::entry(out, "The rest", &more)?;
    }
    writeln!(out, "</dl>\n</article>")
}

/// What a reading of a cause means by itself: with one that is worse there may be others that only changed.
fn meaning(scenario: &ScenarioRecord, cause: &CauseRecord, broke: &Broke) -> Verdict {
    let cells = scenario.cells.iter().filter(|cell| cause.cells.contains(&cell.id));
    let mut differences = cells.flat_map(|cell| &cell.differences);
    differences.find(|difference| difference.key == broke.key).map_or(cause.verdict, |difference| difference.verdict)
}

fn claims(page: &Page<'_>, claims: &[Claim<'_>], out: &mut dyn Write) -> io::Result<()> {
    claims.iter().try_for_each(|claim| match claim {
        Claim::Sentence(label, text, cells) => {
            tags::entry(out, label, &format!("{}{}", tags::escape(text), proof(page, cells)))
        }
        Claim::Command(label, text) => tags::entry(out, label, &format!("<code>{}</code>", tags::escape(text))),
    })
}

/// The cells that prove something, in brackets.
fn proof(page: &Page<'_>, cells: &[CellId]) -> String {
    if cells.is_empty() {
        return String::new();
    }
    let mut links: Vec<String> = cells.iter().take(PROOF).map(|cell| page.link(cell)).collect();
    if cells.len() > PROOF {
        links.push(format!("+{}", cells.len() - PROOF));
    }
    format!(" [{}]", links.join(" "))
}
