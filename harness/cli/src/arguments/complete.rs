//! Completion: what a shell may offer for each value of the command line, found by the name under which help shows it.
//! It is asked at every press of a key, so it reads little, makes nothing, and says nothing when something is wrong.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use camino::Utf8Path;
use clap::{Arg, Command};
use clap_complete::env::{CompleteEnv, Shells};
use clap_complete::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter};
use patchbed_engine::plan::Expression;
use patchbed_engine::store::State;
use patchbed_model::Record;
use patchbed_model::record::{CellRecord, ScenarioRecord};
use patchbed_report::{Format, Look, words};

use super::Shell;
use super::read::command;
use crate::folders::Folders;

/// The variable by which the script of a shell asks for candidates.
const VARIABLE: &str = "PATCHBED_COMPLETE";

/// Answers the script of a shell, when it is that which asks. Says whether it was.
pub(crate) fn answer() -> bool {
    if std::env::var_os(VARIABLE).is_none_or(|shell| shell.is_empty()) {
        return false;
    }
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(folder) = folder(&arguments) {
        // Where there is no such folder nothing is found.
        let _ = std::env::set_current_dir(folder);
    }
    let here = std::env::current_dir().ok();
    // A shell that cannot be answered offers nothing: a message would stand in the middle of a typed line.
    let _ = CompleteEnv::with_factory(completing).var(VARIABLE).try_complete(arguments, here.as_deref());
    true
}

/// The script by which a shell asks this program.
pub(crate) fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    let name = shell.name();
    let program = std::env::args().next().unwrap_or_else(|| "patchbed".to_owned());
    let program = if program.contains('/') { camino::absolute_utf8(program)?.into_string() } else { program };
    let mut script = Vec::new();
    if let Some(completer) = Shells::builtins().completer(name) {
        completer.write_registration(VARIABLE, "patchbed", "patchbed", &program, &mut script)?;
    }
    Ok(script)
}

/// The folder of `-C`, as it was typed so far.
fn folder(arguments: &[OsString]) -> Option<&OsStr> {
    let flag = arguments.iter().position(|argument| argument == "-C" || argument == "--directory")?;
    arguments.get(flag + 1).map(OsString::as_os_str)
}

/// The command line with candidates for its values.
fn completing() -> Command {
    with_candidates(command())
}

fn with_candidates(command: Command) -> Command {
    let command = command.mut_args(|arg| match offers(&arg) {
        Some(offers) => offers(arg),
        None => arg,
    });
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_candidates))
}

/// What adds candidates to an argument, by the name of its value.
fn offers(arg: &Arg) -> Option<fn(Arg) -> Arg> {
    let names = arg.get_value_names()?;
    match names.first()?.as_str() {
        "CELL" | "ID" => Some(|arg| arg.add(ArgValueCandidates::new(cells))),
        "RUN" => Some(|arg| arg.add(ArgValueCandidates::new(runs))),
        "[RUN] [CELL]" => Some(|arg| arg.add(ArgValueCandidates::new(|| both(runs(), cells())))),
        "CELL|IMAGE" => Some(|arg| arg.add(ArgValueCandidates::new(|| both(cells(), images())))),
        "IMAGE" | "A" | "B" => Some(|arg| arg.add(ArgValueCandidates::new(images))),
        "KIND[=PATH]" => Some(|arg| arg.add(ArgValueCandidates::new(reports))),
        "KIND" if arg.get_long() == Some("format") => Some(|arg| arg.add(ArgValueCandidates::new(reports))),
        "CODE" => Some(|arg| arg.add(ArgValueCandidates::new(codes))),
        "EXPR" => Some(|arg| arg.add(ArgValueCompleter::new(conditions))),
        "FILE" if arg.is_positional() => Some(|arg| arg.add(ArgValueCompleter::new(scenarios()))),
        "FILE" => Some(|arg| arg.add(ArgValueCompleter::new(PathCompleter::any()))),
        "DIR" => Some(|arg| arg.add(ArgValueCompleter::new(PathCompleter::dir()))),
        _ => None,
    }
}

fn both(mut one: Vec<CompletionCandidate>, other: Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    one.extend(other);
    one
}

/// The state folder, when there is one.
fn state() -> Option<State> {
    let kept = Folders::find().kept;
    kept.is_dir().then(|| State::open(&kept).ok()).flatten()
}

/// The record of the last run.
fn last() -> Option<Record> {
    let state = state()?;
    state.written_record(&state.find(None).ok()?)
}

/// The stored runs, the latest first.
fn runs() -> Vec<CompletionCandidate> {
    let runs = state().and_then(|state| state.runs().ok()).unwrap_or_default();
    runs.into_iter().rev().map(|run| CompletionCandidate::new(run.0)).collect()
}

/// The cells of the last run.
fn cells() -> Vec<CompletionCandidate> {
    let Some(record) = last() else { return Vec::new() };
    let short = words::short_ids(&record);
    let look = Look::default();
    let of = |(scenario, cell)| {
        let cell: &CellRecord = cell;
        let help = format!("{}, {}", words::cell_name(scenario, cell, &look), cell.verdict);
        short.get(&cell.id).map(|id| CompletionCandidate::new(id).help(Some(help.into())))
    };
    let all = record.scenarios.iter().flat_map(|scenario| scenario.cells.iter().map(move |cell| (scenario, cell)));
    all.filter_map(of).collect()
}

/// The images of the project, and this machine's own root.
fn images() -> Vec<CompletionCandidate> {
    let files = Utf8Path::new("scenarios/images").read_dir_utf8().into_iter().flatten().flatten();
    let mut names: Vec<String> =
        files.filter_map(|file| file.file_name().strip_suffix(".yaml").map(str::to_owned)).collect();
    names.sort();
    names.into_iter().chain(["host".to_owned()]).map(CompletionCandidate::new).collect()
}

fn reports() -> Vec<CompletionCandidate> {
    Format::ALL.iter().map(|format| CompletionCandidate::new(format.as_str())).collect()
}

fn codes() -> Vec<CompletionCandidate> {
    crate::command::codes().into_iter().map(CompletionCandidate::new).collect()
}

/// Scenario files and folders.
fn scenarios() -> PathCompleter {
    PathCompleter::any().filter(|path: &Path| {
        path.is_dir() || path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
    })
}

/// Of a condition the field that is typed, or the values that the last run has for it.
fn conditions(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else { return Vec::new() };
    let start = typed.rfind(['&', '|', '!', '(', ' ']).map_or(0, |at| at + 1);
    let (before, word) = typed.split_at(start);
    let offered: Vec<String> = match word.split_once(['=', '~']) {
        None => Expression::fields().flat_map(|field| [format!("{field}="), format!("{field}~")]).collect(),
        Some((field, _)) => {
            let head = &word[..=field.len()];
            values(field).into_iter().map(|value| format!("{head}{value}")).collect()
        }
    };
    let fitting = offered.into_iter().filter(|offered| offered.starts_with(word));
    fitting.map(|offered| CompletionCandidate::new(format!("{before}{offered}"))).collect()
}

/// What the cells of the last run have in a field.
fn values(field: &str) -> BTreeSet<String> {
    let Some(record) = last() else { return BTreeSet::new() };
    let cells = record.scenarios.iter().flat_map(|scenario| scenario.cells.iter().map(move |cell| (scenario, cell)));
    let of = |(scenario, cell): (&ScenarioRecord, &CellRecord)| match field {
        "scenario" => vec![scenario.id.clone()],
        "image" => vec![cell.image.clone()],
        "patch" => cell.patches.clone(),
        "software" => cell.software.clone(),
        "id" => vec![cell.id.0.clone()],
        _ => Vec::new(),
    };
    cells.flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_completed_behind_what_stands_already() {
        let offered = |typed: &str| -> Vec<String> {
            let all = conditions(OsStr::new(typed));
            all.iter().map(|one| one.get_value().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(offered("im"), ["image=", "image~"]);
        assert_eq!(offered("image~debian & !so"), ["image~debian & !software=", "image~debian & !software~"]);
    }

    #[test]
    fn the_folder_is_what_stands_behind_its_flag() {
        let words = ["patchbed", "--", "patchbed", "-C", "/srv", "show"].map(OsString::from);
        assert_eq!(folder(&words), Some(OsStr::new("/srv")));
        assert_eq!(folder(&words[..3]), None);
    }

    /// A value name that nobody completes any more would go unnoticed.
    #[test]
    fn cells_runs_and_files_are_offered_somewhere() {
        let mut names = BTreeSet::new();
        collect(&command(), &mut names);
        for name in ["CELL", "ID", "RUN", "[RUN] [CELL]", "CELL|IMAGE", "EXPR", "FILE", "CODE", "KIND[=PATH]", "DIR"] {
            assert!(names.contains(name), "{name} is in no command");
        }
    }

    fn collect(command: &Command, names: &mut BTreeSet<String>) {
        for arg in command.get_arguments() {
            names.extend(arg.get_value_names().into_iter().flatten().map(ToString::to_string));
        }
        command.get_subcommands().for_each(|inner| collect(inner, names));
    }
}
