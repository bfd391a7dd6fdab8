//! Makes an image and what is installed on top of it. Each change leaves one layer, keyed by the image below it and by
//! everything that decides what the change does, and shared by all runs that begin in the same way.

use std::time::Duration;

use patchbed_model::Digest;
use patchbed_model::id::Hasher;
use patchbed_sandbox::{OpenError, Upper};

use super::store::{Entry, Meta, Shelf};
use super::tree::Job;
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
    for change in install {
        let prepared = {
            let below = Workshop { image: Some(&image), ..*workshop };
            change.prepare(&below).await?
        };
        let digest =
            Hasher::new().part("layer 1").part(image.digest.to_string()).part(prepared.digest.to_string()).finish();
        let layer = layer(workshop, &image, change, (&prepared, &digest)).await?;
        image.lowers.insert(0, layer.root);
        image.digest = digest;
    }
    Ok(image)
}

/// The layer that a change leaves on an image.
async fn layer(
    workshop: &Workshop<'_>,
    image: &Image,
    change: &AnyChange,
    (prepared, digest): (&Prepared, &Digest),
) -> Result<Entry, ImageError> {
    let store = workshop.store;
    let _lock = store.lock(digest).await?;
    if let Some(entry) = store.find(Shelf::Layers, digest)? {
        return Ok(entry);
    }
    let draft = store.draft()?;
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
    Ok(store.publish(draft, Shelf::Layers, digest, meta)?)
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
