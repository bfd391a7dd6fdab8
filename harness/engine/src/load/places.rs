//! Where the values of a file stand. A place becomes a range of bytes only when a message is shown.

use std::ops::Range;

use patchbed_kinds::document::At;

/// The ranges of all values of a file, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<Spot>);

/// Where one entry stands. 32 bits do: no file is over 1 MiB.
#[derive(Clone, Copy, Debug)]
struct Spot {
    key: Option<(u32, u32)>,
    value: (u32, u32),
    collection: bool,
}

impl Places {
    /// Adds the next value and gives its number.
    pub(super) fn add(&mut self, key: Option<Range<usize>>, value: Range<usize>) -> u32 {
        self.0.push(Spot { key: key.map(|range| narrow(&range)), value: narrow(&value), collection: false });
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    /// Says where the collection `node` ends.
    pub(super) fn extend(&mut self, node: u32, end: usize) {
        if let Some(spot) = usize::try_from(node).ok().and_then(|index| self.0.get_mut(index)) {
            spot.collection = true;
            spot.value.1 = u32::try_from(end).unwrap_or(u32::MAX);
        }
    }

    /// How many values there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The range of a value or its key in `text`: never over a line end, and between characters. A collection of
    /// several lines that stands below a key is shown at that key.
    pub(super) fn range(&self, text: &str, node: u32, at: At) -> Range<usize> {
        let Some(spot) = usize::try_from(node).ok().and_then(|index| self.0.get(index)) else {
            return 0..0;
        };
        let value = spot.value.0 as usize..spot.value.1 as usize;
        let (start, end) = match (spot.key, at) {
            (Some(key), At::Key) => key,
            (Some(key), At::Value) if spot.collection && text.get(value).is_some_and(|text| text.contains('\n')) => key,
            (_, At::Key | At::Value) => spot.value,
        };
        on_one_line(text, start as usize..end as usize)
    }
}

fn narrow(range: &Range<usize>) -> (u32, u32) {
    (u32::try_from(range.start).unwrap_or(u32::MAX), u32::try_from(range.end).unwrap_or(u32::MAX))
}

/// The part of `range` that lies in `text` and on the line where it begins; an empty range takes one character in.
fn on_one_line(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(range.start);
    let rest = &text[start..];
    let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
    let wanted = text.floor_char_boundary(range.end).saturating_sub(start).min(line);
    let shown = rest[..wanted].trim_end().len();
    if shown > 0 {
        return start..start + shown;
    }
    start..start + rest.chars().next().filter(|_| line > 0).map_or(0, char::len_utf8)
}
