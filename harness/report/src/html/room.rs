//! How much of the text of a cell or of a cause the page holds: it stays small however much a patch breaks.

use patchbed_model::text::shorten;

use super::tags;

/// How many bytes all cells and causes together may take for their values and lines.
const ALL: usize = 448 << 10;
/// How many of them one may take where there are few.
const ONE: usize = 64 << 10;
/// How many of them a line takes for its tags.
const TAGS: usize = 80;
/// How many characters of a line are shown.
const LINE: usize = 240;

/// The room of one cell or one cause.
pub(super) struct Room {
    left: usize,
    refused: bool,
}

impl Room {
    /// The room of one among so many.
    pub(super) fn among(number: usize) -> Self {
        Self { left: ALL.checked_div(number).unwrap_or(ALL).min(ONE), refused: false }
    }

    /// The line, safe and perhaps shortened, while there is room. After one that found none, no other finds any.
    pub(super) fn line(&mut self, line: &str) -> Option<String> {
        let line = tags::text(&shorten(line.trim_end(), LINE));
        let left = self.left.checked_sub(line.len() + TAGS).filter(|_| !self.refused);
        self.refused = left.is_none();
        self.left = left?;
        Some(line)
    }

    /// Whether something found no room.
    pub(super) fn refused(&self) -> bool {
        self.refused
    }
}
