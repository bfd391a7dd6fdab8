//! A writable layer in a folder: written beside its place, complete and synced before it appears there.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};

use super::owner::{Kind, Owned, Owner};
use super::steps::partial;
use crate::{CloseError, Holder};

/// What becomes of a layer when its sandbox is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It appears in its place.
    Published,
    /// It goes.
    Removed,
}

/// A layer that is being written. Dropping it removes what there is.
#[derive(Debug)]
pub(super) struct Layer {
    place: Utf8PathBuf,
    partial: PathBuf,
    holder: Holder,
    fate: Fate,
    /// Whether what is left of it is removed by whoever waits for that.
    finished: bool,
    owned: Option<Owned>,
}

impl Layer {
    /// Makes the folders. The place must be free, or an empty folder: a layer that is there is never written on, so that
    /// nothing of it can be lost.
    pub(super) fn begin(place: &Utf8Path, fate: Fate, holder: Holder, owner: &Owner) -> std::io::Result<Self> {
        let partial = PathBuf::from(partial(place.as_str()));
        let entry = owner.own(Kind::Tree, &partial)?;
        if place.as_std_path().exists() {
            std::fs::remove_dir(place)?;
        }
        // Where another harness is writing this layer, this fails, and what it has is not touched.
        std::fs::create_dir(&partial)?;
        let layer = Self { place: place.to_owned(), partial, holder, fate, finished: false, owned: Some(entry) };
        for name in ["work", "keep", "upper"] {
            let folder = layer.partial.join(name);
            std::fs::create_dir(&folder)?;
            // The upper folder's mode is that of the root.
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
        }
        Ok(layer)
    }

    /// Where it is to appear.
    pub(super) fn place(&self) -> &Utf8Path {
        &self.place
    }

    /// Makes it ready to be mounted again after everything that used it was killed. The kernel refuses a layer that was
    /// never synced, since it may have lost something; here only processes were lost.
    pub(super) async fn mount_again(&self) -> std::io::Result<()> {
        let (mark, holder) = (self.partial.join("work/work/incompat"), self.holder.clone());
        let done = tokio::task::spawn_blocking(move || holder.remove(&mark)).await;
        done.map_err(std::io::Error::other)?.map_err(std::io::Error::other)
    }

    /// Syncs the layer and puts it into its place, or removes it: as is its fate.
    pub(super) async fn finish(mut self) -> Result<(), CloseError> {
        let work = move || {
            let moved = match self.fate {
                Fate::Published => self.move_into_place(),
                Fate::Removed => Ok(()),
            };
            self.finished = moved.is_ok();
            moved.map_err(|source| CloseError::Remove { path: self.place.to_string(), source })
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| {
            Err(CloseError::Remove { path: "layer".into(), source: std::io::Error::other(error) })
        })
    }

    fn move_into_place(&mut self) -> std::io::Result<()> {
        let folder = std::fs::File::open(&self.partial)?;
        rustix::fs::syncfs(&folder)?;
        std::fs::rename(self.partial.join("upper"), &self.place)?;
        if let Some(parent) = self.place.parent() {
            std::fs::File::open(parent)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        let (partial, holder, owned) = (self.partial.clone(), self.holder.clone(), self.owned.take());
        // Trees take long and the sandbox's last processes may still be writing: not while somebody waits.
        let work = move || {
            if !remove(&partial, &holder) {
                // It stays written down for the sweep.
                std::mem::forget(owned);
            }
        };
        if self.finished {
            return work();
        }
        let _ = std::thread::Builder::new().name("remove layer".into()).spawn(work);
    }
}

/// How often the removal of a tree is tried in which the last processes are just dying.
const TRIES: u32 = 5;

fn remove(partial: &Path, holder: &Holder) -> bool {
    for _ in 0..TRIES {
        match holder.remove(partial) {
            Ok(()) => return true,
            Err(error) => {
                tracing::debug!(path = %partial.display(), %error, "an unfinished layer stays");
            }
        }
    }
    false
}
