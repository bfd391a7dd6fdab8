//! One block per cause: what broke, since when, what proves it, how sure it is, what to do.

use std::collections::BTreeSet;
use std::io::{self, Write};

use patchbed_model::record::{Broke, CauseRecord, ScenarioRecord};
use patchbed_model::search::Answer;
use patchbed_model::{CellId, Verdict};

use super::block::{Block, COLUMN};
use super::screen::Screen;
use crate::layout::{Line, cut};
use crate::look::Tone;
use crate::{safe, words};

/// How many readings one cause shows.
const BROKE: usize = 8;
/// How many lines of a text with several lines are shown of each side.
const TEXT: usize = 3;

pub(super) fn write(
    screen: &Screen<'_>,
    scenario: &ScenarioRecord,
    cause: &CauseRecord,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut block = Block::new(screen, title(screen, scenario, cause));
    block.broke(cause);
    if let Some(since) = &cause.since {
        let refs = format!("[{}]", screen.ids(&cause.cells));
        block.text("Since", &safe::shown(&words::since(since), screen.look), &refs);
    }
    block.delivery(cause);
    block.search(scenario, cause);
    block.products(scenario, cause);
    block.evidence(&cause.evidence, cause.cells.first());
    block.text("How sure", &safe::shown(&cause.sure, screen.look), "");
    if let Some(cell) = cause.cells.first() {
        block.advice(cause.verdict, cell);
    }
    block.write(out)
}

fn title(screen: &Screen<'_>, scenario: &ScenarioRecord, cause: &CauseRecord) -> String {
    let look = screen.look;
    let (glyph, tone) = words::glyph(cause.verdict, look);
    let mut right = format!("{}, 1 cause", words::count(cause.cells.len(), "cell"));
    if screen.record.scenarios.len() > 1 {
        right = format!("{}: {right}", cut(&safe::name(&scenario.id, look), look.width / 4, look));
    }
    let start = Line::new(look).add(tone, glyph).add(Tone::Plain, " ");
    let room = start.left(console::measure_text_width(&right));
    start.add(Tone::Strong, &cut(&safe::shown(&cause.title, look), room, look)).right(Tone::Dim, &right).finish()
}

impl Block<'_> {
    fn broke(&mut self, cause: &CauseRecord) {
        let mut label = match cause.verdict {
            Verdict::Improved => "What mended",
            Verdict::Changed => "What changed",
            Verdict::Same
            | Verdict::Skipped
            | Verdict::Inconclusive
            | Verdict::Unstable
            | Verdict::Ineffective
            | Verdict::Regressed => "What broke",
        };
        let keys = cause.broke.iter().take(BROKE).map(|broke| safe::shown(broke.key.as_str(), self.screen.look).len());
        let widest = keys.max().unwrap_or(0).min(self.screen.look.width / 3);
        for broke in cause.broke.iter().take(BROKE) {
            self.reading(label, broke, cause.verdict, widest);
            label = "";
        }
        if cause.broke.len() > BROKE {
            self.more(cause.broke.len() - BROKE, "reading", cause.cells.first());
        }
    }

    /// Which part of the bundle brings it, and which part may be shipped.
    fn search(&mut self, scenario: &ScenarioRecord, cause: &CauseRecord) {
        let look = self.screen.look;
        let searched = scenario.cells.iter().filter(|cell| cause.cells.contains(&cell.id));
        let Some(search) = searched.clone().find_map(|cell| cell.search.as_ref()) else {
            // Of patches that were only tried together nobody knows which it was.
            let whole = searched
                .filter(|cell| cell.patches.len() > 1)
                .find(|cell| cause.since.as_ref().is_some_and(|since| since.patch == cell.patches.join(" + ")));
            if let Some(cell) = whole.filter(|_| cause.only_given.is_none()) {
                self.command("Find out", &format!("patchbed bisect {}", self.screen.id(&cell.id)));
            }
            return;
        };
        let keys = cause.broke.iter().map(|broke| broke.key.as_str());
        let Some(found) = std::iter::once(cause.title.as_str()).chain(keys).find_map(|sign| search.of(sign)) else {
            return;
        };
        let of = words::count(search.patches, "patch");
        let (runs, posterior) = (words::count(search.runs, "run"), words::posterior(found.posterior));
        let names = |names: &[String]| names.iter().map(|name| safe::name(name, look)).collect::<Vec<_>>().join(" + ");
        let sets = found.sets.iter().map(|set| names(set)).collect::<Vec<_>>().join(", or ");
        let text = match found.answer {
            Answer::Guilty => {
                let guilty = found.sets.iter().flatten().collect::<BTreeSet<_>>().len();
                format!("{guilty} of {of} (bisect: {runs}, posterior {posterior})")
            }
            Answer::Nobody => format!("none of {of}: it came by chance (bisect: {runs}, posterior {posterior})"),
            Answer::Open => format!("not known after {runs}, likeliest {sets} (posterior {posterior})"),
        };
        self.text("Out of", &text, "");
        if found.answer == Answer::Open {
            if let Some(cell) = cause.cells.first() {
                let budget = (2 * search.runs).max(1);
                self.command("Find out", &format!("patchbed bisect {} --budget {budget}", self.screen.id(cell)));
            }
        } else if !search.safe_subset.is_empty() {
            let leaves = search.leaves.iter().map(|origin| safe::name(origin, look)).collect::<Vec<_>>();
            let leaves =
                if leaves.is_empty() { String::new() } else { format!("; that leaves {} open", leaves.join(", ")) };
            let text = format!("{} of {of}: hold {}{leaves}", search.safe_subset.len(), names(&search.hold));
            self.text("Ship", &text, "");
        } else if found.answer == Answer::Guilty {
            self.text("Ship", "not known: no part without it was seen to be clean", "");
        }
    }

    /// The way in which the patches must be given for it.
    fn delivery(&mut self, cause: &CauseRecord) {
        let Some(only) = &cause.only_given else { return };
        let proof = format!("[{}]", self.screen.ids(&only.not_in));
        self.text("Only when", &format!("{}: otherwise the same patches do not do this", only.given.text()), &proof);
    }

    /// What it has to do with products, where there are any.
    fn products(&mut self, scenario: &ScenarioRecord, cause: &CauseRecord) {
        let look = self.screen.look;
        let together =
            |names: &[String]| names.iter().map(|name| safe::name(name, look)).collect::<Vec<_>>().join(" + ");
        let proof =
            if cause.not_in.is_empty() { String::new() } else { format!("[{}]", self.screen.ids(&cause.not_in)) };
        let without_products =
            |cells: &[CellId]| scenario.cells.iter().any(|cell| cell.software.is_empty() && cells.contains(&cell.id));
        if !cause.only_with.is_empty() {
            // The cell without any product may show something else, for a person to look at.
            let is_fine = scenario.cells.iter().any(|cell| {
                cell.software.is_empty()
                    && cause.not_in.contains(&cell.id)
                    && matches!(cell.verdict, Verdict::Same | Verdict::Improved)
            });
            let alone = if is_fine { "the patch alone is fine" } else { "the patch alone does not do this" };
            let text = format!("{}: {alone}", together(&cause.only_with));
            self.text("Only with", &text, &proof);
        } else if !cause.hidden_by.is_empty() {
            self.text("Hidden by", &format!("{}: the patch alone does it", together(&cause.hidden_by)), &proof);
        } else if !cause.perhaps_with.is_empty() {
            let sets: Vec<String> = cause.perhaps_with.iter().map(|names| together(names)).collect();
            let text = format!("not known, perhaps {}: no decided cell tells", sets.join(" or "));
            self.text("Only with", &text, &proof);
        } else if without_products(&cause.cells) && scenario.cells.iter().any(|cell| !cell.software.is_empty()) {
            self.text("Only with", "no product: the patch alone does it", "");
        }
    }

    /// One reading: on one line where it fits, else its lines before and after below each other.
    fn reading(&mut self, label: &str, broke: &Broke, verdict: Verdict, widest: usize) {
        let look = self.screen.look;
        let key = cut(&safe::shown(broke.key.as_str(), look), look.width / 2, look);
        let (was, now) = (broke.was.as_deref().map(str::trim_end), broke.now.as_deref().map(str::trim_end));
        let tone = if verdict == Verdict::Regressed { Tone::Bad } else { Tone::Plain };
        let (was_line, now_line) = (words::side(was, "not there", look), words::side(now, "gone", look));
        let (was, now) = (was.unwrap_or_default(), now.unwrap_or_default());
        let start = self.labelled(label).add(Tone::Plain, &key).to(COLUMN + widest).add(Tone::Plain, "   ");
        let arrow = look.own(" → ");
        let width: usize = [&*was_line, &now_line, &arrow].iter().map(|text| console::measure_text_width(text)).sum();
        let multi = was.contains('\n') || now.contains('\n');
        let pair =
            |line: Line<'_>| line.add(Tone::Plain, &was_line).add(Tone::Dim, &arrow).add(tone, &now_line).finish();
        if !multi && width <= start.left(0) {
            self.lines.push(pair(start));
            return;
        }
        let whole = match (broke.was.is_some(), broke.now.is_some()) {
            (true, true) => "",
            (false, _) => "   new",
            (true, false) => "   gone",
        };
        self.lines.push(self.labelled(label).add(Tone::Plain, &key).add(tone, whole).finish());
        if !multi && width + 2 <= look.width.saturating_sub(COLUMN) {
            self.lines.push(pair(self.labelled("").add(Tone::Plain, "  ")));
            return;
        }
        self.sides(was, now, tone);
    }

    /// The lines that only one side has.
    fn sides(&mut self, was: &str, now: &str, tone: Tone) {
        let (was, now) = (words::lines(was), words::lines(now));
        let diff = similar::TextDiff::from_slices(&was, &now);
        for (tag, sign, tone) in
            [(similar::ChangeTag::Delete, "- ", Tone::Plain), (similar::ChangeTag::Insert, "+ ", tone)]
        {
            let lines: Vec<String> = diff
                .iter_all_changes()
                .filter(|change| change.tag() == tag)
                .map(|change| safe::shown(change.value().trim_end(), self.screen.look))
                .collect();
            for line in lines.iter().take(TEXT) {
                let start = self.labelled("").add(Tone::Dim, "  ").add(tone, sign);
                let text = cut(line, start.left(0), self.screen.look);
                self.lines.push(start.add(tone, &text).finish());
            }
            if lines.len() > TEXT {
                let more =
                    self.screen.look.own(&format!("  {sign}… {} more", words::count(lines.len() - TEXT, "line")));
                self.lines.push(self.labelled("").add(Tone::Dim, &more).finish());
            }
        }
    }

    fn advice(&mut self, verdict: Verdict, cell: &CellId) {
        let cell = self.screen.id(cell);
        self.command("Go inside", &format!("patchbed shell {cell}"));
        let quote = self.screen.look.own("\"…\"");
        match verdict {
            Verdict::Regressed | Verdict::Ineffective => {
                let started = self.screen.record.started.to_zoned(jiff::tz::TimeZone::UTC).date();
                let until = words::known_until(started);
                let command = format!("patchbed accept {cell} --known-issue --because {quote} --until {until}");
                self.command("Live with it", &command);
            }
            Verdict::Changed => self.command("Fine so", &format!("patchbed accept {cell} --because {quote}")),
            Verdict::Same | Verdict::Improved | Verdict::Skipped | Verdict::Inconclusive | Verdict::Unstable => {}
        }
    }
}
