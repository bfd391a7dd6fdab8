//! `files`: lays files over the root.

use super::{Applied, Change, ChangeError, Prepared, Site};
use crate::image::Workshop;
use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::document::{Content, Node, Problems, Read};

crate::document! {
    /// Files laid over the root: a folder or tarball, or texts written in place.
    pub struct Files, "a folder, or a mapping with `from` or `write`" {
        /// A folder or tarball laid over `/`, or over `to`.
        from: Option<String>, optional;
        /// Where the tree goes; `/` when not given.
        to: Option<String>, optional;
        /// Texts by path.
        write: Option<BTreeMap<String, Text>>, optional;
        /// Mode of all files, in octal digits such as "0644".
        mode: Option<String>, optional;
        /// `user` or `user:group` of all files.
        owner: Option<String>, optional;
    }
    short from;
}

crate::document! {
    /// A text with its mode and owner.
    pub struct LongText, "a text, or a mapping with `text`" {
        /// The content.
        text: String, required;
        /// Mode in octal digits.
        mode: Option<String>, optional;
        /// `user` or `user:group`.
        owner: Option<String>, optional;
    }
}

/// The content of a file to write.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Text(pub LongText);

impl Read for Text {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.content {
            Content::Map(_) => LongText::read(node, problems).map(Self),
            Content::Null
            | Content::Bool(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Text(_)
            | Content::List(_) => {
                String::read(node, problems).map(|text| Self(LongText { text, mode: None, owner: None }))
            }
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "type": "string" }, LongText::schema()] })
    }
}

impl Change for Files {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    async fn prepare(&self, _: &Workshop<'_>) -> Result<Prepared, ChangeError> {
        Err(ChangeError::Unavailable("not yet".to_owned()))
    }

    async fn apply(&self, _: &Site<'_>) -> Result<Applied, ChangeError> {
        Err(ChangeError::Unavailable("not yet".to_owned()))
    }

    async fn revert(&self, _: &Site<'_>) -> Result<(), ChangeError> {
        Err(ChangeError::Unavailable("not yet".to_owned()))
    }
}
