//! Locks of the store: `flock` on a file per digest, so that a killed holder lets go at once.

use std::fs::{File, TryLockError};

use patchbed_model::Digest;

use super::entries::{Entry, Shelf, Store, StoreError};
use crate::image::Image;

/// Held while an entry is made or removed.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Held while entries are used: they are not removed meanwhile.
#[derive(Debug)]
pub struct Hold {
    _files: Vec<File>,
}

/// What is found under a digest.
#[derive(Debug)]
pub(crate) enum Place {
    /// The entry.
    Made(Entry),
    /// Nothing, and nobody else makes it meanwhile.
    Free(Lock),
}

impl Store {
    fn lock_file(&self, digest: &Digest) -> Result<File, StoreError> {
        let path = self.root.join("locks").join(digest.hex());
        File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| StoreError::io("open", path, error))
    }

    /// Waits until nobody else makes, removes or uses what has this digest.
    pub(crate) async fn lock(&self, digest: &Digest) -> Result<Lock, StoreError> {
        let file = self.lock_file(digest)?;
        let path = self.root.join("locks").join(digest.hex());
        tokio::task::spawn_blocking(move || file.lock().map(|()| Lock { _file: file }))
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(|error| StoreError::io("lock", path, error))
    }

    /// An entry, or the lock under which to make it. What is there already is had without waiting for those who use it.
    pub(crate) async fn entry(&self, part: Shelf, digest: &Digest) -> Result<Place, StoreError> {
        if let Some(entry) = self.peek(part, digest) {
            return Ok(Place::Made(entry));
        }
        let lock = self.lock(digest).await?;
        // Somebody else may have made it meanwhile.
        Ok(self.find(part, digest)?.map_or(Place::Free(lock), Place::Made))
    }

    /// The lock, when it can be had at once.
    pub(super) fn try_lock(&self, digest: &Digest) -> Result<Option<Lock>, StoreError> {
        let file = self.lock_file(digest)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(StoreError::io("lock", self.root.join("locks").join(digest.hex()), error))
            }
        }
    }

    /// Keeps an image and everything under these binds' folders from being removed for as long as the hold lives.
    /// Blocks while somebody makes or removes one of them.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when something of it was removed since it was made.
    pub fn hold<'a>(
        &self,
        image: &Image,
        binds: impl IntoIterator<Item = &'a patchbed_sandbox::Bind>,
    ) -> Result<Hold, StoreError> {
        let mut files = Vec::new();
        let folders = image.lowers.iter().chain(binds.into_iter().map(|bind| &bind.from));
        for folder in folders {
            let Ok(inside) = folder.strip_prefix(&self.root) else { continue };
            let Some(digest) = inside.components().nth(1).and_then(|hex| Digest::parse(&format!("sha256:{hex}")))
            else {
                continue;
            };
            let file = self.lock_file(&digest)?;
            file.lock_shared().map_err(|error| StoreError::io("lock", folder, error))?;
            if !folder.exists() {
                return Err(StoreError::Missing(folder.clone()));
            }
            files.push(file);
        }
        Ok(Hold { _files: files })
    }
}
