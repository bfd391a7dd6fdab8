//! `command`: runs a program and reads its result.

use patchbed_model::{Key, Reading, Value};
use patchbed_sandbox::message::{End, Output, Program, Ran};
use serde_json::Value as Json;

use super::look::KEEP;
use super::outputs::{digest_of, json_of, json_text, lines_of, no_json, text_of};
use super::program::{exit, program, signal};
use super::severity::{Severity, severity};
use super::{Look, Probe, ProbeError};
use crate::document::{Argv, Node, Pairs, Problems, Read, choice, choice_schema};

crate::document! {
    /// A program whose result is read.
    pub struct Command, "a command, or a mapping with `run`" {
        /// The command line.
        run: Argv, required;
        /// Its user; root when not given.
        user: Option<String>, optional;
        /// Its environment.
        environment: Option<Pairs>, optional;
        /// Its working folder.
        directory: Option<String>, optional;
        /// Text for its standard input.
        input: Option<String>, optional;
        /// How its standard output is compared.
        output: Format, default Format::Text;
    }
    short run;
    check {
        user => user,
        directory => inside_path,
    }
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
        choice(node, Self::WORDS, "a format", problems)
    }

    fn schema() -> Json {
        choice_schema(Self::WORDS)
    }
}

impl Probe for Command {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        Ok(match look.ran(self.program(), self.input.clone()).await? {
            Ok(ran) => self.readings(look, &ran),
            Err(why) => vec![(look.key("exit"), why)],
        })
    }
}

impl Command {
    /// What is started.
    pub(super) fn program(&self) -> Program {
        program(&self.run, self.user.as_ref(), self.environment.as_ref(), self.directory.as_ref())
    }

    fn readings(&self, look: &Look<'_>, ran: &Ran) -> Vec<(Key, Reading)> {
        let mut readings = vec![(look.key("exit"), exit(look, ran)), (look.key("signal"), signal(ran))];
        // What was printed until time was over depends on the moment.
        if ran.end == End::TimedOut {
            return readings;
        }
        if let Some(value) = self.output.value(&ran.output) {
            readings.push((look.key("stdout"), Reading::content(value)));
            readings.extend(errors(look, ran));
        }
        readings
    }
}

/// What was printed on standard error. Of a program that ended well only lines that tell of an error matter: warnings
/// and words of greeting come and go with versions.
fn errors(look: &Look<'_>, ran: &Ran) -> Vec<(Key, Reading)> {
    let whole = text_of(&ran.errors);
    let Value::Text(text) = &whole else { return vec![(look.key("stderr"), Reading::content(whole))] };
    if ran.end != End::Exited(0) || text.is_empty() {
        return vec![(look.key("stderr"), Reading::content(whole))];
    }
    let errors: Vec<&str> = text.lines().filter(|line| severity(line) == Severity::Error).collect();
    let told = Reading::content(errors.join("\n"));
    vec![(look.key("stderr"), told), (look.key("stderr-whole"), Reading::fact(whole))]
}

impl Format {
    const WORDS: &[(&str, Self)] = &[
        ("text", Self::Text),
        ("json", Self::Json),
        ("lines", Self::Lines),
        ("digest", Self::Digest),
        ("ignore", Self::Ignore),
    ];

    /// The output as this format compares it; `None` when it is not compared.
    fn value(self, output: &Output) -> Option<Value> {
        match self {
            Self::Text => Some(text_of(output)),
            Self::Json => Some(json_of(output).map_or_else(|| no_json(output), |json| json_text(&json))),
            Self::Lines => Some(lines_of(output, KEEP)),
            Self::Digest => Some(digest_of(output)),
            Self::Ignore => None,
        }
    }
}
