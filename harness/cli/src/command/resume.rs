//! `run --last`: the words of the run that was cut off, read again, with the cells that it had.

use patchbed_engine::store::{State, is_masked};
use patchbed_model::{Event, Exit, RunId};

use crate::arguments::{self, Parsed, RunArguments, Selection, Share, Word};
use crate::context::Context;
use crate::failure::Failure;

/// What is to be run, and which run it goes on with.
pub(super) struct Resumed {
    /// The arguments.
    pub(super) arguments: RunArguments,
    /// The run that is resumed; a new one when `None`.
    pub(super) run: Option<RunId>,
}

/// The arguments as typed, or with `--last` those of the last run. What is said about output and pace holds from now.
pub(super) fn arguments(context: &Context, typed: RunArguments) -> Result<Resumed, Failure> {
    if !typed.last {
        return Ok(Resumed { arguments: typed, run: None });
    }
    let state = State::open(&context.folders.kept)?;
    let mut resumed = of_run(&state, &state.find(None)?)?;
    let before = &mut resumed.arguments;
    before.files.set = known(std::mem::take(&mut before.files.set), typed.files.set)
        .map_err(|failure| failure.help("give the value again: `patchbed run --last --set NAME=VALUE`"))?;
    before.result.report.extend(typed.result.report);
    before.result.progress = typed.result.progress;
    before.result.json = typed.result.json;
    before.result.events = typed.result.events;
    before.how.means.jobs = typed.how.means.jobs.or(before.how.means.jobs);
    before.how.dry_run = typed.how.dry_run;
    before.how.shell_fail = typed.how.shell_fail;
    context
        .output
        .say(&format!("going on with run {}", resumed.run.as_ref().map(ToString::to_string).unwrap_or_default()));
    Ok(resumed)
}

/// The arguments of a run that was made before, with exactly the cells that it was begun with. Those that it added
/// itself stand behind cells that were prepared; the engine adds them again.
pub(super) fn of_run(state: &State, run: &RunId) -> Result<Resumed, Failure> {
    let (events, _) = state.journal(run)?;
    let (mut words, mut cells) = (None, Vec::new());
    for event in events.into_iter().take_while(|event| !matches!(event, Event::CellPrepared { .. })) {
        if let Event::RunStarted { arguments, .. } = event {
            words = Some(arguments);
        } else if let Event::CellPlanned(planned) = event {
            cells.push(planned.id.0);
        }
    }
    let unreadable = || Failure::say(Exit::Usage, format!("run {run} does not say how it was begun"));
    let words = std::iter::once("patchbed".to_owned()).chain(words.ok_or_else(unreadable)?);
    let Parsed::Command(low) = arguments::parse(words.map(Into::into)) else { return Err(unreadable()) };
    let mut arguments: RunArguments = if let Word::Bisect(arguments) = low.word {
        arguments.into()
    } else if let Word::Run(arguments) = low.word {
        arguments
    } else if let Word::Merge(_) = low.word {
        let failure = Failure::say(Exit::Usage, format!("run {run} was merged: it was not run on this machine"));
        return Err(failure.help("run the cell here: `patchbed run FILE --cell ID`"));
    } else {
        return Err(unreadable());
    };
    arguments.selection = Selection { cell: cells, ..everything() };
    arguments.share = Share::default();
    arguments.last = false;
    Ok(Resumed { arguments, run: Some(run.clone()) })
}

/// The variables of a run with those that are given again. What looks like a secret is masked in the journal.
pub(super) fn known(mut before: Vec<String>, again: Vec<String>) -> Result<Vec<String>, Failure> {
    let name = |word: &str| word.split_once('=').map(|(name, _)| name.to_owned());
    before.retain(|word| again.iter().all(|given| name(given) != name(word)));
    if let Some(name) = before.iter().find(|word| is_masked(word)).and_then(|word| name(word)) {
        let text = format!("the value of `--set {name}` looked like a secret and was not kept");
        return Err(Failure::say(Exit::Usage, text));
    }
    before.extend(again);
    Ok(before)
}

/// All cells.
pub(super) const fn everything() -> Selection {
    Selection { select: None, cell: Vec::new(), last_failed: false }
}

#[cfg(test)]
mod tests {
    use patchbed_engine::store::masked;

    use super::known;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_masked_variable_is_asked_for_and_may_be_given_again() {
        let before = || words(&["suite=trixie", &masked("token=hunter22")]);
        let failure = known(before(), Vec::new()).expect_err("the token is not known");
        assert_eq!(failure.to_string(), "the value of `--set token` looked like a secret and was not kept");
        let again = known(before(), words(&["token=hunter22"])).expect("the token is given again");
        assert_eq!(again, ["suite=trixie", "token=hunter22"]);
        assert_eq!(known(words(&["a=1", "b=2"]), words(&["a=3"])).expect("nothing is masked"), ["b=2", "a=3"]);
    }
}
