//! One difference for somebody who decides on it: where it stands, and its two sides.

use console::measure_text_width;
use patchbed_model::Difference;
use patchbed_model::difference::DifferenceKind;
use similar::{Change, ChangeTag, TextDiff};

use crate::layout::{Line, cut, fold};
use crate::look::{Look, Tone};
use crate::{safe, words};

/// How many changed lines are shown where not all are asked for.
const CHANGED: usize = 12;
/// The column in which the sides begin.
const COLUMN: usize = 4;

/// A difference with its two sides.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// What differs.
    pub difference: &'a Difference,
    /// How it looks.
    pub look: &'a Look,
}

impl Sides<'_> {
    /// Where it stands, and what changed of it: each line cut to the width, the first of them where there are many.
    #[must_use]
    pub fn changed(&self) -> Vec<String> {
        let mut shown = vec![self.head()];
        if let Some(pair) = self.pair() {
            shown.push(pair);
            return shown;
        }
        let all = self.lines(|tag| tag != ChangeTag::Equal);
        shown.extend(all.iter().take(CHANGED).map(|(tone, text)| {
            let start = Line::new(self.look).to(COLUMN);
            let text = cut(text, start.left(0), self.look);
            start.add(*tone, &text).finish()
        }));
        if all.len() > CHANGED {
            let more = format!("… {}", words::count(all.len() - CHANGED, "more changed line"));
            shown.push(Line::new(self.look).to(COLUMN).add(Tone::Dim, &self.look.own(&more)).finish());
        }
        shown
    }

    /// Where it stands, and every line of both sides, long ones on several lines.
    #[must_use]
    pub fn whole(&self) -> Vec<String> {
        let mut shown = vec![self.head()];
        for (tone, text) in self.lines(|_| true) {
            let lines = fold(&text, self.look.width.saturating_sub(COLUMN));
            shown.extend(lines.iter().map(|line| Line::new(self.look).to(COLUMN).add(tone, line).finish()));
        }
        if [self.was(), self.now()].iter().any(|text| words::bounded(text).len() < text.len()) {
            let rest = self.look.own("… the rest is too long to be compared line by line");
            shown.push(Line::new(self.look).to(COLUMN).add(Tone::Dim, &rest).finish());
        }
        shown
    }

    fn head(&self) -> String {
        let (glyph, tone) = words::glyph(self.difference.verdict, self.look);
        let (seen, of) = self.difference.seen;
        let appears = match self.difference.kind {
            DifferenceKind::New => "new, ",
            DifferenceKind::Gone => "gone, ",
            DifferenceKind::Changed => "",
        };
        let right = match of {
            0 => appears.trim_end_matches(", ").to_owned(),
            _ => format!("{appears}in {seen} of {of} attempts"),
        };
        let start = Line::new(self.look).to(2).add(tone, glyph).add(Tone::Plain, " ");
        let key = safe::shown(self.difference.key.as_str(), self.look);
        let key = cut(&key, start.left(measure_text_width(&right)), self.look);
        start.add(Tone::Plain, &key).right(Tone::Dim, &right).finish()
    }

    /// Both sides on one line, where each is one and they fit.
    fn pair(&self) -> Option<String> {
        let side = |text: &Option<String>, none| {
            let text = text.as_deref().map(str::trim_end);
            text.is_none_or(|text| !text.contains('\n')).then(|| words::side(text, none, self.look))
        };
        let was = side(&self.difference.was, "not there")?;
        let now = side(&self.difference.now, "gone")?;
        let text = format!("{was}{}{now}", self.look.pick(" → ", " -> "));
        let start = Line::new(self.look).to(COLUMN);
        (measure_text_width(&text) <= start.left(0)).then(|| start.add(Tone::Plain, &text).finish())
    }

    /// The lines of both sides whose tag is wanted, each with its sign.
    fn lines(&self, wanted: impl Fn(ChangeTag) -> bool) -> Vec<(Tone, String)> {
        let (was, now) = (words::lines(self.was()), words::lines(self.now()));
        let diff = TextDiff::from_slices(&was, &now);
        let changes = diff.iter_all_changes().filter(|change| wanted(change.tag()));
        changes.map(|change| signed(&change, self.look)).collect()
    }

    fn was(&self) -> &str {
        self.difference.was.as_deref().unwrap_or_default()
    }

    fn now(&self) -> &str {
        self.difference.now.as_deref().unwrap_or_default()
    }
}

/// A line of a diff with its sign, safe to show.
pub(super) fn signed(change: &Change<&str>, look: &Look) -> (Tone, String) {
    let (sign, tone) = match change.tag() {
        ChangeTag::Delete => ("-", Tone::Plain),
        ChangeTag::Insert => ("+", Tone::Warn),
        ChangeTag::Equal => (" ", Tone::Dim),
    };
    (tone, format!("{sign} {}", safe::shown(change.value(), look)))
}

#[cfg(test)]
mod tests {
    use patchbed_model::{Class, Key, Verdict};

    use super::*;
    use crate::{Colour, Glyphs};

    fn difference(was: Option<&str>, now: Option<&str>) -> Difference {
        let kind = match (was, now) {
            (None, _) => DifferenceKind::New,
            (_, None) => DifferenceKind::Gone,
            (Some(_), Some(_)) => DifferenceKind::Changed,
        };
        Difference {
            key: Key::new("probe.look.stdout"),
            class: Class::Content,
            kind,
            was: was.map(str::to_owned),
            now: now.map(str::to_owned),
            verdict: Verdict::Changed,
            evidence: Vec::new(),
            silenced: None,
            seen: (3, 4),
        }
    }

    fn shown(difference: &Difference) -> String {
        let look = Look { width: 60, colour: Colour::Never, glyphs: Glyphs::Unicode };
        let sides = Sides { difference, look: &look };
        format!("{}\n--- whole\n{}", sides.changed().join("\n"), sides.whole().join("\n"))
    }

    #[test]
    fn short_values_stand_on_one_line() {
        insta::assert_snapshot!(shown(&difference(Some("running"), Some("killed"))));
    }

    #[test]
    fn of_a_text_the_changed_lines_are_shown_and_of_many_the_first() {
        let was: Vec<String> = (0..20).map(|number| format!("line {number}")).collect();
        let now = was.join("\n").replace("line 1", "  another line, which is longer than the terminal has columns 1");
        insta::assert_snapshot!(shown(&difference(Some(&was.join("\n")), Some(&now))));
    }

    #[test]
    fn what_is_new_or_gone_is_told_so() {
        let new = shown(&difference(None, Some("one\ntwo")));
        let gone = shown(&difference(Some("one"), None));
        insta::assert_snapshot!(format!("{new}\n\n{gone}"));
    }
}
