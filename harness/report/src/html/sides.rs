//! Before and after side by side: short values in one table, longer texts line by line in one each.

use std::io::{self, Write};

use patchbed_model::record::Broke;
use patchbed_model::{Difference, Key, Verdict};
use similar::{DiffOp, DiffTag};

use super::room::Room;
use super::tags::{self, Table};
use crate::words;

/// How many equal lines stand around those that differ.
const AROUND: usize = 3;
/// What stands above both sides.
const SIDES: [&str; 2] = ["Without the patch", "With the patch"];
/// What stands there when the patch was taken back.
const BACK: [&str; 2] = ["Before the patch", "After it was taken back"];

/// One reading with its two sides.
pub(super) struct Pair<'a> {
    key: &'a Key,
    was: Option<&'a str>,
    now: Option<&'a str>,
    verdict: Verdict,
    note: String,
    evidence: &'a [String],
}

impl<'a> From<&'a Difference> for Pair<'a> {
    fn from(difference: &'a Difference) -> Self {
        let (seen, of) = difference.seen;
        let silenced = difference.silenced.as_ref().map(|why| format!(", silent because {why}")).unwrap_or_default();
        Self {
            key: &difference.key,
            was: difference.was.as_deref(),
            now: difference.now.as_deref(),
            verdict: difference.verdict,
            note: format!(", in {seen} of {of} attempts{silenced}"),
            evidence: &difference.evidence,
        }
    }
}

impl<'a> Pair<'a> {
    /// What broke, as a cause says it.
    pub(super) fn broke(broke: &'a Broke, verdict: Verdict) -> Self {
        let (was, now) = (broke.was.as_deref(), broke.now.as_deref());
        Self { key: &broke.key, was, now, verdict, note: String::new(), evidence: &[] }
    }

    fn long(&self) -> bool {
        [self.was, self.now].into_iter().flatten().any(|text| text.trim_end().contains('\n'))
    }
}

/// Writes the pairs as far as there is room. The id is the beginning of the ids of the tables.
pub(super) fn write(
    out: &mut dyn Write,
    (id, caption): (&str, &str),
    pairs: &[Pair<'_>],
    room: &mut Room,
) -> io::Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let [was, now] = heads(pairs);
    let table = Table { id, caption, heads: &["Reading", was, now, "Means"] };
    writeln!(out, "<div class=\"sides\">")?;
    table.begin(out)?;
    pairs.iter().try_for_each(|pair| row(out, pair, room))?;
    tags::end_table(out)?;
    for (at, pair) in pairs.iter().enumerate().filter(|(_, pair)| pair.long()) {
        lines(out, &format!("{id}-{at}"), pair, room)?;
    }
    writeln!(out, "</div>")
}

/// What stands above the sides of these pairs.
fn heads(pairs: &[Pair<'_>]) -> [&'static str; 2] {
    if pairs.iter().all(|pair| pair.key.subject() == "reverted") { BACK } else { SIDES }
}

fn row(out: &mut dyn Write, pair: &Pair<'_>, room: &mut Room) -> io::Result<()> {
    let Some(key) = room.line(pair.key.as_str()) else { return Ok(()) };
    let Some(note) = room.line(&pair.note) else { return Ok(()) };
    let mut side = |text: Option<&str>, none: &str| match text {
        None => none.to_owned(),
        Some("") => "empty".to_owned(),
        Some(text) if pair.long() => format!("{}, below", words::count(words::lines(text.trim_end()).len(), "line")),
        Some(text) => room.line(text).unwrap_or_else(|| "…".to_owned()),
    };
    let (was, now) = (side(pair.was, "not there"), side(pair.now, "gone"));
    writeln!(out, "<tr><th scope=\"row\">{key}</th><td>{was}</td>")?;
    let worse = if pair.verdict == Verdict::Regressed { " class=\"bad\"" } else { "" };
    writeln!(out, "<td{worse}>{now}</td><td>{}{note}</td></tr>", tags::verdict(pair.verdict))?;
    for line in pair.evidence.iter().flat_map(|text| text.lines()).filter(|line| !line.trim().is_empty()) {
        let Some(line) = room.line(line) else { break };
        writeln!(out, "<tr><td colspan=\"4\">| {line}</td></tr>")?;
    }
    Ok(())
}

/// Both sides line by line, with some equal lines around what differs.
fn lines(out: &mut dyn Write, id: &str, pair: &Pair<'_>, room: &mut Room) -> io::Result<()> {
    let Some(key) = room.line(pair.key.as_str()) else { return Ok(()) };
    let table = Table { id, caption: &format!("{key}, line by line"), heads: &heads(std::slice::from_ref(pair)) };
    table.begin(out)?;
    let side = |text: Option<&'_ str>| words::bounded(text.unwrap_or_default().trim_end()).to_owned();
    let (was, now) = (side(pair.was), side(pair.now));
    let (was, now) = (words::lines(&was), words::lines(&now));
    let diff = similar::TextDiff::from_slices(&was, &now);
    for (at, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if at > 0 {
            writeln!(out, "<tr><td colspan=\"2\">…</td></tr>")?;
        }
        for both in group.iter().flat_map(|operation| aligned(operation, &was, &now)) {
            let Some(row) = both.row(room) else { return tags::end_table(out) };
            writeln!(out, "{row}")?;
        }
    }
    tags::end_table(out)
}

/// A line of each side that stand next to each other.
struct Both<'a> {
    was: Option<&'a str>,
    now: Option<&'a str>,
    equal: bool,
}

/// The lines of one operation of a diff, next to each other.
fn aligned<'a>(operation: &DiffOp, was: &'a [&'a str], now: &'a [&'a str]) -> impl Iterator<Item = Both<'a>> {
    let (was, now) = (&was[operation.old_range()], &now[operation.new_range()]);
    let equal = operation.tag() == DiffTag::Equal;
    let both = move |at| Both { was: was.get(at).copied(), now: now.get(at).copied(), equal };
    (0..was.len().max(now.len())).map(both)
}

impl Both<'_> {
    /// Its row, while there is room. What differs has a sign, for colour alone says nothing.
    fn row(&self, room: &mut Room) -> Option<String> {
        let mut side = |line: Option<&str>, tag: &str, sign: &str| match line {
            None => Some(String::new()),
            Some(line) if self.equal => room.line(line).map(|line| format!("  {line}")),
            Some(line) => room.line(line).map(|line| format!("<{tag}>{sign} {line}</{tag}>")),
        };
        let (was, now) = (side(self.was, "del", "-")?, side(self.now, "ins", "+")?);
        Some(format!("<tr><td>{was}</td><td>{now}</td></tr>"))
    }
}
