//! `diff`: applies a unified diff.

use super::{Applied, Change, ChangeError, Prepared, Site};
use crate::image::Workshop;
crate::document! {
    /// A unified diff, from a file or written in place.
    pub struct Diff, "a file, or a mapping with `file` or `text`" {
        /// The file that holds the diff.
        file: Option<String>, optional;
        /// The diff itself.
        text: Option<String>, optional;
        /// The folder inside the environment to which its paths belong; `/` when not given.
        directory: Option<String>, optional;
        /// How many leading parts of the paths are dropped; 1 when not given.
        strip: Option<u32>, optional;
    }
    short file;
}

impl Change for Diff {
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
