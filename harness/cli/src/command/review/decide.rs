//! `accept` and `reject`: deciding without being asked anything.

use camino::Utf8Path;
use jiff::civil::Date;
use patchbed_engine::review::{self, Decision};
use patchbed_engine::store::State;
use patchbed_model::Exit;
use patchbed_report::safe;

use super::SNAPSHOTS;
use super::waiting::{something, waiting};
use crate::arguments::{AcceptArguments, RejectArguments, Waiting};
use crate::context::Context;
use crate::failure::Failure;

/// What is left to do after something was accepted.
pub(super) const COMMIT: &str =
    "commit these files: the next run counts the accepted differences and is silent about them";

pub(in crate::command) fn accept(context: &Context, arguments: &AcceptArguments) -> Result<Exit, Failure> {
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
    context.output.say(COMMIT);
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

pub(in crate::command) fn reject(context: &Context, arguments: &RejectArguments) -> Result<Exit, Failure> {
    let waiting = something(waiting(context, &arguments.waiting)?)?;
    let removed = review::reject(Utf8Path::new(SNAPSHOTS), &waiting)?;
    for file in &removed {
        context.output.line(&format!("removed: {}", safe::shown(file.as_str(), context.output.look())));
    }
    context.output.say("the accepted baselines stay as they are");
    Ok(Exit::Ok)
}

/// Who decides: the name of the person, as far as the environment knows it.
pub(super) fn user() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    name.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()))
}
