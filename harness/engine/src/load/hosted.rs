//! Kinds that read files of the host: a change or an image source together with the places where those files are
//! named, so that a missing one is reported where it is written.

use camino::Utf8Path;
use patchbed_kinds::change::{AnyChange, Change as _};
use patchbed_kinds::document::{Fields, Node, Place, Problems, Read};
use patchbed_kinds::image::{AnySource, Source as _};
use serde_json::{Map, Value as Json};

/// A kind with the files it names.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(super) struct Hosted<K> {
    /// The change or source.
    pub(super) kind: K,
    /// The files of the host, as written.
    #[serde(skip)]
    pub(super) files: Vec<(Place, String)>,
    /// Where it is written: its `text`, where it has one.
    #[serde(skip)]
    pub(super) at: Place,
}

/// What can be wrong with the content of a kind's files.
pub(super) trait Content {
    /// What is wrong with it. `base` is the folder of the file in which the kind is written.
    fn fault(&self, base: &Utf8Path) -> Option<String>;
}

impl Content for AnyChange {
    fn fault(&self, base: &Utf8Path) -> Option<String> {
        match self {
            Self::Diff(diff) => diff.fault(base),
            Self::Deb(_) | Self::Pip(_) | Self::Npm(_) | Self::Files(_) | Self::Remove(_) | Self::Command(_) => None,
        }
    }
}

impl Content for AnySource {
    fn fault(&self, _: &Utf8Path) -> Option<String> {
        None
    }
}

macro_rules! hosted {
    ($($any:ident, $noun:literal;)+) => {$(
        impl Hosted<$any> {
            /// The keys of all kinds.
            pub(super) const KINDS: &'static [&'static str] = $any::KINDS;

            /// Takes the one entry that is a kind out of a mapping and reads it.
            pub(super) fn take(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Self> {
                let (key, node) = fields.kind([$any::KINDS, $any::LATER], $noun, problems)?;
                let kind = $any::read_kind(key, node, problems)?;
                let files = kind.host_files().into_iter().map(|(field, path)| (place(node, field, path), path.to_owned()));
                let files = files.collect();
                let at = node.get("text").unwrap_or(node).place;
                Some(Self { kind, files, at })
            }

            /// The schemas of all kinds.
            pub(super) fn schemas() -> Map<String, Json> {
                $any::schemas()
            }
        }

        impl Read for Hosted<$any> {
            fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
                let mut fields = Fields::of(node, concat!("a mapping with the kind of the ", $noun), problems)?;
                let kind = Self::take(&mut fields, problems);
                fields.finish(problems);
                kind
            }

            fn schema() -> Json {
                $any::schema()
            }
        }
    )+};
}

hosted! {
    AnyChange, "change";
    AnySource, "image source";
}

/// Where `path` is written: below the key `field` of the kind's value, or as that value.
fn place(node: &Node, field: &str, path: &str) -> Place {
    let value = node.get(field).unwrap_or(node);
    let item = value.items().iter().find(|item| item.as_text() == Some(path));
    item.unwrap_or(value).place
}
