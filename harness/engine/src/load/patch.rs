//! `patch` and `bundle`: by name, as a path, or inline; in the order in which they are applied.

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_kinds::change::AnyChange;
use patchbed_kinds::document::{At, Content, Node, OneOrMany, Place, Placed, Problems, Read};
use patchbed_model::Code;
use patchbed_model::text::{one_line, shorten};
use serde_json::{Value as Json, json};

use super::hosted::Hosted;
use super::lowering::{List, Lowering, Part, items, value};
use super::name::Name;
use super::order::{Free, Wish, in_order};
use super::values::{Count, Reference, Version};
use crate::scenario::Patch;

patchbed_kinds::document! {
    /// A patch: what it does, where it came from, how it is taken back.
    pub(super) struct PatchText, "a patch: a name, a path, or a mapping with a change" {
        /// The version of the language.
        version: Option<Placed<Version>>, optional;
        /// Its name; unique in the scenario.
        name: Option<Placed<Name>>, optional;
        /// Where it came from: advisory, CVE ids, link.
        origin: Option<Placed<Origin>>, optional;
        /// What withholding it costs.
        weight: Option<Placed<Count<0, 1_000_000>>>, optional;
        /// Patches that it needs.
        after: Option<List<String>>, optional;
        /// What it does, when that is more than one change.
        apply: Option<List<Hosted<AnyChange>>>, optional;
        /// How it is taken back, when not by the changes' own ways.
        revert: Option<List<Hosted<AnyChange>>>, optional;
    }
    kind change: Hosted<AnyChange>, or apply;
}

patchbed_kinds::document! {
    /// Several patches given together.
    pub(super) struct BundleText, "a bundle" {
        /// The version of the language.
        version: Option<Placed<Version>>, optional;
        /// The patches, or the names of their files.
        bundle: List<Reference<PatchText>>, required;
    }
}

patchbed_kinds::document! {
    /// Where a patch came from.
    pub(super) struct OriginText, "a text, a list of texts, or a mapping" {
        /// The advisory.
        advisory: Option<String>, optional;
        /// CVE ids.
        cves: Option<OneOrMany<String>>, optional;
        /// An address.
        link: Option<String>, optional;
    }
    check {
        advisory => filled,
        cves => filled,
        link => filled,
    }
}

/// Where a patch came from, as lines.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Origin(Vec<String>);

impl Read for Origin {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Content::Map(_) = node.content else {
            return OneOrMany::read(node, problems).map(|lines| Self(lines.0));
        };
        let text = OriginText::read(node, problems)?;
        let cves = text.cves.map(|cves| cves.0).unwrap_or_default();
        Some(Self(text.advisory.into_iter().chain(cves).chain(text.link).collect()))
    }

    fn schema() -> Json {
        json!({ "anyOf": [OneOrMany::<String>::schema(), OriginText::schema()] })
    }
}

/// The patches of a scenario.
#[derive(Debug, Default)]
pub(super) struct Patches {
    /// In the order in which they are applied.
    pub(super) list: Vec<Patch>,
    /// The bundle's name, when they came as one.
    pub(super) bundle: Option<String>,
}

/// A patch, where it is written, and what it wants to come after.
struct Placing {
    place: Place,
    after: Vec<(String, Place)>,
    named: bool,
    patch: Patch,
}

/// A file of `patches/`.
enum PatchFile {
    One(Box<PatchText>),
    Several(List<Reference<PatchText>>),
}

impl PatchFile {
    /// A bundle is a list of patches, or a mapping that holds it under `bundle`.
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        if let Content::List(_) = node.content {
            return List::read(node, problems).map(Self::Several);
        }
        if node.get("bundle").is_some() {
            return BundleText::read(node, problems).map(|text| Self::Several(text.bundle));
        }
        PatchText::read(node, problems).map(|text| Self::One(Box::new(text)))
    }
}

/// The schema of a file of `patches/`.
pub(super) fn schema() -> Json {
    let list = Vec::<Reference<PatchText>>::schema();
    json!({ "anyOf": [PatchText::schema(), BundleText::schema(), list] })
}

pub(super) const PART: Part = Part { noun: "patch", folder: "patches" };

impl Lowering<'_> {
    /// `patch:`.
    pub(super) fn patch(&mut self, reference: &Reference<PatchText>, place: Place) -> Patches {
        self.patches([(place, reference)].into_iter(), Nesting::Outer)
    }

    /// `bundle:`.
    pub(super) fn bundle(&mut self, list: &List<Reference<PatchText>>) -> Patches {
        self.not_empty(list);
        let Some(list) = self.bounded("patches", Some(list)) else {
            return Patches::default();
        };
        let outer = if super::lowering::length(Some(list)) == 1 { Nesting::Outer } else { Nesting::Inner };
        self.patches(items(Some(list)), outer)
    }

    fn not_empty(&mut self, list: &List<Reference<PatchText>>) {
        if super::lowering::length(Some(list)) == 0 && list.value.is_some() {
            self.problems()
                .error(Code::InvalidValue, list.place, At::Value, "the bundle is empty")
                .help("name at least one patch");
        }
    }

    fn patches<'p>(
        &mut self,
        references: impl Iterator<Item = (Place, &'p Reference<PatchText>)>,
        nesting: Nesting,
    ) -> Patches {
        let mut bundle = None;
        let mut found = Vec::new();
        for (place, reference) in references {
            match reference {
                Reference::Inline(text) => {
                    let base = self.library.folder(place);
                    found.extend(self.patch_text(text, place, None, base));
                }
                Reference::Name(name) => bundle = bundle.or(self.patch_named(name, place, nesting, &mut found)),
            }
        }
        Patches { list: self.ordered(found), bundle }
    }

    /// Adds what the file of that name holds; its name, when that is a bundle.
    fn patch_named(&mut self, name: &str, place: Place, nesting: Nesting, found: &mut Vec<Placing>) -> Option<String> {
        let file = self.part(PART, name, place)?;
        match (PatchFile::read(&file.node, self.problems())?, nesting) {
            (PatchFile::One(text), _) => {
                found.extend(self.patch_text(&text, place, Some(&file.name), file.base));
                None
            }
            (PatchFile::Several(list), Nesting::Outer) => {
                found.extend(self.members(&list));
                Some(file.name)
            }
            (PatchFile::Several(_), Nesting::Inner) => {
                let message = format!("`{}` is a bundle; a bundle holds patches, not bundles", file.name);
                self.problems().error(Code::InvalidValue, place, At::Value, message).help("name its patches here");
                None
            }
        }
    }

    fn members(&mut self, list: &List<Reference<PatchText>>) -> Vec<Placing> {
        self.not_empty(list);
        let mut found = Vec::new();
        for (place, reference) in items(self.bounded("patches", Some(list))) {
            match reference {
                Reference::Inline(text) => {
                    let base = self.library.folder(place);
                    found.extend(self.patch_text(text, place, None, base));
                }
                Reference::Name(name) => {
                    self.patch_named(name, place, Nesting::Inner, &mut found);
                }
            }
        }
        found
    }

    fn patch_text(&mut self, text: &PatchText, place: Place, file: Option<&str>, base: Utf8PathBuf) -> Option<Placing> {
        let mut apply = self.hosted(text.apply.as_ref());
        if let Some(change) = &text.change {
            apply.push(self.one_hosted(change));
        }
        let revert = self.hosted(text.revert.as_ref());
        if apply.is_empty() {
            if let Some(list) = text.apply.as_ref().filter(|list| super::lowering::length(Some(list)) == 0) {
                self.problems().error(Code::InvalidValue, list.place, At::Value, "the patch does nothing");
            }
            return None;
        }
        let written = value(text.name.as_ref()).map(|name| name.0).or(file.map(str::to_owned));
        let named = text.name.is_some() || file.is_some();
        let name_place = text.name.as_ref().map_or(place, |name| name.place);
        let patch = Patch {
            name: written.unwrap_or_else(|| default_name(&apply)),
            base,
            origin: value(text.origin.as_ref()).map(|origin| origin.0).unwrap_or_default(),
            weight: value(text.weight.as_ref()).map(|weight| weight.0),
            after: items(text.after.as_ref()).map(|(_, name)| name.clone()).collect(),
            apply,
            revert,
        };
        let after = items(text.after.as_ref()).map(|(place, name)| (name.clone(), place)).collect();
        Some(Placing { place: name_place, after, named, patch })
    }

    fn ordered(&mut self, mut found: Vec<Placing>) -> Vec<Patch> {
        let mut free = Free::default();
        found.iter().filter(|placing| placing.named).for_each(|placing| free.take(&placing.patch.name));
        for placing in found.iter_mut().filter(|placing| !placing.named) {
            placing.patch.name = free.name(&placing.patch.name);
        }
        let wishes: Vec<Wish> = found
            .iter()
            .map(|placing| Wish {
                name: placing.patch.name.clone(),
                place: placing.place,
                after: placing.after.clone(),
            })
            .collect();
        super::order::unique("patches", &wishes, self.problems());
        super::order::known_patches(&wishes, self.problems());
        let mut patches: Vec<Option<Patch>> = found.into_iter().map(|placing| Some(placing.patch)).collect();
        in_order(&wishes, self.problems()).into_iter().filter_map(|index| patches[index].take()).collect()
    }
}

/// Whether a name may stand for a whole bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nesting {
    Outer,
    Inner,
}

/// Whether `node` is a patch file rather than a scenario.
pub(super) fn is_patch(node: &Node) -> bool {
    let has = |keys: &[&str]| keys.iter().any(|key| node.get(key).is_some());
    has(AnyChange::KINDS) || has(AnyChange::LATER) || has(&["apply"])
}

/// A name for a patch that has none: what it changes.
fn default_name(apply: &[AnyChange]) -> String {
    let Some(first) = apply.first() else {
        return "patch".to_owned();
    };
    let name = match first {
        AnyChange::Deb(deb) => deb.packages.as_ref().and_then(|names| name_of_packages(&names.0)),
        AnyChange::Pip(pip) => name_of_packages(&pip.packages.0),
        AnyChange::Npm(npm) => name_of_packages(&npm.packages.0),
        AnyChange::Diff(diff) => diff.file.as_ref().and_then(|file| Utf8Path::new(file).file_stem().map(str::to_owned)),
        AnyChange::Files(_) | AnyChange::Remove(_) | AnyChange::Command(_) => None,
    };
    let name = name.unwrap_or_else(|| first.kind().to_owned());
    let safe: String = one_line(&name).chars().map(|c| if matches!(c, '/' | '\\') { '-' } else { c }).collect();
    shorten(safe.trim_start_matches(['.', '-', ' ']), 60)
}

/// The first package, and how many more there are.
fn name_of_packages(names: &[String]) -> Option<String> {
    match names {
        [one] => Some(one.clone()),
        [one, rest @ ..] => Some(format!("{one} and {} more", rest.len())),
        [] => None,
    }
}
