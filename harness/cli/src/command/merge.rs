//! `merge`: results of several machines as one run.

use camino::Utf8PathBuf;
use patchbed_engine::plan::PlanDocument;
use patchbed_engine::store::{self, DocumentError, MergeError, Merged, PartError, State};
use patchbed_model::Exit;

use super::run;
use crate::arguments::{FailOn, MergeArguments};
use crate::context::Context;
use crate::failure::Failure;
use crate::reports;

pub(super) fn execute(context: &Context, arguments: &MergeArguments) -> Result<Exit, Failure> {
    let reports = reports::all(&arguments.report)?;
    let plan = arguments.plan.as_deref().map(store::read_plan).transpose().map_err(unfit)?;
    let merged = merged(&arguments.results, plan.as_ref())?;
    let missing = merged.missing().count();
    let exit = match (merged.exit(), arguments.fail_on) {
        (Exit::Changed, FailOn::Regressed) => Exit::Ok,
        (exit, FailOn::Regressed | FailOn::Changed) => exit,
    };
    let state = State::open(&context.folders.kept)?;
    let _lock = state.lock()?;
    let now = context.now();
    let run = state.new_run(now, now.as_nanosecond() ^ i128::from(std::process::id()));
    let words = std::env::args().skip(1).collect();
    let record = state.keep(&run, &merged.events((run.clone(), now), exit, words))?;
    if missing > 0 {
        let cells = patchbed_report::words::count(missing, "cell");
        context.output.warn(&format!("no result of {cells}; `patchbed plan --missing DIR` makes a plan of the rest"));
    }
    run::report(context, &state, record, None, (&reports, arguments.json))
}

/// The results under these paths, put together.
pub(super) fn merged(paths: &[Utf8PathBuf], plan: Option<&PlanDocument>) -> Result<Merged, Failure> {
    let parts = store::parts(paths).map_err(|error| match error {
        PartError::Document(error) => unfit(error),
        error @ (PartError::State(_) | PartError::Folder { .. }) => error.into(),
    })?;
    store::merge(&parts, plan).map_err(|error: MergeError| {
        let remedy = error.remedy();
        Failure::new(Exit::Usage, error).help(remedy)
    })
}

/// A document that cannot be taken.
pub(super) fn unfit(error: DocumentError) -> Failure {
    let remedy = error.remedy();
    Failure::new(Exit::Usage, error).help(remedy)
}
