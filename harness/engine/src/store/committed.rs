//! The files that people commit: accepted baselines and accepted differences, one folder for each scenario.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::{Acceptance, Digest};
use serde::{Deserialize, Serialize};

use super::durable;
use super::snapshot::Stored;
use super::state::StateError;
use super::yaml;
use crate::plan::CellNames;

/// The version of the list of accepted differences.
const ACCEPTED_FORMAT: &str = "accepted/1";

/// The longest name of a file or folder.
const LONGEST: usize = 120;

/// The folder of accepted things, `snapshots/` of a project.
#[derive(Clone, Debug)]
pub struct Committed {
    root: Utf8PathBuf,
}

/// A baseline that was found, with the digest of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What the file says.
    pub stored: Stored,
    /// The digest of the file's bytes.
    pub digest: Digest,
    /// The file.
    pub file: Utf8PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptedFile {
    patchbed: String,
    accepted: Vec<Acceptance>,
}

impl Committed {
    /// The accepted things under this folder. It need not be there.
    #[must_use]
    pub fn at(root: &Utf8Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The file of the accepted baseline of a cell's environment: `SCENARIO/IMAGE[+PRODUCT…].snap`.
    #[must_use]
    pub fn baseline_file(&self, names: &CellNames) -> Utf8PathBuf {
        let parts: Vec<String> = std::iter::once(&names.image).chain(&names.software).map(|name| safe(name)).collect();
        self.folder(&names.scenario).join(format!("{}.snap", cut(&parts.join("+"))))
    }

    /// The file of the candidate that waits beside the accepted baseline.
    #[must_use]
    pub fn candidate_file(&self, names: &CellNames) -> Utf8PathBuf {
        Utf8PathBuf::from(format!("{}.new", self.baseline_file(names)))
    }

    /// The accepted baseline of a cell's environment, if there is one.
    ///
    /// # Errors
    /// [`StateError::Io`], also for a file that is damaged or was made by another version.
    pub fn baseline(&self, names: &CellNames) -> Result<Option<Found>, StateError> {
        found(self.baseline_file(names))
    }

    /// The candidate that waits, if there is one.
    ///
    /// # Errors
    /// As [`Committed::baseline`].
    pub fn candidate(&self, names: &CellNames) -> Result<Option<Found>, StateError> {
        found(self.candidate_file(names))
    }

    /// Writes a baseline to `file`.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn write(&self, file: &Utf8Path, stored: &Stored) -> Result<(), StateError> {
        let text = stored.write().map_err(|text| damaged("write", file, text))?;
        durable::write(file, text.as_bytes())
    }

    /// Removes a file, if it is there. Says whether it was.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn remove(&self, file: &Utf8Path) -> Result<bool, StateError> {
        match std::fs::remove_file(file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(StateError::io("remove", file, source)),
        }
    }

    /// The accepted differences of a scenario.
    ///
    /// # Errors
    /// As [`Committed::baseline`].
    pub fn accepted(&self, scenario: &str) -> Result<Vec<Acceptance>, StateError> {
        let file = self.accepted_file(scenario);
        let Some(text) = text_of(&file)? else {
            return Ok(Vec::new());
        };
        let read: AcceptedFile = yaml::read(&text).map_err(|text| damaged("read", &file, text))?;
        if read.patchbed != ACCEPTED_FORMAT {
            let text = format!("made by another version of patchbed: format `{}`", read.patchbed);
            return Err(damaged("read", &file, text));
        }
        Ok(read.accepted)
    }

    /// Writes the accepted differences of a scenario; an empty list removes the file.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn write_accepted(&self, scenario: &str, accepted: Vec<Acceptance>) -> Result<Utf8PathBuf, StateError> {
        let file = self.accepted_file(scenario);
        if accepted.is_empty() {
            self.remove(&file)?;
            return Ok(file);
        }
        let content = AcceptedFile { patchbed: ACCEPTED_FORMAT.to_owned(), accepted };
        let text = yaml::write(&content).map_err(|text| damaged("write", &file, text))?;
        durable::write(&file, text.as_bytes())?;
        Ok(file)
    }

    fn accepted_file(&self, scenario: &str) -> Utf8PathBuf {
        self.folder(scenario).join("accepted.yaml")
    }

    fn folder(&self, scenario: &str) -> Utf8PathBuf {
        self.root.join(cut(&safe(scenario)))
    }
}

fn found(file: Utf8PathBuf) -> Result<Option<Found>, StateError> {
    let Some(text) = text_of(&file)? else {
        return Ok(None);
    };
    let stored = Stored::read(&text).map_err(|text| damaged("read", &file, text))?;
    Ok(Some(Found { stored, digest: Digest::of(text.as_bytes()), file }))
}

fn text_of(file: &Utf8Path) -> Result<Option<String>, StateError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StateError::io("read", file, source)),
    }
}

fn damaged(doing: &'static str, file: &Utf8Path, text: String) -> StateError {
    StateError::io(doing, file, io::Error::new(io::ErrorKind::InvalidData, text))
}

/// A name as one part of a path: what is not plain becomes `%` and its bytes, so that no two names share a file and
/// none leaves the folder.
fn safe(name: &str) -> String {
    let mut out = String::new();
    for (place, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && place > 0);
        if plain { out.push(char::from(byte)) } else { out.push_str(&escape(byte)) }
    }
    if out.is_empty() { "%".to_owned() } else { out }
}

fn escape(byte: u8) -> String {
    format!("%{byte:02x}")
}

/// A name that is not too long for a file: the rest becomes its digest.
fn cut(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    // What `safe` leaves is ASCII, so that every place is a boundary.
    format!("{}~{}", name.get(..LONGEST).unwrap_or_default(), Digest::of(name.as_bytes()).short())
}
