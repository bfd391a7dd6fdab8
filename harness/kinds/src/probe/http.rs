//! `http`: asks an HTTP server.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::document::{Content, Node, OneOrMany, Problems, Read};

crate::document! {
    /// A question to an HTTP server and what the answer should be.
    pub struct Http, "an address, or a mapping with `url`" {
        /// The address: `http://host[:port]/path`.
        url: String, required;
        /// The method; `GET` when not given.
        method: Option<String>, optional;
        /// Headers to send.
        headers: Option<BTreeMap<String, String>>, optional;
        /// The body to send.
        body: Option<String>, optional;
        /// Whether redirects are followed.
        follow: bool, default false;
        /// What the answer must be: a status, a text in the body, or JSON values by path.
        expect: Option<Expect>, optional;
        /// Names of answer headers that are read as well.
        read_headers: Option<OneOrMany<String>>, optional;
        /// Paths of JSON values that are read instead of the whole body.
        json: Option<OneOrMany<String>>, optional;
    }
    short url;
}

/// What an answer must be.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// This status.
    Status(u16),
    /// A body that holds this text.
    Text(String),
    /// A JSON body that holds these values under these paths.
    Json(BTreeMap<String, String>),
}

impl Read for Expect {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match &node.content {
            Content::Integer(_) => u16::read(node, problems).map(Self::Status),
            Content::Text(_) => String::read(node, problems).map(Self::Text),
            Content::Map(_) => BTreeMap::read(node, problems).map(Self::Json),
            Content::Null | Content::Bool(_) | Content::Float(_) | Content::List(_) => {
                problems.wrong_type(node, "a status, a text or a mapping of JSON paths to values");
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [u16::schema(), String::schema(), BTreeMap::<String, String>::schema()] })
    }
}
