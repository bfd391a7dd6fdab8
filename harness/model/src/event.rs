//! What happens in a run, said once. The journal is the list of these; progress and the record are folds over it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::difference::Judgement;
use crate::exit::Exit;
use crate::given::Given;
use crate::id::{CellId, Digest, RunId};
use crate::outage::Outages;
use crate::outcome::{Arm, Outcome, Stage};
use crate::record::{CellRecord, Host};
use crate::search::Search;

/// One go at one arm of one cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// The cell.
    pub cell: CellId,
    /// The arm.
    pub arm: Arm,
    /// Counted from 1 within the arm.
    pub number: u32,
}

/// What a run knows of a cell before it starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedCell {
    /// Its id.
    pub id: CellId,
    /// The scenario's id: the file's name without its ending.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// The file, as the user named it.
    pub file: String,
    /// The image's name.
    pub image: String,
    /// The image's digest, once it is known.
    pub image_digest: Option<Digest>,
    /// The patches that are in.
    pub patches: Vec<String>,
    /// The products that are on.
    pub software: Vec<String>,
    /// How its patches are given; absent when one after another.
    #[serde(default, skip_serializing_if = "Given::is_usual")]
    pub given: Given,
    /// The cell of whose bundle this is a part that is tried: then nothing is said of it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_of: Option<CellId>,
}

/// A file that the run was made from, as it was at the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The path as the user named it.
    pub file: String,
    /// The digest of its bytes at the start.
    pub digest: Digest,
    /// See [`crate::record::ScenarioRecord::lines`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lines: BTreeMap<String, u32>,
}

/// What happened. Every variant is one line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A run began.
    RunStarted {
        /// Its id.
        run: RunId,
        /// When.
        at: Timestamp,
        /// The version of patchbed.
        version: String,
        /// The scenario files.
        sources: Vec<Source>,
        /// The command's words, so that `run --last` can resume it.
        arguments: Vec<String>,
        /// The machine; absent when not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<Host>,
    },
    /// A cell will be run.
    CellPlanned(PlannedCell),
    /// What a cell is made of is ready: attempts of a resumed run count only when this is still the same.
    CellPrepared {
        /// Which.
        cell: CellId,
        /// The digest of the image's content.
        image_digest: Digest,
        /// The digest of everything that goes in: image, products and patches with the bytes they bring.
        inputs: Digest,
    },
    /// A layer below attempts was made: it was not in the store before.
    LayerMade {
        /// The first cell that stands on it.
        cell: CellId,
        /// Its name in the store.
        layer: Digest,
        /// What it was made from: `directory /srv/root`, `install deb`.
        source: String,
        /// How long it took, in milliseconds.
        milliseconds: u64,
    },
    /// An attempt began.
    AttemptStarted {
        /// Which.
        attempt: AttemptId,
        /// When.
        at: Timestamp,
    },
    /// A stage of an attempt ended.
    StageFinished {
        /// Of which attempt.
        attempt: AttemptId,
        /// Which stage.
        stage: Stage,
        /// How long it took, in milliseconds.
        milliseconds: u64,
    },
    /// It was seen when services could not be reached; what is told later of the same attempt is more.
    OutagesSeen {
        /// In which attempt.
        attempt: AttemptId,
        /// What was seen.
        outages: Box<Outages>,
    },
    /// An attempt ended.
    AttemptFinished {
        /// Which.
        attempt: AttemptId,
        /// How.
        outcome: Box<Outcome>,
        /// How long it took, in milliseconds.
        milliseconds: u64,
        /// What could not be limited or looked at, and what the changes did.
        notes: Vec<String>,
    },
    /// A cell was judged.
    CellJudged {
        /// Which.
        cell: CellId,
        /// What was decided.
        judgement: Box<Judgement>,
    },
    /// The guilty part of a cell's bundle was searched for.
    Searched {
        /// Of which cell.
        cell: CellId,
        /// What was found.
        search: Box<Search>,
    },
    /// The results of other runs are put together in this one.
    RunMerged {
        /// Those runs.
        runs: Vec<RunId>,
        /// How many layers they made.
        layers_made: usize,
    },
    /// The result of a cell that another run made.
    CellMerged {
        /// The result.
        cell: Box<CellRecord>,
    },
    /// Something a person should know.
    Note {
        /// The cell it is about, if it is about one.
        cell: Option<CellId>,
        /// The text.
        text: String,
    },
    /// A run that was cut off goes on.
    RunResumed {
        /// When.
        at: Timestamp,
    },
    /// A run ended.
    RunFinished {
        /// When.
        at: Timestamp,
        /// How the program will end.
        exit: Exit,
    },
}
