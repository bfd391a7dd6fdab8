//! What a run works with, how it is asked to run, and why it did not.

use std::fmt::Debug;
use std::sync::Arc;

use camino::Utf8PathBuf;
use patchbed_kinds::image::Store;
use patchbed_model::record::Host;
use patchbed_model::{Event, RunId};
use patchbed_sandbox::{Backend, Lack};

use super::clock::Clock;
use crate::store::{State, StateError};

/// What a run works with.
#[derive(Clone, Debug)]
pub struct Harness {
    /// Makes the sandboxes.
    pub backend: Arc<dyn Backend>,
    /// Images, layers and packages.
    pub store: Arc<Store>,
    /// The state folder.
    pub state: State,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How it is run.
    pub options: Options,
}

/// How a run is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many attempts at once.
    pub jobs: usize,
    /// Which control snapshots the patched arm is compared with.
    pub baseline: BaselineChoice,
    /// The folder of accepted baselines and differences, `snapshots/` of the project; `None` when there is none.
    pub snapshots: Option<Utf8PathBuf>,
    /// Whether candidates of new baselines are written there.
    pub candidates: Candidates,
    /// From which verdict on the exit code tells.
    pub fail_on: FailOn,
    /// In which cells the guilty part of the bundle is searched for.
    pub searching: Searching,
    /// Whether the first cell that is not fine ends the run (`-x`): the others are skipped.
    pub first_failure_ends: bool,
    /// Whose disks are kept for a day.
    pub keep: Keep,
    /// Whether nothing may be fetched.
    pub offline: bool,
    /// Whether attempts of earlier runs stand for those of cells in which nothing has changed.
    pub cached: bool,
    /// The run that is resumed; a new one when `None`.
    pub resume: Option<RunId>,
    /// The words of the command, for the record.
    pub arguments: Vec<String>,
    /// The machine, for the record.
    pub host: Option<Host>,
    /// Seed of the run's id; from the system when `None`.
    pub seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            jobs: 1,
            baseline: BaselineChoice::Both,
            snapshots: None,
            candidates: Candidates::Skip,
            fail_on: FailOn::Changed,
            searching: Searching::Automatic,
            first_failure_ends: false,
            keep: Keep::Never,
            offline: false,
            cached: false,
            resume: None,
            arguments: Vec::new(),
            host: None,
            seed: None,
        }
    }
}

/// Which control snapshots the patched arm is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BaselineChoice {
    /// This run's.
    Control,
    /// The accepted ones.
    Stored,
    /// This run's, pooled with the accepted ones of the very same environment.
    #[default]
    Both,
}

/// Whose disks are kept for a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nobody's.
    Never,
    /// Those of cells that are not fine.
    Failed,
    /// Those of all cells.
    All,
}

/// Whether candidates of new baselines are written beside the accepted ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidates {
    /// Where the accepted one is missing or the environment moved.
    Write,
    /// Never.
    Skip,
}

/// In which cells the guilty part of the bundle is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Searching {
    /// In none.
    Never,
    /// Where a bundle made something worse.
    Automatic,
    /// Wherever a bundle made a difference, with at most so many trials.
    Asked(usize),
}

/// From which verdict on the exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// Only regressions and what is undecided.
    Regressed,
    /// Also differences that nobody has looked at.
    Changed,
}

/// Hears what happens, in order. Results are in the journal before they are told here.
pub trait EventSink: Send {
    /// Something happened.
    fn event(&mut self, event: &Event);
}

/// Why there is no record, or none that is whole.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The host cannot sandbox (exit 77).
    #[error("this host cannot run the plan: {}", .0.iter().map(|lack| lack.what.as_str()).collect::<Vec<_>>().join(", "))]
    Unable(Vec<Lack>),
    /// What a scenario names cannot be used (exit 2).
    #[error("{what}: {text}")]
    Unfit {
        /// The image or the patch, with its scenario.
        what: String,
        /// What is wrong with it.
        text: String,
    },
    /// The run to resume was made from another plan (exit 2).
    #[error("run `{0}` was made from other scenarios and cannot be resumed with these")]
    OtherPlan(RunId),
    /// The state folder (exit 2 when in use, else 75).
    #[error(transparent)]
    State(#[from] StateError),
}
