//! Root over one's own files: runs host programs and tasks where all ids of the caller's image store are mapped.
//!
//! For root that is no change. An ordinary user gets a user namespace in which the caller is 0 and the subordinate
//! ids are 1 to 65535, made with `newuidmap`; files there keep their owners, and trees of other ids can be removed.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use patchbed_guest::runner::HolderIds;

use crate::face::{HOLDER, TASK};
use crate::{Lack, subordinate, tasks};

/// The way into the holder namespace.
#[derive(Clone, Debug)]
pub struct Holder {
    ids: Option<HolderIds>,
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
    /// What the host lacks for it: subordinate ids, `newuidmap`.
    pub fn find() -> Result<Self, Lack> {
        if rustix::process::geteuid().is_root() {
            return Ok(Self { ids: None });
        }
        Ok(Self { ids: Some(subordinate::find()?) })
    }

    /// The ids of the namespace; `None` for root, who needs none.
    pub(crate) fn ids(&self) -> Option<&HolderIds> {
        self.ids.as_ref()
    }

    /// A host program, to be run as root of the holder namespace, with the caller's environment and streams. Arguments
    /// and the rest are added with the methods of [`Command`].
    ///
    /// # Panics
    /// Never: ids are plain data.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let Some(ids) = &self.ids else { return Command::new(program) };
        let mut command = Command::new("/proc/self/exe");
        let ids = serde_json::to_string(ids).expect("ids are plain data");
        command.arg(HOLDER).arg(ids).arg(program);
        command
    }

    /// A registered task as a program: JSON goes in as its argument and comes out on standard output.
    #[must_use]
    pub fn task(&self, name: &str, argument: &str) -> Command {
        // The holder execs itself again, and `/proc/self/exe` is then still this program.
        let mut command = self.command("/proc/self/exe");
        command.args([TASK, name, argument]);
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

    /// Removes a tree, whoever its files belong to (blocking). Nothing there is no error.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub fn remove(&self, path: &Path) -> Result<(), TaskError> {
        let failed = |error: String| TaskError::Failed(format!("remove `{}`: {error}", path.display()));
        if self.ids.is_none() {
            return tasks::remove_tree(path).map(drop).map_err(|error| failed(error.to_string()));
        }
        let path = path.to_str().ok_or_else(|| failed("the path is not UTF-8".to_owned()))?;
        let argument = serde_json::to_string(&[path]).map_err(|error| failed(error.to_string()))?;
        self.run_task("remove", &argument, Stdio::null()).map(drop)
    }
}
