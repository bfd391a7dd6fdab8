//! Text that came from inside a sandbox is hostile. Everything shown to a person passes through here.

use std::fmt::Write as _;

/// The text with control characters, terminal sequences and direction marks made visible. Line feeds and tabs stay.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if is_unsafe(c) => {
                if (c as u32) < 0x100 {
                    write!(out, "\\x{:02x}", c as u32).expect("writing to a string cannot fail");
                } else {
                    write!(out, "\\u{{{:x}}}", c as u32).expect("writing to a string cannot fail");
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// As [`visible`], and line feeds and tabs too: for text that must stay on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// The first line that says something, with `…` when more lines follow.
#[must_use]
pub fn first_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { format!("{first} …") } else { first.to_owned() }
}

/// At most `limit` characters of the text, with the number of those cut.
#[must_use]
pub fn shorten(text: &str, limit: usize) -> String {
    let count = text.chars().count();
    if count <= limit {
        return text.to_owned();
    }
    let head: String = text.chars().take(limit).collect();
    format!("{head}… ({} more)", count - limit)
}

/// The last `count` non-empty lines, each made visible and shortened.
#[must_use]
pub fn last_lines(text: &str, count: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| shorten(&visible(line), 300)).collect()
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Of `candidates`, the one nearest to `word`, when it is near enough to be what was meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(64).collect();
    candidates
        .into_iter()
        .map(|candidate| (edits(&word, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= 1 + candidate.chars().count().min(word.len()) / 4)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// The number of insertions, removals, replacements and swaps of neighbours between two words
/// (optimal string alignment distance).
fn edits(word: &[char], other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in word.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut best = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && word[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_sequences_are_shown_not_sent() {
        assert_eq!(visible("a\u{1b}[31mb\r\u{202e}"), "a\\x1b[31mb\\x0d\\u{202e}");
        assert_eq!(one_line("a\nb"), "a\\nb");
    }

    #[test]
    fn of_several_lines_the_first_one_with_words_stands_for_all() {
        let shown = ["", "a", " a \n", "\n\na\nb", "a\n\n \nb"].map(first_line);
        assert_eq!(shown, ["", "a", "a", "a …", "a …"]);
    }

    #[test]
    fn a_slip_of_two_letters_is_recognised() {
        assert_eq!(nearest("tiemout", ["within", "timeout", "time"]), Some("timeout"));
        assert_eq!(nearest("wbe", ["web", "shop"]), Some("web"));
        assert_eq!(nearest("xyzzy", ["web", "shop"]), None);
    }
}
