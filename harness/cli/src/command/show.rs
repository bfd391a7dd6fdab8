//! `show`: a result again, from the record alone.

use patchbed_engine::store::{State, StateError};
use patchbed_model::{CellId, Event, Exit, Outcome, Record, RunId};
use patchbed_report::{Depth, Detail, Report as _, Terminal, Tone, safe};

use crate::arguments::ShowArguments;
use crate::context::Context;
use crate::failure::Failure;

pub(super) fn execute(context: &Context, arguments: &ShowArguments) -> Result<Exit, Failure> {
    let state = State::open(&context.folders.kept)?;
    let (run, cell) = meant(&state, &arguments.what)?;
    let record = state.record(&run)?;
    let cell = cell.map(|prefix| find_cell(&record, &prefix)).transpose()?;
    if let Some(name) = &arguments.log {
        if readings(context, (&state, &run), cell.as_ref(), |key| key.contains(name))? {
            return Ok(Exit::Ok);
        }
        return Err(Failure::say(Exit::Nothing, format!("nothing was read under a key with `{name}`")));
    }
    let record = cell.as_ref().map_or_else(|| record.clone(), |cell| only(&record, cell));
    if arguments.json {
        context.output.json(&record)?;
        return Ok(Exit::Ok);
    }
    let look = context.output.look().clone();
    let mut bytes = Vec::new();
    if cell.is_some() || arguments.diff {
        let depth = if arguments.diff { Depth::Full } else { Depth::Brief };
        Detail { look: look.clone(), cell, depth }.write(&record, &mut bytes)?;
    }
    Terminal::new(look).write(&record, &mut bytes)?;
    context.output.result(&bytes);
    Ok(Exit::Ok)
}

/// The run and the cell that the words mean. One word is a run where one begins so, else a cell of the last run.
fn meant(state: &State, words: &[String]) -> Result<(RunId, Option<String>), Failure> {
    match words {
        [] => Ok((state.find(None)?, None)),
        [word] => match state.find(Some(word)) {
            Ok(run) => Ok((run, None)),
            Err(StateError::NoRun(_)) => Ok((state.find(None)?, Some(word.clone()))),
            Err(other) => Err(other.into()),
        },
        [run, cell, ..] => Ok((state.find(Some(run))?, Some(cell.clone()))),
    }
}

/// The one cell whose id begins so.
pub(super) fn find_cell(record: &Record, prefix: &str) -> Result<CellId, Failure> {
    let cells = record.scenarios.iter().flat_map(|scenario| &scenario.cells);
    let mut found: Vec<&CellId> = cells.map(|cell| &cell.id).filter(|id| id.0.starts_with(prefix)).collect();
    found.dedup();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let failure = Failure::say(Exit::Nothing, format!("run {} has no cell `{prefix}`", record.run));
            Err(failure.help("`patchbed show` lists its cells"))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|id| id.0.as_str()).collect();
            Err(Failure::say(Exit::Usage, format!("`{prefix}` is the beginning of several cells: {}", ids.join(", "))))
        }
    }
}

/// The record cut down to one cell. Verdict, exit code and counts stay those of the run.
fn only(record: &Record, cell: &CellId) -> Record {
    let mut record = record.clone();
    for scenario in &mut record.scenarios {
        scenario.cells.retain(|other| other.id == *cell);
        scenario.causes.retain(|cause| cause.cells.contains(cell));
    }
    record.scenarios.retain(|scenario| !scenario.cells.is_empty());
    record
}

/// Prints all that was read in a run under the keys that are meant, attempt by attempt, with the lines that explain it.
/// Says whether there was anything.
pub(super) fn readings(
    context: &Context,
    (state, run): (&State, &RunId),
    cell: Option<&CellId>,
    is_meant: impl Fn(&str) -> bool,
) -> Result<bool, Failure> {
    let (events, damage) = state.journal(run)?;
    for line in &damage {
        context.output.warn(line);
    }
    let mut found = false;
    for event in &events {
        let Event::AttemptFinished { attempt, outcome, .. } = event else { continue };
        if cell.is_some_and(|cell| *cell != attempt.cell) {
            continue;
        }
        let lines = match &**outcome {
            Outcome::Observed(snapshot) => snapshot
                .readings
                .iter()
                .filter(|(key, _)| is_meant(key.as_str()))
                .flat_map(|(key, reading)| {
                    let value = reading.value.to_string();
                    std::iter::once(format!("{key}: {value}")).chain(reading.evidence.clone())
                })
                .collect(),
            Outcome::Stopped(cause) if is_meant(&cause.subject) => {
                std::iter::once(cause.text.clone()).chain(cause.evidence.clone()).collect()
            }
            Outcome::Stopped(_) => Vec::new(),
        };
        found |= !lines.is_empty();
        print(context, &format!("{} {} {}", attempt.cell, attempt.arm, attempt.number), &lines);
    }
    Ok(found)
}

fn print(context: &Context, head: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let look = context.output.look();
    context.output.line(&look.paint(Tone::Strong, &safe::shown(head, look)));
    for line in lines.iter().flat_map(|line| safe::lines(line)) {
        context.output.line(&format!("  {}", safe::shown(&line, look)));
    }
}
