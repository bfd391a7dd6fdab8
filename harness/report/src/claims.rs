//! What is said of a cause besides what broke, each with the cells that prove it: for every format that people read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use patchbed_model::record::{CauseRecord, CellRecord, ScenarioRecord};
use patchbed_model::search::{Answer, Found, Search};
use patchbed_model::{CellId, Verdict};

use crate::look::Look;
use crate::{safe, words};

/// One thing that is said, safe to show.
pub(crate) struct Claim<'a> {
    /// What it is about.
    pub(crate) label: &'static str,
    /// The text, or the command.
    pub(crate) text: String,
    /// The cells that prove it.
    pub(crate) proof: &'a [CellId],
    /// Whether it is read or copied.
    pub(crate) form: Form,
}

/// Whether a claim is read or copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A sentence.
    Text,
    /// A command.
    Command,
}

/// A cause and what it takes to speak of it.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    /// Its scenario.
    pub(crate) scenario: &'a ScenarioRecord,
    /// The cause.
    pub(crate) cause: &'a CauseRecord,
    /// The short ids of cells.
    pub(crate) short: &'a BTreeMap<CellId, String>,
    /// How the text may look.
    pub(crate) look: &'a Look,
}

impl<'a> About<'a> {
    /// Since which patch it is there, how the patches must be given, which of them it takes, and which products.
    pub(crate) fn proven(self) -> Vec<Claim<'a>> {
        let since = self.cause.since.as_ref().map(|since| {
            let text = safe::shown(&words::since(since), self.look);
            said("Since", text, &self.cause.cells)
        });
        let mut claims: Vec<Claim<'a>> = since.into_iter().chain(self.delivery()).collect();
        claims.extend(self.search());
        claims.extend(self.products());
        claims
    }

    /// What may be done now. A known issue that begins on this day ends when nobody says otherwise.
    pub(crate) fn advice(self, day: Date) -> Vec<Claim<'a>> {
        let Some(cell) = self.cause.cells.first() else { return Vec::new() };
        let cell = self.id(cell);
        let mut claims = vec![command("Go inside", format!("patchbed shell {cell}"))];
        let quote = self.look.own("\"…\"");
        match self.cause.verdict {
            Verdict::Regressed | Verdict::Ineffective => {
                let until = words::known_until(day);
                let text = format!("patchbed accept {cell} --known-issue --because {quote} --until {until}");
                claims.push(command("Live with it", text));
            }
            Verdict::Changed => {
                claims.push(command("Fine so", format!("patchbed accept {cell} --because {quote}")));
            }
            Verdict::Same | Verdict::Improved | Verdict::Skipped | Verdict::Inconclusive | Verdict::Unstable => {}
        }
        claims
    }

    /// The way in which the patches must be given for it.
    fn delivery(self) -> Option<Claim<'a>> {
        let only = self.cause.only_given.as_ref()?;
        let text = format!("{}: otherwise the same patches do not do this", only.given.text());
        Some(said("Only when", text, &only.not_in))
    }

    /// Which part of the bundle brings it, and which part may be shipped.
    fn search(self) -> Vec<Claim<'a>> {
        let mut searched = self.cells().filter_map(|cell| cell.search.as_ref());
        let Some(search) = searched.next() else { return self.not_searched().into_iter().collect() };
        let keys = self.cause.broke.iter().map(|broke| broke.key.as_str());
        let found = std::iter::once(self.cause.title.as_str()).chain(keys).find_map(|sign| search.of(sign));
        let Some(found) = found else { return Vec::new() };
        let out_of = said("Out of", self.out_of(search, found), &[]);
        std::iter::once(out_of).chain(self.next(search, found)).collect()
    }

    /// Of patches that were only tried together nobody knows which it was.
    fn not_searched(self) -> Option<Claim<'a>> {
        let since = self.cause.since.as_ref().filter(|_| self.cause.only_given.is_none())?;
        let whole = |cell: &&CellRecord| cell.patches.len() > 1 && since.patch == cell.patches.join(" + ");
        let cell = self.cells().find(whole)?;
        Some(command("Find out", format!("patchbed bisect {}", self.id(&cell.id))))
    }

    fn out_of(self, search: &Search, found: &Found) -> String {
        let of = words::count(search.patches, "patch");
        let (runs, posterior) = (words::count(search.runs, "run"), words::posterior(found.posterior));
        match found.answer {
            Answer::Guilty => {
                let guilty = found.sets.iter().flatten().collect::<BTreeSet<_>>().len();
                format!("{guilty} of {of} (bisect: {runs}, posterior {posterior})")
            }
            Answer::Nobody => format!("none of {of}: it came by chance (bisect: {runs}, posterior {posterior})"),
            Answer::Open => {
                let sets = found.sets.iter().map(|set| self.names(set, " + ")).collect::<Vec<_>>().join(", or ");
                format!("not known after {runs}, likeliest {sets} (posterior {posterior})")
            }
        }
    }

    /// What the answer of a search means for those who ship.
    fn next(self, search: &Search, found: &Found) -> Option<Claim<'a>> {
        if found.answer == Answer::Open {
            let budget = (2 * search.runs).max(1);
            let cell = self.id(self.cause.cells.first()?);
            return Some(command("Find out", format!("patchbed bisect {cell} --budget {budget}")));
        }
        if search.safe_subset.is_empty() {
            let unknown = "not known: no part without it was seen to be clean".to_owned();
            return (found.answer == Answer::Guilty).then(|| said("Ship", unknown, &[]));
        }
        let leaves = if search.leaves.is_empty() {
            String::new()
        } else {
            format!("; that leaves {} open", self.names(&search.leaves, ", "))
        };
        let (safe, of) = (search.safe_subset.len(), words::count(search.patches, "patch"));
        Some(said("Ship", format!("{safe} of {of}: hold {}{leaves}", self.names(&search.hold, " + ")), &[]))
    }

    /// What it has to do with products, where there are any.
    fn products(self) -> Option<Claim<'a>> {
        let cause = self.cause;
        let (label, text) = if !cause.only_with.is_empty() {
            ("Only with", format!("{}: {}", self.names(&cause.only_with, " + "), self.alone()))
        } else if !cause.hidden_by.is_empty() {
            ("Hidden by", format!("{}: the patch alone does it", self.names(&cause.hidden_by, " + ")))
        } else if !cause.perhaps_with.is_empty() {
            let sets: Vec<String> = cause.perhaps_with.iter().map(|names| self.names(names, " + ")).collect();
            ("Only with", format!("not known, perhaps {}: no decided cell tells", sets.join(" or ")))
        } else {
            let products = self.scenario.cells.iter().any(|cell| !cell.software.is_empty());
            let alone = self.cells().any(|cell| cell.software.is_empty());
            let text = "no product: the patch alone does it".to_owned();
            return (products && alone).then(|| said("Only with", text, &[]));
        };
        Some(said(label, text, &cause.not_in))
    }

    /// What the patch does without any product: something else, for a person to look at, is not fine.
    fn alone(self) -> &'static str {
        let fine = |cell: &CellRecord| {
            cell.software.is_empty()
                && self.cause.not_in.contains(&cell.id)
                && matches!(cell.verdict, Verdict::Same | Verdict::Improved)
        };
        if self.scenario.cells.iter().any(fine) {
            "the patch alone is fine"
        } else {
            "the patch alone does not do this"
        }
    }

    /// The cells that show it.
    fn cells(self) -> impl Iterator<Item = &'a CellRecord> {
        self.scenario.cells.iter().filter(move |cell| self.cause.cells.contains(&cell.id))
    }

    fn names(self, names: &[String], between: &str) -> String {
        names.iter().map(|name| safe::name(name, self.look)).collect::<Vec<_>>().join(between)
    }

    fn id(self, cell: &CellId) -> String {
        self.short.get(cell).cloned().unwrap_or_else(|| safe::line(&cell.0))
    }
}

fn said<'a>(label: &'static str, text: String, proof: &'a [CellId]) -> Claim<'a> {
    Claim { label, text, proof, form: Form::Text }
}

fn command(label: &'static str, text: String) -> Claim<'static> {
    Claim { label, text, proof: &[], form: Form::Command }
}
