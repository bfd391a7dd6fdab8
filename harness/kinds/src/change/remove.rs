//! `remove`: removes files and trees.

use super::keep::keep_whole;
use super::tool::{digest, inside};
use super::{Applied, Change, ChangeError, Prepared, Site};
use crate::document::OneOrMany;
use crate::image::Workshop;

crate::document! {
    /// Files and trees to remove.
    pub struct Remove, "paths" {
        /// Absolute paths; globs are not followed.
        paths: OneOrMany<String>, required;
    }
    short paths;
    check {
        paths => inside_path,
    }
}

impl Remove {
    fn inside(&self) -> Result<Vec<String>, ChangeError> {
        self.paths.0.iter().map(|path| inside(path)).collect()
    }
}

impl Change for Remove {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    async fn prepare(&self, _: &Workshop<'_>) -> Result<Prepared, ChangeError> {
        self.inside()?;
        Ok(Prepared { digest: digest(self, "remove")?, binds: Vec::new() })
    }

    async fn apply(&self, site: &Site<'_>) -> Result<Applied, ChangeError> {
        let paths = self.inside()?;
        keep_whole(site, paths.clone()).await?;
        let text = format!("nothing is at `{}`", paths.join("`, `"));
        let removed = site.sandbox.remove(paths).await?;
        // A patch that finds nothing to remove was written for another image, or holds a slip of the pen.
        if removed.is_empty() {
            return Err(ChangeError::Refused { text, evidence: Vec::new() });
        }
        Ok(Applied { paths: removed, ..Applied::default() })
    }

    async fn revert(&self, site: &Site<'_>) -> Result<(), ChangeError> {
        site.sandbox.restore(site.name).await?;
        Ok(())
    }
}
