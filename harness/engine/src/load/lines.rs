//! In which line of a scenario's file the things stand that have a name, so that a result can point at them.

use std::collections::BTreeMap;

use patchbed_kinds::document::{At, Node};

use super::library::Library;
use crate::scenario::{Scenario, key_part};

/// The lines of what a scenario names in its own file, counted from 1: of patches and products by their names, of all
/// else by the part of a key that names it. Of several things of one name the first counts.
pub(super) fn lines(library: &Library, root: &Node, scenario: &Scenario) -> BTreeMap<String, u32> {
    let items = |key: &str| root.get(key).map_or(&[][..], Node::items).iter();
    let named = |key| items(key).filter_map(|item| Some((name(item)?.to_owned(), item)));
    let patch = scenario.patches.iter().map(|patch| patch.name.clone()).zip(items("patch"));
    let probes = scenario.probes.iter().map(|probe| probe.name.clone()).zip(items("probes"));
    let parts = ["services", "workloads", "data"].into_iter().flat_map(named).chain(probes);
    let parts = parts.map(|(name, item)| (key_part(&name), item));
    let mut lines = BTreeMap::new();
    for (name, item) in patch.chain(["bundle", "software"].into_iter().flat_map(named)).chain(parts) {
        if item.place.file == root.place.file {
            lines.entry(name).or_insert_with(|| line(library, item));
        }
    }
    lines
}

fn name(item: &Node) -> Option<&str> {
    let written = item.get("name").unwrap_or(item).as_text()?;
    Some(written.strip_suffix(".service").or_else(|| written.strip_suffix(".socket")).unwrap_or(written))
}

fn line(library: &Library, item: &Node) -> u32 {
    let document = library.document(item.place);
    let start = document.places.range(&document.text, item.place.node, At::Key).start;
    let before = document.text[..start].matches('\n').count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}
