//! What the attempts of a cell stand on, as data: the layers from the image up, and the setup steps of a sandbox.
//!
//! Nothing is made here, so that layers have the digests of what defines them, not of their bytes.

use camino::Utf8PathBuf;
use patchbed_kinds::change::AnyChange;
use patchbed_kinds::image::AnySource;
use patchbed_model::Digest;
use patchbed_model::id::Hasher;
use patchbed_sandbox::{Host, Init, SandboxSpec, Upper};

use super::cell::{PlanCell, words};

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Layer {
    /// What it is made of, in one line.
    pub text: String,
    /// The digest of what defines it and all layers below it.
    pub definition: Digest,
}

/// The layers below every attempt of the cell, the lowest first.
pub(super) fn layers(cell: &PlanCell) -> Vec<Layer> {
    let image = cell.image();
    let hasher = Hasher::new().part("patchbed/layer/1").part(words(&image.source)).part(words(&image.install));
    let source = image.source.kind();
    let text = if image.install.is_empty() {
        format!("image {} ({source})", image.name)
    } else {
        format!("image {} ({source}; {})", image.name, kinds(&image.install))
    };
    let mut layers = vec![Layer { text, definition: hasher.finish() }];
    for product in cell.software() {
        let below = layers.last().map(|layer| layer.definition.to_string()).unwrap_or_default();
        let definition = Hasher::new().part(below).part(words(&product.install)).finish();
        layers.push(Layer { text: format!("{} ({})", product.name, kinds(&product.install)), definition });
    }
    layers
}

fn kinds(changes: &[AnyChange]) -> String {
    changes.iter().map(AnyChange::kind).collect::<Vec<_>>().join(", ")
}

/// Where what an attempt writes goes: a machine that is started again needs a disk.
pub(crate) fn upper(cell: &PlanCell) -> Upper {
    if cell.reboots() { Upper::Disk } else { Upper::Memory }
}

/// The setup steps of the cell's sandboxes on this host. Layers stand by what they are, for their folders are not known
/// before they are made.
pub(super) fn sandbox(cell: &PlanCell, host: &Host) -> Vec<String> {
    let lowers = layers(cell).into_iter().rev().map(|layer| Utf8PathBuf::from(layer.text)).collect();
    let mut spec = SandboxSpec::on(&cell.id.0, lowers);
    if let AnySource::Host(source) = &cell.image().source {
        spec.host_root = true;
        spec.hidden = source.hiding().unwrap_or_default();
    }
    spec.upper = upper(cell);
    spec.limits = cell.scenario.limits;
    spec.init = if cell.image().systemd { Init::Systemd } else { Init::Guest };
    spec.steps(host).iter().map(ToString::to_string).collect()
}
