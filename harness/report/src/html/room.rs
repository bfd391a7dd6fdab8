//! How much of the text of a cell or of a cause the page holds: it stays small however much a patch breaks.

use patchbed_model::text::shorten;

use super::tags;

/// How many bytes one cell or one cause may take for its values and lines.
const BYTES: usize = 6 << 10;
/// How many of them a line takes for its tags.
const TAGS: usize = 48;
/// How many characters of a line are shown.
const LINE: usize = 240;

/// The room of one cell or one cause.
pub(super) struct Room {
    left: usize,
    refused: bool,
}

impl Room {
    /// Room of which nothing is taken.
    pub(super) fn new() -> Self {
        Self { left: BYTES, refused: false }
    }

    /// The line, safe and perhaps shortened, while there is room.
    pub(super) fn line(&mut self, line: &str) -> Option<String> {
        let line = tags::text(&shorten(line.trim_end(), LINE));
        let Some(left) = self.left.checked_sub(line.len() + TAGS) else {
            self.refused = true;
            return None;
        };
        self.left = left;
        Some(line)
    }

    /// Whether something found no room.
    pub(super) fn refused(&self) -> bool {
        self.refused
    }
}
