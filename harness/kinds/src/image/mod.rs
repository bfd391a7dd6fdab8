//! Image sources: where the root file system that an environment starts from comes from.
//!
//! To add one: a file here, and a line in the table below.

pub(crate) mod apt;
mod bootstrap;
mod build;
pub mod debian;
pub mod directory;
pub mod host;
pub(crate) mod parcel;
pub mod store;
pub mod tar;
pub(crate) mod tree;

use std::future::Future;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::Digest;
use patchbed_sandbox::{Backend, SandboxSpec};

pub use build::{build, extend, paths_of};
pub use store::{Disk, Entry, Hold, Made, Meta, Shelf, Store, StoreError};
pub use tree::TASKS;

/// A kind of image source.
pub trait Source {
    /// Files and folders of the host that it reads, as written: the field's name and the path.
    fn host_files(&self) -> Vec<(&'static str, &str)>;

    /// Makes the image, or finds it made. Safe for several processes at once; a half-made image is never seen.
    ///
    /// # Errors
    /// See [`ImageError`].
    fn make(&self, workshop: &Workshop<'_>) -> impl Future<Output = Result<Image, ImageError>> + Send;
}

/// A root file system ready to start from: layers, the topmost first.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Image {
    /// The digest of its content, or, for `host`, of what identifies this machine's state.
    pub digest: Digest,
    /// Read-only layers, the topmost first.
    pub lowers: Vec<Utf8PathBuf>,
    /// Whether the lowest layer is this machine's own root.
    pub host_root: bool,
    /// Paths that are hidden inside.
    pub hidden: Vec<String>,
}

impl Image {
    /// The spec of a sandbox on this image, with everything else at its default.
    #[must_use]
    pub fn spec(&self, name: &str) -> SandboxSpec {
        SandboxSpec {
            host_root: self.host_root,
            hidden: self.hidden.clone(),
            ..SandboxSpec::on(name, self.lowers.clone())
        }
    }
}

/// What image sources and changes work with before a run.
#[derive(Clone, Copy, Debug)]
pub struct Workshop<'a> {
    /// Makes the sandboxes in which packages are fetched and layers are built.
    pub backend: &'a dyn Backend,
    /// The store of images and layers, shared by all runs of this user.
    pub store: &'a Store,
    /// The folder of the file in which the image or change is written.
    pub base: &'a Utf8Path,
    /// The image that a change will be applied to; `None` while that image is being made.
    pub image: Option<&'a Image>,
    /// Whether nothing may be fetched.
    pub offline: bool,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// What the scenario names cannot be an image: no root file system, an archive that climbs out. Bad input, exit 2.
    #[error("{0}")]
    Unfit(String),
    /// It cannot be had now: registry away, no space. A second try may help, exit 75.
    #[error("{0}")]
    Unavailable(String),
    /// A tool of the host is missing, or the host cannot do it. Exit 77.
    #[error("{text}")]
    Lacking {
        /// What is missing.
        text: String,
        /// How to mend it.
        remedy: String,
    },
    /// A change on top of the source failed.
    #[error("install on the image: {0}")]
    Install(#[from] crate::change::ChangeError),
}

impl From<tree::TreeError> for ImageError {
    fn from(error: tree::TreeError) -> Self {
        match error {
            tree::TreeError::Unfit(text) => Self::Unfit(text),
            tree::TreeError::Unavailable(text) => Self::Unavailable(text),
            tree::TreeError::Lacking { text, remedy } => Self::Lacking { text, remedy },
        }
    }
}

/// Does something that blocks, away from the threads that wait.
pub(crate) async fn blocking<T: Send + 'static, E: Send + 'static + From<tree::TreeError>>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(tree::TreeError::Unavailable(format!("a task of the harness failed: {error}")).into()),
    }
}

/// Writes [`AnySource`] from the table below, and how it hands each question to its kind.
macro_rules! table {
    ($($(#[doc = $doc:expr])+ $key:literal => $variant:ident($type:ty),)+) => {
        crate::kinds! {
            /// Any image source.
            pub enum AnySource, "image source" { $($(#[doc = $doc])+ $key => $variant($type),)+ }
            later ["oci", "disk"]
        }

        impl Source for AnySource {
            fn host_files(&self) -> Vec<(&'static str, &str)> {
                match self { $(Self::$variant(source) => source.host_files(),)+ }
            }

            async fn make(&self, workshop: &Workshop<'_>) -> Result<Image, ImageError> {
                match self { $(Self::$variant(source) => source.make(workshop).await,)+ }
            }
        }
    };
}

table! {
    /// This machine's own root.
    "host" => Host(host::Host),
    /// A root file system tree.
    "directory" => Directory(directory::Directory),
    /// A tarball.
    "tar" => Tar(tar::Tar),
    /// A Debian root made with mmdebstrap.
    "debian" => Debian(debian::Debian),
}
