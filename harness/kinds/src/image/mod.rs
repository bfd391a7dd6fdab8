//! Image sources: where the root file system that an environment starts from comes from.
//!
//! To add one: a file here, and a line in the table below.

pub mod debian;
pub mod directory;
pub mod host;
pub mod tar;

use std::future::Future;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::Digest;
use patchbed_sandbox::{Backend, SandboxSpec};
use patchbed_sandbox::{Init, Limits, Network, Upper};

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
            name: name.to_owned(),
            lowers: self.lowers.clone(),
            host_root: self.host_root,
            upper: Upper::Memory,
            binds: Vec::new(),
            hidden: self.hidden.clone(),
            network: Network::Loopback,
            limits: Limits::default(),
            init: Init::Guest,
            hostname: "patchbed".to_owned(),
            environment: std::collections::BTreeMap::new(),
        }
    }
}

/// What image sources and changes work with before a run.
#[derive(Debug)]
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

/// The store of images, layers and fetched packages under the cache directory: content-addressed, read-only once
/// published by rename, safe for several processes, every user's own (mode 0700).
#[derive(Debug)]
pub struct Store {
    /// Its folder.
    pub root: Utf8PathBuf,
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

crate::kinds! {
    /// Any image source.
    pub enum AnySource, "image source" {
        /// This machine's own root.
        "host" => Host(host::Host),
        /// A root file system tree.
        "directory" => Directory(directory::Directory),
        /// A tarball.
        "tar" => Tar(tar::Tar),
        /// A Debian root made with mmdebstrap.
        "debian" => Debian(debian::Debian),
    }
    later ["oci", "disk"]
}
