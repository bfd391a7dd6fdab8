//! What waits for a decision, cut down to what was named.

use camino::Utf8Path;
use patchbed_engine::review::{self, Pending};
use patchbed_engine::store::State;
use patchbed_model::Exit;
use patchbed_model::rule::KeyPattern;

use super::SNAPSHOTS;
use crate::arguments::Waiting;
use crate::context::Context;
use crate::failure::Failure;

/// What waits, cut down to the cells and keys that were named.
pub(super) fn waiting(context: &Context, arguments: &Waiting) -> Result<Vec<Pending>, Failure> {
    let state = State::open(&context.folders.kept)?;
    let run = state.find(arguments.run.as_deref())?;
    let mut waiting = review::pending(&state, &run, Utf8Path::new(SNAPSHOTS), context.today())?;
    for prefix in &arguments.cells {
        let fits = |pending: &&Pending| pending.cell.0.starts_with(prefix.as_str());
        let (exit, text) = match waiting.iter().filter(fits).count() {
            1 => continue,
            0 => (Exit::Nothing, format!("no cell `{prefix}` waits for a decision in run {run}")),
            several => (Exit::Usage, format!("`{prefix}` is the beginning of {several} cells that wait")),
        };
        return Err(Failure::say(exit, text).help("`patchbed review` lists what waits"));
    }
    if !arguments.cells.is_empty() {
        waiting.retain(|pending| arguments.cells.iter().any(|prefix| pending.cell.0.starts_with(prefix.as_str())));
    }
    if !arguments.key.is_empty() {
        let patterns: Vec<KeyPattern> = arguments.key.iter().cloned().map(KeyPattern).collect();
        for pending in &mut waiting {
            pending.differences.retain(|difference| patterns.iter().any(|pattern| pattern.matches(&difference.key)));
            pending.candidate = None;
        }
        waiting.retain(|pending| !pending.differences.is_empty());
    }
    Ok(waiting)
}

pub(super) fn something(waiting: Vec<Pending>) -> Result<Vec<Pending>, Failure> {
    if waiting.is_empty() {
        return Err(Failure::say(Exit::Nothing, "nothing waits for a decision"));
    }
    Ok(waiting)
}
