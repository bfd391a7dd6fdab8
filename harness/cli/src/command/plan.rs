//! `plan`: what would be run.

use std::collections::BTreeSet;

use camino::Utf8Path;
use patchbed_engine::plan::{Durations, Plan};
use patchbed_engine::store::State;
use patchbed_model::{CellId, Exit};
use patchbed_report::safe;
use patchbed_sandbox::Host;

use super::{loading, merge};
use crate::arguments::PlanArguments;
use crate::context::Context;
use crate::failure::Failure;
use crate::reports;

pub(super) fn execute(context: &Context, arguments: &PlanArguments) -> Result<Exit, Failure> {
    let scenarios = loading::scenarios(context, &arguments.files)?;
    let mut plan = loading::planned(context, scenarios, &arguments.selection)?;
    if let Some(results) = &arguments.missing {
        plan = without_result(plan, results)?;
    }
    if arguments.count {
        context.output.document(format!("{}\n", plan.cells.len()).as_bytes());
        return Ok(if plan.cells.is_empty() { Exit::Nothing } else { Exit::Ok });
    }
    loading::not_empty(&plan)?;
    if let Some(path) = &arguments.out {
        return write(context, &plan, path);
    }
    print(context, &plan, arguments.json)?;
    Ok(Exit::Ok)
}

/// The cells of a plan that have no result yet.
fn without_result(plan: Plan, results: &Utf8Path) -> Result<Plan, Failure> {
    let document = plan.document(&Durations::new(), None);
    let merged = merge::merged(&[results.to_owned()], Some(&document))?;
    let missing: BTreeSet<&CellId> = merged.missing().collect();
    Ok(Plan { cells: plan.cells.into_iter().filter(|cell| missing.contains(&cell.id)).collect() })
}

/// How long attempts took in earlier runs, where there were any.
fn durations(context: &Context) -> Result<Durations, Failure> {
    let kept = &context.folders.kept;
    Ok(if kept.is_dir() { State::open(kept)?.durations() } else { Durations::new() })
}

/// Writes a plan for engines, which may run it on other hosts than this one.
fn write(context: &Context, plan: &Plan, path: &Utf8Path) -> Result<Exit, Failure> {
    let mut bytes = Vec::new();
    patchbed_report::write_json(&plan.document(&durations(context)?, None), &mut bytes)?;
    reports::write_file(path, &bytes)?;
    context.output.say(&format!("written: {}", safe::shown(path.as_str(), context.output.speech_look())));
    Ok(Exit::Ok)
}

/// Prints a plan for a person, or as JSON.
pub(super) fn print(context: &Context, plan: &Plan, json: bool) -> Result<(), Failure> {
    let document = plan.document(&durations(context)?, Some(&Host::find()));
    if json {
        context.output.json(&document)?;
        return Ok(());
    }
    let look = context.output.look();
    let lines: Vec<String> = document.text().lines().map(|line| safe::shown(line, look)).collect();
    context.output.line(&lines.join("\n"));
    Ok(())
}
