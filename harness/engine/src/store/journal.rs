//! The journal of a run: append-only lines. What was announced is in it; what is torn or damaged is set aside.

use std::fs::{File, OpenOptions};
use std::io::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::Event;

use super::durable;
use super::line::{Line, decode, encode};
use super::state::StateError;

/// The file's name in a run's folder.
const NAME: &str = "journal.jsonl";

/// A journal that is written to.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: Utf8PathBuf,
}

impl Journal {
    /// Begins the journal of a new run in this folder. It is there with all of its first events or not at all, so that
    /// every run that can be seen says how it was begun.
    pub(super) fn create(folder: &Utf8Path, first: &[Event]) -> Result<Self, StateError> {
        let path = folder.join(NAME);
        let lines: Result<String, _> = first.iter().map(|event| encode(event).map(|line| line + "\n")).collect();
        let lines = lines.map_err(|error| StateError::io("write", &path, error.into()))?;
        durable::write(&path, lines.as_bytes())?;
        Self::append_to(path)
    }

    /// Goes on with a journal that was cut off. Damaged lines go to a file beside it.
    pub(super) fn resume(folder: &Utf8Path) -> Result<Self, StateError> {
        let path = folder.join(NAME);
        let bytes = std::fs::read(&path).map_err(|source| StateError::io("read", &path, source))?;
        let (good, bad): (Vec<&[u8]>, Vec<&[u8]>) =
            lines(&bytes).partition(|line| matches!(decode(line), Line::Event(_)));
        if !bad.is_empty() || !bytes.ends_with(b"\n") {
            set_aside(folder, &bad)?;
            durable::write(&path, &joined(&good))?;
        }
        Self::append_to(path)
    }

    /// Adds an event. It is with the operating system when this returns, so no crash of this process loses it.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn append(&mut self, event: &Event) -> Result<(), StateError> {
        let line = encode(event).map_err(|error| self.failed("write", error.into()))?;
        // One call for the whole line: a crash leaves at most one torn line, the last.
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(|source| self.failed("write", source))
    }

    /// Makes all that was added survive a power cut.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn sync(&mut self) -> Result<(), StateError> {
        self.file.sync_data().map_err(|source| self.failed("sync", source))
    }

    fn append_to(path: Utf8PathBuf) -> Result<Self, StateError> {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        Ok(Self { file: file.map_err(|source| StateError::io("open", &path, source))?, path })
    }

    fn failed(&self, doing: &'static str, source: std::io::Error) -> StateError {
        StateError::io(doing, &self.path, source)
    }
}

/// Whether this is the folder of a run.
pub(super) fn is_in(folder: &Utf8Path) -> bool {
    folder.join(NAME).is_file()
}

/// The events of a journal, as far as they can be read, and what is to be said about the rest.
pub(super) fn read(folder: &Utf8Path) -> Result<(Vec<Event>, Vec<String>), StateError> {
    let path = folder.join(NAME);
    let bytes = std::fs::read(&path).map_err(|source| StateError::io("read", &path, source))?;
    parse(&bytes).map_err(|version| StateError::Later { path, version: format!("format {version}") })
}

/// The events in `bytes`; the version when they are of a later one.
pub(super) fn parse(bytes: &[u8]) -> Result<(Vec<Event>, Vec<String>), u32> {
    let mut events = Vec::new();
    let mut damaged = 0_usize;
    for line in lines(bytes) {
        match decode(line) {
            Line::Event(event) => events.push(*event),
            Line::Damaged => damaged += 1,
            Line::Later(version) => return Err(version),
        }
    }
    // A torn last line is what a killed run leaves: nothing that was announced is in it.
    let torn = usize::from(!bytes.is_empty() && !bytes.ends_with(b"\n")).min(damaged);
    let notes = match damaged - torn {
        0 => Vec::new(),
        1 => vec!["1 line of the journal is damaged and was left out".to_owned()],
        many => vec![format!("{many} lines of the journal are damaged and were left out")],
    };
    Ok((events, notes))
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn joined(lines: &[&[u8]]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.iter().copied().chain(std::iter::once(b'\n'))).collect()
}

fn set_aside(folder: &Utf8Path, lines: &[&[u8]]) -> Result<(), StateError> {
    if lines.is_empty() {
        return Ok(());
    }
    let path = folder.join("journal.damaged");
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(&joined(lines)).and_then(|()| file.sync_all()));
    written.map_err(|source| StateError::io("write", &path, source))
}
