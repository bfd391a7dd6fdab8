//! The store itself: finding, listing, publishing and removing entries. Knows nothing of what they are made from.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::Digest;
use patchbed_model::id::Hasher;
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use crate::image::tree::{Job, Planted, TreeError};
use crate::image::{Image, ImageError};

/// The version of `meta.json` and of how trees are made; another one is not used.
const VERSION: u32 = 1;

/// The file of an entry in which its stamp stands.
pub(super) const META: &str = "meta.json";

/// How long an entry stays after its last use, however full the store is.
const RECENT: Duration = Duration::from_mins(10);

/// The store.
#[derive(Clone, Debug)]
pub struct Store {
    /// Its folder.
    pub root: Utf8PathBuf,
    made: Arc<Mutex<Vec<Made>>>,
}

/// What this process put into the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Where it stands.
    pub shelf: Shelf,
    /// Its name.
    pub digest: Digest,
    /// What it was made from, for people.
    pub source: String,
    /// How long it took.
    pub took: Duration,
}

/// A part of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shelf {
    /// Root file systems.
    Images,
    /// What changes left on top of one.
    Layers,
    /// Packages and trees that changes bring.
    Packages,
    /// What attempts left on their disks.
    Kept,
}

impl Shelf {
    /// All parts.
    pub const ALL: [Self; 4] = [Self::Images, Self::Layers, Self::Packages, Self::Kept];

    /// The name of its folder.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Layers => "layers",
            Self::Packages => "packages",
            Self::Kept => "kept",
        }
    }
}

/// Something in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub shelf: Shelf,
    /// Its name.
    pub digest: Digest,
    /// The tree.
    pub root: Utf8PathBuf,
    /// What is known of it.
    pub meta: Meta,
    /// When it was last used.
    pub used: SystemTime,
}

/// What is known of something in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// What it was made from, for people: `debian bookworm minbase`.
    pub source: String,
    /// How many entries its tree has.
    pub entries: u64,
    /// How many bytes its files hold.
    pub bytes: u64,
    /// What was left out when it was made.
    pub notes: Vec<String>,
    /// What its maker wants to know again.
    pub detail: serde_json::Value,
}

/// `meta.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stamp {
    version: u32,
    digest: Digest,
    /// The inode of the tree: another tree in its place is not the one that was published.
    pub(super) inode: u64,
    /// What stands in it, when that can be seen: inode numbers are used again.
    names: Option<Digest>,
    #[serde(flatten)]
    meta: Meta,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A system call failed.
    #[error("{operation} `{path}`")]
    Io {
        /// What was done.
        operation: &'static str,
        /// To what.
        path: Utf8PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Its folder is not safe to use.
    #[error("use `{path}` as the image store: {why}")]
    Unsafe {
        /// The folder.
        path: Utf8PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something in it could not be removed.
    #[error("{0}")]
    Remove(String),
    /// It is not there, or no longer.
    #[error("`{0}` is not in the image store")]
    Missing(Utf8PathBuf),
}

impl StoreError {
    pub(super) fn io(operation: &'static str, path: impl Into<Utf8PathBuf>, source: impl Into<io::Error>) -> Self {
        Self::Io { operation, path: path.into(), source: source.into() }
    }

    /// The whole chain in one line.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Io { source, .. } => format!("{self}: {source}"),
            Self::Unsafe { .. } | Self::Remove(_) | Self::Missing(_) => self.to_string(),
        }
    }
}

impl From<StoreError> for ImageError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.text())
    }
}

impl From<TreeError> for StoreError {
    fn from(error: TreeError) -> Self {
        Self::Remove(error.to_string())
    }
}

impl Store {
    /// Opens the store, making its folders when they are missing, and sweeps what killed processes left in it.
    ///
    /// # Errors
    /// When its folder cannot be made, is a symbolic link, or belongs to somebody else.
    pub fn open(root: impl Into<Utf8PathBuf>) -> Result<Self, StoreError> {
        let store = Self { root: root.into(), made: Arc::default() };
        store.make_folder(&store.root)?;
        for name in ["images", "layers", "packages", "kept", "seen", "locks", "tmp"] {
            store.make_folder(&store.root.join(name))?;
        }
        for swept in store.sweep()? {
            tracing::info!(path = %swept, "swept a half-made image");
        }
        Ok(store)
    }

    fn make_folder(&self, path: &Utf8Path) -> Result<(), StoreError> {
        if let Err(error) = fs::DirBuilder::new().recursive(path == self.root).mode(0o700).create(path)
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(StoreError::io("make", path, error));
        }
        let metadata = fs::symlink_metadata(path).map_err(|error| StoreError::io("read", path, error))?;
        let wrong = |why| Err(StoreError::Unsafe { path: path.to_owned(), why });
        if !metadata.is_dir() {
            return wrong("it is no folder");
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return wrong("it belongs to another user");
        }
        if metadata.mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))
                .map_err(|error| StoreError::io("close to others", path, error))?;
        }
        Ok(())
    }

    pub(super) fn place(&self, part: Shelf, digest: &Digest) -> Utf8PathBuf {
        self.root.join(part.folder()).join(digest.hex())
    }

    /// What stands under a digest, if it is whole. A damaged entry is removed and said to be missing.
    ///
    /// # Errors
    /// When the store cannot be read, or a damaged entry cannot be removed.
    pub fn find(&self, part: Shelf, digest: &Digest) -> Result<Option<Entry>, StoreError> {
        let place = self.place(part, digest);
        match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", place, error)),
            Ok(_) => {}
        }
        if let Some(entry) = self.peek(part, digest) {
            return Ok(Some(entry));
        }
        tracing::warn!(path = %place, "a damaged entry of the image store is removed");
        self.discard(&place)?;
        Ok(None)
    }

    /// A whole entry; of one that is damaged nothing is said.
    pub(super) fn peek(&self, part: Shelf, digest: &Digest) -> Option<Entry> {
        let place = self.place(part, digest);
        let entry = read_entry(&place, part, digest)?;
        touch(&place);
        Some(entry)
    }

    /// All whole entries, in the order of shelf and digest.
    ///
    /// # Errors
    /// When a folder of the store cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        for shelf in Shelf::ALL {
            let folder = self.root.join(shelf.folder());
            for name in names(&folder)? {
                let digest = Digest::parse(&format!("sha256:{name}"));
                entries.extend(digest.and_then(|digest| read_entry(&folder.join(&name), shelf, &digest)));
            }
        }
        entries.sort_by(|a, b| (a.shelf, &a.digest).cmp(&(b.shelf, &b.digest)));
        Ok(entries)
    }

    /// The entries whose digest begins with these digits.
    ///
    /// # Errors
    /// As for [`Store::list`].
    pub fn inspect(&self, digits: &str) -> Result<Vec<Entry>, StoreError> {
        let digits = digits.trim_start_matches("sha256:");
        let mut entries = self.list()?;
        entries.retain(|entry| entry.digest.hex().starts_with(digits));
        Ok(entries)
    }

    /// Removes every entry that was last used longer ago than `older` and is not in use now. Tells what was removed.
    ///
    /// # Errors
    /// When something cannot be removed; what was removed before stays removed.
    pub fn remove(&self, older: Duration) -> Result<Vec<Entry>, StoreError> {
        let mut removed = Vec::new();
        for entry in self.list()? {
            let age = SystemTime::now().duration_since(entry.used).unwrap_or_default();
            if age >= older && self.remove_entry(&entry)? {
                removed.push(entry);
            }
        }
        Ok(removed)
    }

    /// Removes what was used longest ago and is not in use now, until no more than so many bytes are left. What was used
    /// a short while ago stays: a process that found it may be about to use it. Tells what was removed.
    ///
    /// # Errors
    /// As for [`Store::remove`].
    pub fn shrink(&self, bytes: u64) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.list()?;
        let mut left: u64 = entries.iter().map(|entry| entry.meta.bytes).sum();
        entries.sort_by_key(|entry| entry.used);
        let mut removed = Vec::new();
        for entry in entries {
            let age = SystemTime::now().duration_since(entry.used).unwrap_or_default();
            if left <= bytes || age < RECENT {
                break;
            }
            if self.remove_entry(&entry)? {
                left -= entry.meta.bytes;
                removed.push(entry);
            }
        }
        Ok(removed)
    }

    /// Removes one entry, unless it is in use: then tells `false`.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove_entry(&self, entry: &Entry) -> Result<bool, StoreError> {
        let Some(_lock) = self.try_lock(&entry.digest)? else { return Ok(false) };
        self.discard(&self.place(entry.shelf, &entry.digest))?;
        Ok(true)
    }

    /// Moves something aside, so that nobody finds it any more, and removes it.
    fn discard(&self, place: &Utf8Path) -> Result<(), StoreError> {
        let draft = self.draft()?;
        let aside = draft.folder.join("removed");
        match fs::rename(place, &aside) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // Moving a folder to another one needs the right to write to it.
            Err(_) => remove_paths(vec![place.to_owned()])?,
        }
        draft.remove()
    }

    /// Puts a finished draft in its place, durable before it is visible.
    pub(crate) fn publish(&self, draft: Draft, part: Shelf, digest: &Digest, meta: Meta) -> Result<Entry, StoreError> {
        let place = self.place(part, digest);
        let inode =
            fs::symlink_metadata(draft.root()).map_err(|error| StoreError::io("read", draft.root(), error))?.ino();
        let names = top(&draft.root());
        let stamp = Stamp { version: VERSION, digest: digest.clone(), inode, names, meta };
        let bytes = serde_json::to_vec_pretty(&stamp).map_err(|error| StoreError::io("write", &place, error))?;
        let path = draft.folder.join(META);
        let mut file = fs::File::create(&path).map_err(|error| StoreError::io("make", &path, error))?;
        file.write_all(&bytes).map_err(|error| StoreError::io("write", &path, error))?;
        rustix::fs::syncfs(&file).map_err(|error| StoreError::io("sync", &path, error))?;
        let took = draft.begun.elapsed();
        draft.move_to(&place)?;
        let above = self.root.join(part.folder());
        fs::File::open(&above)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| StoreError::io("sync", &above, error))?;
        let entry = read_entry(&place, part, digest).ok_or(StoreError::Missing(place))?;
        let made = Made { shelf: part, digest: digest.clone(), source: entry.meta.source.clone(), took };
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(made);
        Ok(entry)
    }

    /// What this process put into the store since this was asked last.
    #[must_use]
    pub fn made(&self) -> Vec<Made> {
        std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The content digest that a folder or tarball with this fingerprint had, when it was read before.
    pub(crate) fn seen(&self, fingerprint: &Digest) -> Option<Digest> {
        let text = fs::read_to_string(self.root.join("seen").join(fingerprint.hex())).ok()?;
        Digest::parse(text.trim())
    }

    /// The same, and how long ago it was remembered.
    pub(crate) fn seen_since(&self, key: &Digest) -> Option<(Digest, Duration)> {
        let modified = fs::metadata(self.root.join("seen").join(key.hex())).ok()?.modified().ok()?;
        let age = SystemTime::now().duration_since(modified).unwrap_or_default();
        Some((self.seen(key)?, age))
    }

    /// Remembers the content digest of a folder or tarball. Losing it costs a second read, so it need not be durable.
    pub(crate) fn remember(&self, fingerprint: &Digest, digest: &Digest) {
        let path = self.root.join("seen").join(fingerprint.hex());
        if let Err(error) = fs::write(&path, digest.to_string()) {
            tracing::debug!(%path, %error, "cannot remember a digest");
        }
    }
}

impl Entry {
    /// The image whose only layer it is.
    pub(crate) fn into_image(self) -> Image {
        Image { digest: self.digest, lowers: vec![self.root], host_root: false, hidden: Vec::new() }
    }
}

impl Planted {
    /// What the store is told of a tree.
    pub(crate) fn into_meta(self, source: String) -> Meta {
        Meta { source, entries: self.entries, bytes: self.bytes, notes: self.notes, detail: serde_json::Value::Null }
    }
}

/// Reads an entry; `None` when it is not exactly what was published there.
fn read_entry(place: &Utf8Path, shelf: Shelf, digest: &Digest) -> Option<Entry> {
    let (stamp, tree) = read_stamp(place, digest)?;
    let used = fs::symlink_metadata(place).ok()?.modified().ok()?;
    let is_published = stamp.inode == tree.ino();
    is_published.then(|| Entry { shelf, digest: digest.clone(), root: place.join("root"), meta: stamp.meta, used })
}

/// The stamp of an entry whose tree is there and has the names that it had, and what is known of that tree.
pub(super) fn read_stamp(place: &Utf8Path, digest: &Digest) -> Option<(Stamp, fs::Metadata)> {
    fs::symlink_metadata(place).ok().filter(fs::Metadata::is_dir)?;
    let root = place.join("root");
    let tree = fs::symlink_metadata(&root).ok().filter(fs::Metadata::is_dir)?;
    let path = place.join(META);
    fs::symlink_metadata(&path).ok().filter(|file| file.is_file() && file.len() < 16 << 20)?;
    let stamp: Stamp = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    let whole = stamp.version == VERSION && stamp.digest == *digest && stamp.names == top(&root);
    whole.then_some((stamp, tree))
}

/// What stands at the top of a tree. An ordinary user may not be allowed to see it.
fn top(root: &Utf8Path) -> Option<Digest> {
    let mut names: Vec<_> = fs::read_dir(root).ok()?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    names.sort();
    let hasher = names.iter().fold(Hasher::new(), |hasher, name| hasher.part(name.as_encoded_bytes()));
    Some(hasher.finish())
}

/// Remembers that an entry was used.
fn touch(place: &Utf8Path) {
    if let Ok(folder) = fs::File::open(place)
        && let Err(error) = folder.set_modified(SystemTime::now())
    {
        tracing::debug!(%place, %error, "cannot remember a use");
    }
}

pub(super) fn names(folder: &Utf8Path) -> Result<Vec<String>, StoreError> {
    let failed = |error| StoreError::io("list", folder, error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

/// Removes trees of any owner, mode and depth.
pub(super) fn remove_paths(paths: Vec<Utf8PathBuf>) -> Result<(), StoreError> {
    Job::Remove { paths }.run(None)?;
    Ok(())
}

/// What the maker of the entry whose tree is shown by a bind wanted to know again.
pub(crate) fn detail<T: serde::de::DeserializeOwned>(root: &Utf8Path) -> Result<T, StoreError> {
    let path = root.with_file_name("meta.json");
    let bytes = fs::read(&path).map_err(|error| StoreError::io("read", &path, error))?;
    let stamp: Stamp = serde_json::from_slice(&bytes).map_err(|error| StoreError::io("read", &path, error))?;
    serde_json::from_value(stamp.meta.detail).map_err(|error| StoreError::io("read", &path, error))
}
