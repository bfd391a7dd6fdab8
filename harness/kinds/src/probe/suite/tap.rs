//! The Test Anything Protocol, versions 12 to 14. Subtests are part of the test that they stand before, as the protocol
//! has it.

use super::report::{Outcome, Report, Test};

/// Reads what a producer of TAP printed. Lines that are no TAP are left out.
pub(super) fn read(text: &str) -> Report {
    let mut stream = Stream::default();
    for line in text.lines() {
        if let Some(reason) = line.trim_start().strip_prefix("Bail out!") {
            let trouble = format!("bailed out: {}", reason.trim());
            return Report { tests: stream.tests, trouble: Some(trouble.trim_end_matches(": ").to_owned()) };
        }
        stream.line(line.trim_end());
    }
    let trouble = stream.trouble();
    Report { tests: stream.tests, trouble }
}

#[derive(Debug, Default)]
struct Stream {
    tests: Vec<Test>,
    planned: Option<usize>,
}

impl Stream {
    fn line(&mut self, line: &str) {
        if let Some(rest) = word(line, "ok") {
            self.point(rest, Outcome::Ok);
        } else if let Some(rest) = word(line, "not ok") {
            self.point(rest, Outcome::Failed);
        } else if let Some(plan) = line.strip_prefix("1..") {
            self.plan(plan);
        } else if let Some(last) = self.tests.last_mut().filter(|last| last.outcome == Outcome::Failed) {
            // Diagnostics follow the test that they are about.
            last.evidence.extend(line.starts_with(['#', ' ']).then(|| line.to_owned()));
        }
    }

    fn point(&mut self, rest: &str, mut outcome: Outcome) {
        let after_number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = match &rest[..rest.len() - after_number.len()] {
            "" => (self.tests.len() + 1).to_string(),
            number => number.to_owned(),
        };
        let (description, directive) = split(after_number);
        let evidence = directive.map(|directive| match directive {
            Directive::Skip(reason) => {
                outcome = if outcome == Outcome::Ok { Outcome::Skipped } else { outcome };
                reason
            }
            // A failure that is expected; a success is one all the same.
            Directive::ToDo(reason) => {
                outcome = if outcome == Outcome::Failed { Outcome::Skipped } else { outcome };
                reason
            }
        });
        let description = description.trim().trim_start_matches("- ").trim();
        let name = if description.is_empty() { format!("test {number}") } else { description.to_owned() };
        self.tests.push(Test::new(name, outcome).because(evidence.map(str::to_owned)));
    }

    fn plan(&mut self, plan: &str) {
        let digits = plan.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        self.planned = digits.parse().ok().or(self.planned);
        if let (Some(0), Some(Directive::Skip(reason))) = (self.planned, split(plan).1) {
            self.tests.push(Test::new("all tests", Outcome::Skipped).because([reason.to_owned()]));
            self.planned = Some(1);
        }
    }

    fn trouble(&self) -> Option<String> {
        match (self.planned, self.tests.len()) {
            (None, 0) => None,
            (None, _) => Some("cut short: no plan".to_owned()),
            (Some(planned), told) if told < planned => Some(format!("cut short: {told} of {planned} tests")),
            (Some(planned), told) if told > planned => Some(format!("{told} tests where {planned} were planned")),
            (Some(_), _) => None,
        }
    }
}

/// What follows a word at the start of a line.
fn word<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
}

enum Directive<'a> {
    Skip(&'a str),
    ToDo(&'a str),
}

/// Takes the directive off a description: it stands behind a `#` that is not escaped.
fn split(text: &str) -> (String, Option<Directive<'_>>) {
    let mut description = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '\\' && rest.starts_with(['\\', '#']) {
            description.push_str(&rest[..1]);
            rest = &rest[1..];
            continue;
        }
        if let Some(directive) = (c == '#').then(|| directive(rest.trim_start())).flatten() {
            return (description, Some(directive));
        }
        description.push(c);
    }
    (description, None)
}

fn directive(text: &str) -> Option<Directive<'_>> {
    let (word, reason) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    let word = word.to_ascii_lowercase();
    // Some write `skipped`.
    if word.starts_with("skip") {
        return Some(Directive::Skip(reason.trim()));
    }
    word.starts_with("todo").then(|| Directive::ToDo(reason.trim()))
}
