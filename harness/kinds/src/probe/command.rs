//! `command`: runs a program and reads its result.

use serde_json::{Value as Json, json};

use patchbed_model::{Code, Health, Key, Reading, Value, text};
use patchbed_sandbox::AskError;
use patchbed_sandbox::message::{End, FailureKind, Output, Program, Ran, Run, signal_name};

use super::look::KEEP;
use super::outputs::{digest_of, json_of, json_text, lines_of, no_json, text_of};
use super::{Look, Probe, ProbeError};
use crate::document::{Argv, At, Node, Pairs, Problems, Read};

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

impl Probe for Command {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        match look.sandbox.run(self.program(look)).await {
            Ok(ran) => Ok(self.readings(look, &ran)),
            Err(AskError::Failed(failure)) => {
                let value = match failure.kind {
                    FailureKind::NotFound => "not found".to_owned(),
                    FailureKind::Refused => "not allowed".to_owned(),
                    FailureKind::Limit => "no room to run".to_owned(),
                    FailureKind::System | FailureKind::Unsupported => return Err(ProbeError::Blind(failure.text)),
                };
                let reading = Reading::state(value, Health::Bad).because([text::one_line(&failure.text)]);
                Ok(vec![(look.key("exit"), reading)])
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Command {
    fn program(&self, look: &Look<'_>) -> Run {
        let program = Program {
            argv: self.run.0.clone(),
            environment: self.environment.clone().unwrap_or_default().0,
            user: self.user.clone(),
            directory: self.directory.clone(),
            ..Program::default()
        };
        Run { program, input: self.input.clone(), within: look.milliseconds(), keep: KEEP, ..Run::default() }
    }

    fn readings(&self, look: &Look<'_>, ran: &Ran) -> Vec<(Key, Reading)> {
        let mut readings = vec![(look.key("exit"), exit(look, ran)), (look.key("signal"), signal(ran))];
        // What was printed until time was over depends on the moment.
        if ran.end == End::TimedOut {
            return readings;
        }
        if let Some(value) = self.output.value(&ran.output) {
            readings.push((look.key("stdout"), Reading::content(value)));
            readings.push((look.key("stderr"), Reading::content(text_of(&ran.errors))));
        }
        readings
    }
}

fn exit(look: &Look<'_>, ran: &Ran) -> Reading {
    let value = match ran.end {
        End::Exited(0) => return Reading::state("0", Health::Good),
        End::Exited(status) => status.to_string(),
        End::Killed { .. } => "killed".to_owned(),
        End::TimedOut => format!("not ended within {}", crate::change::seconds(look.within)),
    };
    let mut evidence = text::last_lines(&ran.output.text, 5);
    evidence.extend(text::last_lines(&ran.errors.text, 10));
    Reading::state(value, Health::Bad).because(evidence)
}

fn signal(ran: &Ran) -> Reading {
    match ran.end {
        End::Killed { signal, .. } => Reading::state(signal_name(signal), Health::Bad),
        End::Exited(_) | End::TimedOut => Reading::state("none", Health::Good),
    }
}

impl Format {
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
