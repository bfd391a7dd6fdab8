//! Two runs beside each other: what became worse, what became better, what is new and what is gone.
//! `patchbed schema --of comparison` prints the JSON Schema of these types, which are a contract with other programs.

mod causes;
mod pairs;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::difference::Difference;
use crate::exit::Exit;
use crate::given::Given;
use crate::id::{CellId, Digest, RunId};
use crate::outcome::Cause;
use crate::record::{CellRecord, Record, ScenarioRecord};
use crate::verdict::Verdict;

/// The version of the comparison's format, as it stands in `schema`.
pub const SCHEMA: &str = "patchbed/comparison/1";

/// What differs between two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Always `patchbed/comparison/1`.
    pub schema: String,
    /// The run that is compared with.
    pub earlier: ComparedRun,
    /// The run that is compared.
    pub later: ComparedRun,
    /// The exit code.
    pub exit: u8,
    /// The name of the exit code.
    pub exit_name: Exit,
    /// How many cells stand how, zeroes included.
    pub counts: BTreeMap<Standing, usize>,
    /// Scenario files whose bytes are not the same in both runs.
    pub other_files: Vec<String>,
    /// Every cell of both runs, in the order of the later one; then those that are gone.
    pub cells: Vec<ComparedCell>,
    /// Every cause of both runs but those that mended something, in the same order.
    pub causes: Vec<ComparedCause>,
}

/// One of both runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedRun {
    /// Its id.
    pub run: RunId,
    /// When it began.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// Its verdict.
    pub verdict: Verdict,
    /// How many cells it has.
    pub cells: usize,
}

/// How a cell of the later run stands to the same cell of the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Regressed or ineffective now, and it was not; or something else in it is worse now.
    Worse,
    /// Something differs now that did not, and a person must look.
    Changed,
    /// Without a result now, so that nothing is said.
    Undecided,
    /// As bad as it was, for the same reasons.
    Still,
    /// Less bad than it was.
    Better,
    /// Only in the later run.
    New,
    /// Only in the earlier run.
    Gone,
    /// As fine as it was.
    Same,
}

impl Standing {
    /// Every standing, in the order in which they are told.
    pub const ALL: [Self; 8] =
        [Self::Worse, Self::Changed, Self::Undecided, Self::New, Self::Gone, Self::Still, Self::Better, Self::Same];
}

/// One cell in both runs, or in one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedCell {
    /// The scenario.
    pub scenario: String,
    /// The image's name.
    pub image: String,
    /// The patches that are in.
    pub patches: Vec<String>,
    /// The patches that were in; absent when they were the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_patches: Option<Vec<String>>,
    /// The products that are on.
    pub software: Vec<String>,
    /// How its patches are given; absent when one after another.
    #[serde(default, skip_serializing_if = "Given::is_usual")]
    pub given: Given,
    /// How it stands.
    pub standing: Standing,
    /// How it was; absent when it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<CellResult>,
    /// How it is; absent when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<CellResult>,
    /// What differs through the patch now, and did not.
    pub appeared: Vec<Difference>,
    /// What differed through the patch, and does no longer.
    pub disappeared: Vec<Difference>,
    /// Why attempts stop now, and did not.
    pub stops: Vec<Cause>,
}

/// What one run says of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellResult {
    /// The id of the cell in that run.
    pub id: CellId,
    /// The image's digest; absent when the image could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<Digest>,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether the control arm was ill already.
    pub broken_before: bool,
    /// One sentence that says why.
    pub reason: String,
}

/// How a cause stands in the later run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CauseStanding {
    /// It is there now, and was not.
    New,
    /// It is there in both.
    Still,
    /// It was there, and a cell that showed it has no result now or is gone.
    Unknown,
    /// It was there, and every cell that showed it has a result without it.
    Solved,
}

/// One cause in both runs, or in one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedCause {
    /// The scenario.
    pub scenario: String,
    /// One line that says what happened.
    pub title: String,
    /// What it means.
    pub verdict: Verdict,
    /// How it stands.
    pub standing: CauseStanding,
    /// The patch since which it is there; absent when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The cells that showed it in the earlier run.
    pub earlier: Vec<CellId>,
    /// The cells that show it in the later run.
    pub later: Vec<CellId>,
}

impl Comparison {
    /// Lays a run beside an earlier one. Cells are the same where scenario, image, products and patches have the same
    /// names, and where a scenario has just one cell of other patches in each run: a month brings other patches.
    #[must_use]
    pub fn of(earlier: &Record, later: &Record) -> Self {
        let pairs = pairs::of(earlier, later);
        let cells: Vec<ComparedCell> = pairs.iter().map(|pair| cell(*pair)).collect();
        let common = cells.iter().any(|cell| cell.earlier.is_some() && cell.later.is_some());
        let start = if common { Exit::Ok } else { Exit::Nothing };
        let exit = cells.iter().map(ComparedCell::exit).fold(start, Exit::max);
        let count = |standing| (standing, cells.iter().filter(|cell| cell.standing == standing).count());
        Self {
            schema: SCHEMA.to_owned(),
            earlier: ComparedRun::of(earlier),
            later: ComparedRun::of(later),
            exit: exit.code(),
            exit_name: exit,
            counts: Standing::ALL.map(count).into(),
            other_files: other_files(earlier, later),
            causes: causes::of(earlier, later, &cells),
            cells,
        }
    }

    /// The images that are other ones now although their names are the same: name, digest before, digest now.
    #[must_use]
    pub fn other_images(&self) -> BTreeSet<(&str, &Digest, &Digest)> {
        self.cells.iter().filter_map(ComparedCell::other_image).collect()
    }
}

impl ComparedRun {
    fn of(record: &Record) -> Self {
        Self {
            run: record.run.clone(),
            started: record.started,
            verdict: record.verdict,
            cells: record.scenarios.iter().map(|scenario| scenario.cells.len()).sum(),
        }
    }
}

impl ComparedCell {
    /// The id by which it is known: that of the later run where it is there.
    #[must_use]
    pub fn id(&self) -> Option<&CellId> {
        self.later.as_ref().or(self.earlier.as_ref()).map(|result| &result.id)
    }

    /// Its image, with the digests before and now, when they differ.
    fn other_image(&self) -> Option<(&str, &Digest, &Digest)> {
        let was = self.earlier.as_ref()?.image_digest.as_ref()?;
        let now = self.later.as_ref()?.image_digest.as_ref()?;
        (was != now).then_some((&*self.image, was, now))
    }

    /// What this cell alone means for the exit code.
    fn exit(&self) -> Exit {
        match (self.standing, &self.later) {
            (Standing::Worse, _) => Exit::Regressed,
            (Standing::Changed, _) => Exit::Changed,
            (Standing::Undecided | Standing::New, Some(now)) if now.broken_before => Exit::BrokenBefore,
            (Standing::New, Some(now)) => now.verdict.exit(),
            (Standing::Undecided, _) => Exit::Undecided,
            (Standing::Still | Standing::Better | Standing::New | Standing::Gone | Standing::Same, _) => Exit::Ok,
        }
    }
}

/// How bad a cell is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Well,
    Changed,
    Bad,
    Unknown,
}

impl Level {
    const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Same | Verdict::Improved => Self::Well,
            Verdict::Changed => Self::Changed,
            Verdict::Regressed | Verdict::Ineffective => Self::Bad,
            Verdict::Unstable | Verdict::Inconclusive | Verdict::Skipped => Self::Unknown,
        }
    }
}

/// The same cell in both runs, with its scenario.
type Pair<'a> = (Option<Place<'a>>, Option<Place<'a>>);
/// A cell and its scenario.
type Place<'a> = (&'a ScenarioRecord, &'a CellRecord);

fn cell((earlier, later): Pair<'_>) -> ComparedCell {
    let (scenario, named) = later.or(earlier).expect("a pair has at least one side");
    let (was, now) = (earlier.map(|(_, cell)| cell), later.map(|(_, cell)| cell));
    let (appeared, disappeared) = (not_in(now, was), not_in(was, now));
    let stops = new_stops(was, now);
    let other = was.filter(|was| was.patches != named.patches);
    ComparedCell {
        scenario: scenario.id.clone(),
        image: named.image.clone(),
        patches: named.patches.clone(),
        other_patches: other.map(|was| was.patches.clone()),
        software: named.software.clone(),
        given: named.given,
        standing: standing(was, now, &appeared, &stops),
        earlier: was.map(result),
        later: now.map(result),
        appeared,
        disappeared,
        stops,
    }
}

fn result(cell: &CellRecord) -> CellResult {
    CellResult {
        id: cell.id.clone(),
        image_digest: cell.image_digest.clone(),
        verdict: cell.verdict,
        broken_before: cell.broken_before,
        reason: cell.reason.clone(),
    }
}

fn standing(was: Option<&CellRecord>, now: Option<&CellRecord>, appeared: &[Difference], stops: &[Cause]) -> Standing {
    let (was, now) = match (was, now) {
        (Some(was), Some(now)) => (Level::of(was.verdict), Level::of(now.verdict)),
        (None, _) => return Standing::New,
        (_, None) => return Standing::Gone,
    };
    let worse = !stops.is_empty() || appeared.iter().any(|difference| Level::of(difference.verdict) == Level::Bad);
    match (was, now) {
        (_, Level::Unknown) => Standing::Undecided,
        (Level::Bad, Level::Bad) if !worse => Standing::Still,
        (_, Level::Bad) => Standing::Worse,
        (Level::Changed, Level::Changed) if appeared.is_empty() => Standing::Still,
        (Level::Well | Level::Changed | Level::Unknown, Level::Changed) => Standing::Changed,
        (Level::Well, Level::Well) => Standing::Same,
        (Level::Bad, Level::Changed) | (Level::Changed | Level::Bad | Level::Unknown, Level::Well) => Standing::Better,
    }
}

/// The differences of a cell that the other does not have, or has with less weight. Where one side has no result,
/// nothing appeared and nothing disappeared.
fn not_in(one: Option<&CellRecord>, other: Option<&CellRecord>) -> Vec<Difference> {
    let (Some(one), Some(other)) = (one, other) else { return Vec::new() };
    if [one, other].iter().any(|cell| Level::of(cell.verdict) == Level::Unknown) {
        return Vec::new();
    }
    let weights: BTreeMap<_, _> = other.differences.iter().map(|other| (&other.key, other.verdict)).collect();
    let has = |difference: &&Difference| weights.get(&difference.key).is_some_and(|has| *has >= difference.verdict);
    one.differences.iter().filter(|difference| !has(difference)).cloned().collect()
}

/// Why attempts stop now, where none stopped so.
fn new_stops(was: Option<&CellRecord>, now: Option<&CellRecord>) -> Vec<Cause> {
    let (Some(was), Some(now)) = (was, now) else { return Vec::new() };
    let sign = |stop: &Cause| (stop.kind, stop.stage, stop.subject.clone());
    let known: BTreeSet<_> = was.stops.iter().map(sign).collect();
    now.stops.iter().filter(|stop| !known.contains(&sign(stop))).cloned().collect()
}

/// The files that both runs know, with other bytes.
fn other_files(earlier: &Record, later: &Record) -> Vec<String> {
    let digests: BTreeMap<_, _> = earlier.scenarios.iter().map(|scenario| (&scenario.file, &scenario.digest)).collect();
    let other = |scenario: &&ScenarioRecord| {
        scenario.digest.is_some() && digests.get(&scenario.file).is_some_and(|was| **was != scenario.digest)
    };
    later.scenarios.iter().filter(other).map(|scenario| scenario.file.clone()).collect()
}
