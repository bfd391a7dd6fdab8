//! Two runs beside each other: what is worse first, what is as it was only counted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use patchbed_model::comparison::{CauseStanding, ComparedCause, ComparedCell, Standing};
use patchbed_model::{CellId, Comparison, Verdict};

use crate::layout::{Line, cut, wrap};
use crate::look::{Colour, Look, Tone};
use crate::{safe, words};

/// How many cells of one standing are listed.
const CELLS: usize = 20;
/// How many differences of one cell are listed.
const DIFFERENCES: usize = 4;

/// Writes the screen of `compare`.
#[derive(Debug)]
pub struct Compared<'a> {
    comparison: &'a Comparison,
    look: &'a Look,
    short: BTreeMap<CellId, String>,
}

impl<'a> Compared<'a> {
    /// A screen of this look.
    #[must_use]
    pub fn new(comparison: &'a Comparison, look: &'a Look) -> Self {
        let ids = comparison.cells.iter().flat_map(|cell| [&cell.earlier, &cell.later]).flatten();
        Self { comparison, look, short: words::shortest(ids.map(|result| &result.id)) }
    }

    /// Writes the whole screen.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.head(out)?;
        for standing in Standing::ALL.into_iter().filter(|standing| *standing != Standing::Same) {
            self.cells(standing, out)?;
        }
        self.causes(out)?;
        self.headline(out)
    }

    /// Which runs, and what is not the same in them although its name is.
    fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        let (earlier, later) = (&self.comparison.earlier, &self.comparison.later);
        let run = |id: &str| safe::name(id, self.look);
        let days = later.started.duration_since(earlier.started).as_hours() / 24;
        let apart = match usize::try_from(days) {
            Ok(days) if days > 0 => format!("{} later", words::count(days, "day")),
            Ok(_) => String::new(),
            Err(_) => "the second run is the older one".to_owned(),
        };
        let runs = format!("{}{}{}", run(&earlier.run.0), self.look.own(" → "), run(&later.run.0));
        let line = Line::new(self.look).add(Tone::Strong, &runs).right(Tone::Dim, &apart);
        writeln!(out, "{}", line.finish())?;
        for (image, was, now) in self.comparison.other_images() {
            let digests = format!("{}{}{}", safe::line(was.short()), self.look.own(" → "), safe::line(now.short()));
            writeln!(out, "  image {}: {digests}", safe::name(image, self.look))?;
        }
        for file in &self.comparison.other_files {
            writeln!(out, "  {} is not as it was", safe::shown(file, self.look))?;
        }
        Ok(())
    }

    fn cells(&self, standing: Standing, out: &mut dyn Write) -> io::Result<()> {
        let cells: Vec<_> = self.comparison.cells.iter().filter(|cell| cell.standing == standing).collect();
        if cells.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", self.look.paint(Tone::Strong, title(standing)))?;
        for cell in cells.iter().take(CELLS) {
            self.cell(cell, out)?;
        }
        self.more(cells.len().saturating_sub(CELLS), "cell", "  ", out)
    }

    fn cell(&self, cell: &ComparedCell, out: &mut dyn Write) -> io::Result<()> {
        let verdicts = [&cell.earlier, &cell.later].map(|result| result.as_ref().map(|result| result.verdict));
        let (glyph, tone) = words::glyph(verdicts[1].or(verdicts[0]).unwrap_or(Verdict::Skipped), self.look);
        let right = match verdicts {
            [Some(was), Some(now)] if was == now => format!("{now} as before"),
            [was, now] => [was, now].into_iter().flatten().map(|v| v.to_string()).collect::<Vec<_>>().join(" → "),
        };
        let right = self.look.own(&right);
        let id = cell.id().map(|id| self.id(id)).unwrap_or_default();
        let start = Line::new(self.look).add(Tone::Plain, "  ").add(tone, glyph).add(Tone::Plain, &format!(" {id}  "));
        let name = cut(&self.name(cell), start.left(right.len()), self.look);
        writeln!(out, "{}", start.add(Tone::Plain, &name).right(tone, &right).finish())?;
        self.below(cell, out)
    }

    /// What is said below the line of a cell: other patches, why it has no result, what appeared and disappeared.
    fn below(&self, cell: &ComparedCell, out: &mut dyn Write) -> io::Result<()> {
        if let Some(patches) = &cell.other_patches {
            self.under(&format!("was tried with {}", self.names(patches, ", ")), out)?;
        }
        if let (Standing::Undecided, Some(now)) = (cell.standing, &cell.later) {
            self.under(&safe::shown(&now.reason, self.look), out)?;
        }
        for stop in cell.stops.iter().take(DIFFERENCES) {
            self.under(&safe::shown(&format!("stopped in {}: {}", stop.stage, stop.text), self.look), out)?;
        }
        // Lines are wrapped without colour: its sequences would be shown as text.
        let look = Look { colour: Colour::Never, ..self.look.clone() };
        for difference in cell.appeared.iter().take(DIFFERENCES) {
            self.under(&words::difference(difference, &look), out)?;
        }
        self.more(cell.appeared.len().saturating_sub(DIFFERENCES), "difference", UNDER, out)?;
        for difference in cell.disappeared.iter().take(DIFFERENCES) {
            self.under(&format!("no longer: {}", safe::shown(difference.key.as_str(), self.look)), out)?;
        }
        self.more(cell.disappeared.len().saturating_sub(DIFFERENCES), "difference", UNDER, out)
    }

    fn under(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        wrap(text, self.look.width.saturating_sub(UNDER.len()))
            .iter()
            .try_for_each(|line| writeln!(out, "{UNDER}{line}"))
    }

    fn more(&self, number: usize, noun: &str, indent: &str, out: &mut dyn Write) -> io::Result<()> {
        if number == 0 {
            return Ok(());
        }
        let text = self.look.own(&format!("… {} more", words::count(number, noun)));
        writeln!(out, "{indent}{}", self.look.paint(Tone::Dim, &text))
    }

    fn causes(&self, out: &mut dyn Write) -> io::Result<()> {
        let causes = &self.comparison.causes;
        if !causes.is_empty() {
            writeln!(out, "\n{}", self.look.paint(Tone::Strong, "Causes"))?;
        }
        for cause in causes.iter().take(CELLS) {
            writeln!(out, "{}", self.cause(cause))?;
        }
        self.more(causes.len().saturating_sub(CELLS), "cause", "  ", out)
    }

    fn cause(&self, cause: &ComparedCause) -> String {
        let verdict = if cause.standing == CauseStanding::Solved { Verdict::Improved } else { cause.verdict };
        let (glyph, tone) = words::glyph(verdict, self.look);
        let cells = if cause.later.is_empty() { &cause.earlier } else { &cause.later };
        let ids: Vec<String> = cells.iter().take(DIFFERENCES).map(|cell| self.id(cell)).collect();
        let more = cells.len() - ids.len();
        let more = if more > 0 { format!(" +{more}") } else { String::new() };
        let right = format!("[{}{more}]", ids.join(" "));
        let word = format!(" {:<9}", word(cause.standing));
        let start = Line::new(self.look).add(Tone::Plain, "  ").add(tone, glyph).add(Tone::Plain, &word);
        let since = match &cause.since {
            Some(patch) if cause.standing == CauseStanding::New => format!(", since {}", safe::name(patch, self.look)),
            _ => String::new(),
        };
        let text =
            format!("{}: {}{since}", safe::name(&cause.scenario, self.look), safe::shown(&cause.title, self.look));
        let text = cut(&text, start.left(right.len()), self.look);
        start.add(Tone::Plain, &text).right(Tone::Dim, &right).finish()
    }

    fn headline(&self, out: &mut dyn Write) -> io::Result<()> {
        let of = |standing| self.comparison.counts.get(&standing).copied().unwrap_or(0);
        let counts = Standing::ALL.map(|standing| format!("{} {}", of(standing), title(standing).to_lowercase()));
        let causes = |standing| self.comparison.causes.iter().filter(|cause| cause.standing == standing).count();
        let text = format!(
            "{}. {} new, {} solved.",
            counts.join(", "),
            words::count(causes(CauseStanding::New), "cause"),
            causes(CauseStanding::Solved)
        );
        writeln!(out)?;
        let exit = format!("exit {}", self.comparison.exit);
        let tone = if self.comparison.exit == 0 { Tone::Good } else { Tone::Bad };
        let mut lines = wrap(&text, self.look.width.saturating_sub(exit.len() + 2));
        let last = lines.pop().unwrap_or_default();
        lines.iter().try_for_each(|line| writeln!(out, "{}", self.look.paint(Tone::Strong, line)))?;
        writeln!(out, "{}", Line::new(self.look).add(Tone::Strong, &last).right(tone, &exit).finish())
    }

    fn id(&self, cell: &CellId) -> String {
        self.short.get(cell).cloned().unwrap_or_else(|| safe::line(&cell.0))
    }

    fn name(&self, cell: &ComparedCell) -> String {
        let parts = [
            format!("{}: {}", safe::name(&cell.scenario, self.look), safe::name(&cell.image, self.look)),
            if cell.patches.is_empty() { "no patch".to_owned() } else { self.names(&cell.patches, ", ") },
            self.names(&cell.software, " + "),
        ];
        let given = if cell.given.is_usual() { String::new() } else { format!(", {}", cell.given.text()) };
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{}{given}", parts.join(" + "))
    }

    fn names(&self, names: &[String], separator: &str) -> String {
        names.iter().map(|name| safe::name(name, self.look)).collect::<Vec<_>>().join(separator)
    }
}

/// What stands before a line below a cell.
const UNDER: &str = "          ";

/// The heading of the cells that stand so.
const fn title(standing: Standing) -> &'static str {
    match standing {
        Standing::Worse => "Worse",
        Standing::Changed => "To look at",
        Standing::Undecided => "Undecided",
        Standing::Still => "Still not fine",
        Standing::Better => "Better",
        Standing::New => "New",
        Standing::Gone => "Gone",
        Standing::Same => "As before",
    }
}

const fn word(standing: CauseStanding) -> &'static str {
    match standing {
        CauseStanding::New => "new",
        CauseStanding::Still => "still",
        CauseStanding::Unknown => "not known",
        CauseStanding::Solved => "solved",
    }
}
