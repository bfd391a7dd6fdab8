//! A value of a file with the path that leads to it.

/// A value and where it stands, such as `probes[0].http.url`.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The path from the document's root; empty for the root.
    pub path: String,
    /// The value.
    pub content: Content,
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
    /// The path of `key` below this value.
    #[must_use]
    pub fn key_path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// What the value is, for "a text was wanted, this is …".
    #[must_use]
    pub fn describe(&self) -> String {
        use patchbed_model::text::{one_line, shorten};
        match &self.content {
            Content::Null => "nothing".into(),
            Content::Bool(value) => format!("the truth value `{value}`"),
            Content::Integer(value) => format!("the number `{value}`"),
            Content::Float(value) => format!("the number `{value}`"),
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
