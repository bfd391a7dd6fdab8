//! A program that a scenario names, run to its end, and how it ended as states.

use patchbed_model::{Health, Reading, text};
use patchbed_sandbox::AskError;
use patchbed_sandbox::message::{End, FailureKind, Program, Ran, Run, signal_name};

use super::look::KEEP;
use super::{Look, ProbeError};
use crate::document::{Argv, Pairs};

/// What is started for the fields that every kind with a program has.
pub(super) fn program(
    run: &Argv,
    user: Option<&String>,
    environment: Option<&Pairs>,
    directory: Option<&String>,
) -> Program {
    Program {
        argv: run.0.clone(),
        environment: environment.cloned().unwrap_or_default().0,
        user: user.cloned(),
        directory: directory.cloned(),
        ..Program::default()
    }
}

impl Look<'_> {
    /// Runs a program to its end. One that cannot be started is a bad state, and no error.
    pub(super) async fn ran(
        &self,
        program: Program,
        input: Option<String>,
    ) -> Result<Result<Ran, Reading>, ProbeError> {
        self.ended(Run { program, input, within: self.milliseconds(), keep: KEEP, ..Run::default() }).await
    }

    /// The same with limits of the caller's own.
    pub(super) async fn ended(&self, run: Run) -> Result<Result<Ran, Reading>, ProbeError> {
        let failure = match self.sandbox.run(run).await {
            Ok(ran) => return Ok(Ok(ran)),
            Err(AskError::Failed(failure)) => failure,
            Err(error @ AskError::Link(_)) => return Err(error.into()),
        };
        let value = match failure.kind {
            FailureKind::NotFound => "not found",
            FailureKind::Refused => "not allowed",
            FailureKind::Limit => "no room to run",
            FailureKind::System | FailureKind::Unsupported => return Err(ProbeError::Blind(failure.text)),
        };
        Ok(Err(Reading::state(value, Health::Bad).because([text::one_line(&failure.text)])))
    }
}

/// The exit status: 0 is good, and everything else comes with the end of what was printed.
pub(super) fn exit(look: &Look<'_>, ran: &Ran) -> Reading {
    let value = match ran.end {
        End::Exited(0) => return Reading::state("0", Health::Good),
        End::Exited(status) => status.to_string(),
        End::Killed { .. } => "killed".to_owned(),
        End::TimedOut => format!("not ended within {}", crate::change::seconds(look.within)),
    };
    Reading::state(value, Health::Bad).because(last_words(ran))
}

/// The signal that ended it.
pub(super) fn signal(ran: &Ran) -> Reading {
    match ran.end {
        End::Killed { signal, .. } => Reading::state(signal_name(signal), Health::Bad),
        End::Exited(_) | End::TimedOut => Reading::state("none", Health::Good),
    }
}

/// The end of what was printed.
pub(super) fn last_words(ran: &Ran) -> Vec<String> {
    let mut lines = text::last_lines(&ran.output.text, 5);
    lines.extend(text::last_lines(&ran.errors.text, 10));
    lines
}
