//! Scenario files in, [`Scenario`]s and diagnostics out. Runs nothing, writes nothing.
//!
//! A file goes through `read` (bytes to text), `guard` (refuses what is dangerous, keeps places), `yaml` (text to tree),
//! `variables`, and then key by key through the files named after the parts of the language. Every problem of every
//! file is reported at once, with its place. Nothing of a file with an error is given back.

mod alone;
mod bounds;
mod data;
mod degraded;
mod explain;
mod find;
mod guard;
mod hosted;
mod image;
pub mod kinds;
mod library;
mod lines;
mod lowering;
mod messages;
mod name;
mod order;
mod outage;
mod patch;
mod places;
mod probe;
mod read;
mod rule;
mod scenario;
pub mod schema;
mod service;
mod software;
mod values;
mod variables;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::civil::Date;
use patchbed_kinds::document::{At, Node, Place};
use patchbed_model::{Code, Diagnostic, Severity};

pub use alone::image;
pub use explain::explain;

use crate::scenario::Scenario;
use find::{Found, HostPath};
use library::Library;
use messages::Messages;

/// What loading depends on besides the files.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// `--set name=value`: stronger than the files' own `variables:`.
    pub sets: BTreeMap<String, String>,
    /// Whether silencing rules need an owner and an end, and warnings are errors.
    pub strict: bool,
    /// The folder that holds `scenarios/`.
    pub project: Utf8PathBuf,
    /// Today, for rules that end.
    pub today: Date,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The scenarios without errors, in the order of their files.
    pub scenarios: Vec<Scenario>,
    /// All messages, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts of the files that messages are about, by name as in [`Diagnostic::file`].
    pub sources: BTreeMap<String, String>,
}

/// Loads the scenarios in `paths`: files, or folders that are searched for them.
#[must_use]
pub fn load(paths: &[Utf8PathBuf], options: &LoadOptions) -> Loaded {
    let mut loading = Loading { library: Library::default(), messages: Messages::default(), options };
    let files = loading.files(paths);
    let mut scenarios = Vec::new();
    let mut asked = BTreeSet::new();
    for file in &files {
        if !loading.is_scenario(file) {
            continue;
        }
        let (scenario, names) = scenario::scenario(&mut loading.library, &file.path, options);
        scenarios.extend(scenario);
        asked.extend(names);
        loading.messages.settle(&mut loading.library);
    }
    loading.unique_ids(&files);
    loading.sets_are_asked_for(&asked);
    let (diagnostics, sources) = loading.messages.finish(&loading.library, options.strict);
    if options.strict && !diagnostics.is_empty() {
        let wrong: BTreeSet<&str> = diagnostics.iter().map(|diagnostic| diagnostic.file.as_str()).collect();
        scenarios.retain(|scenario| !wrong.contains(scenario.file.as_str()));
    }
    Loaded { scenarios, diagnostics, sources }
}

/// A file to load, and how it came to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    path: Utf8PathBuf,
    named: Named,
}

/// How a file came to be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// By the user.
    Itself,
    /// As one of a folder.
    ByFolder,
}

struct Loading<'a> {
    library: Library,
    messages: Messages,
    options: &'a LoadOptions,
}

impl Loading<'_> {
    /// The files of all paths, each once.
    fn files(&mut self, paths: &[Utf8PathBuf]) -> Vec<File> {
        let mut files: Vec<File> = Vec::new();
        for path in paths {
            if HostPath::at(path) == HostPath::Folder {
                files.extend(self.folder(path));
            } else {
                files.push(File { path: path.clone(), named: Named::Itself });
            }
        }
        let mut seen = BTreeSet::new();
        files.retain(|file| {
            let real = file.path.canonicalize_utf8().unwrap_or_else(|_| file.path.clone());
            seen.insert((real, file.path.file_stem().map(str::to_owned)))
        });
        files
    }

    fn folder(&mut self, folder: &Utf8Path) -> Vec<File> {
        let Found { files, failed } = find::scenarios(folder);
        for (path, why) in &failed {
            self.messages.about(path, Code::UnreadableFile, format!("cannot be read: {why}"), None);
        }
        if files.is_empty() && failed.is_empty() {
            let help = "scenarios are files that end in `.yaml`, outside of `images`, `patches` and `software`";
            self.messages.about(folder, Code::NotAScenario, "no scenario in this folder".to_owned(), Some(help));
        }
        files.into_iter().map(|path| File { path, named: Named::ByFolder }).collect()
    }

    /// Whether the file is to be read as a scenario. What lies in a folder may be a part of one; what is named by the
    /// user should be one.
    fn is_scenario(&mut self, file: &File) -> bool {
        let (number, root) = self.library.open(&file.path, "scenario");
        let part = root.as_deref().and_then(part_of_scenarios);
        if let (Some(part), Named::Itself) = (part, file.named) {
            self.library
                .problems
                .error(
                    Code::NotAScenario,
                    Place { file: number, node: 0 },
                    At::Value,
                    format!("no scenario in this file: it is {part}"),
                )
                .help("name a scenario that uses it");
        }
        if root.is_none() || part.is_some() {
            self.messages.settle(&mut self.library);
        }
        root.is_some() && part.is_none()
    }

    /// Ids name folders of snapshots, also on file systems that do not tell large letters from small ones.
    fn unique_ids(&mut self, files: &[File]) {
        let mut seen: BTreeMap<String, &Utf8Path> = BTreeMap::new();
        for file in files {
            let Some(stem) = file.path.file_stem() else { continue };
            let Some(first) = seen.get(&stem.to_lowercase()) else {
                seen.insert(stem.to_lowercase(), &file.path);
                continue;
            };
            let (_, root) = self.library.open(&file.path, "scenario");
            if root.as_deref().is_none_or(|root| part_of_scenarios(root).is_some()) {
                continue;
            }
            let message = format!("two scenarios have the id `{stem}`: `{first}` and `{}`", file.path);
            self.messages.about(
                &file.path,
                Code::DuplicateName,
                message,
                Some("a file's name is its id; rename one of them"),
            );
        }
    }

    /// A variable that is set and that nobody asks for is a slip.
    fn sets_are_asked_for(&mut self, asked: &BTreeSet<String>) {
        for name in self.options.sets.keys().filter(|name| !asked.contains(*name)) {
            let message = format!("no scenario asks for the variable `{name}`");
            let near = patchbed_model::text::nearest(name, asked.iter().map(String::as_str));
            let help = near.map_or_else(
                || format!("values ask for it with `${{{name}}}`"),
                |near| format!("did you mean `{near}`?"),
            );
            self.messages.about(Utf8Path::new("--set"), Code::UnknownVariable, message, Some(&help));
        }
    }
}

/// What a file is when it is no scenario but something that scenarios use.
fn part_of_scenarios(root: &Node) -> Option<&'static str> {
    let scenario = ["scenario", "image", "patch", "use", "matrix"].iter().any(|key| root.get(key).is_some());
    if scenario {
        None
    } else if image::is_image(root) {
        Some("an image")
    } else if software::is_software(root) {
        Some("a product")
    } else if patch::is_patch(root) {
        Some("a patch")
    } else {
        None
    }
}

/// Whether any of the messages keeps anything from being run.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}
