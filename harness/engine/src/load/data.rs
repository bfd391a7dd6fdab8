//! `data`: what must survive the patch.

use patchbed_kinds::document::{Placed, Problems, Span};
use patchbed_kinds::probe::AnyProbe;

use super::lowering::{List, items, span};
use super::name::Name;
use super::order::Wish;
use super::probe::{Known, Probes};
use crate::scenario::{Data, key_part};

patchbed_kinds::document! {
    /// Something that must survive the patch: looked at before it and after the restart.
    pub(super) struct DataText, "what must survive: a mapping with `name` and the kind of the look" {
        /// Its name; unique in the scenario.
        name: Placed<Name>, required;
        /// The service that keeps it.
        service: Option<Placed<String>>, optional;
        /// How long one look may take; 10 s when not given.
        within: Option<Placed<Span>>, optional;
    }
    kind kind: AnyProbe;
}

/// Reads a list of data. Names and what they ask of the image are noted with those of `probes`.
pub(super) fn data(
    list: Option<&List<DataText>>,
    known: Known<'_>,
    probes: &mut Probes,
    problems: &mut Problems,
) -> Vec<Data> {
    let read = |(place, text): (_, &DataText)| {
        let name = text.name.value.as_ref()?.0.clone();
        probes.data.push(Wish { name: key_part(&name), place: text.name.place, after: Vec::new() });
        let service = text.service.as_ref().and_then(|service| known.service(service, "data", problems));
        let kind = text.kind.clone()?;
        probes.check(&kind, place, text.service.as_ref(), problems);
        Some(Data { name, service, within: span(text.within.as_ref(), 10), kind })
    };
    items(list).filter_map(read).collect()
}
