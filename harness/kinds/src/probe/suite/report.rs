//! What a suite told of its tests, and the readings that it becomes.

use std::collections::BTreeMap;

use patchbed_model::{Health, Key, Reading, text};

use crate::probe::Look;
use crate::probe::name::canonical_name;

/// The tests of a suite.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// In the order in which they were told.
    pub(super) tests: Vec<Test>,
    /// Why these are not all, if that is known.
    pub(super) trouble: Option<String>,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    /// What the suite calls it.
    pub(super) name: String,
    /// How it went.
    pub(super) outcome: Outcome,
    /// Lines that explain it.
    pub(super) evidence: Vec<String>,
}

/// How a test went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// As it should.
    Ok,
    /// Not as it should.
    Failed,
    /// It was not made, or does not count.
    Skipped,
}

/// How many lines explain one test: its last ones.
const MOST_LINES: usize = 10;
/// Longer names are cut.
const LONGEST_NAME: usize = 200;
/// What stands beside the tests and can be no test's own.
const OWN_KEYS: [&str; 4] = ["suite", "count.ok", "count.failed", "count.skipped"];

impl Test {
    pub(super) fn new(name: impl Into<String>, outcome: Outcome) -> Self {
        Self { name: name.into(), outcome, evidence: Vec::new() }
    }

    pub(super) fn because(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(lines);
        self
    }

    /// A skipped test is neither good nor bad, but one that was made before and is skipped now is a check less.
    fn reading(self) -> Reading {
        let reading = match self.outcome {
            Outcome::Ok => return Reading::state("ok", Health::Good),
            Outcome::Failed => Reading::state("failed", Health::Bad),
            Outcome::Skipped => Reading::content("skipped"),
        };
        reading.because(text::last_lines(&self.evidence.join("\n"), MOST_LINES))
    }
}

impl Report {
    /// A state for each test, how many there are, and whether the suite as a whole was made: `end` is what is wrong
    /// with how it ended, if something is.
    pub(super) fn readings(self, look: &Look<'_>, end: Option<String>, last_words: Vec<String>) -> Vec<(Key, Reading)> {
        let whole = match self.lack(end) {
            Some(lack) => Reading::state(lack, Health::Bad).because(last_words),
            None => Reading::state("ran", Health::Good),
        };
        let mut readings = vec![(look.key("suite"), whole)];
        for (part, outcome) in
            [("count.ok", Outcome::Ok), ("count.failed", Outcome::Failed), ("count.skipped", Outcome::Skipped)]
        {
            let count = self.tests.iter().filter(|test| test.outcome == outcome).count();
            readings.push((look.key(part), Reading::fact(count.to_string())));
        }
        let mut names = Names::default();
        readings.extend(self.tests.into_iter().map(|test| (look.key(&names.unused(&test.name)), test.reading())));
        readings
    }

    /// A suite that ends badly because a test failed is told by that test alone.
    fn lack(&self, end: Option<String>) -> Option<String> {
        let failed = self.tests.iter().any(|test| test.outcome == Outcome::Failed);
        let nothing = || self.tests.is_empty().then(|| "prints nothing that can be read".to_owned());
        self.trouble.clone().or_else(nothing).or(end.filter(|_| !failed))
    }
}

/// Names as parts of keys: the same in every attempt, and each given once.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, usize>);

impl Names {
    /// The name, or the name with the next number.
    fn unused(&mut self, name: &str) -> String {
        let name = text::shorten(&canonical_name(text::one_line(name).trim()), LONGEST_NAME);
        let name = if name.is_empty() { "without a name".to_owned() } else { name };
        let mut number = self.0.get(&name).copied().unwrap_or(usize::from(OWN_KEYS.contains(&name.as_str())));
        let unused = loop {
            number += 1;
            let numbered = if number == 1 { name.clone() } else { format!("{name} #{number}") };
            if number == 1 || !self.0.contains_key(&numbered) {
                break numbered;
            }
        };
        self.0.insert(name, number);
        self.0.entry(unused.clone()).or_insert(1);
        unused
    }
}
