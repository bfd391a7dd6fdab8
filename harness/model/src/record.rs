//! The record of a run: what is kept, shown and reported. It is a fold over the journal; see the engine's `store`.
//! `patchbed schema --of record` prints the JSON Schema of these types, which are a contract with other programs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::difference::{Difference, Ill};
use crate::exit::Exit;
use crate::given::Given;
use crate::id::{CellId, Digest, Key, RunId};
use crate::metric::Metric;
use crate::outage::Outages;
use crate::outcome::{Arm, Blame, Cause, Stage};
use crate::search::Search;
use crate::verdict::Verdict;

/// The version of the record's format, as it stands in `schema`.
pub const SCHEMA: &str = "patchbed/record/1";

/// Everything that is kept of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Always `patchbed/record/1`.
    pub schema: String,
    /// The run's id.
    pub run: RunId,
    /// The version of patchbed that ran it.
    pub version: String,
    /// The machine that ran it; absent when not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// The words of the command, without the program's name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// When it began.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// When it ended; absent when it was cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub finished: Option<Timestamp>,
    /// The heaviest verdict of all cells.
    pub verdict: Verdict,
    /// The exit code.
    pub exit: u8,
    /// The name of the exit code.
    pub exit_name: Exit,
    /// How many cells got which verdict, zeroes included.
    pub counts: BTreeMap<Verdict, usize>,
    /// The scenarios, in the order in which they were named.
    pub scenarios: Vec<ScenarioRecord>,
    /// How many layers were made: images, and one for each change installed on them. Those in the store are not among them.
    #[serde(default)]
    pub layers_made: usize,
    /// What a person should know of the whole run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What of a machine may matter for what was seen on it. Its name is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// The name and version of its system: `Debian GNU/Linux 12 (bookworm)`; absent when it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The name and version of its kernel.
    pub kernel: String,
    /// What its processors are: `x86_64`.
    pub architecture: String,
    /// How many of them the run could use.
    pub processors: usize,
    /// How many bytes of memory it has; absent when not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

/// What is kept of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioRecord {
    /// The file's name without its ending.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The file as the user named it.
    pub file: String,
    /// The digest of the file at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The lines of the file, counted from 1, in which patches and products stand by their names, and services, workloads,
    /// data and probes by the parts of keys that name them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lines: BTreeMap<String, u32>,
    /// The heaviest verdict of its cells.
    pub verdict: Verdict,
    /// Its cells.
    pub cells: Vec<CellRecord>,
    /// Cells that fail for one reason, grouped by what was observed.
    pub causes: Vec<CauseRecord>,
    /// The guilty parts of the bundle, of all cells in which they were searched for and found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culprits: Option<Culprits>,
}

/// The guilty parts of a bundle, and what is safe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Culprits {
    /// Least sets of patches, each of which breaks something by itself.
    pub sets: Vec<Vec<String>>,
    /// How likely that is, from 0 to 1: of several answers the least likely.
    pub posterior: f64,
    /// How many attempts with parts of the bundle it took.
    pub runs: usize,
    /// The patches that may be shipped together: tried, and clean wherever it was searched. Absent when not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub safe_subset: Vec<String>,
}

/// What is kept of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellRecord {
    /// Its id.
    pub id: CellId,
    /// The image's name.
    pub image: String,
    /// The image's digest; absent when the image could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<Digest>,
    /// The patches that are in.
    pub patches: Vec<String>,
    /// The products that are on.
    pub software: Vec<String>,
    /// How its patches are given; absent when one after another.
    #[serde(default, skip_serializing_if = "Given::is_usual")]
    pub given: Given,
    /// The verdict.
    pub verdict: Verdict,
    /// One sentence that says why.
    pub reason: String,
    /// Whether the control arm was ill already.
    pub broken_before: bool,
    /// Whether only infrastructure is to blame.
    pub temporary: bool,
    /// How many finished attempts each arm has.
    pub attempts: BTreeMap<Arm, usize>,
    /// What differs and counts.
    pub differences: Vec<Difference>,
    /// What differs and is silenced by a rule or an acceptance.
    pub silenced: Vec<Difference>,
    /// In how many observed control attempts the value of a difference was seen as well; absent where in none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub without: BTreeMap<Key, u32>,
    /// Why attempts stopped.
    pub stops: Vec<Cause>,
    /// What is ill in every attempt without the patch, when that decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ill: Vec<Ill>,
    /// The metrics that were judged by comparing the arms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// Readings that move by themselves.
    pub volatile: Vec<Key>,
    /// How many readings were compared.
    pub readings: usize,
    /// See [`crate::Judgement::noise_bound`].
    pub noise_bound: f64,
    /// Every attempt.
    pub timeline: Vec<AttemptRecord>,
    /// What could not be limited or looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The search for the guilty part of its bundle, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
}

/// What is kept of one attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptRecord {
    /// The arm.
    pub arm: Arm,
    /// Counted from 1 within the arm.
    pub number: u32,
    /// Absent when the attempt did not finish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// What each stage took, in milliseconds.
    pub stages: BTreeMap<Stage, u64>,
    /// In one or two words: `observed`, `stopped in apply`, `unfinished`.
    pub outcome: String,
    /// When services could not be reached; absent where that was not watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outages: Option<Outages>,
}

/// One cause: what broke, since what, in which cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CauseRecord {
    /// One line that says what happened.
    pub title: String,
    /// Whose fault it is.
    pub blame: Blame,
    /// What it means.
    pub verdict: Verdict,
    /// The cells that show it.
    pub cells: Vec<CellId>,
    /// The patch since which it is there; absent when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    /// How the patches must be given for it; absent when not known, and when it shows in either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_given: Option<OnlyGiven>,
    /// The products that it takes, together: it shows only where they are on, and not where no product is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_with: Vec<String>,
    /// The products that hide it: it shows without them, and not where they are on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden_by: Vec<String>,
    /// Sets of products of which it may take one, when the cells do not tell which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub perhaps_with: Vec<Vec<String>>,
    /// The decided cells in which it does not show: they prove what is said of products.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_in: Vec<CellId>,
    /// What broke: key, before, after.
    pub broke: Vec<Broke>,
    /// Lines that prove it.
    pub evidence: Vec<String>,
    /// How sure the answer is, in words with numbers.
    pub sure: String,
}

/// Since which patch something is broken, with the attempts that prove it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Since {
    /// The patch, or several when they were only tried together.
    pub patch: String,
    /// Attempts with the patch that show it, of all with the patch.
    pub with: (u32, u32),
    /// Attempts without the patch that show it, of all without.
    pub without: (u32, u32),
}

/// The one way of giving patches in which something shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OnlyGiven {
    /// The way.
    pub given: Given,
    /// The cells that prove it: the same patches are given in other ways, and it does not show.
    pub not_in: Vec<CellId>,
}

/// One line of "what broke".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Broke {
    /// The reading.
    pub key: Key,
    /// Its value before; absent when it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// Its value after; absent when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}
