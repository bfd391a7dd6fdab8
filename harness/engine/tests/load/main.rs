//! Loading: the gallery of broken files, the laws, the schema.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]
#![expect(clippy::format_collect, reason = "inputs of tests are read more often than they are made")]

mod gallery;
mod language;
mod laws;
mod lines;
mod rules;
mod schema;
mod sources;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_engine::load::{LoadOptions, Loaded, load};
use patchbed_report::{Look, diagnostic};

/// Options for files in `project`, on a fixed day.
fn options(project: &Utf8Path) -> LoadOptions {
    LoadOptions {
        sets: BTreeMap::new(),
        strict: false,
        project: project.to_owned(),
        today: jiff::civil::date(2026, 11, 23),
    }
}

/// A folder that vanishes with the value, and its path.
fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    (folder, path)
}

/// Loads `text` as a scenario file.
fn load_text(text: impl AsRef<[u8]>) -> Loaded {
    let (_folder, path) = folder();
    std::fs::write(path.join("case.yaml"), text).unwrap();
    load(&[path.join("case.yaml")], &options(&path))
}

/// What a person sees.
fn rendered(loaded: &Loaded) -> String {
    diagnostic::render(&loaded.diagnostics, &loaded.sources, &Look::default())
}

/// The codes of all messages.
fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect()
}
