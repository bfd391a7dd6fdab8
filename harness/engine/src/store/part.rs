//! Results of other machines as files: records that `run --report json=FILE` writes, and folders of runs.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::Record;
use patchbed_model::record::SCHEMA;

use super::document::{self, DocumentError};
use super::fold::fold;
use super::journal;
use super::state::StateError;
use crate::plan;

/// How deep folders are looked through.
const DEEPEST: usize = 8;

/// What one machine found.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Where it was read.
    pub path: Utf8PathBuf,
    /// What it found.
    pub record: Record,
}

/// Why results cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// A file is no record.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The folder of a run is damaged, or of a later version.
    #[error(transparent)]
    State(#[from] StateError),
    /// A folder cannot be looked through.
    #[error("look through `{path}`")]
    Folder {
        /// The folder.
        path: Utf8PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// The results under these paths: of a file the record that it is, of a run's folder that run, of another folder all
/// records in it. Plans that lie beside them are left out.
///
/// # Errors
/// See [`PartError`].
pub fn parts(paths: &[Utf8PathBuf]) -> Result<Vec<Part>, PartError> {
    let mut parts = Vec::new();
    for path in paths {
        if path.is_dir() {
            folder(path, DEEPEST, &mut parts)?;
        } else {
            parts.push(file(path)?);
        }
    }
    Ok(parts)
}

fn file(path: &Utf8Path) -> Result<Part, DocumentError> {
    let record = document::read(path, ("record", SCHEMA))?;
    Ok(Part { path: path.to_owned(), record })
}

/// The folder of a run, or one in which records lie.
fn folder(path: &Utf8Path, depth: usize, parts: &mut Vec<Part>) -> Result<(), PartError> {
    if journal::is_in(path) {
        let (events, notes) = journal::read(path)?;
        let mut record = fold(&events);
        record.notes.extend(notes);
        parts.push(Part { path: path.to_owned(), record });
        return Ok(());
    }
    for entry in entries(path).map_err(|source| PartError::Folder { path: path.to_owned(), source })? {
        if entry.is_dir() && !entry.is_symlink() && depth > 0 {
            folder(&entry, depth - 1, parts)?;
        } else if entry.extension() == Some("json") {
            match file(&entry) {
                Err(DocumentError::Other { found: Some(found), .. }) if found == plan::SCHEMA => {}
                read => parts.push(read?),
            }
        }
    }
    Ok(())
}

fn entries(path: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
    let mut entries: Vec<Utf8PathBuf> =
        path.read_dir_utf8()?.map(|entry| entry.map(camino::Utf8DirEntry::into_path)).collect::<Result<_, _>>()?;
    entries.sort();
    Ok(entries)
}
