//! From problems with places to diagnostics with lines.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use patchbed_kinds::document::Problem;
use patchbed_model::{Code, Diagnostic, Label, Severity};

use super::library::{Document, Library, NOWHERE};
use super::places::label;

/// The most messages that are shown of one file.
const MOST_OF_A_FILE: usize = 100;

/// The diagnostics so far, each with the number of its file.
#[derive(Debug, Default)]
pub(super) struct Messages(Vec<(u32, Diagnostic)>);

impl Messages {
    /// Adds a message about a file as a whole.
    pub(super) fn about(&mut self, path: &Utf8Path, code: Code, message: String, help: Option<&str>) {
        let help = help.map(str::to_owned).into_iter().collect();
        let file = path.to_string();
        self.0
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
                self.0.push((number, diagnostic));
            }
        }
        let problems = std::mem::take(&mut library.problems);
        for problem in problems.list {
            self.0.push((problem.place.file, diagnostic(problem, library)));
        }
        if problems.left_out > 0
            && let Some((_, last)) = self.0.last_mut()
        {
            last.help.push(format!("{} more problems are not shown", problems.left_out));
        }
    }

    /// All diagnostics in order, and the texts that they are about.
    pub(super) fn finish(self, library: &Library, strict: bool) -> (Vec<Diagnostic>, BTreeMap<String, String>) {
        let mut all = self.0;
        all.sort_by(|(file, a), (other, b)| {
            (file, start(a), a.code, &a.message).cmp(&(other, start(b), b.code, &b.message))
        });
        all.dedup();
        let mut shown = Vec::new();
        let mut counts: BTreeMap<(u32, String), usize> = BTreeMap::new();
        for (file, mut diagnostic) in all {
            let count = counts.entry((file, diagnostic.file.clone())).or_default();
            *count += 1;
            if *count > MOST_OF_A_FILE {
                continue;
            }
            if strict {
                diagnostic.severity = Severity::Error;
            }
            shown.push(diagnostic);
        }
        left_out(&mut shown, &counts);
        let named: BTreeSet<&str> = shown.iter().filter(|d| !d.labels.is_empty()).map(|d| d.file.as_str()).collect();
        let texts = library.documents.iter().filter(|document| named.contains(document.path.as_str()));
        let sources = texts.map(|document| (document.path.to_string(), document.text.clone())).collect();
        (shown, sources)
    }
}

/// Says in the last message of a file how many more there were.
fn left_out(shown: &mut [Diagnostic], counts: &BTreeMap<(u32, String), usize>) {
    for ((_, file), count) in counts.iter().filter(|(_, count)| **count > MOST_OF_A_FILE) {
        if let Some(last) = shown.iter_mut().rev().find(|diagnostic| diagnostic.file == *file) {
            last.help.push(format!("{} more problems of this file are not shown", count - MOST_OF_A_FILE));
        }
    }
}

fn start(diagnostic: &Diagnostic) -> usize {
    diagnostic.labels.first().map_or(0, |label| label.start)
}

fn diagnostic(problem: Problem, library: &Library) -> Diagnostic {
    let document = library.document(problem.place);
    let mut labels = Vec::new();
    let mut help = problem.help;
    if problem.place.node != NOWHERE.node && !document.text.is_empty() {
        labels.push(place(document, problem.place.node, problem.at, &problem.label));
    } else if !problem.label.is_empty() {
        help.insert(0, problem.label);
    }
    for (other, at, text) in problem.also {
        if other.file == problem.place.file {
            labels.push(place(document, other.node, at, &text));
        } else {
            let document = library.document(other);
            let label = place(document, other.node, at, &text);
            help.push(format!("{text}: {}:{}:{}", document.path, label.line, label.column));
        }
    }
    let file = document.path.to_string();
    Diagnostic { code: problem.code, severity: problem.severity, message: problem.message, file, labels, help }
}

fn place(document: &Document, node: u32, at: patchbed_kinds::document::At, text: &str) -> Label {
    label(&document.text, document.places.range(&document.text, node, at), text)
}
