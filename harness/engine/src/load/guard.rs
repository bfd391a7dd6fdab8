//! One walk over the events of a YAML text before anything is built from it: refuses what is dangerous, and keeps
//! where every value stands.
//!
//! It stops at the first thing that makes the rest meaningless; duplicate keys and odd booleans do not.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use patchbed_kinds::document::{At, Place, Problems};
use patchbed_model::Code;
use patchbed_model::text::{one_line, shorten};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::places::Places;

/// How deep collections may be nested; people need about six.
const DEEPEST: usize = 32;

/// Whether a text may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sound {
    /// It holds one document.
    Yes,
    /// It holds none.
    Empty,
    /// There is no sense in reading it.
    No,
}

/// What the walk found.
#[derive(Debug)]
pub(super) struct Guarded {
    /// Where every value stands.
    pub(super) places: Places,
    /// Whether it may be read.
    pub(super) sound: Sound,
    /// Whether a mapping has a key twice.
    pub(super) duplicates: bool,
}

/// Walks over `text`.
pub(super) fn guard(text: &str, file: u32, problems: &mut Problems) -> Guarded {
    let mut walk = Walk {
        offsets: Offsets::of(text),
        file,
        places: Places::default(),
        problems,
        frames: Vec::new(),
        documents: 0,
        duplicates: false,
    };
    let sound = match walk.characters(text).and_then(|()| walk.events(text)) {
        Err(Stop) => Sound::No,
        Ok(()) if walk.documents == 0 => Sound::Empty,
        Ok(()) => Sound::Yes,
    };
    Guarded { places: walk.places, sound, duplicates: walk.duplicates }
}

/// From characters to bytes: the parsers count the former.
#[derive(Debug)]
pub(super) struct Offsets {
    /// Empty when the text is ASCII.
    bytes: Vec<u32>,
    length: usize,
}

impl Offsets {
    /// The table of `text`.
    pub(super) fn of(text: &str) -> Self {
        let bytes = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect()
        };
        Self { bytes, length: text.len() }
    }

    /// The byte at which the character `index` begins.
    pub(super) fn byte(&self, index: usize) -> usize {
        if self.bytes.is_empty() {
            return index.min(self.length);
        }
        self.bytes.get(index).map_or(self.length, |byte| *byte as usize)
    }
}

/// Nothing more can be said about the text.
struct Stop;

struct Walk<'p> {
    offsets: Offsets,
    file: u32,
    places: Places,
    problems: &'p mut Problems,
    frames: Vec<Frame>,
    documents: u32,
    duplicates: bool,
}

/// A collection that has begun.
enum Frame {
    List(u32),
    Map { node: u32, keys: HashMap<String, u32>, key: Option<(String, Range<usize>)> },
}

impl Walk<'_> {
    /// Control characters cannot stand in a YAML text, and some parsers do not say where they are.
    fn characters(&mut self, text: &str) -> Result<(), Stop> {
        let wrong = |c: char| (c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{85}')) || c == '\u{feff}';
        let Some((at, c)) = text.char_indices().find(|(_, c)| wrong(*c)) else {
            return Ok(());
        };
        let place = self.place_of(at..at + c.len_utf8());
        self.problems
            .error(
                Code::ControlCharacter,
                place,
                At::Value,
                format!("the character U+{:04X} cannot stand in a file", c as u32),
            )
            .label(format!("at byte {at}"))
            .help("take it out");
        Err(Stop)
    }

    fn events(&mut self, text: &str) -> Result<(), Stop> {
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| self.broken(&error))?;
            let range = self.range(span);
            match event {
                Event::DocumentStart(_) => self.document(range)?,
                Event::Alias(_) => return Err(self.alias(range, "an alias")),
                Event::Scalar(text, style, anchor, tag) => {
                    self.properties(&range, anchor, tag.is_some())?;
                    self.scalar(text, style, range)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.properties(&range, anchor, tag.is_some())?;
                    let node = self.begin(range)?;
                    self.frames.push(Frame::List(node));
                }
                Event::MappingStart(anchor, tag) => {
                    self.properties(&range, anchor, tag.is_some())?;
                    let node = self.begin(range)?;
                    self.frames.push(Frame::Map { node, keys: HashMap::new(), key: None });
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(&range),
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
        Ok(())
    }

    fn document(&mut self, range: Range<usize>) -> Result<(), Stop> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        let place = self.place_of(range);
        self.problems
            .error(Code::SeveralDocuments, place, At::Value, "a second document begins here")
            .help("put it into a file of its own");
        Err(Stop)
    }

    /// Anchors and tags, on keys and values alike.
    fn properties(&mut self, range: &Range<usize>, anchor: usize, tag: bool) -> Result<(), Stop> {
        if anchor != 0 {
            return Err(self.alias(range.clone(), "an anchor"));
        }
        if tag {
            let place = self.place_of(range.clone());
            self.problems
                .error(Code::Tag, place, At::Value, "tags are not supported")
                .label("this value has a tag")
                .help("take the word that begins with `!` away");
            return Err(Stop);
        }
        Ok(())
    }

    fn alias(&mut self, range: Range<usize>, what: &str) -> Stop {
        let place = self.place_of(range);
        self.problems
            .error(Code::Alias, place, At::Value, format!("{what} is not supported"))
            .label("here")
            .help("write the value out, or share it by name: `use:`, `variables:`, files in `images/`, `patches/` and `software/`");
        Stop
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, range: Range<usize>) -> Result<(), Stop> {
        let plain = matches!(style, ScalarStyle::Plain);
        if let Some(Frame::Map { key: key @ None, .. }) = self.frames.last_mut() {
            if plain && text == "<<" {
                return Err(self.alias(range, "a merge key"));
            }
            *key = Some((text.into_owned(), range));
            return Ok(());
        }
        let node = self.value(range);
        if plain && matches!(&*text, "True" | "TRUE" | "False" | "FALSE") {
            let lower = text.to_ascii_lowercase();
            self.problems
                .error(Code::InvalidValue, node, At::Value, format!("`{text}` is neither a text nor `{lower}`"))
                .help(format!("write `{lower}`, or put it in quotes when it is a text"));
        }
        Ok(())
    }

    /// A collection begins.
    fn begin(&mut self, range: Range<usize>) -> Result<u32, Stop> {
        if matches!(self.frames.last(), Some(Frame::Map { key: None, .. })) {
            let place = self.place_of(range);
            self.problems.error(Code::InvalidYaml, place, At::Value, "a key is a text, not a list or a mapping");
            return Err(Stop);
        }
        let place = self.value(range);
        if self.frames.len() == DEEPEST {
            self.too_deep(place);
            return Err(Stop);
        }
        Ok(place.node)
    }

    fn too_deep(&mut self, place: Place) {
        self.problems
            .error(Code::TooDeep, place, At::Value, format!("nested deeper than {DEEPEST}"))
            .label("one level too many");
    }

    fn end(&mut self, range: &Range<usize>) {
        if let Some(Frame::List(node) | Frame::Map { node, .. }) = self.frames.pop() {
            self.places.extend(node, range.end);
        }
    }

    /// A value begins: gives it its number, and takes the key before it.
    fn value(&mut self, range: Range<usize>) -> Place {
        let Some(Frame::Map { keys, key, .. }) = self.frames.last_mut() else {
            return self.place_of(range);
        };
        let Some((name, at)) = key.take() else {
            return self.place_of(range);
        };
        let node = self.places.add(Some(at), range);
        let place = Place { file: self.file, node };
        if let Some(first) = keys.get(&name) {
            let first = Place { file: self.file, node: *first };
            self.duplicates = true;
            duplicate(&name, first, place, self.problems);
        } else {
            keys.insert(name, node);
        }
        place
    }

    fn place_of(&mut self, range: Range<usize>) -> Place {
        Place { file: self.file, node: self.places.add(None, range) }
    }

    fn range(&self, span: Span) -> Range<usize> {
        let start = self.offsets.byte(span.start.index());
        start..self.offsets.byte(span.end.index()).max(start)
    }

    fn broken(&mut self, error: &ScanError) -> Stop {
        let at = self.offsets.byte(error.marker().index());
        let place = self.place_of(at..at + 1);
        if error.info() == "recursion limit exceeded" {
            self.too_deep(place);
        } else if error.info().starts_with("while parsing node, found unknown anchor") {
            return self.alias(at..at + 1, "an alias");
        } else {
            let message = format!("the YAML is broken: {}", shorten(&one_line(error.info()), 200));
            self.problems.error(Code::InvalidYaml, place, At::Value, message).label("noticed here");
        }
        Stop
    }
}

fn duplicate(name: &str, first: Place, second: Place, problems: &mut Problems) {
    let name = shorten(&one_line(name), 60);
    problems
        .error(Code::DuplicateKey, second, At::Key, format!("the key `{name}` is given twice"))
        .label("the second time")
        .also(first, At::Key, "the first time")
        .help("keep one of them");
}
