//! From problems with places to diagnostics with lines.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use patchbed_kinds::document::{At, Place, Problem};
use patchbed_model::{Code, Diagnostic, Label, Severity};

use super::library::{Document, Library, NOWHERE};

/// The most messages that are shown of one file.
const MOST_OF_A_FILE: usize = 100;

/// The diagnostics so far.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// Each with the number of its file.
    list: Vec<(u32, Diagnostic)>,
    /// How many of each file were left out.
    left_out: BTreeMap<u32, usize>,
}

impl Messages {
    /// Adds a message about a file as a whole.
    pub(super) fn about(&mut self, path: &Utf8Path, code: Code, message: String, help: Option<&str>) {
        let help = help.map(str::to_owned).into_iter().collect();
        let file = path.to_string();
        self.list
            .push((u32::MAX, Diagnostic { code, severity: Severity::Error, message, file, labels: Vec::new(), help }));
    }

    /// Takes all problems out of the library.
    pub(super) fn settle(&mut self, library: &mut Library) {
        for (number, document) in (0..).zip(&mut library.documents) {
            if let Some(unreadable) = document.unreadable.take() {
                let (file, help) = (document.path.to_string(), unreadable.help.into_iter().collect());
                let (code, message) = (unreadable.code, unreadable.message);
                let diagnostic =
                    Diagnostic { code, severity: Severity::Error, message, file, labels: Vec::new(), help };
                self.list.push((number, diagnostic));
            }
        }
        let mut problems = std::mem::take(&mut library.problems);
        // Values are numbered in the order of the text, so those that are kept are the first ones.
        problems.list.sort_by_key(|problem| problem.place);
        if let Some(last) = problems.list.last().filter(|_| problems.left_out > 0) {
            *self.left_out.entry(last.place.file).or_default() += problems.left_out;
        }
        let mut lines = Lines::default();
        for of_one_file in problems.list.chunk_by(|one, other| one.place.file == other.place.file) {
            for problem in of_one_file.iter().take(MOST_OF_A_FILE) {
                self.list.push((problem.place.file, diagnostic(problem, library, &mut lines)));
            }
            let file = of_one_file.first().map_or(0, |problem| problem.place.file);
            *self.left_out.entry(file).or_default() += of_one_file.len().saturating_sub(MOST_OF_A_FILE);
        }
    }

    /// All diagnostics in order, and the texts that they are about.
    pub(super) fn finish(self, library: &Library, strict: bool) -> (Vec<Diagnostic>, BTreeMap<String, String>) {
        let mut all = self.list;
        all.sort_by(|(file, a), (other, b)| {
            (file, start(a), a.code, &a.message).cmp(&(other, start(b), b.code, &b.message))
        });
        all.dedup();
        for (file, count) in self.left_out.into_iter().filter(|(_, count)| *count > 0) {
            if let Some((_, last)) = all.iter_mut().rev().find(|(of, _)| *of == file) {
                last.help.push(format!("{count} more problems of this file are not shown"));
            }
        }
        let mut shown: Vec<Diagnostic> = all.into_iter().map(|(_, diagnostic)| diagnostic).collect();
        if strict {
            for diagnostic in &mut shown {
                diagnostic.severity = Severity::Error;
            }
        }
        let named: BTreeSet<&str> = shown.iter().filter(|d| !d.labels.is_empty()).map(|d| d.file.as_str()).collect();
        let texts = library.documents.iter().filter(|document| named.contains(document.path.as_str()));
        let sources = texts.map(|document| (document.path.to_string(), document.text.clone())).collect();
        (shown, sources)
    }
}

fn start(diagnostic: &Diagnostic) -> usize {
    diagnostic.labels.first().map_or(0, |label| label.start)
}

fn diagnostic(problem: &Problem, library: &Library, lines: &mut Lines) -> Diagnostic {
    let document = library.document(problem.place);
    let mut labels = Vec::new();
    let mut help = problem.help.clone();
    if problem.place.node != NOWHERE.node && !document.text.is_empty() {
        labels.push(lines.label(library, problem.place, problem.at, &problem.label));
    } else if !problem.label.is_empty() {
        help.insert(0, problem.label.clone());
    }
    for (other, at, text) in &problem.also {
        let label = lines.label(library, *other, *at, text);
        if other.file == problem.place.file {
            labels.push(label);
        } else {
            help.push(format!("{text}: {}:{}:{}", library.document(*other).path, label.line, label.column));
        }
    }
    Diagnostic {
        code: problem.code,
        severity: problem.severity,
        message: problem.message.clone(),
        file: document.path.to_string(),
        labels,
        help,
    }
}

/// Where the lines of the files begin; looked up once per file.
#[derive(Debug, Default)]
struct Lines(BTreeMap<u32, Vec<usize>>);

impl Lines {
    fn label(&mut self, library: &Library, place: Place, at: At, says: &str) -> Label {
        let Document { text, places, .. } = library.document(place);
        let starts = self
            .0
            .entry(place.file)
            .or_insert_with(|| std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect());
        let range = places.range(text, place.node, at);
        let line = starts.partition_point(|start| *start <= range.start);
        let column = text[starts[line - 1]..range.start].chars().count() + 1;
        Label { start: range.start, end: range.end, line, column, text: says.to_owned() }
    }
}
