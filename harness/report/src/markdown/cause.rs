//! One section per cause: what broke, since when, what proves it, how sure it is, what to do.

use patchbed_model::record::{Broke, CauseRecord, ScenarioRecord};
use similar::{ChangeTag, TextDiff};

use super::text::{self, code, prose};
use crate::telling::{self, Claim, Telling};
use crate::words;

/// How many readings, lines of evidence, and lines of each side of a reading are shown.
const BROKE: usize = 8;
const EVIDENCE: usize = 8;
const SIDE: usize = 3;
/// How long a value on one line may be.
const SHORT: usize = 80;

pub(super) fn block(telling: &Telling<'_>, scenario: &ScenarioRecord, cause: &CauseRecord) -> String {
    let glyph = words::glyph(cause.verdict, telling.look).0;
    let cells = words::count(cause.cells.len(), "cell");
    let (ids, place) = (code(&telling.ids(&cause.cells)), code(&scenario.id));
    let mut parts = vec![format!("\n### {glyph} {}\n\n{cells} of {place}: {ids}\n\n", prose(&cause.title))];
    parts.extend(broke(cause));
    parts.extend(telling.claims(scenario, cause).iter().map(|claim| sentence(telling, claim)));
    parts.extend(evidence(&cause.evidence));
    parts.extend(telling.advice(cause).iter().map(|claim| sentence(telling, claim)));
    parts.concat()
}

fn broke(cause: &CauseRecord) -> impl Iterator<Item = String> {
    let label = telling::broke(cause.verdict);
    let shown = cause.broke.iter().take(BROKE).map(move |broke| reading(label, broke));
    shown.chain(more(cause.broke.len(), BROKE))
}

/// How many readings are not shown.
pub(super) fn more(all: usize, shown: usize) -> Option<String> {
    (all > shown).then(|| format!("- … {} more\n", words::count(all - shown, "reading")))
}

/// A reading on one line where it is short, else with the lines that only one side has.
fn reading(label: &str, broke: &Broke) -> String {
    let (was, now) = (broke.was.as_deref().map(str::trim_end), broke.now.as_deref().map(str::trim_end));
    let key = code(broke.key.as_str());
    let long = |side: Option<&str>| side.is_some_and(|text| text.contains('\n') || text.chars().count() > SHORT);
    if !long(was) && !long(now) {
        let (was, now) = (was.map_or("not there".to_owned(), code), now.map_or("gone".to_owned(), code));
        return format!("- **{label}** {key}: {was} → {now}\n");
    }
    let whole = match (was.is_some(), now.is_some()) {
        (true, true) => "",
        (false, _) => ", new",
        (true, false) => ", gone",
    };
    format!("- **{label}** {key}{whole}\n{}", sides(was.unwrap_or_default(), now.unwrap_or_default()))
}

/// The lines that only one side has, of each side the first.
fn sides(was: &str, now: &str) -> String {
    let (was, now) = (words::lines(was), words::lines(now));
    let diff = TextDiff::from_slices(&was, &now);
    let mut shown: Vec<(&str, &str)> = Vec::new();
    let mut hidden = 0;
    for (tag, sign) in [(ChangeTag::Delete, "- "), (ChangeTag::Insert, "+ ")] {
        let lines: Vec<&str> =
            diff.iter_all_changes().filter(|change| change.tag() == tag).map(|change| change.value()).collect();
        shown.extend(lines.iter().take(SIDE).map(|line| (sign, *line)));
        hidden += lines.len().saturating_sub(SIDE);
    }
    let more = format!("… {} more", words::count(hidden, "line"));
    shown.extend((hidden > 0).then_some(("", more.as_str())));
    text::block(&shown)
}

fn sentence(telling: &Telling<'_>, claim: &Claim<'_>) -> String {
    match claim {
        Claim::Sentence(label, text, []) => format!("- **{label}** {}\n", prose(text)),
        Claim::Sentence(label, text, proof) => {
            format!("- **{label}** {} ({})\n", prose(text), code(&telling.ids(proof)))
        }
        Claim::Command(label, command) => format!("- **{label}** {}\n", code(command)),
    }
}

/// Lines that prove something, the first ones.
pub(super) fn evidence(lines: &[String]) -> Option<String> {
    let lines: Vec<&String> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
    let mut shown: Vec<(&str, &str)> = lines.iter().take(EVIDENCE).map(|line| ("| ", line.as_str())).collect();
    let more = format!("… {} more", words::count(lines.len().saturating_sub(EVIDENCE), "line"));
    shown.extend((lines.len() > EVIDENCE).then_some(("", more.as_str())));
    (!lines.is_empty()).then(|| format!("- **Evidence**\n{}", text::block(&shown)))
}
