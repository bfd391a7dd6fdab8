//! `report`: reports of a stored run, again.

use patchbed_engine::store::State;
use patchbed_model::Exit;

use crate::arguments::ReportArguments;
use crate::context::Context;
use crate::failure::Failure;
use crate::reports::{self, Wanted};

pub(super) fn execute(context: &Context, arguments: &ReportArguments) -> Result<Exit, Failure> {
    let format = reports::format(&arguments.format)?;
    let path = arguments.out.clone().unwrap_or_else(|| "-".into());
    let wanted = Wanted { format, path: Some(path) };
    wanted.attempt()?;
    let state = State::open(&context.folders.kept)?;
    let run = state.find(arguments.run.as_deref())?;
    let record = state.record(&run)?;
    wanted.write(&record, &state.run_folder(&run), &context.output)?;
    Ok(Exit::Ok)
}
