//! Hostile text in Markdown. Words of letters and digits stand as they are; all else stands in code, where no reader
//! finds markup, links, names of people or numbers of issues.

use patchbed_model::text::shorten;

use crate::safe;

/// How many characters of one text are shown.
const LONGEST: usize = 400;

/// What may stand behind a word.
const MARKS: [char; 6] = [',', ';', ':', '.', ')', '…'];

/// A sentence of any origin on one line.
pub(super) fn prose(text: &str) -> String {
    let text = shorten(&safe::line(text), LONGEST);
    let pieces: Vec<&str> = text.split(' ').filter(|piece| !piece.is_empty()).collect();
    let (mut words, mut at) = (Vec::new(), 0);
    while at < pieces.len() {
        let end = at + quoted(&pieces[at..]);
        words.push(word(&pieces[at..=end].join(" ")));
        at = end + 1;
    }
    words.join(" ")
}

/// How many further pieces belong to the first one because a pair of backticks holds them together.
fn quoted(pieces: &[&str]) -> usize {
    let begins = pieces[0].trim_start_matches('(').strip_prefix('`');
    if begins.is_none_or(|rest| rest.contains('`')) {
        return 0;
    }
    let next = pieces.iter().skip(1).position(|piece| piece.contains('`'));
    let ends = |at: &usize| {
        let piece = pieces[at + 1].trim_end_matches(MARKS);
        piece.ends_with('`') && longest_run(piece) == 1 && piece.matches('`').count() == 1
    };
    next.filter(ends).map_or(0, |at| at + 1)
}

/// A text of any origin on one line, as code.
pub(super) fn code(text: &str) -> String {
    let text = shorten(&safe::line(text), LONGEST);
    let ticks = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    if text.is_empty() { "empty".to_owned() } else { format!("{ticks}{pad}{text}{pad}{ticks}") }
}

/// Lines of any origin as a block of code, each after a sign; the block stands below an item of a list.
pub(super) fn block(lines: &[(&str, &str)]) -> String {
    let lines: Vec<String> =
        lines.iter().map(|(sign, line)| format!("{sign}{}", shorten(&safe::line(line.trim_end()), LONGEST))).collect();
    let ticks = "`".repeat(lines.iter().map(|line| longest_run(line)).max().unwrap_or(0).max(2) + 1);
    format!("  {ticks}text\n  {}\n  {ticks}\n", lines.join("\n  "))
}

/// What stands in a row of a table: there a bar ends a cell, in code too.
pub(super) fn in_table(text: &str) -> String {
    text.replace('|', "\\x7c")
}

/// A word with the marks around it outside of the code. What stands between backticks already keeps its own.
fn word(word: &str) -> String {
    if matches!(word, "+" | "→" | "…" | "%") {
        return word.to_owned();
    }
    let inner = word.trim_start_matches('(');
    let core = inner.trim_end_matches(MARKS);
    if core.is_empty() {
        return code(word);
    }
    let (begin, end) = (&word[..word.len() - inner.len()], &inner[core.len()..]);
    let quoted = core.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    match quoted.filter(|inside| !inside.is_empty() && !inside.contains('`')) {
        Some(inside) => format!("{begin}{}{end}", code(inside)),
        None if is_plain(core) => word.to_owned(),
        None => format!("{begin}{}{end}", code(core)),
    }
}

/// Whether it is a number or made of letters and digits, and no reader takes it for the id of a commit.
fn is_plain(word: &str) -> bool {
    let number = word.chars().all(|c| c.is_ascii_digit() || c == '.') && word.contains(|c: char| c.is_ascii_digit());
    let id = word.len() >= 7 && word.chars().all(|c| c.is_ascii_hexdigit());
    number || (!id && word.chars().all(char::is_alphanumeric))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plain_word_stands_in_code() {
        assert_eq!(
            prose("patch libssl3-update: 3 of 3 (so far), a + b"),
            "patch `libssl3-update`: 3 of 3 (so far), a + b"
        );
        assert_eq!(prose("@root fixes #1 and www.example.org <b>"), "`@root` fixes `#1` and `www.example.org` `<b>`");
        assert_eq!(prose("`lists 2.0`, (`a b`) 0.4 % `open"), "`lists 2.0`, (`a b`) 0.4 % `` `open ``");
        assert_eq!(prose("``` ... 1. `x`"), "```` ``` ```` `...` 1. `x`");
        assert_eq!(prose("1.4 s .998 `a`b` 0123abc9"), "1.4 s .998 `` `a`b` `` `0123abc9`");
    }

    #[test]
    fn a_block_is_not_closed_from_inside() {
        assert_eq!(block(&[("+ ", "````"), ("- ", "x")]), "  `````text\n  + ````\n  - x\n  `````\n");
    }
}
