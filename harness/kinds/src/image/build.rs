//! Makes an image and what is installed on top of it. Each change leaves one layer, keyed by the image below it and by
//! everything that decides what the change does, and shared by all runs that begin in the same way.

use std::time::Duration;

use camino::Utf8Path;
use patchbed_model::Digest;
use patchbed_model::id::Hasher;
use patchbed_sandbox::{OpenError, Upper};

use super::host::Shadowed;
use super::store::{Draft, Entry, Meta, Place, Shelf, Store};
use super::tree::{Job, Limits, Strange};
use super::{AnySource, Image, ImageError, Source as _, Workshop, blocking};
use crate::change::{AnyChange, Change as _, Prepared, Site, WayBack};

/// How long one change on an image may take.
const WITHIN: Duration = Duration::from_mins(30);

/// Makes the image of `source` and puts the layers of the changes on it, or finds them made.
///
/// # Errors
/// See [`ImageError`]; a change that fails is [`ImageError::Install`].
pub async fn build(workshop: &Workshop<'_>, source: &AnySource, install: &[AnyChange]) -> Result<Image, ImageError> {
    let image = source.make(workshop).await?;
    extend(workshop, image, install).await
}

/// Puts the layers of the changes on an image, or finds them made: for products, on the image of a scenario.
///
/// # Errors
/// As for [`build`].
pub async fn extend(workshop: &Workshop<'_>, mut image: Image, install: &[AnyChange]) -> Result<Image, ImageError> {
    if image.host_root && !install.is_empty() && is_within_root(&workshop.store.root) {
        return Err(ImageError::Lacking {
            text: "a place for layers on this machine's own root: the kernel takes none from within that root"
                .to_owned(),
            remedy: "set XDG_CACHE_HOME to a folder on another file system, such as /dev/shm/patchbed".to_owned(),
        });
    }
    for change in install {
        let prepared = {
            let below = Workshop { image: Some(&image), ..*workshop };
            change.prepare(&below).await?
        };
        let key =
            Hasher::new().part("layer 1").part(image.digest.to_string()).part(prepared.digest.to_string()).finish();
        let layer = layer(workshop, &image, change, (&prepared, &key)).await?;
        image.lowers.insert(0, layer.root);
        image.digest = layer.digest;
    }
    Ok(image)
}

/// Whether a folder lies on the file system of the root.
pub(super) fn is_within_root(folder: &Utf8Path) -> bool {
    let device = |path: &Utf8Path| rustix::fs::stat(path.as_std_path()).map(|stat| stat.st_dev).ok();
    device(folder) == device(Utf8Path::new("/"))
}

/// The layer that a change leaves on an image. What decides it is the key alone, but for this machine's own root: its
/// files may be others by now than those that the layer hides, so that these decide as well.
async fn layer(
    workshop: &Workshop<'_>,
    image: &Image,
    change: &AnyChange,
    (prepared, key): (&Prepared, &Digest),
) -> Result<Entry, ImageError> {
    let store = workshop.store;
    if !image.host_root {
        let _lock = match store.entry(Shelf::Layers, key).await? {
            Place::Made(entry) => return Ok(entry),
            Place::Free(lock) => lock,
        };
        let draft = install(workshop, image, change, prepared).await?;
        return Ok(store.publish(draft.draft, Shelf::Layers, key, draft.meta)?);
    }
    let _lock = store.lock(key).await?;
    if let Some(entry) = made_over_host(store, key).await? {
        return Ok(entry);
    }
    let draft = install(workshop, image, change, prepared).await?;
    let shadowed = shadowed(&draft.draft.root()).await?;
    let digest = over_host(key, &shadowed);
    let entry = match store.entry(Shelf::Layers, &digest).await? {
        Place::Made(entry) => entry,
        Place::Free(_lock) => store.publish(draft.draft, Shelf::Layers, &digest, draft.meta)?,
    };
    // A file that was changed meanwhile may be in the layer as it was before.
    if shadowed.changed < draft.begun {
        store.remember(key, &digest);
    }
    Ok(entry)
}

/// The layer over this machine's own root that an earlier run left under this key, when it can be used again.
async fn made_over_host(store: &Store, key: &Digest) -> Result<Option<Entry>, ImageError> {
    let known = store.seen(key).map(|digest| store.find(Shelf::Layers, &digest)).transpose()?.flatten();
    let Some(entry) = known else { return Ok(None) };
    let is_current = over_host(key, &shadowed(&entry.root).await?) == entry.digest;
    Ok(is_current.then_some(entry))
}

fn over_host(key: &Digest, shadowed: &Shadowed) -> Digest {
    Hasher::new().part("layer over the host 1").part(key.to_string()).part(shadowed.digest.to_string()).finish()
}

/// What the files of this machine are that a layer hides.
async fn shadowed(layer: &Utf8Path) -> Result<Shadowed, ImageError> {
    let job = Job::List { from: layer.to_owned(), limits: Limits::default(), strange: Strange::Refused };
    blocking(move || Ok(Shadowed::by(&job.run(None)?.paths))).await
}

/// What a layer of the store holds, as paths inside the environment; those of folders end in `/`. Names that are not
/// UTF-8 are left out.
///
/// # Errors
/// When the layer cannot be read.
pub async fn paths_of(layer: &Utf8Path) -> Result<Vec<String>, ImageError> {
    let job = Job::List { from: layer.to_owned(), limits: Limits::default(), strange: Strange::LeftOut };
    let planted = blocking(move || job.run(None)).await?;
    Ok(planted.paths.into_iter().map(|path| format!("/{path}")).collect())
}

/// A layer that is not in its place yet.
struct Installed {
    draft: Draft,
    meta: Meta,
    /// When it was begun, in seconds since 1970.
    begun: i64,
}

/// Does the change in a sandbox of its own.
async fn install(
    workshop: &Workshop<'_>,
    image: &Image,
    change: &AnyChange,
    prepared: &Prepared,
) -> Result<Installed, ImageError> {
    let begun = rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec;
    let draft = workshop.store.draft()?;
    let mut spec = image.spec(&format!("install {}", change.kind()));
    spec.upper = Upper::Folder(draft.root());
    spec.binds.clone_from(&prepared.binds);
    spec.limits.time = WITHIN + Duration::from_mins(1);
    spec.limits.disk = 64 << 30;
    let sandbox = workshop.backend.open(&spec).await?;
    let site = Site {
        sandbox: &*sandbox,
        prepared,
        name: "install",
        within: WITHIN,
        systemd: false,
        way_back: WayBack::Unneeded,
    };
    let applied = change.apply(&site).await;
    let closed = sandbox.close().await;
    let applied = applied?;
    closed.map_err(|error| ImageError::Unavailable(error.to_string()))?;
    let job = Job::Measure { from: draft.root() };
    let measured = blocking(move || job.run(None)).await?;
    let meta = Meta { notes: applied.notes, ..measured.into_meta(format!("install {}", change.kind())) };
    Ok(Installed { draft, meta, begun })
}

impl From<OpenError> for ImageError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Lacking(lack) => {
                Self::Lacking { text: format!("{} ({})", lack.what, lack.because), remedy: lack.remedy }
            }
            OpenError::Setup(source) => Self::Unavailable(format!("set up the sandbox: {source}")),
            OpenError::Exhausted { what, source } => {
                Self::Unavailable(format!("the host has no {what} left for a sandbox: {source}"))
            }
            OpenError::Runner(text) => Self::Unavailable(format!("reach the runner: {text}")),
        }
    }
}
