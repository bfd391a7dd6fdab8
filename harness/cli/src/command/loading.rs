//! Files to scenarios, scenarios to a plan: what `check`, `plan`, `run` and `shell` begin with.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use patchbed_engine::load::{LoadOptions, Loaded, load};
use patchbed_engine::plan::{Expression, Plan, Selection, plan};
use patchbed_engine::scenario::Scenario;
use patchbed_engine::store::State;
use patchbed_model::{Diagnostic, Exit, Severity};

use crate::arguments::{self, Files};
use crate::context::Context;
use crate::failure::Failure;

/// What is read when no file is named.
const DEFAULT: &str = "scenarios";

/// Loads the files, as strictly as asked.
pub(super) fn files(context: &Context, files: &Files, strict: bool) -> Result<Loaded, Failure> {
    let mut paths = files.files.clone();
    if paths.is_empty() {
        paths.push(Utf8PathBuf::from(DEFAULT));
        if !context.folders.project.join(DEFAULT).is_dir() {
            let failure = Failure::say(Exit::Usage, "no file is named, and there is no folder `scenarios`");
            return Err(failure.help("name a scenario file, or go to the project's folder with `-C`"));
        }
    }
    let options = LoadOptions {
        sets: sets(&files.set)?,
        strict,
        project: context.folders.project.clone(),
        today: context.today(),
    };
    Ok(load(&paths, &options))
}

/// Loads the files to work with them: any error ends the command, with all messages said.
pub(super) fn scenarios(context: &Context, wanted: &Files) -> Result<Vec<Scenario>, Failure> {
    let loaded = files(context, wanted, false)?;
    let look = context.output.speech_look();
    for diagnostic in &loaded.diagnostics {
        context.output.error(&render(diagnostic, &loaded, look));
    }
    let (errors, _) = count(&loaded.diagnostics);
    if errors > 0 {
        let text = format!("{} in scenario files, nothing is run", patchbed_report::words::count(errors, "error"));
        return Err(Failure::say(Exit::Usage, text));
    }
    Ok(loaded.scenarios)
}

/// A message with its place.
pub(super) fn render(diagnostic: &Diagnostic, loaded: &Loaded, look: &patchbed_report::Look) -> String {
    let _ = (loaded.sources.get(&diagnostic.file), look);
    let place = diagnostic.labels.first().map(|label| format!(":{}:{}", label.line, label.column)).unwrap_or_default();
    format!(
        "{:?}[{}]: {}\n  --> {}{place}\n",
        diagnostic.severity, diagnostic.code, diagnostic.message, diagnostic.file
    )
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
