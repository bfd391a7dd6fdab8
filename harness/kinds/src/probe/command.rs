//! `command`: runs a program and reads its result.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::document::{Argv, At, Node, Problems, Read};
use patchbed_model::Code;

crate::document! {
    /// A program whose result is read.
    pub struct Command, "a command, or a mapping with `run`" {
        /// The command line.
        run: Argv, required;
        /// Its user; root when not given.
        user: Option<String>, optional;
        /// Its environment.
        environment: Option<BTreeMap<String, String>>, optional;
        /// Its working folder.
        directory: Option<String>, optional;
        /// Text for its standard input.
        input: Option<String>, optional;
        /// How its standard output is compared.
        output: Format, default Format::Text;
    }
    short run;
}

/// How an output is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// As text.
    Text,
    /// As JSON: the order of keys does not matter.
    Json,
    /// As a set of lines.
    Lines,
    /// By digest.
    Digest,
    /// Not at all.
    Ignore,
}

impl Read for Format {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.as_text() {
            Some("text") => Some(Self::Text),
            Some("json") => Some(Self::Json),
            Some("lines") => Some(Self::Lines),
            Some("digest") => Some(Self::Digest),
            Some("ignore") => Some(Self::Ignore),
            _ => {
                let message = format!("expected a format, this is {}", node.describe());
                problems
                    .error(Code::InvalidValue, node.place, At::Value, message)
                    .help("one of: text, json, lines, digest, ignore");
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "enum": ["text", "json", "lines", "digest", "ignore"] })
    }
}
