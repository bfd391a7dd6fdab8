//! The state folder `.patchbed/`: runs, the last one, the lock.

use std::collections::BTreeSet;
use std::fs::{OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use patchbed_model::id::Hasher;
use patchbed_model::record::CellRecord;
use patchbed_model::{Event, Record, RunId, Verdict};

use super::durable;
use super::fold::fold;
use super::journal::{self, Journal};
use crate::plan::{CellNames, Durations};

/// The record's file in a run's folder.
const RECORD: &str = "record.json";

/// How many runs are looked through for durations.
const LOOKED_BACK: usize = 10;

/// The state folder of a project.
#[derive(Clone, Debug)]
pub struct State {
    root: Utf8PathBuf,
}

/// Keeps other runs out of the state folder as long as it lives.
#[derive(Debug)]
pub struct Lock {
    _file: std::fs::File,
}

/// What is wrong with the state folder.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another run uses it (exit 2).
    #[error("`{path}` is in use by process {pid}")]
    InUse {
        /// The folder.
        path: Utf8PathBuf,
        /// Who uses it.
        pid: String,
    },
    /// No run of that name.
    #[error("there is no run `{0}`")]
    NoRun(String),
    /// Nothing was ever run here.
    #[error("nothing was run here yet")]
    Empty,
    /// A beginning fits several runs.
    #[error("`{prefix}` is the beginning of several runs:\n{}", .runs.join("\n"))]
    Ambiguous {
        /// What was given.
        prefix: String,
        /// The runs.
        runs: Vec<String>,
    },
    /// It was written by a version that this one does not know.
    #[error("`{path}` was made by a later version of patchbed ({version})")]
    Later {
        /// The file.
        path: Utf8PathBuf,
        /// What it says.
        version: String,
    },
    /// It could not be read or written.
    #[error("{doing} `{path}`")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: Utf8PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl StateError {
    pub(super) fn io(doing: &'static str, path: &Utf8Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    /// Whether no space is left: a second try helps once there is some.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            Self::InUse { .. } | Self::NoRun(_) | Self::Empty | Self::Ambiguous { .. } | Self::Later { .. } => false,
        }
    }
}

impl State {
    /// Opens the state folder, and makes it when it is not there.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn open(root: &Utf8Path) -> Result<Self, StateError> {
        let runs = root.join("runs");
        std::fs::create_dir_all(&runs).map_err(|source| StateError::io("make", &runs, source))?;
        let ignore = root.join(".gitignore");
        if !ignore.exists() {
            durable::write(&ignore, b"*\n")?;
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Keeps other runs out, until the lock is dropped or this process ends in whatever way.
    ///
    /// # Errors
    /// [`StateError::InUse`], [`StateError::Io`].
    pub fn lock(&self) -> Result<Lock, StateError> {
        let path = self.root.join("lock");
        let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = opened.map_err(|source| StateError::io("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // What stands in the file is told, never trusted: the lock itself is the kernel's.
                let mut pid = String::new();
                let _ = file.take(32).read_to_string(&mut pid);
                let pid = pid.trim().parse::<u32>().map_or_else(|_| "unknown".to_owned(), |pid| pid.to_string());
                return Err(StateError::InUse { path: self.root.clone(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(StateError::io("lock", &path, source)),
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|source| StateError::io("write", &path, source))?;
        Ok(Lock { _file: file })
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The folder of a run: reports go there as well.
    #[must_use]
    pub fn run_folder(&self, run: &RunId) -> Utf8PathBuf {
        self.root.join("runs").join(&run.0)
    }

    /// All runs, the oldest first.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn runs(&self) -> Result<Vec<RunId>, StateError> {
        let folder = self.root.join("runs");
        let read = || -> io::Result<Vec<(SystemTime, String)>> {
            let mut found = Vec::new();
            for entry in folder.read_dir_utf8()? {
                let journal = entry?.path().join("journal.jsonl");
                // A folder without a journal is a run that was killed before it began.
                let Ok(meta) = journal.metadata() else { continue };
                let name = journal.parent().and_then(Utf8Path::file_name).unwrap_or_default().to_owned();
                found.push((meta.created().or_else(|_| meta.modified())?, name));
            }
            Ok(found)
        };
        let mut found = read().map_err(|source| StateError::io("read", &folder, source))?;
        found.sort();
        Ok(found.into_iter().map(|(_, name)| RunId(name)).collect())
    }

    /// An id that no run has: the day, and four digits of the seed.
    #[must_use]
    pub fn new_run(&self, now: Timestamp, mut seed: i128) -> RunId {
        let day = now.to_zoned(TimeZone::UTC).date();
        loop {
            let digits = Hasher::new().part(seed.to_le_bytes()).finish();
            let run = RunId(format!("{day}-{}", &digits.hex()[..4]));
            if !self.run_folder(&run).exists() {
                return run;
            }
            seed = seed.wrapping_add(1);
        }
    }

    /// The run that is meant: `None` for the last one, else an id or its beginning.
    ///
    /// # Errors
    /// [`StateError::Empty`], [`StateError::NoRun`], [`StateError::Ambiguous`], [`StateError::Io`].
    pub fn find(&self, prefix: Option<&str>) -> Result<RunId, StateError> {
        let runs = self.runs()?;
        let Some(prefix) = prefix else {
            let linked = self.last().filter(|last| runs.contains(last));
            return linked.or_else(|| runs.last().cloned()).ok_or(StateError::Empty);
        };
        if prefix == "last" {
            return self.find(None);
        }
        let found: Vec<&RunId> = runs.iter().filter(|run| run.0.starts_with(prefix)).collect();
        match found.as_slice() {
            [] => Err(StateError::NoRun(prefix.to_owned())),
            [one] => Ok((*one).clone()),
            several => several.iter().find(|run| run.0 == prefix).map_or_else(
                || {
                    let runs = several.iter().map(|run| run.0.clone()).collect();
                    Err(StateError::Ambiguous { prefix: prefix.to_owned(), runs })
                },
                |exact| Ok((*exact).clone()),
            ),
        }
    }

    /// The events of a run, as far as they were written, and what is said about damaged lines.
    ///
    /// # Errors
    /// [`StateError::NoRun`], [`StateError::Later`], [`StateError::Io`].
    pub fn journal(&self, run: &RunId) -> Result<(Vec<Event>, Vec<String>), StateError> {
        let folder = self.run_folder(run);
        if !folder.is_dir() {
            return Err(StateError::NoRun(run.0.clone()));
        }
        journal::read(&folder)
    }

    /// The record of a run: the fold over its journal, also of one that was cut off.
    ///
    /// # Errors
    /// As [`State::journal`].
    pub fn record(&self, run: &RunId) -> Result<Record, StateError> {
        let (events, notes) = self.journal(run)?;
        let mut record = fold(&events);
        record.notes.extend(notes);
        Ok(record)
    }

    /// How long attempts took in earlier runs, for estimates: of each cell in the latest of the last few runs.
    #[must_use]
    pub fn durations(&self) -> Durations {
        let mut durations = Durations::new();
        for run in self.runs().unwrap_or_default().iter().rev().take(LOOKED_BACK) {
            let Some(record) = self.written_record(run) else { continue };
            for (names, cell) in cells(&record) {
                let times: Vec<u64> = cell.timeline.iter().filter_map(|attempt| attempt.milliseconds).collect();
                if let Some(mean) = times.iter().sum::<u64>().checked_div(times.len() as u64) {
                    durations.entry(names).or_insert(mean);
                }
            }
        }
        durations
    }

    /// The cells of a run that are neither same nor improved: for `--last-failed`.
    ///
    /// # Errors
    /// As [`State::journal`].
    pub fn failed(&self, run: &RunId) -> Result<BTreeSet<CellNames>, StateError> {
        let record = self.record(run)?;
        let fine = |verdict| matches!(verdict, Verdict::Same | Verdict::Improved);
        Ok(cells(&record).filter(|(_, cell)| !fine(cell.verdict)).map(|(names, _)| names).collect())
    }

    /// Removes a run.
    ///
    /// # Errors
    /// [`StateError::NoRun`], [`StateError::Io`].
    pub fn remove(&self, run: &RunId) -> Result<(), StateError> {
        let folder = self.run_folder(run);
        if !folder.is_dir() {
            return Err(StateError::NoRun(run.0.clone()));
        }
        if self.last().as_ref() == Some(run) {
            let _ = std::fs::remove_file(self.root.join("last"));
        }
        std::fs::remove_dir_all(&folder).map_err(|source| StateError::io("remove", &folder, source))
    }

    /// Begins a run: its folder with a journal of these events, and `last` pointing at it.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn begin(&self, run: &RunId, first: &[Event]) -> Result<Journal, StateError> {
        let journal = Journal::create(&self.run_folder(run), first)?;
        self.point(run)?;
        Ok(journal)
    }

    /// Keeps a run that is known whole, and gives back its record.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn keep(&self, run: &RunId, events: &[Event]) -> Result<Record, StateError> {
        drop(self.begin(run, events)?);
        let record = fold(events);
        self.write_record(&record)?;
        Ok(record)
    }

    /// Goes on with a run that was cut off.
    ///
    /// # Errors
    /// [`StateError::NoRun`], [`StateError::Io`].
    pub fn resume(&self, run: &RunId) -> Result<Journal, StateError> {
        let folder = self.run_folder(run);
        if !folder.is_dir() {
            return Err(StateError::NoRun(run.0.clone()));
        }
        let journal = Journal::resume(&folder)?;
        self.point(run)?;
        Ok(journal)
    }

    /// Writes the record of a run beside its journal, for programs that read it there.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn write_record(&self, record: &Record) -> Result<(), StateError> {
        let path = self.run_folder(&record.run).join(RECORD);
        let text = serde_json::to_vec_pretty(record);
        durable::write(&path, &text.map_err(|error| StateError::io("write", &path, error.into()))?)
    }

    /// The record of a run as it was written at its end: read at once, and missing where the run was cut off.
    #[must_use]
    pub fn written_record(&self, run: &RunId) -> Option<Record> {
        let text = std::fs::read(self.run_folder(run).join(RECORD)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn last(&self) -> Option<RunId> {
        let target = self.root.join("last").read_link_utf8().ok()?;
        target.file_name().map(|name| RunId(name.to_owned()))
    }

    fn point(&self, run: &RunId) -> Result<(), StateError> {
        let path = self.root.join("last");
        let beside = self.root.join(format!(".last-{}", std::process::id()));
        let _ = std::fs::remove_file(&beside);
        let linked = std::os::unix::fs::symlink(Utf8Path::new("runs").join(&run.0), &beside);
        let moved = linked.and_then(|()| std::fs::rename(&beside, &path));
        moved.map_err(|source| StateError::io("write", &path, source))
    }
}

/// All cells of a record by what people call them.
fn cells(record: &Record) -> impl Iterator<Item = (CellNames, &CellRecord)> {
    record.scenarios.iter().flat_map(|scenario| {
        scenario.cells.iter().map(|cell| {
            let names = CellNames {
                scenario: scenario.id.clone(),
                image: cell.image.clone(),
                patches: cell.patches.clone(),
                software: cell.software.clone(),
            };
            (names, cell)
        })
    })
}
