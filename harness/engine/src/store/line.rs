//! One line of a journal: a version, a checksum and an event, as JSON.

use patchbed_model::{Digest, Event};

/// The version of the journal's format.
const VERSION: u32 = 1;

/// What a line turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// An event.
    Event(Box<Event>),
    /// Not what was once written.
    Damaged,
    /// Written by a later version.
    Later(u32),
}

/// The line of an event, without its line feed.
pub(super) fn encode(event: &Event) -> serde_json::Result<String> {
    let event = serde_json::to_string(event)?;
    Ok(format!("{{\"v\":{VERSION},\"sum\":\"{}\",\"event\":{event}}}", sum(&event)))
}

/// Reads a line. Only what was written whole and unchanged is an event.
pub(super) fn decode(line: &[u8]) -> Line {
    let Ok(line) = std::str::from_utf8(line) else {
        return Line::Damaged;
    };
    parts(line).map_or(Line::Damaged, |(version, sum_found, event)| {
        if version > VERSION {
            return Line::Later(version);
        }
        if sum_found != sum(event) {
            return Line::Damaged;
        }
        serde_json::from_str(event).map_or(Line::Damaged, |event| Line::Event(Box::new(event)))
    })
}

fn parts(line: &str) -> Option<(u32, &str, &str)> {
    let (version, rest) = line.strip_prefix("{\"v\":")?.split_once(",\"sum\":\"")?;
    let (sum, rest) = rest.split_once("\",\"event\":")?;
    Some((version.parse().ok()?, sum, rest.strip_suffix('}')?))
}

fn sum(text: &str) -> String {
    Digest::of(text.as_bytes()).short().to_owned()
}
