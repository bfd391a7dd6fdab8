//! Folders and tarballs that changes bring: in the store by digest, shown in every sandbox under `/run/patchbed`.

use std::fs;

use camino::Utf8Path;
use patchbed_model::Digest;
use patchbed_model::id::Hasher;
use patchbed_sandbox::{Bind, BindMode};

use super::store::{Entry, Meta, Place, Shelf};
use super::tar::digest_of;
use super::tree::{Job, Limits, Owners, Strange, open_file};
use super::{ImageError, Store, blocking};

/// A folder or tarball as an entry of the store.
pub(crate) async fn parcel(store: &Store, path: &Utf8Path) -> Result<Entry, ImageError> {
    let metadata = fs::metadata(path).map_err(|error| ImageError::Unfit(format!("open `{path}`: {error}")))?;
    if metadata.is_dir() { folder(store, path).await } else { tarball(store, path).await }
}

async fn folder(store: &Store, path: &Utf8Path) -> Result<Entry, ImageError> {
    let draft = store.draft()?;
    let limits = Limits::default();
    let job = Job::Import { from: path.to_owned(), into: draft.root(), owners: Owners::Root, limits };
    let planted = blocking(move || job.run(None)).await?;
    let digest = match &planted.digest {
        Some(digest) => Hasher::new().part("folder 1").part(digest.to_string()).finish(),
        None => return Err(ImageError::Unavailable(format!("`{path}` was read without a digest"))),
    };
    let _lock = match store.entry(Shelf::Packages, &digest).await? {
        Place::Made(entry) => return Ok(entry),
        Place::Free(lock) => lock,
    };
    let detail = listing(&draft.root()).await?;
    let meta = Meta { detail, ..planted.into_meta(format!("folder {path}")) };
    Ok(store.publish(draft, Shelf::Packages, &digest, meta)?)
}

async fn tarball(store: &Store, path: &Utf8Path) -> Result<Entry, ImageError> {
    let file = path.to_owned();
    let packed = blocking(move || digest_of(&file)).await?;
    let digest = Hasher::new().part("tarball 1").part(packed.to_string()).finish();
    let _lock = match store.entry(Shelf::Packages, &digest).await? {
        Place::Made(entry) => return Ok(entry),
        Place::Free(lock) => lock,
    };
    let draft = store.draft()?;
    let job = Job::Unpack { into: draft.root(), expected: packed, limits: Limits::default() };
    let file = path.to_owned();
    let planted = blocking(move || job.run(Some(open_file(&file)?))).await?;
    let detail = listing(&draft.root()).await?;
    let meta = Meta { detail, ..planted.into_meta(format!("tarball {path}")) };
    Ok(store.publish(draft, Shelf::Packages, &digest, meta)?)
}

async fn listing(root: &Utf8Path) -> Result<serde_json::Value, ImageError> {
    let limits = Limits { entries: 200_000, ..Limits::default() };
    let job = Job::List { from: root.to_owned(), limits, strange: Strange::Refused };
    let planted = blocking(move || job.run(None)).await?;
    Ok(serde_json::Value::from(planted.paths))
}

/// Where an entry is shown in a sandbox.
pub(crate) fn shown_at(digest: &Digest) -> String {
    format!("/run/patchbed/{}", digest.short())
}

/// The bind that shows an entry's tree.
pub(crate) fn bind(entry: &Entry) -> Bind {
    Bind { from: entry.root.clone(), to: shown_at(&entry.digest), mode: BindMode::ReadOnly }
}
