//! Files of a folder that a change brings: listed, and copied into the store before any arm runs, so that later edits
//! cannot change an arm.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::id::Hasher;
use serde::Serialize;

use super::ChangeError;
use crate::image::store::{Entry, Meta, Place, Shelf};
use crate::image::tar::digest_of;
use crate::image::{ImageError, Store, blocking};

/// The files of a folder, in the order of their names.
pub(super) fn files_of(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, ChangeError> {
    let unfit = |error: std::io::Error| ChangeError::Unfit(format!("list `{folder}`: {error}"));
    let mut files = Vec::new();
    for entry in folder.read_dir_utf8().map_err(unfit)? {
        files.push(entry.map_err(unfit)?.into_path());
    }
    files.sort();
    Ok(files)
}

/// Copies files into an entry of the store, with what their change wants to know of them again. The bytes that count
/// are those of the copies.
pub(super) async fn stock(
    store: &Store,
    kind: &str,
    files: &[Utf8PathBuf],
    detail: &impl Serialize,
) -> Result<Entry, ChangeError> {
    let draft = store.draft()?;
    let detail = serde_json::to_value(detail).map_err(|error| ChangeError::Unavailable(error.to_string()))?;
    let mut hasher = Hasher::new().part(format!("{kind} stock 1")).part(detail.to_string());
    let mut bytes = 0;
    for file in files {
        let name = file.file_name().unwrap_or_default();
        let (from, to) = (file.clone(), draft.root().join(name));
        let (digest, size) = blocking(move || {
            let size =
                fs::copy(&from, &to).map_err(|error| ImageError::Unavailable(format!("copy `{from}`: {error}")))?;
            Ok::<_, ImageError>((digest_of(&to)?, size))
        })
        .await?;
        hasher = hasher.part(name).part(digest.to_string());
        bytes += size;
    }
    let digest = hasher.finish();
    let _lock = match store.entry(Shelf::Packages, &digest).await? {
        Place::Made(entry) => return Ok(entry),
        Place::Free(lock) => lock,
    };
    let meta =
        Meta { source: format!("{kind} packages"), entries: files.len() as u64, bytes, notes: Vec::new(), detail };
    Ok(store.publish(draft, Shelf::Packages, &digest, meta)?)
}
