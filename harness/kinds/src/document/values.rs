//! The simple values of the language: texts, numbers, durations, sizes, shares, command lines.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbed_model::Code;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{At, Content, Node, Place, Problems, Read};

impl Read for String {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match &node.content {
            Content::Text(text) if let Some(c) = control_character(text) => {
                problems
                    .error(Code::ControlCharacter, node.place, At::Value, "control characters cannot stand in a text")
                    .label(format!("it holds U+{:04X}", c as u32))
                    .help("take it out");
                None
            }
            Content::Text(text) => Some(text.clone()),
            Content::Integer(_) | Content::Float(_) => {
                problems
                    .error(
                        Code::UnquotedVersion,
                        node.place,
                        At::Value,
                        format!("expected a text, this is {}", node.describe()),
                    )
                    .help("put it in quotes: a bare number loses its zeroes (4.10 is 4.1)");
                None
            }
            Content::Bool(_) => {
                problems.wrong_type(node, "a text").help("put it in quotes");
                None
            }
            Content::Null => {
                problems.wrong_type(node, "a text").help("give it a value, or take the key away");
                None
            }
            Content::List(_) | Content::Map(_) => {
                problems.wrong_type(node, "a text");
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }
}

impl Read for bool {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        if let Content::Bool(value) = node.content {
            return Some(value);
        }
        let problem = problems.wrong_type(node, "`true` or `false`");
        match node.as_text() {
            Some("yes" | "Yes" | "on" | "On" | "y") => problem.help("write `true`"),
            Some("no" | "No" | "off" | "Off" | "n") => problem.help("write `false`"),
            Some(_) | None => problem,
        };
        None
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }
}

macro_rules! whole_numbers {
    ($($type:ty),+) => {$(
        impl Read for $type {
            fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
                let Content::Integer(value) = node.content else {
                    problems.wrong_type(node, "a whole number");
                    return None;
                };
                let number = Self::try_from(value).ok();
                if number.is_none() {
                    let message = format!("expected a whole number from {} to {}, this is `{value}`", Self::MIN, Self::MAX);
                    problems.error(Code::InvalidValue, node.place, At::Value, message);
                }
                number
            }

            fn schema() -> Json {
                json!({ "type": "integer", "minimum": Self::MIN, "maximum": Self::MAX })
            }
        }
    )+};
}
whole_numbers!(u16, u32, i32);

impl<T: Read> Read for Vec<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Content::List(items) = &node.content else {
            problems.wrong_type(node, "a list");
            return None;
        };
        let read: Vec<Option<T>> = items.iter().map(|item| T::read(item, problems)).collect();
        read.into_iter().collect()
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": T::schema() })
    }
}

impl<T: Read> Read for BTreeMap<String, T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Content::Map(entries) = &node.content else {
            problems.wrong_type(node, "a mapping");
            return None;
        };
        let read: Vec<Option<(String, T)>> =
            entries.iter().map(|(key, value)| Some((key.clone(), T::read(value, problems)?))).collect();
        read.into_iter().collect()
    }

    fn schema() -> Json {
        json!({ "type": "object", "additionalProperties": T::schema() })
    }
}

/// A value with its place. Reading it never fails: what is around it is read all the same, so that all problems are
/// found at once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Placed<T> {
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
    /// The value; `None` when it could not be read, and that has been reported.
    pub value: Option<T>,
    /// What stands there instead of a value that could be read, when it is a plain one.
    #[serde(skip)]
    pub written: Option<String>,
}

impl<T: Read> Read for Placed<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let value = T::read(node, problems);
        let written = if value.is_none() { node.plain() } else { None };
        Some(Self { place: node.place, value, written })
    }

    fn schema() -> Json {
        T::schema()
    }
}

impl<T: Read> Read for Box<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        T::read(node, problems).map(Self::new)
    }

    fn schema() -> Json {
        T::schema()
    }
}

/// A list, or one item that stands without one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T: Read> Read for OneOrMany<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.content {
            Content::List(_) => Vec::read(node, problems).map(Self),
            Content::Null
            | Content::Bool(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Text(_)
            | Content::Map(_) => T::read(node, problems).map(|item| Self(vec![item])),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [T::schema(), Vec::<T>::schema()] })
    }
}

/// A text where no version can be meant: a number or truth value is taken as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Plain(pub String);

impl Read for Plain {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.content {
            Content::Bool(_) | Content::Integer(_) | Content::Float(_) => node.plain(),
            Content::Null | Content::Text(_) | Content::List(_) | Content::Map(_) => String::read(node, problems),
        }
        .map(Self)
    }

    fn schema() -> Json {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

/// Names and their values, as of an environment or of headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pairs(pub BTreeMap<String, String>);

impl Read for Pairs {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let pairs = BTreeMap::<String, Plain>::read(node, problems)?;
        Some(Self(pairs.into_iter().map(|(name, value)| (name, value.0)).collect()))
    }

    fn schema() -> Json {
        BTreeMap::<String, Plain>::schema()
    }
}

/// Any value, as JSON has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct JsonValue(pub Json);

impl Read for JsonValue {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let value = match &node.content {
            Content::Null => Json::Null,
            Content::Bool(value) => Json::Bool(*value),
            Content::Integer(_) | Content::Float(_) => return json_number(node, problems).map(Self),
            Content::Text(_) => Json::String(String::read(node, problems)?),
            Content::List(_) => Vec::<Self>::read(node, problems)?.into_iter().map(|item| item.0).collect(),
            Content::Map(_) => {
                BTreeMap::<String, Self>::read(node, problems)?.into_iter().map(|(key, item)| (key, item.0)).collect()
            }
        };
        Some(Self(value))
    }

    fn schema() -> Json {
        json!({})
    }
}

/// JSON has no infinity, and no whole numbers of more than 64 bits.
fn json_number(node: &Node, problems: &mut Problems) -> Option<Json> {
    let number = match node.content {
        Content::Integer(value) => serde_json::Number::from_i128(value),
        Content::Float(value) => serde_json::Number::from_f64(value),
        Content::Null | Content::Bool(_) | Content::Text(_) | Content::List(_) | Content::Map(_) => None,
    };
    if number.is_none() {
        let message = format!("expected a number that JSON can hold, this is {}", node.describe());
        problems.error(Code::InvalidValue, node.place, At::Value, message);
    }
    number.map(Json::Number)
}

/// A command line: a text goes to `/bin/sh -c`, a list is taken as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Argv(pub Vec<String>);

impl Read for Argv {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let argv = match &node.content {
            Content::Text(_) => {
                let text = String::read(node, problems)?;
                if text.trim().is_empty() { Vec::new() } else { vec!["/bin/sh".into(), "-c".into(), text] }
            }
            Content::List(_) => Vec::<Plain>::read(node, problems)?.into_iter().map(|word| word.0).collect(),
            Content::Null | Content::Bool(_) | Content::Integer(_) | Content::Float(_) | Content::Map(_) => {
                problems.wrong_type(node, "a command: a text for the shell, or a list of words");
                return None;
            }
        };
        if argv.first().is_none_or(String::is_empty) {
            problems.error(Code::InvalidValue, node.place, At::Value, "the command is empty");
            return None;
        }
        Some(Self(argv))
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": Plain::schema(), "minItems": 1 }] })
    }
}

/// A duration such as `500ms`, `20s`, `10min` or `1h`; at most a week, more than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Span(pub Duration);

impl Span {
    /// Reads a duration as people write it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: f64 = plain_number(digits)?;
        let unit = match &text[digits.len()..] {
            "ms" => 0.001,
            "s" => 1.0,
            "min" | "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        let seconds = number * unit;
        (seconds > 0.0 && seconds <= 604_800.0).then(|| Self(Duration::from_secs_f64(seconds)))
    }
}

impl Read for Span {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        if let Some(span) = node.as_text().and_then(Self::parse) {
            return Some(span);
        }
        let message = format!("expected a duration, this is {}", node.describe());
        problems
            .error(Code::InvalidDuration, node.place, At::Value, message)
            .help("write a number and a unit, such as `500ms`, `20s`, `10min` or `1h`, up to seven days");
        None
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(ms|s|min|m|h|d)$" })
    }
}

/// A size in bytes such as `512MiB` or `2GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Size(pub u64);

impl Size {
    /// Reads a size as people write it.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie between 1 and 2^50")]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: f64 = plain_number(digits)?;
        let unit = match &text[digits.len()..] {
            "B" => 1.0,
            "kB" | "KB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            "KiB" => 1024.0,
            "MiB" => 1_048_576.0,
            "GiB" => 1_073_741_824.0,
            _ => return None,
        };
        let bytes = number * unit;
        (bytes >= 1.0 && bytes <= 2f64.powi(50)).then_some(Self(bytes as u64))
    }
}

impl Read for Size {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        if let Some(size) = node.as_text().and_then(Self::parse) {
            return Some(size);
        }
        let message = format!("expected a size, this is {}", node.describe());
        problems
            .error(Code::InvalidValue, node.place, At::Value, message)
            .help("write a number and a unit, such as `512MiB` or `4GiB`");
        None
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(B|kB|KB|MB|GB|KiB|MiB|GiB)$" })
    }
}

/// A share such as `20%`, kept as 0.2.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Share(pub f64);

impl Read for Share {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let share =
            node.as_text().and_then(|text| text.strip_suffix('%')).and_then(|text| plain_number(text.trim_end()));
        if share.is_none() {
            let message = format!("expected a share, this is {}", node.describe());
            problems.error(Code::InvalidValue, node.place, At::Value, message).help("write a share such as `10%`");
        }
        share.map(|percent| Self(percent / 100.0))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?%$" })
    }
}

/// Reads one of a few words.
pub fn choice<T: Copy>(node: &Node, words: &[(&str, T)], what: &str, problems: &mut Problems) -> Option<T> {
    let found = words.iter().find(|(word, _)| node.as_text() == Some(word));
    if found.is_none() {
        let message = format!("expected {what}, this is {}", node.describe());
        problems.error(Code::InvalidValue, node.place, At::Value, message).help(format!("one of: {}", listed(words)));
    }
    found.map(|(_, value)| *value)
}

/// The JSON Schema of one of a few words.
#[must_use]
pub fn choice_schema<T>(words: &[(&str, T)]) -> Json {
    json!({ "enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>() })
}

fn listed<T>(words: &[(&str, T)]) -> String {
    words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}

/// Line feeds and tabs are text, and so is a carriage return before a line feed, which protocols want.
fn control_character(text: &str) -> Option<char> {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let fine = !c.is_control() || matches!(c, '\n' | '\t') || (c == '\r' && chars.peek() == Some(&'\n'));
        if !fine {
            return Some(c);
        }
    }
    None
}

/// Digits with at most one point: no sign, no exponent, no infinity.
fn plain_number(text: &str) -> Option<f64> {
    let plain = !text.is_empty()
        && text.len() <= 15
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && text.bytes().next().is_some_and(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
