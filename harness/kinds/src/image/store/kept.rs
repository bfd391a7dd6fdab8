//! Disks of attempts: what an attempt wrote on top of what it stood on, kept for a while for a person to look at.

use std::time::{Duration, SystemTime};

use camino::Utf8PathBuf;
use patchbed_model::Digest;

use super::draft::Draft;
use super::entries::{Entry, Meta, Shelf, Store, StoreError};
use super::lock::Place;
use crate::image::build::is_within_root;
use crate::image::tree::Job;
use crate::image::{Image, blocking};

/// How long a disk is kept after it was last looked at.
const KEPT: Duration = Duration::from_hours(24);

/// A disk that an attempt writes. Dropping it removes it.
#[derive(Debug)]
pub struct Disk(Draft);

impl Disk {
    /// Where the writable layer of the sandbox is to appear.
    #[must_use]
    pub fn root(&self) -> Utf8PathBuf {
        self.0.root()
    }
}

impl Store {
    /// A disk for an attempt on an image; `None` where the kernel takes none as a layer afterwards, because it would
    /// lie within the root on which it stands.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn disk(&self, image: &Image) -> Result<Option<Disk>, StoreError> {
        if image.host_root && is_within_root(&self.root) {
            return Ok(None);
        }
        Ok(Some(Disk(self.draft()?)))
    }

    /// Keeps the disk of an attempt whose sandbox is closed, in the place of an earlier one of that name.
    ///
    /// # Errors
    /// When it cannot be read or put there.
    pub async fn keep(&self, disk: Disk, name: &Digest, (source, image): (String, &Image)) -> Result<(), StoreError> {
        let job = Job::Measure { from: disk.root() };
        let measured = blocking(move || job.run(None)).await?;
        let detail = serde_json::Value::String(image.digest.to_string());
        self.forget(name)?;
        match self.entry(Shelf::Kept, name).await? {
            // Somebody looks at the earlier one.
            Place::Made(_) => Ok(()),
            Place::Free(_lock) => {
                let meta = Meta { detail, ..measured.into_meta(source) };
                self.publish(disk.0, Shelf::Kept, name, meta).map(drop)
            }
        }
    }

    /// The image with a kept disk on it; `None` when there is no such disk, or it stood on another image.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn kept(&self, name: &Digest, image: &Image) -> Result<Option<Image>, StoreError> {
        let found =
            self.find(Shelf::Kept, name)?.filter(|entry| entry.meta.detail == image.digest.to_string().as_str());
        Ok(found.map(|entry| Image {
            lowers: std::iter::once(entry.root).chain(image.lowers.iter().cloned()).collect(),
            ..image.clone()
        }))
    }

    /// Removes a kept disk that nobody looks at.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget(&self, name: &Digest) -> Result<(), StoreError> {
        let found = self.find(Shelf::Kept, name)?;
        found.map_or(Ok(()), |entry| self.remove_entry(&entry).map(drop))
    }

    /// Removes the disks whose time is over. Tells which.
    ///
    /// # Errors
    /// As for [`Store::remove`].
    pub fn expire(&self) -> Result<Vec<Entry>, StoreError> {
        let age = |entry: &Entry| SystemTime::now().duration_since(entry.used).unwrap_or_default();
        let mut over = self.list()?;
        over.retain(|entry| entry.shelf == Shelf::Kept && age(entry) >= KEPT);
        let mut removed = Vec::new();
        for entry in over {
            if self.remove_entry(&entry)? {
                removed.push(entry);
            }
        }
        Ok(removed)
    }
}
