//! The few building stones of the page: text that is safe in it, tables that can be scrolled, the policy of its head.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbed_model::record::CellRecord;
use patchbed_model::text::shorten;
use patchbed_model::{Given, Verdict};
use sha2::{Digest as _, Sha256};

use super::room::Room;
use crate::look::{Look, Tone};
use crate::{safe, words};

/// How many characters of a name are shown.
const NAME: usize = 80;
/// How many names of a list are shown.
const NAMES: usize = 4;

/// The only style of the page.
pub(super) const STYLE: &str = include_str!("style.css");

/// Text on one line that no reader of HTML or XML takes for anything else.
pub(super) fn text(text: &str) -> String {
    escape(&safe::shown(text, &Look::default()))
}

/// Own text, or text that is on one line already.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in safe::xml(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A name, safe; of a very long one the beginning.
pub(super) fn name(name: &str) -> String {
    escape(&safe::name(&shorten(name, NAME), &Look::default()))
}

/// Several names, each safe; of many the first.
pub(super) fn names(all: &[String], none: &str) -> String {
    let mut names: Vec<String> = all.iter().take(NAMES).map(|one| name(one)).collect();
    if all.len() > NAMES {
        names.push(format!("{} more", all.len() - NAMES));
    }
    if names.is_empty() { none.to_owned() } else { names.join(", ") }
}

/// Patches, and how they are given where that is not the usual way.
pub(super) fn patches(patches: &[String], given: Given) -> String {
    let how = if given.is_usual() { String::new() } else { format!(", {}", given.text()) };
    format!("{}{how}", names(patches, "no patch"))
}

/// Lines that prove something, as an entry of a list of labels.
pub(super) fn evidence(out: &mut dyn Write, lines: &[String], room: &mut Room) -> io::Result<()> {
    let lines = lines.iter().flat_map(|text| text.lines()).filter(|line| !line.trim().is_empty());
    let lines: Vec<String> = lines.map_while(|line| room.line(line)).collect();
    if lines.is_empty() { Ok(()) } else { entry(out, "Evidence", &format!("<pre>{}</pre>", lines.join("\n"))) }
}

/// What the page may load: nothing; and how it may look: as its one style says.
pub(super) fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

/// The class that colours a verdict; its glyph and its word stand beside the colour.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match words::glyph(verdict, &Look::default()).1 {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Warn => "warn",
        Tone::Dim | Tone::Plain | Tone::Strong => "dim",
    }
}

/// A verdict as its glyph and its word. The glyph is not read aloud: the word says the same.
pub(super) fn verdict(verdict: Verdict) -> String {
    let glyph = words::glyph(verdict, &Look::default()).0;
    format!("<span class=\"{}\"><span aria-hidden=\"true\">{glyph}</span> {verdict}</span>", class(verdict))
}

/// The verdict of a cell, and whether it was ill before.
pub(super) fn verdict_of(cell: &CellRecord) -> String {
    format!("{}{}", verdict(cell.verdict), if cell.broken_before { " (broken before)" } else { "" })
}

/// A table before its rows. All of it is safe text.
pub(super) struct Table<'a> {
    /// What it is called inside the page.
    pub(super) id: &'a str,
    /// What stands above it.
    pub(super) caption: &'a str,
    /// What stands above its columns.
    pub(super) heads: &'a [&'a str],
}

impl Table<'_> {
    /// Begins it. It scrolls by itself where the window is narrow, by keyboard too.
    pub(super) fn begin(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { id, caption, heads } = self;
        writeln!(out, "<div class=\"wide\" role=\"group\" tabindex=\"0\" aria-labelledby=\"{id}\">")?;
        writeln!(out, "<table><caption id=\"{id}\">{caption}</caption>\n<thead><tr>")?;
        heads.iter().try_for_each(|head| writeln!(out, "<th scope=\"col\">{head}</th>"))?;
        writeln!(out, "</tr></thead><tbody>")
    }
}

/// Ends a table.
pub(super) fn end_table(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "</tbody></table></div>")
}

/// An entry of a list of labels; label and value are safe.
pub(super) fn entry(out: &mut dyn Write, label: &str, value: &str) -> io::Result<()> {
    writeln!(out, "<dt>{label}</dt><dd>{value}</dd>")
}

/// A name in a command: as [`word`], and never one that a command would take for a flag.
pub(super) fn argument(name: &str) -> Option<String> {
    word(name).filter(|_| !name.starts_with('-'))
}

/// A word of a command, quoted for a shell where it must be; `None` where it holds what cannot be shown and copied.
pub(super) fn word(word: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '=' | '+' | ',');
    if safe::line(word) != word || word.is_empty() {
        return None;
    }
    Some(if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_commands_are_quoted_or_left_out() {
        assert_eq!(argument("scenarios/a.yaml").as_deref(), Some("scenarios/a.yaml"));
        assert_eq!(argument("a b;$(c)'d").as_deref(), Some("'a b;$(c)'\\''d'"));
        assert_eq!(["", "--out=x", "a\nb", "\u{1b}[2J"].map(argument), [None, None, None, None]);
    }

    #[test]
    fn text_is_only_text() {
        assert_eq!(text("<b a=\"1\">&'\n\u{202e}"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;\\n\\u{202e}");
    }
}
