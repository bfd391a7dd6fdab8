//! `tar`: a tarball of a root file system.

use std::io::Read as _;

use camino::Utf8Path;
use patchbed_model::Digest;
use patchbed_model::id::Hasher;

use super::store::{Entry, Place, Shelf, Store};
use super::tree::{Job, Limits, TreeError, open_file};
use super::{Image, ImageError, Source, Workshop, blocking};
use crate::change::resolve;

crate::document! {
    /// A tarball: plain, gzip, zstd or xz.
    pub struct Tar, "a path, or a mapping with `path`" {
        /// The file.
        path: String, required;
        /// The SHA-256 of the file in hexadecimal, checked when given.
        sha256: Option<String>, optional;
    }
    short path;
    check {
        path => filled,
        sha256 => sha256,
    }
}

impl Source for Tar {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        vec![("path", &self.path)]
    }

    async fn make(&self, workshop: &Workshop<'_>) -> Result<Image, ImageError> {
        let path = resolve(workshop.base, &self.path);
        let expected = self.expected()?;
        let file_path = path.clone();
        let digest = blocking(move || digest_of(&file_path)).await?;
        if let Some(expected) = expected
            && expected != digest
        {
            let text = format!("the SHA-256 of `{path}` is {}, not {}", digest.hex(), expected.hex());
            return Err(ImageError::Unfit(text));
        }
        let entry = import(workshop.store, &path, Shelf::Images, &digest).await?;
        Ok(entry.into_image())
    }
}

impl Tar {
    /// The digest that was given, if one was.
    fn expected(&self) -> Result<Option<Digest>, ImageError> {
        let Some(text) = &self.sha256 else { return Ok(None) };
        let digits = text.trim().trim_start_matches("sha256:").to_ascii_lowercase();
        match Digest::parse(&format!("sha256:{digits}")) {
            Some(digest) => Ok(Some(digest)),
            None => Err(ImageError::Unfit("`sha256` is no SHA-256: it has 64 hexadecimal digits".to_owned())),
        }
    }
}

/// The digest of all bytes of a file.
pub(crate) fn digest_of(path: &Utf8Path) -> Result<Digest, TreeError> {
    let failed = |error| TreeError::Unavailable(format!("read `{path}`: {error}"));
    let mut file = open_file(path)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Unpacks a tarball of this digest into the store, or finds it unpacked.
pub(crate) async fn import(store: &Store, path: &Utf8Path, shelf: Shelf, digest: &Digest) -> Result<Entry, ImageError> {
    let _lock = match store.entry(shelf, digest).await? {
        Place::Made(entry) => return Ok(entry),
        Place::Free(lock) => lock,
    };
    let draft = store.draft()?;
    let job = Job::Unpack { into: draft.root(), expected: digest.clone(), limits: Limits::default() };
    let file_path = path.to_owned();
    let planted = blocking(move || job.run(Some(open_file(&file_path)?))).await.map_err(|error| named(path, error))?;
    Ok(store.publish(draft, shelf, digest, planted.into_meta(format!("tar {path}")))?)
}

/// Says which file it was.
fn named(path: &Utf8Path, error: TreeError) -> TreeError {
    match error {
        TreeError::Unfit(text) => TreeError::Unfit(format!("`{path}`: {text}")),
        TreeError::Unavailable(text) => TreeError::Unavailable(format!("`{path}`: {text}")),
        lacking @ TreeError::Lacking { .. } => lacking,
    }
}
