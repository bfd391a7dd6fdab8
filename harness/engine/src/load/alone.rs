//! An image alone, without a scenario around it: for a shell on it, and to make it before a run.

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_kinds::document::Place;

use super::find::Shelves;
use super::image::PART;
use super::library::Library;
use super::lowering::{Lowering, PartFile};
use super::messages::Messages;
use super::variables::Variables;
use super::{LoadOptions, Loaded};
use crate::scenario::ImageUse;

/// The image that `name` means: a file of `images/`, or a path to such a file. `None` where there is no such file, or
/// when something is wrong with it: then the messages say what.
#[must_use]
pub fn image(name: &str, options: &LoadOptions) -> (Option<ImageUse>, Loaded) {
    let Some(path) = path_of(name, options) else {
        return (None, Loaded::default());
    };
    let mut library = Library::default();
    let found = read(&mut library, &path, options);
    let mut messages = Messages::default();
    messages.settle(&mut library);
    let (diagnostics, sources) = messages.finish(&library, options.strict);
    let found = found.filter(|_| !super::has_errors(&diagnostics));
    (found, Loaded { scenarios: Vec::new(), diagnostics, sources })
}

fn path_of(name: &str, options: &LoadOptions) -> Option<Utf8PathBuf> {
    if super::lowering::is_path(name) {
        return Some(Utf8PathBuf::from(name));
    }
    super::name::fault_of_word(name).is_none().then_some(())?;
    Shelves::of(PART.folder, &options.project.join("scenarios"), &options.project).find(name)
}

fn read(library: &mut Library, path: &Utf8Path, options: &LoadOptions) -> Option<ImageUse> {
    let (file, root) = library.open(path, PART.noun);
    let root = root?;
    let variables = Variables::read(root.get("variables"), &options.sets, &mut library.problems);
    let mut lowering = Lowering { library, options, variables };
    let node = lowering.variables.fill(root, &mut lowering.library.problems);
    let name = path.file_stem().unwrap_or_default().to_owned();
    let part = PartFile { name, base: super::library::folder_of(path), node };
    let image = lowering.image_file(&part, Place { file, node: 0 })?;
    let systemd = image.systemd.unwrap_or(false);
    Some(ImageUse { name: image.name, base: image.base, source: image.source, install: image.install, systemd })
}
