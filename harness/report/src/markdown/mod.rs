//! Markdown for comments on changes and for summaries of pipelines: the counts, the causes, and then the cells. What is
//! undecided is always told, and so is how much is left out.

mod cause;
mod cells;
mod page;
mod text;
mod undecided;

use std::cmp::Reverse;
use std::io::{self, Write};

use patchbed_model::Record;
use patchbed_model::record::{CauseRecord, ScenarioRecord};

use crate::format::Report;
use crate::look::Look;
use crate::telling::Telling;
use crate::words;

use page::Page;
use text::{code, prose};

/// Writes Markdown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Markdown;

impl Report for Markdown {
    fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        let (look, short) = (Look::default(), words::short_ids(record));
        let telling = Telling { record, look: &look, short: &short };
        let mut page = Page::new(headline(&telling));
        for (at, note) in record.notes.iter().enumerate() {
            page.add(1, "note", &format!("{}- **Note** {}\n", if at == 0 { "\n" } else { "" }, prose(note)));
        }
        for (scenario, cause) in causes(record) {
            page.add(1, "cause", &cause::block(&telling, scenario, cause));
        }
        for scenario in &record.scenarios {
            undecided::write(&telling, scenario, &mut page);
        }
        record.scenarios.iter().for_each(|scenario| cells::write(&telling, scenario, &mut page));
        out.write_all(page.finish().as_bytes())
    }
}

/// All causes, the gravest first: they are not those that are left out.
fn causes(record: &Record) -> Vec<(&ScenarioRecord, &CauseRecord)> {
    let mut all: Vec<_> = record
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.causes.iter().map(move |cause| (scenario, cause)))
        .collect();
    all.sort_by_key(|(_, cause)| Reverse(cause.verdict));
    all
}

/// The verdict with its counts, and of which run it is.
fn headline(telling: &Telling<'_>) -> String {
    let record = telling.record;
    let glyph = words::glyph(record.verdict, telling.look).0;
    let elapsed = words::elapsed(record).map_or("cut off before its end".to_owned(), words::duration);
    let (run, version) = (code(&record.run.0), code(&record.version));
    let run = format!("Run {run}, patchbed {version}, {elapsed}, exit {}", record.exit);
    format!("## {glyph} {}\n\n{run}\n", telling.counts())
}
