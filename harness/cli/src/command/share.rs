//! What one machine does of a run that several machines share.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_engine::plan::{Plan, PlanDocument, PlannedAttempts, Shard};
use patchbed_engine::store;
use patchbed_model::{CellId, Exit};
use patchbed_report::Format;

use super::merge;
use crate::arguments::{Share, WhichShard};
use crate::context::Context;
use crate::failure::Failure;
use crate::reports::Wanted;

/// The variables in which an engine tells which of its parallel jobs this is and how many there are, and from what it
/// counts.
const ENGINES: [(&str, &str, usize); 3] = [
    ("CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    ("BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0),
    ("SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", 1),
];

/// The cells that this machine runs.
pub(super) fn of(plan: Plan, share: &Share) -> Result<Plan, Failure> {
    let document = share.plan.as_deref().map(store::read_plan).transpose().map_err(merge::unfit)?;
    let plan = match (&document, &share.plan) {
        (Some(document), Some(path)) => planned(plan, (document, path), share.cell_index)?,
        (Some(_) | None, _) => plan,
    };
    let part = match share.shard {
        None => return Ok(plan),
        Some(WhichShard::Given(part)) => part,
        Some(WhichShard::Auto) => told(|name| std::env::var(name).ok())?,
    };
    let plan = part.of(plan, &document.map(estimates).unwrap_or_default());
    if plan.cells.is_empty() {
        let failure = Failure::say(Exit::Nothing, format!("part {part} has no cell: there are fewer cells than parts"));
        return Err(failure.help("the other parts have them all; this one has nothing to do"));
    }
    Ok(plan)
}

/// The cells that a plan names: all, or the one of an index.
fn planned(plan: Plan, (document, path): (&PlanDocument, &Utf8Path), index: Option<usize>) -> Result<Plan, Failure> {
    let wanted: Vec<&PlannedAttempts> =
        document.cells.iter().filter(|cell| index.is_none_or(|index| cell.index == index)).collect();
    if let (Some(index), []) = (index, wanted.as_slice()) {
        let failure = Failure::say(Exit::Usage, format!("`{path}` has no cell of index {index}"));
        return Err(failure.help(format!("it has {} of them, counted from 0", document.cells.len())));
    }
    let known: BTreeSet<&CellId> = plan.cells.iter().map(|cell| &cell.id).collect();
    if let Some(cell) = wanted.iter().find(|cell| !known.contains(&cell.id)) {
        let text = format!("cell {} of `{path}` is not in the scenarios: {}", cell.id, cell.names.scenario);
        let failure = Failure::say(Exit::Usage, text);
        return Err(failure.help("name the files of which the plan was made; if they have changed, make it again"));
    }
    let wanted: BTreeSet<&CellId> = wanted.into_iter().map(|cell| &cell.id).collect();
    Ok(Plan { cells: plan.cells.into_iter().filter(|cell| wanted.contains(&cell.id)).collect() })
}

/// How long the plan says that its cells take.
fn estimates(document: PlanDocument) -> BTreeMap<CellId, u64> {
    document.cells.into_iter().filter_map(|cell| Some((cell.id, cell.estimate?))).collect()
}

/// The part of which the engine tells.
fn told(variable: impl Fn(&str) -> Option<String>) -> Result<Shard, Failure> {
    for (index_name, total_name, first) in ENGINES {
        let (Some(index), Some(total)) = (variable(index_name), variable(total_name)) else { continue };
        let number = |text: &str| text.parse::<usize>().ok();
        let shard = number(&index).and_then(|index| Shard::new((index + 1).checked_sub(first)?, number(&total)?));
        return shard.ok_or_else(|| {
            let text = format!("`{index_name}={index}` and `{total_name}={total}` name no part");
            Failure::say(Exit::Usage, text).help("give the part itself: `--shard 1/4`")
        });
    }
    let failure = Failure::say(Exit::Usage, "`--shard auto` finds no engine that tells the part");
    let names = ENGINES.map(|(index, total, _)| format!("{index} and {total}")).join(", ");
    Err(failure.help(format!("it asks for {names}; elsewhere give the part itself: `--shard 1/4`")))
}

/// The report of the one cell into the folder of `--blob`, which is made.
pub(super) fn blob(plan: &Plan, share: &Share) -> Result<Option<Wanted>, Failure> {
    let (Some(folder), Some(cell)) = (&share.blob, plan.cells.first()) else { return Ok(None) };
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::new(Exit::Usage, anyhow::Error::new(error).context(format!("make `{folder}`"))))?;
    let wanted = Wanted { format: Format::Json, path: Some(folder.join(format!("{}.json", cell.id))) };
    wanted.attempt()?;
    Ok(Some(wanted))
}

/// Where the run is kept: with `--blob` in a folder that goes when this is dropped, so that many may run at once.
pub(super) struct Kept {
    path: Utf8PathBuf,
    _passing: Option<tempfile::TempDir>,
}

impl Kept {
    /// Where the run of this share is kept.
    pub(super) fn new(context: &Context, share: &Share) -> Result<Self, Failure> {
        if share.blob.is_none() {
            return Ok(Self { path: context.folders.kept.clone(), _passing: None });
        }
        store::State::open(&context.folders.kept)?;
        let passing = tempfile::Builder::new().prefix("blob-").tempdir_in(&context.folders.kept)?;
        let path = Utf8PathBuf::try_from(passing.path().to_owned())?;
        Ok(Self { path, _passing: Some(passing) })
    }

    /// The folder.
    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_engine(variables: &[(&str, &str)]) -> Result<String, String> {
        let of = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        told(of).map(|shard| shard.to_string()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn engines_count_from_one_or_from_nought() {
        assert_eq!(of_engine(&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "4")]), Ok("1/4".to_owned()));
        let buildkite = [("BUILDKITE_PARALLEL_JOB", "0"), ("BUILDKITE_PARALLEL_JOB_COUNT", "4")];
        assert_eq!(of_engine(&buildkite), Ok("1/4".to_owned()));
        let azure = [("SYSTEM_JOBPOSITIONINPHASE", "4"), ("SYSTEM_TOTALJOBSINPHASE", "4")];
        assert_eq!(of_engine(&azure), Ok("4/4".to_owned()));
    }

    #[test]
    fn what_names_no_part_is_refused() {
        assert_eq!(of_engine(&[]), Err("`--shard auto` finds no engine that tells the part".to_owned()));
        for (index, total) in [("0", "4"), ("5", "4"), ("x", "4"), ("1", ""), ("1", "0")] {
            let refused = of_engine(&[("CI_NODE_INDEX", index), ("CI_NODE_TOTAL", total)]);
            assert_eq!(refused, Err(format!("`CI_NODE_INDEX={index}` and `CI_NODE_TOTAL={total}` name no part")));
        }
    }
}
