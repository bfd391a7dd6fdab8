//! A system call that failed, with what it was done to.

use std::fmt::Display;
use std::io;

use crate::message::SetupError;
use crate::plan::SetupStep;

/// A failed call.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) call: String,
    pub(crate) target: String,
    pub(crate) errno: i32,
}

impl Trouble {
    /// The trouble as the failure of a step.
    pub(crate) fn at(self, step: &SetupStep) -> SetupError {
        self.during(step.to_string())
    }

    /// The trouble as the failure of something that is not a step of a plan.
    pub(crate) fn during(self, step: impl Into<String>) -> SetupError {
        SetupError { step: step.into(), call: self.call, target: self.target, errno: self.errno }
    }
}

/// Adds call and target to an error.
pub(crate) trait Context<T> {
    fn on(self, call: &str, target: impl Display) -> Result<T, Trouble>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn on(self, call: &str, target: impl Display) -> Result<T, Trouble> {
        self.map_err(|error| {
            let error: io::Error = error.into();
            Trouble {
                call: call.to_owned(),
                target: target.to_string(),
                errno: error.raw_os_error().unwrap_or(libc::EIO),
            }
        })
    }
}
