//! `image`: by name, as a path, or inline.

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_kinds::change::AnyChange;
use patchbed_kinds::document::{At, Node, Place, Placed, Read};
use patchbed_kinds::image::{AnySource, directory::Directory, host::Host, tar::Tar};
use patchbed_model::Code;
use patchbed_model::text::{one_line, shorten};

use super::find::HostPath;
use super::hosted::Hosted;
use super::lowering::{List, Lowering, Part, PartFile, is_path};
use super::name::fault_of_word;
use super::values::{BackendWord, Reference, Version};

patchbed_kinds::document! {
    /// An image: where the root file system comes from, and changes on top.
    pub(super) struct ImageText, "an image: a name, a path, or a mapping with a source" {
        /// The version of the language.
        version: Option<Placed<Version>>, optional;
        /// Changes on top of the source.
        install: Option<List<Hosted<AnyChange>>>, optional;
        /// Whether systemd is process 1; when not given, it is where a scenario has units.
        systemd: Option<Placed<bool>>, optional;
        /// What makes the sandbox.
        backend: Option<Placed<BackendWord>>, optional;
        /// The SHA-256 of a tarball in hexadecimal, checked when given.
        sha256: Option<Placed<String>>, optional;
    }
    check {
        sha256 => sha256,
    }
    kind source: Hosted<AnySource>;
}

/// An image before it is known whether the scenario has units.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) base: Utf8PathBuf,
    pub(super) source: AnySource,
    pub(super) install: Vec<AnyChange>,
    pub(super) systemd: Option<bool>,
}

pub(super) const PART: Part = Part { noun: "image", folder: "images" };

impl Lowering<'_> {
    /// The image that is written at `place`.
    pub(super) fn image(&mut self, reference: &Reference<ImageText>, place: Place) -> Option<Image> {
        match reference {
            Reference::Inline(text) => {
                let name = text.source.as_ref().map(|source| inline_name(&source.kind)).unwrap_or_default();
                let base = self.library.folder(place);
                self.image_text(text, PlaceOf { place, name, base })
            }
            Reference::Name(text) => self.image_named(text, place),
        }
    }

    fn image_named(&mut self, text: &str, place: Place) -> Option<Image> {
        let base = self.library.folder(place);
        if is_image_path(text) {
            return self.image_path(text, place, base);
        }
        // `host` needs no file, but a file of that name is stronger.
        let shelves = super::find::Shelves::of(PART.folder, &base, &self.options.project);
        if text == "host" && shelves.find(text).is_none() {
            let source = AnySource::Host(Host { exclude: None, include: None });
            return Some(Image { place, name: text.to_owned(), base, source, install: Vec::new(), systemd: None });
        }
        let file = self.part(PART, text, place)?;
        self.image_file(&file, place)
    }

    /// The image that a file holds.
    pub(super) fn image_file(&mut self, file: &PartFile, place: Place) -> Option<Image> {
        let text = ImageText::read(&file.node, self.problems())?;
        self.image_text(&text, PlaceOf { place, name: file.name.clone(), base: file.base.clone() })
    }

    fn image_path(&mut self, written: &str, place: Place, base: Utf8PathBuf) -> Option<Image> {
        if is_path(written) && matches!(Utf8Path::new(written).extension(), Some("yaml" | "yml")) {
            let file = self.part(PART, written, place)?;
            return self.image_file(&file, place);
        }
        let path = self.host_file(&base.join(written), written, place)?;
        let source = if HostPath::at(&path) == HostPath::Folder {
            AnySource::Directory(Directory { path: written.to_owned() })
        } else if is_tarball(written) {
            AnySource::Tar(Tar { path: written.to_owned(), sha256: None })
        } else {
            let message = format!("`{}` is no image", shorten(&one_line(written), 100));
            self.problems()
                .error(Code::InvalidValue, place, At::Value, message)
                .help("name a folder, a tarball (.tar, .tar.gz, .tar.zst, .tar.xz) or an image file (.yaml)");
            return None;
        };
        Some(Image { place, name: inline_name(&source), base, source, install: Vec::new(), systemd: None })
    }

    fn image_text(&mut self, text: &ImageText, of: PlaceOf) -> Option<Image> {
        let install = self.hosted(text.install.as_ref());
        let source = self.one_hosted(text.source.as_ref()?);
        let source = self.with_digest(source, text.sha256.as_ref());
        let systemd = super::lowering::value(text.systemd.as_ref());
        Some(Image { place: of.place, name: of.name, base: of.base, source, install, systemd })
    }
}

impl Lowering<'_> {
    /// The source with the digest that stands beside it.
    fn with_digest(&mut self, source: AnySource, sha256: Option<&Placed<String>>) -> AnySource {
        let Some(beside) = sha256 else { return source };
        match source {
            AnySource::Tar(Tar { path, sha256: None }) => AnySource::Tar(Tar { path, sha256: beside.value.clone() }),
            AnySource::Tar(_) => {
                let message = "`sha256` is given here and under `tar`";
                self.problems().error(Code::Conflict, beside.place, At::Key, message).help("keep one of them");
                source
            }
            AnySource::Host(_) | AnySource::Directory(_) | AnySource::Debian(_) => {
                let message = "`sha256` is for an image from a tarball";
                self.problems().error(Code::Conflict, beside.place, At::Key, message).help("take `sha256` out");
                source
            }
        }
    }
}

/// Where an image is named, and where it is written.
struct PlaceOf {
    place: Place,
    name: String,
    base: Utf8PathBuf,
}

/// Whether `node` is an image file rather than a scenario.
pub(super) fn is_image(node: &Node) -> bool {
    let has = |keys: &[&str]| keys.iter().any(|key| node.get(key).is_some());
    has(AnySource::KINDS) || has(AnySource::LATER)
}

fn is_image_path(text: &str) -> bool {
    is_path(text) || is_tarball(text)
}

fn is_tarball(text: &str) -> bool {
    let endings = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".txz", ".tzst"];
    endings.iter().any(|ending| text.ends_with(ending))
}

/// A name for an image that has none: that of what it is made from.
fn inline_name(source: &AnySource) -> String {
    let name = match source {
        AnySource::Host(_) => "host",
        AnySource::Directory(directory) => Utf8Path::new(&directory.path).file_name().unwrap_or("directory"),
        AnySource::Tar(tar) => {
            let name = Utf8Path::new(&tar.path).file_name().unwrap_or("tar");
            name.split(".t").next().unwrap_or(name)
        }
        AnySource::Debian(debian) => debian.suite.as_str(),
    };
    if fault_of_word(name).is_none() { name.to_owned() } else { source.kind().to_owned() }
}
