//! Trees of files: unpacked from tarballs, copied from folders, compared by fingerprint, removed.
//!
//! Everything is done by descriptor and without following a symbolic link, by root or as root of the holder namespace,
//! so that owners and modes stay what they were. Nothing here knows images or the store.

mod entry;
mod header;
mod import;
mod open;
mod plant;
mod remove;
#[cfg(test)]
mod tests;
mod unpack;

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use camino::Utf8PathBuf;
use patchbed_model::Digest;
use patchbed_sandbox::Holder;
use patchbed_sandbox::Task;
use serde::{Deserialize, Serialize};

pub(crate) use open::open_file;
pub(crate) use remove::remove_tree;
pub(crate) use unpack::scan;

/// The work of this crate that an ordinary user needs done as root of the holder namespace; `main` hands it to
/// [`patchbed_sandbox::faces_with`].
pub const TASKS: &[Task] = &[Task { name: "tree", run: task }];

/// A piece of work on a tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    /// Unpack the tarball on the standard input into an empty folder.
    Unpack {
        /// The folder, which exists.
        into: Utf8PathBuf,
        /// What the file must be.
        expected: Digest,
        /// How much is too much.
        limits: Limits,
    },
    /// Copy a tree into an empty folder.
    Import {
        /// The tree.
        from: Utf8PathBuf,
        /// The folder, which exists.
        into: Utf8PathBuf,
        /// What becomes of owners.
        owners: Owners,
        /// How much is too much.
        limits: Limits,
    },
    /// A digest of names, sizes, times and inode numbers: it changes when anything in the tree does.
    Fingerprint {
        /// The tree.
        from: Utf8PathBuf,
        /// How much is too much.
        limits: Limits,
    },
    /// Count entries and bytes.
    Measure {
        /// The tree.
        from: Utf8PathBuf,
    },
    /// Name every entry.
    List {
        /// The tree.
        from: Utf8PathBuf,
        /// How much is too much.
        limits: Limits,
        /// What becomes of names that are not UTF-8.
        strange: Strange,
    },
    /// Remove trees.
    Remove {
        /// The trees.
        paths: Vec<Utf8PathBuf>,
    },
}

/// What becomes of the owners of copied files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Owners {
    /// They stay.
    Kept,
    /// All become root: the owners of a checkout say nothing about the files' place in an environment.
    Root,
}

/// What becomes of names that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Strange {
    /// They are an error.
    Refused,
    /// They are left out.
    LeftOut,
}

/// How much is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Bytes of all files together.
    pub(crate) bytes: u64,
    /// Entries.
    pub(crate) entries: u64,
    /// How many times its packed size a tarball may grow to, once it is over 64 MiB.
    pub(crate) ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 << 30, entries: 5_000_000, ratio: 200 }
    }
}

/// What came of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Planted {
    /// How many entries there are.
    pub(crate) entries: u64,
    /// How many bytes their files hold.
    pub(crate) bytes: u64,
    /// The digest of the tree's content, or its fingerprint.
    pub(crate) digest: Option<Digest>,
    /// What was left out.
    pub(crate) notes: Vec<String>,
    /// Every entry's path from the root, when that was asked for; those of folders end in `/`.
    pub(crate) paths: Vec<String>,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum TreeError {
    /// What was given is to blame.
    #[error("{0}")]
    Unfit(String),
    /// The host is to blame, and a second try may help.
    #[error("{0}")]
    Unavailable(String),
    /// The host cannot do it.
    #[error("{text}")]
    Lacking {
        /// What is missing.
        text: String,
        /// How to mend it.
        remedy: String,
    },
}

impl TreeError {
    /// An operation on a path that the system refused.
    pub(crate) fn io(operation: &str, path: &[u8], error: impl Into<std::io::Error>) -> Self {
        let error: std::io::Error = error.into();
        let text = format!("{operation} `{}`: {error}", entry::shown(path));
        match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
            Some(rustix::io::Errno::NAMETOOLONG) => Self::Unfit(text),
            _ => Self::Unavailable(text),
        }
    }
}

impl Job {
    /// Does it (blocking): here when the caller is root, else as root of the holder namespace.
    pub(crate) fn run(&self, input: Option<File>) -> Result<Planted, TreeError> {
        if rustix::process::geteuid().is_root() {
            return match input {
                Some(mut file) => self.work(&mut file),
                None => self.work(&mut std::io::empty()),
            };
        }
        let holder = Holder::find().map_err(|lack| TreeError::Lacking {
            text: format!("an image store needs root or a user namespace: {} ({})", lack.what, lack.because),
            remedy: lack.remedy,
        })?;
        let argument = serde_json::to_string(self).map_err(|error| TreeError::Unavailable(error.to_string()))?;
        let input = input.map_or_else(Stdio::null, Stdio::from);
        let answer = holder
            .run_task("tree", &argument, input)
            .map_err(|error| TreeError::Unavailable(patchbed_model::text::one_line(&error.to_string())))?;
        serde_json::from_str::<Result<Planted, TreeError>>(&answer)
            .map_err(|error| TreeError::Unavailable(format!("read the answer of a task: {error}")))?
    }

    fn work(&self, input: &mut dyn Read) -> Result<Planted, TreeError> {
        match self {
            Self::Unpack { into, expected, limits } => unpack::unpack(input, into, expected, *limits),
            Self::Import { from, into, owners, limits } => import::import(from, into, *owners, *limits),
            Self::Fingerprint { from, limits } => import::fingerprint(from, *limits),
            Self::Measure { from } => import::measure(from),
            Self::List { from, limits, strange } => import::list(from, *limits, *strange),
            Self::Remove { paths } => {
                for path in paths {
                    remove_tree(path.as_std_path()).map_err(|error| TreeError::Unavailable(error.to_string()))?;
                }
                Ok(Planted::default())
            }
        }
    }
}

/// The face of [`Job`] inside the holder namespace.
fn task(argument: &str, input: &mut dyn Read) -> Result<String, String> {
    let job: Job = serde_json::from_str(argument).map_err(|error| format!("read the task: {error}"))?;
    serde_json::to_string(&job.work(input)).map_err(|error| error.to_string())
}
