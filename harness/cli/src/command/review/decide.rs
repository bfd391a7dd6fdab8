//! `review`, `accept`, `reject`: deciding on differences. None of them asks anything.

use camino::Utf8Path;
use jiff::civil::Date;
use patchbed_engine::review::{self, Decision, Pending};
use patchbed_engine::store::State;
use patchbed_model::rule::KeyPattern;
use patchbed_model::{Difference, Exit, Verdict};
use patchbed_report::{Tone, safe, words};
use serde_json::json;

use crate::arguments::{AcceptArguments, RejectArguments, ReviewArguments, Waiting};
use crate::context::Context;
use crate::failure::Failure;

/// The folder of what people accepted.
pub(super) const SNAPSHOTS: &str = "snapshots";

pub(super) fn list(context: &Context, arguments: &ReviewArguments) -> Result<Exit, Failure> {
    let waiting = waiting(context, &arguments.waiting)?;
    if arguments.json {
        let document =
            json!({ "schema": "patchbed/review/1", "waiting": waiting.iter().map(document).collect::<Vec<_>>() });
        context.output.json(&document)?;
        return Ok(Exit::Ok);
    }
    for pending in &waiting {
        show(context, pending);
    }
    let differences = waiting.iter().map(|pending| pending.differences.len()).sum();
    let candidates = waiting.iter().filter(|pending| pending.candidate.is_some()).count();
    context.output.line(&format!(
        "{} and {} wait for a decision",
        words::count(differences, "difference"),
        words::count(candidates, "new baseline")
    ));
    Ok(Exit::Ok)
}

pub(super) fn accept(context: &Context, arguments: &AcceptArguments) -> Result<Exit, Failure> {
    if arguments.prune {
        return prune(context, &arguments.waiting);
    }
    not_over(context, arguments.until)?;
    let waiting = something(waiting(context, &arguments.waiting)?)?;
    let decision = Decision {
        by: user(),
        date: context.today(),
        because: arguments.because.clone(),
        until: arguments.until,
        known_issue: arguments.known_issue,
    };
    let written = review::accept(Utf8Path::new(SNAPSHOTS), &waiting, &decision)?;
    for file in &written {
        context.output.line(&format!("written: {}", safe::shown(file.as_str(), context.output.look())));
    }
    context.output.say("commit these files: the next run counts the accepted differences and is silent about them");
    Ok(Exit::Ok)
}

/// An acceptance whose last day is over would hold for no run at all.
fn not_over(context: &Context, until: Option<Date>) -> Result<(), Failure> {
    let today = context.today();
    match until.filter(|until| *until < today) {
        None => Ok(()),
        Some(until) => {
            let failure = Failure::say(Exit::Usage, format!("`--until {until}` is over: today is {today}"));
            Err(failure.help("name today or a later day"))
        }
    }
}

/// Takes out what is accepted and was not seen in the run.
fn prune(context: &Context, arguments: &Waiting) -> Result<Exit, Failure> {
    let state = State::open(&context.folders.kept)?;
    let run = state.find(arguments.run.as_deref())?;
    let look = context.output.look();
    for (file, keys) in review::prune(&state, &run, Utf8Path::new(SNAPSHOTS))? {
        context.output.line(&format!("written: {}", safe::shown(file.as_str(), look)));
        for key in keys {
            context.output.line(&format!("  no longer accepted: {}", safe::shown(key.as_str(), look)));
        }
    }
    Ok(Exit::Ok)
}

pub(super) fn reject(context: &Context, arguments: &RejectArguments) -> Result<Exit, Failure> {
    let waiting = something(waiting(context, &arguments.waiting)?)?;
    let removed = review::reject(Utf8Path::new(SNAPSHOTS), &waiting)?;
    for file in &removed {
        context.output.line(&format!("removed: {}", safe::shown(file.as_str(), context.output.look())));
    }
    context.output.say("the accepted baselines stay as they are");
    Ok(Exit::Ok)
}

/// What waits, cut down to the cells and keys that were named.
fn waiting(context: &Context, arguments: &Waiting) -> Result<Vec<Pending>, Failure> {
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

fn something(waiting: Vec<Pending>) -> Result<Vec<Pending>, Failure> {
    if waiting.is_empty() {
        return Err(Failure::say(Exit::Nothing, "nothing waits for a decision"));
    }
    Ok(waiting)
}

fn show(context: &Context, pending: &Pending) {
    let look = context.output.look();
    let name = |names: &[String], separator: &str| {
        names.iter().map(|name| safe::name(name, look)).collect::<Vec<_>>().join(separator)
    };
    let mut head = format!(
        "{} · {} · {}",
        safe::name(&pending.scenario, look),
        safe::name(&pending.image, look),
        name(&pending.patches, ", ")
    );
    if !pending.software.is_empty() {
        head = format!("{head} + {}", name(&pending.software, " + "));
    }
    context.output.line(&format!("{}  {}", safe::line(&pending.cell.0), look.paint(Tone::Strong, &look.own(&head))));
    for difference in &pending.differences {
        context.output.line(&format!("  {}", words::difference(difference, look)));
    }
    if let Some(candidate) = &pending.candidate {
        let what = if candidate.replaces { "a new baseline instead of the accepted one" } else { "a first baseline" };
        context.output.line(&format!("  {what}: {}", safe::shown(candidate.file.as_str(), look)));
        for moved in &candidate.moved {
            context.output.line(&format!("    {}", words::difference(moved, look)));
        }
    }
    commands(context, pending);
}

/// The commands that decide, to be copied.
fn commands(context: &Context, pending: &Pending) {
    let cell = &pending.cell;
    let regressed = |difference: &Difference| difference.verdict == Verdict::Regressed;
    let flags = if pending.differences.iter().any(regressed) {
        " --known-issue --because \"…\" --until YYYY-MM-DD"
    } else {
        " --because \"…\""
    };
    let look = context.output.look();
    context.output.line(&look.own(&format!("    patchbed accept {cell}{flags}")));
    context.output.line(&format!("    patchbed reject {cell}"));
}

fn document(pending: &Pending) -> serde_json::Value {
    json!({
        "run": pending.run, "cell": pending.cell, "scenario": pending.scenario, "image": pending.image,
        "patches": pending.patches, "software": pending.software, "differences": pending.differences,
        "candidate": pending.candidate.as_ref().map(|candidate| json!({
            "file": candidate.file, "replaces": candidate.replaces, "moved": candidate.moved,
        })),
    })
}

/// Who decides: the name of the person, as far as the environment knows it.
fn user() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    name.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()))
}
