//! `compare`: two stored runs beside each other.

use patchbed_engine::store::State;
use patchbed_model::{Comparison, Exit};
use patchbed_report::Compared;

use crate::arguments::CompareArguments;
use crate::context::Context;
use crate::failure::Failure;

pub(super) fn execute(context: &Context, arguments: &CompareArguments) -> Result<Exit, Failure> {
    let state = State::open(&context.folders.kept)?;
    let earlier = state.record(&state.find(Some(&arguments.earlier))?)?;
    let later = state.record(&state.find(arguments.later.as_deref())?)?;
    if earlier.run == later.run {
        return Err(Failure::say(Exit::Usage, format!("both are run {}", later.run)).help("`patchbed compare RUN RUN`"));
    }
    let comparison = Comparison::of(&earlier, &later);
    if arguments.json {
        context.output.json(&comparison)?;
    } else {
        let mut bytes = Vec::new();
        Compared::new(&comparison, context.output.look()).write(&mut bytes)?;
        context.output.result(&bytes);
    }
    Ok(comparison.exit_name)
}
