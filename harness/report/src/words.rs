//! Words that every format and the progress share: durations, counts, names of cells, glyphs of verdicts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use patchbed_model::record::{CellRecord, ScenarioRecord, Since};
use patchbed_model::{CellId, Difference, Given, Record, Verdict};

use patchbed_model::text::shorten;

use crate::look::{Look, Tone};
use crate::safe;

/// How many bytes of each side are compared line by line.
const LONGEST_DIFF: usize = 64 << 10;

/// How many characters of a value are shown on one line.
const LONGEST_SIDE: usize = 80;

/// How long a known issue may stand when nobody says otherwise.
const KNOWN_FOR_DAYS: i64 = 60;

/// The last day of a known issue that begins on this day, when nobody says otherwise.
#[must_use]
pub fn known_until(day: Date) -> Date {
    day.saturating_add(KNOWN_FOR_DAYS.days())
}

/// A duration as people say it: `340 ms`, `1.2 s`, `1m 31s`, `2h 5m`.
#[must_use]
pub fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..59_950 => format!("{}.{} s", (milliseconds + 50) / 1000, (milliseconds + 50) % 1000 / 100),
        59_950..3_600_000 => {
            let seconds = (milliseconds + 500) / 1000;
            format!("{}m {:02}s", seconds / 60, seconds % 60)
        }
        _ => format!("{}h {:02}m", milliseconds / 3_600_000, milliseconds % 3_600_000 / 60_000),
    }
}

/// A number with its noun: `1 cell`, `4 cells`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if number == 1 => format!("1 {noun}"),
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{number} {stem}ies"),
        _ if noun.ends_with("ch") => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}

/// A time as people read it: `2026-11-23 10:00:00 UTC`.
#[must_use]
pub fn time(at: Timestamp) -> String {
    at.strftime("%F %T UTC").to_string()
}

/// A measured number with as many digits as say something: `0.042`, `12.35`, `104857600`.
#[must_use]
pub fn number(number: f64) -> String {
    let digits = match number.abs() {
        0.0..1.0 => 4,
        1.0..1_000.0 => 2,
        _ => 0,
    };
    let text = format!("{number:.digits$}");
    if digits > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A probability as it is written: `.998`.
#[must_use]
pub fn posterior(chance: f64) -> String {
    if chance >= 0.9995 { "over .999".to_owned() } else { format!("{chance:.3}").trim_start_matches('0').to_owned() }
}

/// Milliseconds from the start to the end of the run; `None` when it was cut off.
#[must_use]
pub fn elapsed(record: &Record) -> Option<u64> {
    let milliseconds = record.finished?.duration_since(record.started).as_millis();
    u64::try_from(milliseconds).ok()
}

/// The glyph and the tone of a verdict.
#[must_use]
pub const fn glyph(verdict: Verdict, look: &Look) -> (&'static str, Tone) {
    match verdict {
        Verdict::Same => (look.pick("✓", "="), Tone::Good),
        Verdict::Improved => (look.pick("↑", "^"), Tone::Good),
        Verdict::Regressed => (look.pick("✗", "x"), Tone::Bad),
        Verdict::Ineffective => (look.pick("∅", "0"), Tone::Bad),
        Verdict::Changed => ("~", Tone::Warn),
        Verdict::Unstable | Verdict::Inconclusive => ("?", Tone::Warn),
        Verdict::Skipped => ("-", Tone::Dim),
    }
}

/// What is in a cell: `april-2026 + bank-plugin`, the image before it where the scenario has several.
#[must_use]
pub fn cell_name(scenario: &ScenarioRecord, cell: &CellRecord, look: &Look) -> String {
    let names = |names: &[String], separator: &str| {
        names.iter().map(|name| safe::name(name, look)).collect::<Vec<_>>().join(separator)
    };
    let mut text = String::new();
    if scenario.cells.iter().any(|other| other.image != cell.image) {
        text.push_str(&safe::name(&cell.image, look));
        text.push_str(": ");
    }
    // Before the names, of which there may be more than fit on a line.
    match cell.given {
        Given::OneByOne => {}
        Given::Together => text.push_str("together: "),
        Given::CutOff => text.push_str("cut off: "),
    }
    text.push_str(&if cell.patches.is_empty() { "no patch".to_owned() } else { names(&cell.patches, ", ") });
    if !cell.software.is_empty() {
        text.push_str(" + ");
        text.push_str(&names(&cell.software, " + "));
    }
    text
}

/// For every cell the shortest beginning of its id, of at least four characters, that no other cell of the run has.
#[must_use]
pub fn short_ids(record: &Record) -> BTreeMap<CellId, String> {
    shortest(record.scenarios.iter().flat_map(|scenario| &scenario.cells).map(|cell| &cell.id))
}

/// For every id its shortest beginning, of at least four characters, that no other has.
#[must_use]
pub fn shortest<'a>(ids: impl IntoIterator<Item = &'a CellId>) -> BTreeMap<CellId, String> {
    let ids: BTreeSet<&CellId> = ids.into_iter().collect();
    let ids: Vec<&CellId> = ids.into_iter().collect();
    let shared = |a: &CellId, b: &CellId| a.0.chars().zip(b.0.chars()).take_while(|(a, b)| a == b).count();
    let mut short = BTreeMap::new();
    for (at, id) in ids.iter().enumerate() {
        let before = at.checked_sub(1).map_or(0, |before| shared(ids[before], id));
        let after = ids.get(at + 1).map_or(0, |after| shared(after, id));
        let length = (before.max(after) + 1).max(4);
        short.insert((*id).clone(), safe::line(&id.0.chars().take(length).collect::<String>()));
    }
    short
}

/// Since which patch, with the attempts that prove it.
#[must_use]
pub fn since(since: &Since) -> String {
    let ((seen, with), (before, without)) = (since.with, since.without);
    format!("patch {}: {seen} of {with} attempts with it, {before} of {without} without", since.patch)
}

/// A difference on one line: its glyph, its key, before and after.
#[must_use]
pub fn difference(difference: &Difference, look: &Look) -> String {
    let (glyph, tone) = glyph(difference.verdict, look);
    let short = |text: &Option<String>| text.as_deref().map(|text| shorten(text.trim_end(), LONGEST_SIDE));
    let (was, now) = (short(&difference.was), short(&difference.now));
    let (was, now) = (side(was.as_deref(), "not there", look), side(now.as_deref(), "gone", look));
    let key = safe::shown(difference.key.as_str(), look);
    format!("{} {key}: {was}{}{now}", look.paint(tone, glyph), look.pick(" → ", " -> "))
}

/// One side of a difference on one line. A text without anything in it is named, for nobody sees it.
#[must_use]
pub fn side(text: Option<&str>, none: &str, look: &Look) -> String {
    match text {
        None => none.to_owned(),
        Some("") => "empty".to_owned(),
        Some(text) => safe::shown(text, look),
    }
}

/// The lines that are compared, without their ends: a line is the same whether or not others follow it.
#[must_use]
pub fn lines(text: &str) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { bounded(text).split('\n').collect() }
}

/// The beginning of a text that is compared line by line: the time for that grows faster than the text.
#[must_use]
pub fn bounded(text: &str) -> &str {
    let end = text.len().min(LONGEST_DIFF);
    &text[..(0..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)]
}

/// How many cells are undecided.
#[must_use]
pub fn undecided(record: &Record) -> usize {
    record.counts.iter().filter(|(verdict, _)| verdict.undecided()).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_say_something() {
        let shown: Vec<String> = [0.0, 0.04217, -1.5, 12.3456, 999.999, 104_857_600.25].map(number).into();
        assert_eq!(shown, ["0", "0.0422", "-1.5", "12.35", "1000", "104857600"]);
    }

    #[test]
    fn a_number_has_its_noun() {
        let shown = ["cell", "entry", "day", "patch"].map(|noun| [count(1, noun), count(2, noun)].join(", "));
        assert_eq!(shown, ["1 cell, 2 cells", "1 entry, 2 entries", "1 day, 2 days", "1 patch, 2 patches"]);
    }

    #[test]
    fn durations_are_as_people_say_them() {
        let shown: Vec<String> =
            [0, 999, 1_000, 1_249, 59_949, 59_950, 91_000, 3_599_999, 7_500_000].map(duration).into();
        assert_eq!(shown, ["0 ms", "999 ms", "1.0 s", "1.2 s", "59.9 s", "1m 00s", "1m 31s", "60m 00s", "2h 05m"]);
    }
}
