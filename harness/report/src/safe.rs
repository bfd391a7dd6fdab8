//! Hostile text made safe to show: what came from a sandbox, a file or a name may steer neither a terminal nor a
//! continuous integration engine that reads our output.

use patchbed_model::text;

use crate::look::{Glyphs, Look};

/// The text on one line: control characters, direction marks and engine commands made visible.
#[must_use]
pub fn line(text: &str) -> String {
    fence(&text::one_line(text))
}

/// The lines of the text, each safe.
#[must_use]
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(|part| line(part.trim_end())).collect()
}

/// The text on one line, and in ASCII where the look wants that.
#[must_use]
pub fn shown(text: &str, look: &Look) -> String {
    let text = line(text);
    match look.glyphs {
        Glyphs::Unicode => text,
        Glyphs::Ascii => ascii(&text),
    }
}

/// A name: as it is when it is made of ordinary characters, else shown in backticks.
#[must_use]
pub fn name(text: &str, look: &Look) -> String {
    let ordinary = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':');
    let begins = text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '/' | '_'));
    let text_shown = shown(text, look);
    if begins && text.chars().all(ordinary) { text_shown } else { format!("`{text_shown}`") }
}

/// Text that goes into XML: control characters visible, line feeds kept, nothing that XML 1.0 forbids.
#[must_use]
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text::visible(text).chars() {
        match c {
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Engines read commands out of a log: `::error::` where a line begins, `##[`, `##vso[` and `##teamcity[` anywhere.
fn fence(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut may_begin = true;
    for (at, c) in text.char_indices() {
        let rest = &text[at..];
        match c {
            ':' if may_begin && rest.starts_with("::") => out.push_str("\\x3a"),
            '#' if is_command(rest) => out.push_str("\\x23"),
            c => out.push(c),
        }
        may_begin = c.is_whitespace();
    }
    out
}

fn is_command(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix("##") else {
        return false;
    };
    rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('[')
}

fn ascii(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            '→' => out.push_str("->"),
            '…' => out.push_str("..."),
            c => write!(out, "\\u{{{:x}}}", c as u32).expect("writing to a string cannot fail"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_commands_are_fenced() {
        assert_eq!(line("::error file=x::injected"), "\\x3a:error file=x::injected");
        assert_eq!(line("  ::set-output"), "  \\x3a:set-output");
        assert_eq!(line("std::io"), "std::io");
        assert_eq!(line("a ##vso[task]"), "a \\x23#vso[task]");
        assert_eq!(line("## heading"), "## heading");
    }

    #[test]
    fn unusual_names_are_quoted() {
        let look = Look::default();
        assert_eq!(name("debian-12/web.yaml", &look), "debian-12/web.yaml");
        assert_eq!(name("ok 99 - forged", &look), "`ok 99 - forged`");
        assert_eq!(name("", &look), "``");
    }
}
