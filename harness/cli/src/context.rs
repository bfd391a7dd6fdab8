//! What a command works in: output, folders, the day, and whether somebody can be asked. The *high* options that all
//! commands share; made once, from the global flags and the environment.

use std::sync::Arc;

use console::Term;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use patchbed_model::Exit;

use crate::arguments::{Global, Styled, When};
use crate::failure::Failure;
use crate::folders::Folders;
use crate::output::{Environment, Output, look};

/// What a command works in.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where things are said.
    pub(crate) output: Arc<Output>,
    /// Where things are kept.
    pub(crate) folders: Folders,
    /// What the environment says about how things look.
    pub(crate) environment: Environment,
    /// `SOURCE_DATE_EPOCH`, which stands for the time of day where it is set.
    pub(crate) epoch: Option<Timestamp>,
    /// Whether somebody sits there: input and error output are terminals, and asking is allowed.
    pub(crate) interactive: bool,
}

impl Context {
    /// Reads the environment, and goes to the folder of `-C`.
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        if let Some(directory) = &global.directory {
            std::env::set_current_dir(directory).map_err(|error| {
                Failure::new(Exit::Usage, anyhow::Error::new(error).context(format!("enter `{directory}`")))
            })?;
        }
        let environment = Environment::read();
        let output = Output::new(
            look(&Term::stdout(), global.color, environment),
            look(&Term::stderr(), global.color, environment),
            global.quiet,
        );
        let terminals = Term::stderr().is_term() && rustix::termios::isatty(rustix::stdio::stdin());
        Ok(Self {
            output: Arc::new(output),
            folders: Folders::find(),
            environment,
            epoch: epoch()?,
            interactive: terminals && !global.no_input && !environment.ci,
        })
    }

    /// What there is before the arguments are understood.
    pub(crate) fn bare() -> Self {
        let environment = Environment::read();
        let of = |terminal: &Term| look(terminal, When::Auto, environment);
        let output = Output::new(of(&Term::stdout()), of(&Term::stderr()), 0);
        Self { output: Arc::new(output), folders: Folders::find(), environment, epoch: None, interactive: false }
    }

    /// The time of day.
    pub(crate) fn now(&self) -> Timestamp {
        self.epoch.unwrap_or_else(Timestamp::now)
    }

    /// Today, in UTC.
    pub(crate) fn today(&self) -> Date {
        self.now().to_zoned(TimeZone::UTC).date()
    }

    /// Prints a text that was asked for, such as help.
    pub(crate) fn show(&self, text: &Styled) -> u8 {
        let coloured = self.output.look().colour == patchbed_report::Colour::Always;
        self.output.result(if coloured { &text.coloured } else { &text.plain }.as_bytes());
        self.finish(Exit::Ok.code())
    }

    /// Says what is wrong with the command line.
    pub(crate) fn refuse(&self, text: &Styled) -> u8 {
        let coloured = self.output.speech_look().colour == patchbed_report::Colour::Always;
        self.output.error(if coloured { &text.coloured } else { &text.plain });
        Exit::Usage.code()
    }

    /// Says why a command failed.
    pub(crate) fn fail(&self, failure: &Failure) -> u8 {
        self.output.error(&failure.render(self.output.speech_look()));
        failure.exit().code()
    }

    /// Ends the program: a result that could not be written makes it fail, unless it ends with something worse.
    pub(crate) fn finish(&self, status: u8) -> u8 {
        let Some(error) = self.output.lost() else {
            return status;
        };
        self.fail(&Failure::new(Exit::Temporary, anyhow::Error::new(error).context("write to standard output")));
        if matches!(status, 0 | 3) { Exit::Temporary.code() } else { status }
    }
}

fn epoch() -> Result<Option<Timestamp>, Failure> {
    let Some(value) = std::env::var_os("SOURCE_DATE_EPOCH").filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let seconds = value.to_str().and_then(|text| text.parse().ok());
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map(Some).ok_or_else(|| Failure::say(Exit::Usage, "SOURCE_DATE_EPOCH is no number of seconds"))
}
