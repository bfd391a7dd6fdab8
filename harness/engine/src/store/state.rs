//! The state folder `.patchbed/`: runs, the last one, the lock.

use std::collections::BTreeSet;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::{Event, Record, RunId};

use crate::plan::{CellNames, Durations};

/// The state folder of a project.
#[derive(Clone, Debug)]
pub struct State {
    root: Utf8PathBuf,
}

/// Keeps other runs out of the state folder as long as it lives.
#[derive(Debug)]
pub struct Lock {
    _file: std::fs::File,
}

/// What is wrong with the state folder.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another run uses it (exit 2).
    #[error("`{path}` is in use by process {pid}")]
    InUse {
        /// The folder.
        path: Utf8PathBuf,
        /// Who uses it.
        pid: String,
    },
    /// No run of that name.
    #[error("there is no run `{0}`")]
    NoRun(String),
    /// Nothing was ever run here.
    #[error("nothing was run here yet")]
    Empty,
    /// A beginning fits several runs.
    #[error("`{prefix}` is the beginning of several runs: {}", .runs.join(", "))]
    Ambiguous {
        /// What was given.
        prefix: String,
        /// The runs.
        runs: Vec<String>,
    },
    /// It was written by a version that this one does not know.
    #[error("`{path}` was made by a later version of patchbed ({version})")]
    Later {
        /// The file.
        path: Utf8PathBuf,
        /// What it says.
        version: String,
    },
    /// It could not be read or written.
    #[error("{doing} `{path}`")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: Utf8PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl State {
    /// Opens the state folder, and makes it when it is not there.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn open(root: &Utf8Path) -> Result<Self, StateError> {
        Ok(Self { root: root.to_owned() })
    }

    /// Keeps other runs out.
    ///
    /// # Errors
    /// [`StateError::InUse`], [`StateError::Io`].
    pub fn lock(&self) -> Result<Lock, StateError> {
        Err(StateError::Empty)
    }

    /// The folder of a run: reports go there as well.
    #[must_use]
    pub fn run_folder(&self, run: &RunId) -> Utf8PathBuf {
        self.root.join("runs").join(&run.0)
    }

    /// All runs, the oldest first.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn runs(&self) -> Result<Vec<RunId>, StateError> {
        Ok(Vec::new())
    }

    /// The run that is meant: `None` for the last one, else an id or its beginning.
    ///
    /// # Errors
    /// [`StateError::Empty`], [`StateError::NoRun`], [`StateError::Ambiguous`], [`StateError::Io`].
    pub fn find(&self, prefix: Option<&str>) -> Result<RunId, StateError> {
        prefix.map_or(Err(StateError::Empty), |prefix| Err(StateError::NoRun(prefix.to_owned())))
    }

    /// The events of a run, as far as they were written, and what is said about damaged lines.
    ///
    /// # Errors
    /// [`StateError::NoRun`], [`StateError::Later`], [`StateError::Io`].
    pub fn journal(&self, run: &RunId) -> Result<(Vec<Event>, Vec<String>), StateError> {
        Err(StateError::NoRun(run.0.clone()))
    }

    /// The record of a run: the fold over its journal, also of one that was cut off.
    ///
    /// # Errors
    /// As [`State::journal`].
    pub fn record(&self, run: &RunId) -> Result<Record, StateError> {
        Err(StateError::NoRun(run.0.clone()))
    }

    /// How long attempts took in earlier runs, for estimates.
    #[must_use]
    pub fn durations(&self) -> Durations {
        Durations::new()
    }

    /// The cells of a run that are neither same nor improved: for `--last-failed`.
    ///
    /// # Errors
    /// As [`State::journal`].
    pub fn failed(&self, run: &RunId) -> Result<BTreeSet<CellNames>, StateError> {
        Err(StateError::NoRun(run.0.clone()))
    }

    /// Removes a run.
    ///
    /// # Errors
    /// [`StateError::NoRun`], [`StateError::Io`].
    pub fn remove(&self, run: &RunId) -> Result<(), StateError> {
        Err(StateError::NoRun(run.0.clone()))
    }
}
