//! Annotations of GitHub: one command for each cause, and for each reason without one, which points at the scenario's file.
//! What is undecided is a warning.

use std::io::{self, Write};

use patchbed_model::record::{Broke, CauseRecord, CellRecord, ScenarioRecord};
use patchbed_model::text::shorten;
use patchbed_model::{Record, Verdict};

use crate::format::Report;
use crate::look::Look;
use crate::telling::{self, Claim, Telling};
use crate::{safe, words};

/// How many annotations one step may show of a kind; of all kinds together no more are written.
const MOST: usize = 10;
/// How many readings and lines of evidence a message has, and how many characters a title and a line of a message.
const LINES: usize = 5;
const TITLE: usize = 200;
const LONGEST: usize = 400;
/// The line of a file in which nothing was found.
const FIRST: u32 = 1;

/// Writes commands that GitHub reads out of a step's log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Github;

/// What is shown beside a file, the gravest kind first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Error,
    Warning,
    Notice,
}

struct Annotation<'a> {
    level: Level,
    file: &'a str,
    line: u32,
    title: &'a str,
    lines: Vec<String>,
}

impl Report for Github {
    fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        let (look, short) = (Look::default(), words::short_ids(record));
        let telling = Telling { record, look: &look, short: &short };
        let mut all: Vec<Annotation<'_>> =
            record.scenarios.iter().flat_map(|scenario| annotations(&telling, scenario)).collect();
        all.sort_by_key(|annotation| annotation.level);
        let shown = if all.len() > MOST { MOST - 1 } else { all.len() };
        all[..shown].iter().try_for_each(|annotation| annotation.write(out))?;
        if shown < all.len() {
            writeln!(out, "::warning title=patchbed::{} more: `patchbed show` tells all", all.len() - shown)?;
        }
        writeln!(out, "patchbed: {}", telling.counts())
    }
}

impl Annotation<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        };
        let (file, title) = (property(&safe::line(self.file)), property(&shorten(&safe::line(self.title), TITLE)));
        let lines: Vec<String> = self.lines.iter().map(|line| data(&shorten(&safe::line(line), LONGEST))).collect();
        writeln!(out, "::{level} file={file},line={},title={title}::{}", self.line, lines.join("%0A"))
    }
}

fn annotations<'a>(telling: &Telling<'a>, scenario: &'a ScenarioRecord) -> Vec<Annotation<'a>> {
    let causes = scenario.causes.iter().map(|cause| of_cause(telling, scenario, cause));
    let others = telling::unexplained(scenario, |verdict| level(verdict) != Level::Notice).into_iter();
    causes.chain(others.map(|(reason, cells)| of_cells(telling, scenario, reason, &cells))).collect()
}

const fn level(verdict: Verdict) -> Level {
    match verdict {
        Verdict::Regressed | Verdict::Ineffective => Level::Error,
        Verdict::Changed | Verdict::Unstable | Verdict::Inconclusive => Level::Warning,
        Verdict::Same | Verdict::Improved | Verdict::Skipped => Level::Notice,
    }
}

fn of_cause<'a>(telling: &Telling<'a>, scenario: &'a ScenarioRecord, cause: &'a CauseRecord) -> Annotation<'a> {
    let mut lines = vec![format!("{} [{}]", words::count(cause.cells.len(), "cell"), telling.ids(&cause.cells))];
    lines.extend(cause.broke.iter().take(LINES).map(reading));
    lines.extend(telling.claims(scenario, cause).iter().map(said));
    lines.extend(cause.evidence.iter().take(LINES).map(|line| format!("Evidence: {line}")));
    lines.extend(telling.advice(cause).iter().map(said));
    let line = line(scenario, cause);
    Annotation { level: level(cause.verdict), file: &scenario.file, line, title: &cause.title, lines }
}

fn of_cells<'a>(
    telling: &Telling<'a>,
    scenario: &'a ScenarioRecord,
    reason: &'a str,
    cells: &[&CellRecord],
) -> Annotation<'a> {
    let (first, count) = (cells[0], words::count(cells.len(), "cell"));
    let lines = vec![format!("{count}: {}", first.verdict), format!("More: patchbed show {}", telling.id(&first.id))];
    let gravest = cells.iter().map(|cell| level(cell.verdict)).min().unwrap_or(Level::Notice);
    let named = || first.patches.iter().chain(&first.software);
    let line = named().find_map(|name| scenario.lines.get(name)).copied().unwrap_or(FIRST);
    Annotation { level: gravest, file: &scenario.file, line, title: reason, lines }
}

/// Where in the scenario's file the patch stands since which it is there, or else what shows it.
fn line(scenario: &ScenarioRecord, cause: &CauseRecord) -> u32 {
    let patch = cause.since.iter().map(|since| since.patch.as_str());
    let keys = cause.broke.iter().map(|broke| &broke.key);
    let shown = keys.flat_map(|key| key.as_str().splitn(3, '.').take(2));
    patch.chain(shown).find_map(|name| scenario.lines.get(name)).copied().unwrap_or(FIRST)
}

fn reading(broke: &Broke) -> String {
    let was = broke.was.as_deref().map_or("not there", str::trim_end);
    let now = broke.now.as_deref().map_or("gone", str::trim_end);
    format!("{}: {was} → {now}", broke.key)
}

fn said(claim: &Claim<'_>) -> String {
    match claim {
        Claim::Sentence(label, text, _) | Claim::Command(label, text) => format!("{label}: {text}"),
    }
}

/// Text in the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text in a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
