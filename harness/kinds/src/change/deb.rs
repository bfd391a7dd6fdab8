//! `deb`: installs or updates Debian packages.

use super::{Applied, Change, ChangeError, Prepared, Site};
use crate::document::OneOrMany;
use crate::image::Workshop;

crate::document! {
    /// Debian packages, by name or as files.
    pub struct Deb, "packages, or a mapping with `packages` or `files`" {
        /// Package names, `name=version` allowed, from the image's own sources or from the folder `from`.
        packages: Option<OneOrMany<String>>, optional;
        /// A folder of .deb files that stands in for the image's sources.
        from: Option<String>, optional;
        /// .deb files to install as they are.
        files: Option<OneOrMany<String>>, optional;
    }
    short packages;
}

impl Change for Deb {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    async fn prepare(&self, _: &Workshop<'_>) -> Result<Prepared, ChangeError> {
        Err(ChangeError::Unavailable("not yet".to_owned()))
    }

    async fn apply(&self, _: &Site<'_>) -> Result<Applied, ChangeError> {
        Err(ChangeError::Unavailable("not yet".to_owned()))
    }

    async fn revert(&self, _: &Site<'_>) -> Result<(), ChangeError> {
        Err(ChangeError::Unavailable("not yet".to_owned()))
    }
}
