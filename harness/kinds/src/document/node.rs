//! A value of a file and where it stands.

/// Where a value stands: its file, and its number when all values of the file are counted in the order in which they
/// begin. Small and without text, so that a hostile file of long keys costs nothing; the engine turns it into a range
/// of bytes when a message is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The number of the file.
    pub file: u32,
    /// The number of the value in the file; 0 is the whole document.
    pub node: u32,
}

impl Place {
    /// The same number in another file.
    #[must_use]
    pub const fn in_file(self, file: u32) -> Self {
        Self { file, node: self.node }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// The value.
    pub content: Content,
    /// A number as it is written, because `4.10` and `0x10` say more than their values.
    pub written: Option<String>,
}

/// What a value can be. Integers and floats are apart, because a version must be neither.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing, or `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// A number with a point or an exponent.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order written.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// A text at `place`.
    #[must_use]
    pub fn text(place: Place, text: impl Into<String>) -> Self {
        Self::of(place, Content::Text(text.into()))
    }

    /// A value at `place` of which nothing more is known.
    #[must_use]
    pub const fn of(place: Place, content: Content) -> Self {
        Self { place, content, written: None }
    }

    /// What the value is, for "a text was wanted, this is …".
    #[must_use]
    pub fn describe(&self) -> String {
        use patchbed_model::text::{one_line, shorten};
        match &self.content {
            Content::Null => "nothing".into(),
            Content::Bool(value) => format!("the truth value `{value}`"),
            Content::Integer(_) | Content::Float(_) => {
                format!("the number `{}`", shorten(&self.plain().unwrap_or_default(), 40))
            }
            Content::Text(value) => format!("the text `{}`", shorten(&one_line(value), 40)),
            Content::List(_) => "a list".into(),
            Content::Map(_) => "a mapping".into(),
        }
    }

    /// The text, when it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Null
            | Content::Bool(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::List(_)
            | Content::Map(_) => None,
        }
    }

    /// The text of a plain value: a text, or a number or truth value as it is written.
    #[must_use]
    pub fn plain(&self) -> Option<String> {
        let written = |value: String| Some(self.written.clone().unwrap_or(value));
        match &self.content {
            Content::Text(text) => Some(text.clone()),
            Content::Bool(value) => Some(value.to_string()),
            Content::Integer(value) => written(value.to_string()),
            Content::Float(value) => written(value.to_string()),
            Content::Null | Content::List(_) | Content::Map(_) => None,
        }
    }

    /// Drops all but the first entry of every key, at every depth.
    pub fn keep_first_keys(&mut self) {
        match &mut self.content {
            Content::Map(entries) => {
                let mut seen = std::collections::HashSet::new();
                entries.retain(|(key, _)| seen.insert(key.clone()));
                for (_, node) in entries {
                    node.keep_first_keys();
                }
            }
            Content::List(items) => items.iter_mut().for_each(Self::keep_first_keys),
            Content::Null | Content::Bool(_) | Content::Integer(_) | Content::Float(_) | Content::Text(_) => {}
        }
    }

    /// The items, when this is a list; else this value alone.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.content {
            Content::List(items) => items,
            Content::Null
            | Content::Bool(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Text(_)
            | Content::Map(_) => std::slice::from_ref(self),
        }
    }

    /// The value of `key`, when this is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            Content::Null
            | Content::Bool(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Text(_)
            | Content::List(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_described_on_one_line_and_shortened() {
        let node = Node::text(Place::default(), format!("a\nb\u{1b}{}", "c".repeat(100)));
        let text = node.describe();
        assert!(text.starts_with("the text `a\\nb\\x1bccc") && text.chars().count() < 80, "{text}");
    }
}
