//! `tar`: a tarball of a root file system.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

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
        let digest = remembered(workshop.store, &path).await?;
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

/// How long a file must have rested before its times tell that nobody wrote to it since: a file system's clock may stand
/// still for some milliseconds.
const RESTED: Duration = Duration::from_secs(2);

/// The digest of a file, read only when it was written since the last time.
async fn remembered(store: &Store, path: &Utf8Path) -> Result<Digest, ImageError> {
    let before = fingerprint(path);
    if let Some(digest) = before.as_ref().and_then(|before| store.seen(before)) {
        return Ok(digest);
    }
    let file_path = path.to_owned();
    let digest = blocking(move || digest_of(&file_path)).await?;
    if let Some(before) = before
        && fingerprint(path).as_ref() == Some(&before)
    {
        store.remember(&before, &digest);
    }
    Ok(digest)
}

/// What is another when a file was written to or replaced: which file it is, its size and its times. `None` when it was
/// written just now, or cannot be looked at.
fn fingerprint(path: &Utf8Path) -> Option<Digest> {
    let found = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let changed = Duration::new(u64::try_from(found.ctime()).ok()?, u32::try_from(found.ctime_nsec()).ok()?);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    if changed + RESTED > now {
        return None;
    }
    let times = [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()];
    let text = format!("tar {path} {} {} {} {times:?}", found.dev(), found.ino(), found.size());
    Some(Digest::of(text.as_bytes()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_rested_is_read_once_and_again_when_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = Utf8Path::from_path(folder.path()).expect("its path is UTF-8");
        let store = Store::open(folder.join("store")).expect("a store");
        let path = folder.join("a.tar");
        fs::write(&path, "one").expect("it is written");
        assert_eq!(fingerprint(&path), None, "it was written just now");
        let one = remembered(&store, &path).await.expect("it is read");
        assert_eq!(one, Digest::of(b"one"));

        tokio::time::sleep(RESTED).await;
        let print = fingerprint(&path).expect("it rested");
        assert_eq!(store.seen(&print), None);
        assert_eq!(remembered(&store, &path).await.expect("it is read"), one);
        assert_eq!(store.seen(&print), Some(one));

        fs::write(&path, "two").expect("it is written");
        assert_eq!(remembered(&store, &path).await.expect("it is read"), Digest::of(b"two"));
    }
}
