//! Makes once, before any attempt, what attempts share: images, layers of products, packages of patches.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_kinds::change::{AnyChange, Change as _, ChangeError, Prepared};
use patchbed_kinds::image::{Hold, Image, ImageError, StoreError, Workshop, build, extend, paths_of};
use patchbed_kinds::probe::automatic::Programs;
use patchbed_model::id::Hasher;
use patchbed_model::{Arm, Blame, Cause, CauseKind, Digest, Stage};
use patchbed_sandbox::{Bind, Lack, LackWeight};

use super::halt::{Halt, Place, of_change};
use super::harness::{Harness, RunError};
use crate::plan::PlanCell;
use crate::scenario::Patch;

/// What the attempts of a cell stand on.
#[derive(Debug)]
pub(super) struct Ground {
    /// The image with the products on it.
    pub(super) image: Image,
    /// What is shown inside, in both arms alike.
    pub(super) binds: Vec<Bind>,
    /// The patches, in order; or why one of them cannot be applied at all.
    pub(super) patches: Result<Vec<PreparedPatch>, Cause>,
    /// What of that may be programs that are looked at or run.
    pub(super) programs: Arc<Programs>,
    /// The digest of all that goes in.
    pub(super) inputs: Digest,
    /// Keep the store from removing any of it.
    holds: Vec<Arc<Hold>>,
}

/// A patch, ready to be applied.
#[derive(Clone, Debug)]
pub(super) struct PreparedPatch {
    pub(super) apply: Vec<Prepared>,
    pub(super) revert: Vec<Prepared>,
}

impl Ground {
    /// The ground of these things.
    pub(super) fn new(cell: &PlanCell, image: Image, patches: Result<Vec<PreparedPatch>, Cause>) -> Self {
        let prepared = || patches.iter().flatten().flat_map(|patch| patch.apply.iter().chain(&patch.revert));
        let binds: Vec<Bind> = prepared().flat_map(|one| one.binds.iter().cloned()).collect();
        let inputs = Hasher::new().part(&cell.id.0).part(image.digest.to_string());
        let inputs = prepared().fold(inputs, |all, one| all.part(one.digest.to_string())).finish();
        Self { image, binds, patches, programs: Arc::default(), inputs, holds: Vec::new() }
    }
}

/// Makes grounds, each thing once.
#[derive(Debug)]
pub(super) struct Preparation<'a> {
    harness: &'a Harness,
    images: BTreeMap<Digest, Result<Image, Cause>>,
    changes: BTreeMap<Digest, Result<Prepared, Cause>>,
    holds: BTreeMap<Utf8PathBuf, Arc<Hold>>,
    /// What layers hold.
    paths: BTreeMap<Utf8PathBuf, Vec<String>>,
}

impl<'a> Preparation<'a> {
    pub(super) fn new(harness: &'a Harness) -> Self {
        Self {
            harness,
            images: BTreeMap::new(),
            changes: BTreeMap::new(),
            holds: BTreeMap::new(),
            paths: BTreeMap::new(),
        }
    }

    /// What the attempts of this cell stand on; the inner error is why it has none.
    pub(super) async fn ground(&mut self, cell: &PlanCell) -> Result<Result<Ground, Cause>, RunError> {
        let image = match self.image(cell).await? {
            Ok(image) => image,
            Err(cause) => return Ok(Err(cause)),
        };
        let patches = match self.patches(cell, &image).await? {
            Err(cause) if cause.blame != Blame::Patch => return Ok(Err(cause)),
            patches => patches,
        };
        let mut ground = Ground::new(cell, image, patches);
        let image = Image { hidden: Vec::new(), ..ground.image.clone() };
        let bare = Image { lowers: Vec::new(), ..image.clone() };
        let parts = std::iter::once((&image, None)).chain(ground.binds.iter().map(|bind| (&bare, Some(bind))));
        for (image, bind) in parts {
            match self.hold(image, bind) {
                Ok(hold) => ground.holds.push(hold),
                Err(error) => return Ok(Err(unavailable("the store", &error.text()))),
            }
        }
        ground.programs = match self.programs(cell, &ground.image).await {
            Ok(programs) => programs,
            Err(error) => return of_image(error, Blame::Environment, "the store").map(Err),
        };
        Ok(Ok(ground))
    }

    /// What may be programs among the files that products and the image's own changes brought, and nobody probes.
    async fn programs(&mut self, cell: &PlanCell, image: &Image) -> Result<Arc<Programs>, ImageError> {
        if !cell.scenario.automatic {
            return Ok(Arc::default());
        }
        let changes = cell.unprobed();
        let layers = image.lowers.iter().zip(changes.into_iter().rev());
        let layers: Vec<_> = layers.filter_map(|(layer, change)| Some((layer, change?))).collect();
        for (layer, _) in &layers {
            if !self.paths.contains_key(*layer) {
                self.paths.insert((*layer).clone(), paths_of(layer).await?);
            }
        }
        let paths = |(layer, _): &(&Utf8PathBuf, &AnyChange)| self.paths.get(*layer).into_iter().flatten();
        let laid = layers.iter().filter(|(_, change)| matches!(change, AnyChange::Files(_)));
        let programs = Programs::among(layers.iter().flat_map(paths).map(String::as_str));
        Ok(Arc::new(programs.with_jobs(laid.flat_map(paths).map(String::as_str), &cell.commands())))
    }

    /// Holds a thing of the store, each once for all cells: a hold is an open file.
    fn hold(&mut self, image: &Image, bind: Option<&Bind>) -> Result<Arc<Hold>, StoreError> {
        let folder = bind.map(|bind| &bind.from).or_else(|| image.lowers.first()).cloned().unwrap_or_default();
        if let Some(known) = self.holds.get(&folder) {
            return Ok(Arc::clone(known));
        }
        let hold = Arc::new(self.harness.store.hold(image, bind)?);
        self.holds.insert(folder, Arc::clone(&hold));
        Ok(hold)
    }

    /// The image with the cell's products on it.
    async fn image(&mut self, cell: &PlanCell) -> Result<Result<Image, Cause>, RunError> {
        let own = cell.image();
        let mut key = Hasher::new().part(own.base.as_str()).part(words(&own.source)).part(words(&own.install)).finish();
        let mut image = self.made(&key, &own.name, Blame::Scenario, &own.base, Top::Source(cell)).await?;
        for product in cell.software() {
            let Ok(below) = image else { return Ok(image) };
            key =
                Hasher::new().part(key.to_string()).part(product.base.as_str()).part(words(&product.install)).finish();
            let top = Top::Product(below, &product.install);
            image = self.made(&key, &product.name, Blame::Software, &product.base, top).await?;
        }
        match &image {
            Ok(made) if own.systemd && !has_systemd(made) => {
                let text = "it has no systemd, which services by `unit` and `systemd: true` need; \
                            install it in the image, or start the services by `run`";
                Err(RunError::Unfit { what: own.name.clone(), text: text.to_owned() })
            }
            Ok(_) | Err(_) => Ok(image),
        }
    }

    async fn made(
        &mut self,
        key: &Digest,
        name: &str,
        blame: Blame,
        base: &Utf8Path,
        top: Top<'_>,
    ) -> Result<Result<Image, Cause>, RunError> {
        if let Some(known) = self.images.get(key) {
            return Ok(known.clone());
        }
        let workshop = self.workshop(base, None);
        let made = match top {
            Top::Source(cell) => build(&workshop, &cell.image().source, &cell.image().install).await,
            Top::Product(below, install) => extend(&workshop, below, install).await,
        };
        let made = match made {
            Ok(image) => Ok(image),
            Err(error) => Err(of_image(error, blame, name)?),
        };
        self.images.insert(key.clone(), made.clone());
        Ok(made)
    }

    async fn patches(&mut self, cell: &PlanCell, image: &Image) -> Result<Result<Vec<PreparedPatch>, Cause>, RunError> {
        let mut prepared = Vec::new();
        for patch in cell.patches() {
            let apply = self.all(patch, &patch.apply, image).await?;
            let revert = self.all(patch, &patch.revert, image).await?;
            match (apply, revert) {
                (Ok(apply), Ok(revert)) => prepared.push(PreparedPatch { apply, revert }),
                (Err(cause), _) | (_, Err(cause)) => return Ok(Err(cause)),
            }
        }
        Ok(Ok(prepared))
    }

    async fn all(
        &mut self,
        patch: &Patch,
        changes: &[AnyChange],
        image: &Image,
    ) -> Result<Result<Vec<Prepared>, Cause>, RunError> {
        let mut prepared = Vec::new();
        for change in changes {
            match self.change(patch, change, image).await? {
                Ok(one) => prepared.push(one),
                Err(cause) => return Ok(Err(cause)),
            }
        }
        Ok(Ok(prepared))
    }

    async fn change(
        &mut self,
        patch: &Patch,
        change: &AnyChange,
        image: &Image,
    ) -> Result<Result<Prepared, Cause>, RunError> {
        let key = Hasher::new().part(image.digest.to_string()).part(patch.base.as_str()).part(words(change)).finish();
        if let Some(known) = self.changes.get(&key) {
            return Ok(known.clone());
        }
        let made = match change.prepare(&self.workshop(&patch.base, Some(image))).await {
            Ok(prepared) => Ok(prepared),
            Err(ChangeError::Unfit(text)) => return Err(RunError::Unfit { what: patch.name.clone(), text }),
            Err(error) => Err(in_advance(error, Stage::Apply, Blame::Patch, &patch.name)),
        };
        self.changes.insert(key, made.clone());
        Ok(made)
    }

    fn workshop<'b>(&'b self, base: &'b Utf8Path, image: Option<&'b Image>) -> Workshop<'b> {
        Workshop {
            backend: &*self.harness.backend,
            store: &self.harness.store,
            base,
            image,
            offline: self.harness.options.offline,
        }
    }
}

/// What is put on top of what.
enum Top<'a> {
    /// The image of a cell, from its source.
    Source(&'a PlanCell),
    /// A product on an image.
    Product(Image, &'a [AnyChange]),
}

/// An image that could not be made: bad input and lacking hosts end the run, the rest is a cause.
pub(super) fn of_image(error: ImageError, blame: Blame, name: &str) -> Result<Cause, RunError> {
    match error {
        ImageError::Unfit(text) | ImageError::Install(ChangeError::Unfit(text)) => {
            Err(RunError::Unfit { what: name.to_owned(), text })
        }
        ImageError::Lacking { text, remedy } => {
            let because = format!("needed for {name}");
            Err(RunError::Unable(vec![Lack { what: text, because, remedy, weight: LackWeight::Fatal }]))
        }
        ImageError::Unavailable(text) => Ok(unavailable(name, &text)),
        ImageError::Install(error) => Ok(in_advance(error, Stage::Install, blame, name)),
    }
}

fn in_advance(error: ChangeError, stage: Stage, blame: Blame, name: &str) -> Cause {
    let place = Place { arm: Arm::Control, stage };
    match of_change(error, place, blame, name) {
        Halt::Cause(cause) => *cause,
        other @ (Halt::Link(_) | Halt::Failed(_) | Halt::Time(_) | Halt::Cancelled) => place.cause(other),
    }
}

fn unavailable(name: &str, text: &str) -> Cause {
    let full = text.contains("No space left") || text.contains("no space left");
    let kind = if full { CauseKind::NoSpace } else { CauseKind::NotPrepared };
    Place { arm: Arm::Control, stage: Stage::Open }.because(kind, Blame::Environment, name, format!("{name}: {text}"))
}

/// Whether process 1 of a sandbox on this image can be systemd. A layer of its own may bring it.
fn has_systemd(image: &Image) -> bool {
    let places = ["lib/systemd/systemd", "usr/lib/systemd/systemd"];
    image.lowers.iter().any(|lower| places.iter().any(|place| lower.join(place).exists()))
}

/// The JSON of a definition, as a key.
fn words(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
