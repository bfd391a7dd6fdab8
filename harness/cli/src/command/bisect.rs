//! `bisect`: the smallest guilty part of a cell's bundle, and the largest that is safe to ship.

use camino::Utf8PathBuf;
use patchbed_engine::store::State;
use patchbed_model::Exit;

use super::run;
use crate::arguments::BisectArguments;
use crate::context::Context;
use crate::failure::Failure;

pub(super) fn execute(context: &Context, mut arguments: BisectArguments) -> Result<Exit, Failure> {
    if arguments.files.files.is_empty() {
        arguments.files.files.extend(file_of_last_run(context, &arguments.cell)?);
    }
    run::execute(context, arguments.into())
}

/// The file of the last run's cell whose id begins so, when that run has one.
fn file_of_last_run(context: &Context, prefix: &str) -> Result<Option<Utf8PathBuf>, Failure> {
    if !context.folders.kept.is_dir() {
        return Ok(None);
    }
    let state = State::open(&context.folders.kept)?;
    let Ok(run) = state.find(None) else { return Ok(None) };
    let scenarios = state.record(&run)?.scenarios;
    let has = |id: &str| id.starts_with(prefix);
    let file = scenarios.into_iter().find(|scenario| scenario.cells.iter().any(|cell| has(&cell.id.0)));
    Ok(file.map(|scenario| scenario.file.into()))
}
