//! Files to scenarios, scenarios to a plan: what `check`, `plan`, `run` and `shell` begin with.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use patchbed_engine::load::{self, LoadOptions, Loaded};
use patchbed_engine::plan::{Expression, Plan, Selection, plan};
use patchbed_engine::scenario::{ImageUse, Scenario};
use patchbed_engine::store::State;
use patchbed_model::{Diagnostic, Exit, Severity};
use patchbed_report::diagnostic;

use crate::arguments::{self, Files};
use crate::context::Context;
use crate::failure::Failure;

/// What is read when no file is named.
const DEFAULT: &str = "scenarios";

/// Loads the files, as strictly as asked.
pub(super) fn files(context: &Context, files: &Files, strictness: Strictness) -> Result<Loaded, Failure> {
    let options = options(context, sets(&files.set)?, strictness);
    let mut paths = files.files.clone();
    if paths.is_empty() {
        paths.push(Utf8PathBuf::from(DEFAULT));
        if !context.folders.project.join(DEFAULT).is_dir() {
            let failure = Failure::say(Exit::Usage, "no file is named, and there is no folder `scenarios`");
            return Err(failure.help("name a scenario file, or go to the project's folder with `-C`"));
        }
    }
    Ok(load::load(&paths, &options))
}

/// Loads the files to work with them: any error ends the command, with all messages said.
pub(super) fn scenarios(context: &Context, wanted: &Files) -> Result<Vec<Scenario>, Failure> {
    let loaded = files(context, wanted, Strictness::Lenient)?;
    say(context, &loaded);
    let (errors, _) = count(&loaded.diagnostics);
    if errors > 0 {
        let text = format!("{} in scenario files, nothing is run", patchbed_report::words::count(errors, "error"));
        let failure = Failure::say(Exit::Usage, text);
        return Err(more(&loaded.diagnostics).into_iter().fold(failure, Failure::help));
    }
    Ok(loaded.scenarios)
}

/// Where more is told about the first error.
pub(super) fn more(diagnostics: &[Diagnostic]) -> Option<String> {
    let first = diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error)?;
    Some(format!("`patchbed explain {}` tells more", first.code.as_str()))
}

/// Says all messages beside the result.
fn say(context: &Context, loaded: &Loaded) {
    if !loaded.diagnostics.is_empty() {
        let look = context.output.speech_look();
        context.output.error(&diagnostic::render(&loaded.diagnostics, &loaded.sources, look));
    }
}

/// The image of the project that a word means; `None` when there is none of that name.
pub(super) fn image(context: &Context, name: &str) -> Result<Option<ImageUse>, Failure> {
    let (image, loaded) = load::image(name, &options(context, BTreeMap::new(), Strictness::Lenient));
    say(context, &loaded);
    let (errors, _) = count(&loaded.diagnostics);
    if errors > 0 {
        let text = format!("{} in the file of image `{name}`", patchbed_report::words::count(errors, "error"));
        return Err(Failure::say(Exit::Usage, text));
    }
    Ok(image)
}

fn options(context: &Context, sets: BTreeMap<String, String>, strictness: Strictness) -> LoadOptions {
    LoadOptions {
        sets,
        strict: strictness == Strictness::Strict,
        project: context.folders.project.clone(),
        today: context.today(),
    }
}

/// How strictly files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Warnings are errors, and silencing rules need owner and end.
    Strict,
    /// As they are.
    Lenient,
}

/// How many errors and how many warnings.
pub(super) fn count(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    (errors, diagnostics.len() - errors)
}

/// The plan of the cells that are selected.
pub(super) fn planned(
    context: &Context,
    scenarios: Vec<Scenario>,
    selection: &arguments::Selection,
) -> Result<Plan, Failure> {
    let expression = selection.select.as_deref().map(Expression::parse).transpose().map_err(|error| {
        let text = format!("read `-k {}`", selection.select.as_deref().unwrap_or_default());
        let failure = Failure::new(Exit::Usage, anyhow::Error::new(error).context(text));
        failure.help("such as: -k 'image~debian & software!=scanner'")
    })?;
    let only = if selection.last_failed {
        let state = State::open(&context.folders.kept)?;
        Some(state.failed(&state.find(None)?)?)
    } else {
        None
    };
    let selection = Selection { expression, cells: selection.cell.clone(), only };
    Ok(plan(scenarios, &selection)?)
}

/// Ends the command when nothing is selected.
pub(super) fn not_empty(plan: &Plan) -> Result<(), Failure> {
    if plan.cells.is_empty() {
        let failure = Failure::say(Exit::Nothing, "the selection matches no cell");
        return Err(failure.help("`patchbed plan` without a selection lists all cells"));
    }
    Ok(())
}

/// Reads `name=value`.
fn sets(words: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let one = |word: &String| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::say(Exit::Usage, format!("`--set {word}` is not NAME=VALUE"))),
    };
    words.iter().map(one).collect()
}
