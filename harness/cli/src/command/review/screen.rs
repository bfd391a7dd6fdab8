//! How that is shown which one decision is about.

use patchbed_report::{Look, Sides, Tone, safe, words};

use super::item::{Item, Subject};
use super::list;

/// How many cells are named.
const CELLS: usize = 8;
/// How many moved readings of a new baseline are shown where not all are asked for.
const MOVED: usize = 12;

/// What every key does, in the order in which they are offered.
pub(super) const HELP: &str = "  a  accept it: a difference asks why, and until when
  k  accept something worse as a known issue: asks why, and until when
  r  reject it: a new baseline is removed, a difference goes on to count
  s  skip it: it waits on
  d  show every line before and after
  l  show what was read, attempt by attempt, with the lines that explain it
  b  go back to the one before that waits
  q  quit: what was decided is kept; so do Ctrl-C and Ctrl-D
  ?  show this";

/// Where an item stands: its number, and its cells by name.
pub(super) fn head(item: &Item, (number, of): (usize, usize), look: &Look) -> Vec<String> {
    let count = format!("{number} of {of}  ");
    let room = " ".repeat(count.len());
    let mut lines = vec![String::new()];
    for (at, cell) in item.cells.iter().take(CELLS).enumerate() {
        let start = if at == 0 { look.paint(Tone::Dim, &count) } else { room.clone() };
        let title = look.paint(Tone::Strong, &list::title(cell, look));
        lines.push(format!("{start}{}  {title}", safe::line(&cell.cell.0)));
    }
    if item.cells.len() > CELLS {
        lines.push(look.own(&format!("{room}… {}", words::count(item.cells.len() - CELLS, "more cell"))));
    }
    lines
}

/// What changed.
pub(super) fn changed(item: &Item, look: &Look) -> Vec<String> {
    match &item.subject {
        Subject::Difference(difference) => Sides { difference, look }.changed(),
        Subject::Baseline(candidate) => {
            let mut lines = vec![format!("  {}", list::baseline(candidate, look))];
            let moved = candidate.moved.iter().take(MOVED);
            lines.extend(moved.map(|moved| format!("    {}", words::difference(moved, look))));
            if candidate.moved.len() > MOVED {
                lines.push(look.own(&format!("    … {}", words::count(candidate.moved.len() - MOVED, "more reading"))));
            }
            lines
        }
    }
}

/// Every line before and after.
pub(super) fn whole(item: &Item, look: &Look) -> Vec<String> {
    match &item.subject {
        Subject::Difference(difference) => Sides { difference, look }.whole(),
        Subject::Baseline(candidate) if candidate.moved.is_empty() => {
            vec![format!("  nothing moved: read `{}`", safe::shown(candidate.file.as_str(), look))]
        }
        Subject::Baseline(candidate) => {
            candidate.moved.iter().flat_map(|difference| Sides { difference, look }.whole()).collect()
        }
    }
}

/// The keys that are offered, on one line.
pub(super) fn prompt(item: &Item) -> String {
    let accept = if item.regressed() { "k known issue" } else { "a accept" };
    format!("{accept}, r reject, s skip, d diff, l log, b back, q quit, ? help: ")
}
