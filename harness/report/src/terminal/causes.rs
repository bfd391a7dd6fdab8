//! One block per cause: what broke, since when, what proves it, how sure it is, what to do.

use std::io::{self, Write};

use patchbed_model::Verdict;
use patchbed_model::record::{Broke, CauseRecord, ScenarioRecord};

use super::block::{Block, COLUMN};
use super::screen::Screen;
use crate::claims::{About, Claim, Form};
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
    let about = About { scenario, cause, short: &screen.short, look: screen.look };
    let mut block = Block::new(screen, title(screen, scenario, cause));
    block.broke(cause);
    block.claims(&about.proven());
    block.evidence(&cause.evidence, cause.cells.first());
    block.text("How sure", &safe::shown(&cause.sure, screen.look), "");
    block.claims(&about.advice(words::day(screen.record)));
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

    fn claims(&mut self, claims: &[Claim<'_>]) {
        for claim in claims {
            let refs =
                if claim.proof.is_empty() { String::new() } else { format!("[{}]", self.screen.ids(claim.proof)) };
            match claim.form {
                Form::Text => self.text(claim.label, &claim.text, &refs),
                Form::Command => self.command(claim.label, &claim.text),
            }
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
}
