//! Diagnostics as text: what is wrong, where in the file, and what to do.
//!
//! File names, messages and the lines of the file are hostile text: they are made visible before they are drawn.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Origin, Renderer, Snippet};
use patchbed_model::{Diagnostic, Label, Severity};

use crate::look::{Colour, Look};
use crate::safe;

/// How many characters of a line are shown before and after the place; the rest of a long line says nothing.
const BEFORE: usize = 60;
const AFTER: usize = 140;

/// A label farther away is told in words: nobody reads a thousand folded lines.
const FARTHEST: usize = 5000;

/// All `diagnostics` with the lines of their files, which are looked up in `sources` by name.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &BTreeMap<String, String>, look: &Look) -> String {
    let renderer = if look.colour == Colour::Always { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(look.width.clamp(40, 500)).decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(&one(diagnostic, sources.get(&diagnostic.file), look, &renderer));
        out.push('\n');
    }
    out
}

fn one(diagnostic: &Diagnostic, source: Option<&String>, look: &Look, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let file = safe::shown(&diagnostic.file, look);
    let title = level.primary_title(safe::shown(&diagnostic.message, look)).id(diagnostic.code.as_str());
    let mut help: Vec<String> = diagnostic.help.iter().map(|text| safe::shown(text, look)).collect();
    let Some((first, source)) = diagnostic.labels.first().zip(source) else {
        let place = title.element(Origin::path(file)).elements(helps(&help));
        return renderer.render(&[place]);
    };
    let (near, far): (Vec<&Label>, Vec<&Label>) =
        diagnostic.labels.iter().partition(|label| label.line.abs_diff(first.line) <= FARTHEST);
    for label in far {
        let mut text = String::new();
        let _ = write!(text, "{}: line {}, column {}", safe::shown(&label.text, look), label.line, label.column);
        help.push(text);
    }
    let excerpt = Excerpt::of(source, &near, look);
    let snippet = Snippet::source(excerpt.text.as_str()).line_start(excerpt.line).path(file.as_str());
    let snippet = snippet.annotations(excerpt.annotations);
    let text = renderer.render(&[title.element(snippet).elements(helps(&help))]);
    with_place(&text, &file, excerpt.column, first)
}

/// The text with the column in the file where the renderer put the one in the excerpt, which may be cut.
fn with_place(text: &str, file: &str, column: usize, first: &Label) -> String {
    let Some((title, rest)) = text.split_once('\n').filter(|_| column != first.column) else {
        return text.to_owned();
    };
    let (drawn, wanted) =
        (format!("{file}:{}:{column}", first.line), format!("{file}:{}:{}", first.line, first.column));
    format!("{title}\n{}", rest.replacen(&drawn, &wanted, 1))
}

fn helps(help: &[String]) -> impl Iterator<Item = Element<'_>> {
    help.iter().map(|text| Level::HELP.message(text.as_str()).into())
}

/// The lines of a file that are shown, safe and cut to what is near the labels.
struct Excerpt {
    /// The number of the first line.
    line: usize,
    /// The column of the first label, in characters of the excerpt.
    column: usize,
    text: String,
    annotations: Vec<Annotation<'static>>,
}

impl Excerpt {
    fn of(source: &str, labels: &[&Label], look: &Look) -> Self {
        let first = labels.iter().map(|label| label.line).min().unwrap_or(1);
        let last = labels.iter().map(|label| label.line).max().unwrap_or(first);
        let mut excerpt = Self { line: first, column: 1, text: String::new(), annotations: Vec::new() };
        let lines = source.split_inclusive('\n').enumerate().map(|(index, line)| (index + 1, line));
        let mut start = 0;
        for (number, whole) in lines.take(last) {
            let line = Line { at: start, text: whole.trim_end_matches(['\n', '\r']) };
            start += whole.len();
            if number >= first {
                let here: Vec<(usize, &&Label)> =
                    labels.iter().enumerate().filter(|(_, label)| label.line == number).collect();
                excerpt.add(&line, &here, look);
            }
        }
        excerpt
    }

    /// Adds one line, with the annotations of the labels that stand on it. The first label of all is the place itself.
    fn add(&mut self, line: &Line<'_>, labels: &[(usize, &&Label)], look: &Look) {
        let begin = labels.iter().map(|(_, label)| label.start.saturating_sub(line.at)).min().unwrap_or(0);
        let text = line.text;
        let begin = text.floor_char_boundary(begin);
        let cut = text[..begin].char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
        let mut shown = Shown { offset: self.text.len(), out: String::new(), map: Vec::new() };
        if cut > 0 {
            shown.out.push_str("… ");
        }
        let end = text[cut..].char_indices().nth(BEFORE + AFTER).map_or(text.len(), |(at, _)| cut + at);
        for (at, c) in text[cut..end].char_indices() {
            shown.map.push((cut + at, shown.out.len()));
            // A tab stays: it is drawn as spaces.
            if c == '\t' { shown.out.push(c) } else { shown.out.push_str(&safe::shown(&c.to_string(), look)) }
        }
        shown.map.push((end, shown.out.len()));
        if end < text.len() {
            shown.out.push_str(" …");
        }
        for (index, label) in labels {
            let kind = if *index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let (start, end) = (label.start.saturating_sub(line.at), label.end.saturating_sub(line.at));
            let range = shown.place(start)..shown.place(end.max(start));
            if *index == 0 {
                self.column = shown.out[..range.start - shown.offset].chars().count() + 1;
            }
            let annotation = kind.span(range);
            let says = safe::shown(&label.text, look);
            self.annotations.push(if says.is_empty() { annotation } else { annotation.label(says) });
        }
        self.text.push_str(&shown.out);
        self.text.push('\n');
    }
}

/// A line of the file.
struct Line<'a> {
    /// Its first byte in the file.
    at: usize,
    text: &'a str,
}

/// A line as it is shown.
struct Shown {
    /// Where it begins in the excerpt.
    offset: usize,
    out: String,
    /// Bytes of the file's line and where they are in `out`.
    map: Vec<(usize, usize)>,
}

impl Shown {
    /// Where the byte `at` of the line stands in the excerpt.
    fn place(&self, at: usize) -> usize {
        let index = self.map.partition_point(|(byte, _)| *byte < at).min(self.map.len() - 1);
        self.offset + self.map[index].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchbed_model::Code;
    use proptest::prelude::*;

    fn label(start: usize, end: usize, (line, column): (usize, usize), text: &str) -> Label {
        Label { start, end, line, column, text: text.to_owned() }
    }

    fn diagnostic(labels: Vec<Label>) -> Diagnostic {
        Diagnostic {
            code: Code::UnknownService,
            severity: Severity::Error,
            message: "this probe asks about a service that is not in the scenario".to_owned(),
            file: "scenarios/front-page.yaml".to_owned(),
            labels,
            help: vec!["write `web`".to_owned()],
        }
    }

    fn plain(diagnostic: Diagnostic, source: &str) -> String {
        let sources = BTreeMap::from([(diagnostic.file.clone(), source.to_owned())]);
        render(&[diagnostic], &sources, &Look::default())
    }

    #[test]
    fn the_place_is_marked_and_so_is_what_explains_it() {
        let source = "services:\n  - name: web\n    run: x\n    # a\n    # b\nprobes:\n  - http: /\n    service: wbe\n";
        let at = source.find("wbe").unwrap();
        let named = source.find("web").unwrap();
        let labels = vec![
            label(at, at + 3, (8, 14), "no service is named `wbe`"),
            label(named, named + 3, (2, 11), "`web` is named here"),
        ];
        insta::assert_snapshot!(plain(diagnostic(labels), source));
    }

    #[test]
    fn a_message_without_a_place_still_names_its_file() {
        insta::assert_snapshot!(plain(diagnostic(Vec::new()), ""));
    }

    #[test]
    fn hostile_lines_are_made_visible_and_cut() {
        let source = format!("a\u{1b}[31m: {}\u{202e}x é \u{9b}31m{}\n", "b".repeat(500), "c".repeat(500));
        let at = source.find('é').unwrap();
        insta::assert_snapshot!(plain(diagnostic(vec![label(at, at + 2, (1, 1), "here\nand \u{1b}[0m")]), &source));
    }

    proptest! {
        #[test]
        fn no_control_byte_gets_through_and_nothing_panics(source in "(\\PC|\n|\r|\t|\u{1b}|\u{9b}|\u{202e}|é){0,200}", at in 0usize..200, length in 0usize..20, far in 0usize..9) {
            let start = source.floor_char_boundary(at.min(source.len()));
            let end = source.floor_char_boundary((start + length).min(source.len()));
            let line = source[..start].matches('\n').count() + 1;
            let labels = vec![label(start, end, (line, 1), &source), label(0, 0, (1, 1), ""), label(start, end, (line + far, 7), "x")];
            let text = plain(diagnostic(labels), &source);
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
            prop_assert!(text.contains("scenarios/front-page.yaml"));
        }
    }
}
