//! Lines of text in columns: width in cells of a terminal, wrapping, cutting.

use console::measure_text_width;

use crate::look::{Look, Tone};

/// A line that is put together from pieces, with its width.
pub(crate) struct Line<'a> {
    look: &'a Look,
    text: String,
    width: usize,
}

impl<'a> Line<'a> {
    pub(crate) fn new(look: &'a Look) -> Self {
        Self { look, text: String::new(), width: 0 }
    }

    /// Adds a piece.
    pub(crate) fn add(mut self, tone: Tone, text: &str) -> Self {
        self.width += measure_text_width(text);
        self.text.push_str(&self.look.paint(tone, text));
        self
    }

    /// Adds spaces up to a column.
    pub(crate) fn to(mut self, column: usize) -> Self {
        while self.width < column {
            self.text.push(' ');
            self.width += 1;
        }
        self
    }

    /// Adds a piece that ends at the right edge, where there is room; else after two spaces.
    pub(crate) fn right(self, tone: Tone, text: &str) -> Self {
        if text.is_empty() {
            return self;
        }
        let column = self.look.width.saturating_sub(measure_text_width(text)).max(self.width + 2);
        self.to(column).add(tone, text)
    }

    /// How many columns are used.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// How many columns are left, given that a piece of this width comes at the right edge.
    pub(crate) fn left(&self, right: usize) -> usize {
        self.look.width.saturating_sub(self.width + if right == 0 { 0 } else { right + 2 })
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// The text in lines of at most `width` columns, broken between words, or inside where a word is too long.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(10);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let wide = measure_text_width(word);
        if used > 0 && used + 1 + wide > width {
            lines.push(String::new());
            used = 0;
        } else if used > 0 {
            lines.last_mut().expect("there is always a line").push(' ');
            used += 1;
        }
        used = push_word(&mut lines, word, wide, used, width);
    }
    lines.iter().map(|line| crate::safe::line(line)).collect()
}

/// The text in pieces of at most `width` columns, with every space where it was.
pub(crate) fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    push_word(&mut lines, text, measure_text_width(text), 0, width.max(10));
    lines.iter().map(|line| crate::safe::line(line)).collect()
}

fn push_word(lines: &mut Vec<String>, word: &str, wide: usize, used: usize, width: usize) -> usize {
    if used + wide <= width {
        lines.last_mut().expect("there is always a line").push_str(word);
        return used + wide;
    }
    let mut used = used;
    for c in word.chars() {
        let wide = measure_text_width(c.encode_utf8(&mut [0; 4]));
        if used + wide > width {
            lines.push(String::new());
            used = 0;
        }
        lines.last_mut().expect("there is always a line").push(c);
        used += wide;
    }
    used
}

/// The text cut to `width` columns, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, width: usize, look: &Look) -> String {
    console::truncate_str(text, width.max(4), look.pick("…", "...")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_broken_and_nothing_is_lost() {
        let lines = wrap("one two 0123456789abcdef three", 10);
        assert_eq!(lines, ["one two", "0123456789", "abcdef", "three"]);
    }

    #[test]
    fn a_broken_word_does_not_begin_an_engine_command() {
        let lines = wrap("0123456789::error", 10);
        assert_eq!(lines, ["0123456789", "\\x3a:error"]);
    }
}
