//! `plan`: what would be run.

use patchbed_engine::plan::{Durations, Plan};
use patchbed_engine::store::State;
use patchbed_model::Exit;
use patchbed_report::safe;

use super::loading;
use crate::arguments::PlanArguments;
use crate::context::Context;
use crate::failure::Failure;

pub(super) fn execute(context: &Context, arguments: &PlanArguments) -> Result<Exit, Failure> {
    let scenarios = loading::scenarios(context, &arguments.files)?;
    let plan = loading::planned(context, scenarios, &arguments.selection)?;
    if arguments.count {
        context.output.document(format!("{}\n", plan.cells.len()).as_bytes());
        return Ok(if plan.cells.is_empty() { Exit::Nothing } else { Exit::Ok });
    }
    loading::not_empty(&plan)?;
    print(context, &plan, arguments.json)?;
    Ok(Exit::Ok)
}

/// Prints a plan for a person, or as JSON.
pub(super) fn print(context: &Context, plan: &Plan, json: bool) -> Result<(), Failure> {
    let durations =
        if context.folders.kept.is_dir() { State::open(&context.folders.kept)?.durations() } else { Durations::new() };
    let document = plan.document(&durations);
    if json {
        context.output.json(&document)?;
        return Ok(());
    }
    let look = context.output.look();
    let lines: Vec<String> = document.text().lines().map(|line| safe::shown(line, look)).collect();
    context.output.line(&lines.join("\n"));
    Ok(())
}
