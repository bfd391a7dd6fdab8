//! The shape of a text: what is left when only its kinds of characters and its rough length count.

use std::fmt::Write as _;

/// What the `shape` rule compares: digits are `9`, words are `a`, everything else stands for itself; what repeats
/// stands once. The length follows as a band, each twice as wide as the one before.
#[must_use]
pub fn shape(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(line_shape).collect();
    lines.dedup();
    let mut shape = lines.join("\n");
    write!(shape, " ×{}", band(text.chars().count())).expect("writing to a string cannot fail");
    shape
}

fn line_shape(line: &str) -> String {
    let mut classes = String::new();
    for c in line.trim_end().chars() {
        let class = class_of(c);
        if !(matches!(class, '9' | 'a' | ' ') && classes.ends_with(class)) {
            classes.push(class);
        }
        // Words that follow each other count as one: how many there are is a matter of wording.
        if classes.ends_with("a a") {
            classes.truncate(classes.len() - 2);
        }
    }
    classes
}

fn class_of(c: char) -> char {
    match c {
        _ if c.is_numeric() => '9',
        _ if c.is_alphabetic() => 'a',
        _ if c.is_whitespace() => ' ',
        _ => c,
    }
}

fn band(length: usize) -> u32 {
    (length + 1).ilog2()
}
