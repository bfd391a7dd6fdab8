//! Changes: things done to an environment. Making an image, installing a product and patching use the same kinds.
//!
//! To add one: a file here, and a line in the table below.

mod apt;
pub mod command;
pub mod deb;
pub mod diff;
mod download;
mod earlier;
mod fetch;
pub mod files;
mod gather;
mod keep;
pub mod npm;
mod package;
mod patchset;
mod pending;
pub mod pip;
pub mod remove;
mod stock;
mod tarball;
mod tool;
mod wheel;

use std::future::Future;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::Digest;
use patchbed_sandbox::{Bind, Sandbox};

use crate::image::{ImageError, StoreError, Workshop};

pub use pending::{Foreign, Pending, Update, pending};

/// A kind of change.
pub trait Change {
    /// Files and folders of the host that it reads, as written: the field's name and the path.
    /// `load` says which of them are missing.
    fn host_files(&self) -> Vec<(&'static str, &str)>;

    /// Does once, before any arm runs, what every attempt shares: checks the host's files, fetches packages.
    ///
    /// # Errors
    /// [`ChangeError::Unfit`] when what was given cannot be used at all, [`ChangeError::Unavailable`] when a registry
    /// cannot be reached or does not have it.
    fn prepare(&self, workshop: &Workshop<'_>) -> impl Future<Output = Result<Prepared, ChangeError>> + Send;

    /// Does it to an open sandbox.
    ///
    /// # Errors
    /// [`ChangeError::Refused`] or [`ChangeError::TimedOut`] when the tool says no or does not end.
    fn apply(&self, site: &Site<'_>) -> impl Future<Output = Result<Applied, ChangeError>> + Send;

    /// Mends what is left of it when its tool was killed, as the tool's manual says. Without such words it is done again.
    ///
    /// # Errors
    /// As for `apply`.
    fn repair(&self, site: &Site<'_>) -> impl Future<Output = Result<Applied, ChangeError>> + Send
    where
        Self: Sync,
    {
        self.apply(site)
    }

    /// Takes it back, in the same sandbox, after [`Change::apply`].
    ///
    /// # Errors
    /// As for `apply`.
    fn revert(&self, site: &Site<'_>) -> impl Future<Output = Result<(), ChangeError>> + Send;
}

/// What `prepare` made: the same for every attempt of every arm.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Prepared {
    /// The digest of everything that decides what the change does: its own words and the bytes it reads.
    pub digest: Digest,
    /// What the sandboxes must show: folders of packages, trees to lay over. Under `/run/patchbed/`.
    pub binds: Vec<Bind>,
}

/// Where a change is done.
#[derive(Debug)]
pub struct Site<'a> {
    /// The open sandbox.
    pub sandbox: &'a dyn Sandbox,
    /// What `prepare` made.
    pub prepared: &'a Prepared,
    /// A name that is unique in the attempt, for kept copies.
    pub name: &'a str,
    /// How long it may take.
    pub within: Duration,
    /// Whether systemd is process 1, so that maintainer scripts may really restart services.
    pub systemd: bool,
    /// Whether it will be taken back.
    pub way_back: WayBack,
}

/// Whether what a change replaces is kept, which takes the time and the room of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayBack {
    /// It is kept, so that [`Change::revert`] can put it back.
    Kept,
    /// Nobody will take the change back.
    Unneeded,
}

/// What a change did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Lines for the report: `nginx 1.22.1-9 → 1.22.1-9+deb12u2`.
    pub notes: Vec<String>,
    /// Packages that it brought in another version.
    pub versions: Vec<NewVersion>,
    /// Packages that it brought or replaced; files that they own are explained by the patch.
    pub packages: Vec<String>,
    /// Paths that it wrote or removed by itself; they are explained by the patch too.
    pub paths: Vec<String>,
    /// Files that those packages owned before and do not own any more: that they are gone is explained.
    pub dropped: Vec<String>,
}

/// A package in another version than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVersion {
    /// Its name.
    pub package: String,
    /// The version before.
    pub was: String,
    /// The version now.
    pub now: String,
}

/// Why a change did not work.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// What the scenario gives cannot be used: a folder without packages, a diff that is none. Bad input, exit 2.
    #[error("{0}")]
    Unfit(String),
    /// What it needs cannot be had now: no registry, no space. A second try may help.
    #[error("{0}")]
    Unavailable(String),
    /// The tool said no: the change does not apply. Its last lines are the evidence.
    #[error("{text}")]
    Refused {
        /// What did not work, in one line.
        text: String,
        /// The tool's last lines.
        evidence: Vec<String>,
    },
    /// It did not end within its limit and was killed.
    #[error("did not end within {}", crate::change::seconds(*within))]
    TimedOut {
        /// The limit.
        within: Duration,
        /// The tool's last lines.
        evidence: Vec<String>,
    },
    /// The guest is gone.
    #[error(transparent)]
    Link(#[from] patchbed_sandbox::LinkError),
}

pub(crate) use tool::inside;

impl From<ImageError> for ChangeError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Unfit(text) => Self::Unfit(text),
            ImageError::Unavailable(text) => Self::Unavailable(text),
            ImageError::Lacking { text, remedy } => Self::Unavailable(format!("{text}: {remedy}")),
            ImageError::Install(change) => change,
        }
    }
}

impl From<StoreError> for ChangeError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.text())
    }
}

/// A duration as people say it, in seconds.
#[must_use]
pub fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

/// A path as written in a scenario file, made absolute: relative ones begin at the file's folder.
#[must_use]
pub fn resolve(base: &Utf8Path, written: &str) -> Utf8PathBuf {
    base.join(written)
}

/// Writes [`AnyChange`] from the table below, and how it hands each question to its kind.
macro_rules! table {
    ($($(#[doc = $doc:expr])+ $key:literal => $variant:ident($type:ty),)+) => {
        crate::kinds! {
            /// Any change.
            pub enum AnyChange, "change" { $($(#[doc = $doc])+ $key => $variant($type),)+ }
            later ["rpm", "kernel"]
        }

        impl Change for AnyChange {
            fn host_files(&self) -> Vec<(&'static str, &str)> {
                match self { $(Self::$variant(change) => change.host_files(),)+ }
            }

            async fn prepare(&self, workshop: &Workshop<'_>) -> Result<Prepared, ChangeError> {
                match self { $(Self::$variant(change) => change.prepare(workshop).await,)+ }
            }

            async fn apply(&self, site: &Site<'_>) -> Result<Applied, ChangeError> {
                match self { $(Self::$variant(change) => change.apply(site).await,)+ }
            }

            async fn repair(&self, site: &Site<'_>) -> Result<Applied, ChangeError> {
                match self { $(Self::$variant(change) => change.repair(site).await,)+ }
            }

            async fn revert(&self, site: &Site<'_>) -> Result<(), ChangeError> {
                match self { $(Self::$variant(change) => change.revert(site).await,)+ }
            }
        }
    };
}

table! {
    /// Installs or updates Debian packages.
    "deb" => Deb(deb::Deb),
    /// Installs or updates Python distributions.
    "pip" => Pip(pip::Pip),
    /// Installs or updates packages of a Node project.
    "npm" => Npm(npm::Npm),
    /// Applies a unified diff.
    "diff" => Diff(diff::Diff),
    /// Lays files over the root.
    "files" => Files(files::Files),
    /// Removes files and trees.
    "remove" => Remove(remove::Remove),
    /// Runs a program.
    "command" => Command(command::Command),
}
