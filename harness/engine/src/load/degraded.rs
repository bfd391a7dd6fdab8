//! `degraded`: what says that a product runs without protecting.

use patchbed_kinds::document::{Argv, At, Content, Node, OneOrMany, Place, Placed, Problems, Read};
use patchbed_model::Code;
use serde_json::{Value as Json, json};

use super::probe::Known;
use super::rule::expression;
use crate::scenario::{Degraded, Service};

/// A command, or a line to look for.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(super) enum DegradedText {
    /// A command that ends with 0 when it is so.
    Command(Argv),
    /// A line that says so.
    Line(LineText),
}

patchbed_kinds::document! {
    /// A line that says so, since the patch.
    pub(super) struct LineText, "a command, or a mapping with `text` or `matches`" {
        /// What stands in the line.
        text: Option<String>, optional;
        /// A regular expression for a part of the line.
        matches: Option<Expression>, optional;
        /// The service in whose output or journal it is looked for; all of the product when not given.
        service: Option<Placed<String>>, optional;
        /// Files in which it is looked for, by glob.
        log: Option<OneOrMany<String>>, optional;
    }
    exactly_one [text, matches];
    check {
        text => filled,
        log => inside_path,
    }
}

/// A regular expression.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Expression(String);

impl Read for Expression {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        expression(node, problems).map(Self)
    }

    fn schema() -> Json {
        json!({ "type": "string", "format": "regex" })
    }
}

impl Read for DegradedText {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.content {
            Content::Map(_) => LineText::read(node, problems).map(Self::Line),
            Content::Null
            | Content::Bool(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Text(_)
            | Content::List(_) => Argv::read(node, problems).map(Self::Command),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [Argv::schema(), LineText::schema()] })
    }
}

/// What is looked at. `own` are the services of the product.
pub(super) fn degraded(
    text: &Placed<DegradedText>,
    own: &[Service],
    known: Known<'_>,
    problems: &mut Problems,
) -> Option<Degraded> {
    match text.value.as_ref()? {
        DegradedText::Command(argv) => Some(Degraded::Program(argv.0.clone())),
        DegradedText::Line(line) => line.lower(text.place, own, known, problems),
    }
}

impl LineText {
    fn lower(&self, place: Place, own: &[Service], known: Known<'_>, problems: &mut Problems) -> Option<Degraded> {
        let files = self.log.as_ref().map(|globs| globs.0.clone()).unwrap_or_default();
        let services = match &self.service {
            Some(service) => known.service(service, "degraded", problems).into_iter().collect(),
            None if self.log.is_some() => Vec::new(),
            None => own.iter().map(|service| service.name.clone()).collect::<Vec<_>>(),
        };
        if services.is_empty() && files.is_empty() && self.service.is_none() && !known.incomplete {
            problems
                .error(Code::MissingKey, place, At::Value, "there is no log in which this could stand")
                .help("add `log:` with files, or `service:`; or write a command");
        }
        let literal = self.text.as_deref().map(regex::escape);
        let pattern = literal.or_else(|| self.matches.as_ref().map(|expression| expression.0.clone()))?;
        Some(Degraded::Line { pattern, services, files })
    }
}
