//! Drafts: folders under `tmp/` in which entries are made. Whoever makes one holds its lock; a draft without a holder
//! was left by a killed process.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};

use super::entries::{Store, StoreError, names, remove_paths};

/// A folder in which an entry is made. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The folder that becomes the entry.
    pub(crate) folder: Utf8PathBuf,
    /// When it was begun.
    pub(super) begun: Instant,
    lock: File,
    kept: bool,
}

impl Store {
    /// Makes an empty draft.
    pub(crate) fn draft(&self) -> Result<Draft, StoreError> {
        let tmp = self.root.join("tmp");
        loop {
            let folder = tempfile::Builder::new()
                .prefix("draft-")
                .tempdir_in(&tmp)
                .map_err(|error| StoreError::io("make a folder in", &tmp, error))?
                .keep();
            let folder = Utf8PathBuf::from_path_buf(folder).map_err(|path| StoreError::Unsafe {
                path: Utf8PathBuf::from(path.to_string_lossy().into_owned()),
                why: "its name is not UTF-8",
            })?;
            // Another process may sweep it before it is locked: then it is gone, and the next one is tried.
            if let Ok(lock) = File::open(&folder)
                && lock.lock().is_ok()
                && same(&lock, &folder)
            {
                let draft = Draft { folder, begun: Instant::now(), lock, kept: false };
                fs::DirBuilder::new()
                    .mode(0o700)
                    .create(draft.root())
                    .map_err(|error| StoreError::io("make", draft.root(), error))?;
                return Ok(draft);
            }
        }
    }

    /// Removes drafts that nobody holds; tells which.
    pub(super) fn sweep(&self) -> Result<Vec<Utf8PathBuf>, StoreError> {
        let tmp = self.root.join("tmp");
        let mut swept = Vec::new();
        for name in names(&tmp)? {
            let path = tmp.join(name);
            let Ok(folder) = File::open(&path) else { continue };
            if folder.try_lock().is_ok() && same(&folder, &path) {
                remove_paths(vec![path.clone()])?;
                swept.push(path);
            }
        }
        Ok(swept)
    }
}

impl Draft {
    /// The tree of the entry.
    pub(crate) fn root(&self) -> Utf8PathBuf {
        self.folder.join("root")
    }

    /// Removes it, saying when that fails.
    pub(super) fn remove(mut self) -> Result<(), StoreError> {
        self.kept = true;
        remove_paths(vec![self.folder.clone()])
    }

    /// Makes it the entry at `place`.
    pub(super) fn move_to(mut self, place: &Utf8Path) -> Result<(), StoreError> {
        for name in names(&self.folder)? {
            if name != "root" && name != "meta.json" {
                remove_paths(vec![self.folder.join(name)])?;
            }
        }
        fs::rename(&self.folder, place).map_err(|error| StoreError::io("publish", place, error))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = remove_paths(vec![self.folder.clone()])
        {
            tracing::warn!(folder = %self.folder, %error, "a draft stays in the image store");
        }
        let _ = self.lock.unlock();
    }
}

/// Whether the path still names the open folder.
fn same(folder: &File, path: &Utf8Path) -> bool {
    let (Ok(open), Ok(named)) = (folder.metadata(), fs::symlink_metadata(path)) else { return false };
    open.dev() == named.dev() && open.ino() == named.ino()
}
