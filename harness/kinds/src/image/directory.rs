//! `directory`: a root file system tree.

use std::fs;

use camino::Utf8Path;

use super::store::{Place, Shelf};
use super::tree::{Job, Limits, Owners};
use super::{Image, ImageError, Source, Workshop, blocking};
use crate::change::resolve;

crate::document! {
    /// A root file system tree on this machine.
    pub struct Directory, "a path" {
        /// The folder.
        path: String, required;
    }
    short path;
    check {
        path => filled,
    }
}

impl Source for Directory {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        vec![("path", &self.path)]
    }

    async fn make(&self, workshop: &Workshop<'_>) -> Result<Image, ImageError> {
        let from = resolve(workshop.base, &self.path);
        check(&from)?;
        let store = workshop.store;
        let limits = Limits::default();
        let job = Job::Fingerprint { from: from.clone(), limits };
        let fingerprint = blocking(move || job.run(None)).await?.digest;
        if let Some(digest) = fingerprint.as_ref().and_then(|fingerprint| store.seen(fingerprint))
            && let Some(entry) = store.find(Shelf::Images, &digest)?
        {
            return Ok(entry.into_image());
        }
        let draft = store.draft()?;
        let job = Job::Import { from: from.clone(), into: draft.root(), owners: Owners::Kept, limits };
        let planted = blocking(move || job.run(None)).await?;
        let Some(digest) = planted.digest.clone() else {
            return Err(ImageError::Unavailable(format!("`{from}` was read without a digest")));
        };
        let entry = match store.entry(Shelf::Images, &digest).await? {
            Place::Made(entry) => entry,
            Place::Free(_lock) => {
                store.publish(draft, Shelf::Images, &digest, planted.into_meta(format!("directory {from}")))?
            }
        };
        if let Some(fingerprint) = &fingerprint {
            store.remember(fingerprint, &digest);
        }
        Ok(entry.into_image())
    }
}

/// Says at once, and clearly, when the folder is no root file system.
fn check(path: &Utf8Path) -> Result<(), ImageError> {
    let unfit = |why: &str| Err(ImageError::Unfit(format!("`{path}` is no root file system: {why}")));
    let is_there = |name: &str| fs::symlink_metadata(path.join(name)).is_ok();
    match fs::metadata(path) {
        Err(error) => return Err(ImageError::Unfit(format!("open `{path}`: {error}"))),
        Ok(metadata) if !metadata.is_dir() => return unfit("it is no folder (for an archive, write `tar:`)"),
        Ok(_) => {}
    }
    if path.canonicalize_utf8().is_ok_and(|real| real == "/") {
        return Err(ImageError::Unfit("`/` is this machine's own root: write `host: {}`".to_owned()));
    }
    match (is_there("etc"), is_there("usr/bin") || is_there("bin")) {
        (true, true) => Ok(()),
        (false, _) => unfit("it has no `etc`"),
        (true, false) => unfit("it has neither `usr/bin` nor `bin`"),
    }
}
