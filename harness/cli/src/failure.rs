//! Why a command did not do what it was asked: an error chain, an exit code, and what to do about it.

use std::fmt::Write as _;

use patchbed_engine::plan::PlanError;
use patchbed_engine::review::ReviewError;
use patchbed_engine::run::{ReopenError, RunError};
use patchbed_engine::store::StateError;
use patchbed_kinds::image::{ImageError, StoreError};
use patchbed_model::Exit;
use patchbed_report::{Look, Tone, safe};
use patchbed_sandbox::OpenError;

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
    help: Vec<String>,
}

impl Failure {
    /// A failure with a known exit code.
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        let help = remedies(&error);
        Self { exit, error, help }
    }

    /// A failure that is told in one sentence.
    pub(crate) fn say(exit: Exit, text: impl Into<String>) -> Self {
        Self::new(exit, anyhow::Error::msg(text.into()))
    }

    /// The same, with a line that helps.
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The whole chain and the help, as it is printed. Nobody else formats an error.
    pub(crate) fn render(&self, look: &Look) -> String {
        let mut text = format!("{} {}\n", look.paint(Tone::Bad, "error:"), shown(&self.error.to_string(), look));
        let mut last = self.error.to_string();
        for cause in self.error.chain().skip(1) {
            let this = cause.to_string();
            if last.contains(&this) {
                continue;
            }
            writeln!(text, "  {} {}", look.paint(Tone::Dim, "because:"), shown(&this, look))
                .expect("writing to a string cannot fail");
            last = this;
        }
        for help in &self.help {
            writeln!(text, "  {} {}", look.paint(Tone::Strong, "help:"), shown(help, look))
                .expect("writing to a string cannot fail");
        }
        text
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

/// An error whose exit code follows from what went wrong.
impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        Self::new(exit_of(&error), error)
    }
}

/// The lines of the text, each safe, those after the first indented.
fn shown(text: &str, look: &Look) -> String {
    text.lines().map(|line| safe::shown(line, look)).collect::<Vec<_>>().join("\n    ")
}

/// The exit code of an error, found by what is in its chain.
fn exit_of(error: &anyhow::Error) -> Exit {
    error.chain().find_map(exit_of_one).unwrap_or(Exit::Bug)
}

fn exit_of_one(error: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    if let Some(open) = error.downcast_ref::<OpenError>() {
        return Some(exit_of_open(open));
    }
    if let Some(image) = error.downcast_ref::<ImageError>() {
        return Some(match image {
            ImageError::Unfit(_) | ImageError::Install(_) => Exit::Usage,
            ImageError::Unavailable(_) => Exit::Temporary,
            ImageError::Lacking { .. } => Exit::Unable,
        });
    }
    if let Some(run) = error.downcast_ref::<RunError>() {
        return exit_of_run(run);
    }
    if let Some(state) = error.downcast_ref::<StateError>() {
        return exit_of_state(state);
    }
    if error.is::<PlanError>() || error.is::<ReviewError>() || error.is::<StoreError>() {
        return has_io(error).or(Some(Exit::Usage));
    }
    if let Some(reopen) = error.downcast_ref::<ReopenError>() {
        return match reopen {
            ReopenError::Run(run) => exit_of_run(run),
            ReopenError::Open(open) => Some(exit_of_open(open)),
            ReopenError::Store(store) => has_io(store).or(Some(Exit::Usage)),
            ReopenError::Stopped(_) => Some(Exit::Undecided),
        };
    }
    error.downcast_ref::<std::io::Error>().map(|error| if exhausted(error) { Exit::Temporary } else { Exit::Usage })
}

const fn exit_of_open(error: &OpenError) -> Exit {
    match error {
        OpenError::Lacking(_) => Exit::Unable,
        OpenError::Setup(_) | OpenError::Exhausted { .. } | OpenError::Runner(_) => Exit::Temporary,
    }
}

fn exit_of_run(error: &RunError) -> Option<Exit> {
    match error {
        RunError::Unable(_) => Some(Exit::Unable),
        RunError::Unfit { .. } | RunError::OtherPlan(_) => Some(Exit::Usage),
        RunError::State(state) => exit_of_state(state),
    }
}

fn exit_of_state(error: &StateError) -> Option<Exit> {
    match error {
        StateError::InUse { .. }
        | StateError::NoRun(_)
        | StateError::Empty
        | StateError::Ambiguous { .. }
        | StateError::Later { .. } => Some(Exit::Usage),
        StateError::Io { source, .. } => exit_of_one(source),
    }
}

fn has_io(error: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    std::iter::successors(error.source(), |error| error.source()).find_map(exit_of_one)
}

/// Whether the machine had nothing left, so that a second try may help.
pub(crate) fn exhausted(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;

    use rustix::io::Errno;

    let exhausting = [Errno::NOSPC, Errno::DQUOT, Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN, Errno::IO];
    // Some libraries wrap the system's error: then only its kind is left.
    let kinds = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::OutOfMemory];
    kinds.contains(&error.kind()) || Errno::from_io_error(error).is_some_and(|errno| exhausting.contains(&errno))
}

/// What the errors themselves know about how to mend them.
fn remedies(error: &anyhow::Error) -> Vec<String> {
    let mut help = Vec::new();
    for cause in error.chain() {
        if let Some(OpenError::Lacking(lack)) = cause.downcast_ref::<OpenError>() {
            help.push(lack.remedy.clone());
        }
        if let Some(ImageError::Lacking { remedy, .. }) = cause.downcast_ref::<ImageError>() {
            help.push(remedy.clone());
        }
        if let Some(RunError::Unable(lacks)) = cause.downcast_ref::<RunError>() {
            help.extend(lacks.iter().map(|lack| lack.remedy.clone()));
        }
    }
    help
}
