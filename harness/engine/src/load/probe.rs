//! `probes`: what is looked at by hand.

use std::collections::BTreeMap;

use patchbed_kinds::document::{At, Place, Placed, Problems, Span};
use patchbed_kinds::probe::AnyProbe;
use patchbed_model::rule::{KeyPattern, Rule};
use patchbed_model::{Allow, Code};

use super::lowering::{List, items, span, value};
use super::name::Name;
use super::order::{Free, Unknown, Wish, unknown};
use super::rule::AllowText;
use super::values::Count;
use crate::scenario::{Probe, key_part};

patchbed_kinds::document! {
    /// One way to observe.
    pub(super) struct ProbeText, "a probe: a mapping with its kind" {
        /// Its name; unique in the scenario. Its kind when not given.
        name: Option<Placed<Name>>, optional;
        /// The service it is about.
        service: Option<Placed<String>>, optional;
        /// How long one look may take; 10 s when not given.
        within: Option<Placed<Span>>, optional;
        /// How often it looks; once when not given. What differs among the looks is volatile.
        repeat: Option<Placed<Count<1, 1000>>>, optional;
        /// A rule for its readings.
        allow: Option<Placed<AllowText>>, optional;
    }
    kind kind: AnyProbe;
}

/// The services that a probe may be about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    /// Names that may be given.
    pub(super) services: &'a [Wish],
    /// Names that are given by products, which may be off.
    pub(super) of_products: &'a [Wish],
    /// Units, by which a service may be called as well.
    pub(super) units: &'a BTreeMap<String, String>,
    /// Whether there are services whose names could not be read.
    pub(super) incomplete: bool,
}

/// Probes, and the rules that they brought.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// The names, as parts of keys.
    pub(super) names: Vec<Wish>,
    /// The names of data, as parts of keys.
    pub(super) data: Vec<Wish>,
    /// The rules of `allow`.
    pub(super) rules: Vec<Rule>,
    /// Where systemd is asked.
    pub(super) systemd: Vec<Place>,
    free: Free,
}

impl Probes {
    /// Reads a list of probes.
    pub(super) fn read(
        &mut self,
        list: Option<&List<ProbeText>>,
        known: Known<'_>,
        problems: &mut Problems,
    ) -> Vec<Probe> {
        for (_, text) in items(list) {
            if let Some((name, place)) = text.written_name() {
                self.names.push(Wish { name: key_part(name), place, after: Vec::new() });
                self.free.take(&key_part(name));
            }
        }
        items(list).filter_map(|(place, text)| self.probe(text, place, known, problems)).collect()
    }

    fn probe(&mut self, text: &ProbeText, place: Place, known: Known<'_>, problems: &mut Problems) -> Option<Probe> {
        let service = text.service.as_ref().and_then(|service| known.service(service, "probes", problems));
        if let Some(AllowText { allow: Allow::Ignore, .. }) = text.allow.as_ref().and_then(|allow| allow.value.as_ref())
        {
            silenced(text, place, problems);
        }
        let kind = text.kind.clone()?;
        self.check(&kind, place, text.service.as_ref(), problems);
        let name = match text.written_name() {
            Some((name, _)) => name.to_owned(),
            None if text.name.is_some() => return None,
            None => self.unused(kind.kind()),
        };
        if let Some(allow) = value(text.allow.as_ref()) {
            let key = KeyPattern(format!("probe.{}.*", key_part(&name)));
            self.rules.push(Rule { key, allow: allow.allow, reason: None, owner: None, until: None });
        }
        Some(Probe {
            name,
            service,
            within: span(text.within.as_ref(), 10),
            repeat: value(text.repeat.as_ref()).map_or(1, |count| count.0),
            kind,
        })
    }

    /// Reports a kind that would look at nothing, and notes where systemd is asked.
    pub(super) fn check(
        &mut self,
        kind: &AnyProbe,
        place: Place,
        service: Option<&Placed<String>>,
        problems: &mut Problems,
    ) {
        if let (Some(key), None) = (needed_without_service(kind), service) {
            problems
                .error(Code::MissingKey, place, At::Value, format!("this `{}` probe looks at nothing", kind.kind()))
                .help(format!("add `service:`, or say what to look at with `{key}:`"));
        }
        self.systemd.extend(asks_systemd(kind).then_some(place));
    }

    /// A name for a probe that has none: its kind, numbered.
    fn unused(&mut self, kind: &str) -> String {
        self.free.name(kind)
    }
}

impl ProbeText {
    fn written_name(&self) -> Option<(&str, Place)> {
        let name = self.name.as_ref()?;
        Some((name.value.as_ref()?.0.as_str(), name.place))
    }
}

impl Known<'_> {
    /// Reports every `after` that names no service of the scenario itself.
    pub(super) fn check_after(&self, things: &[Wish], problems: &mut Problems) {
        let (of_products, others): (Vec<_>, Vec<_>) =
            things.iter().flat_map(|thing| &thing.after).partition(|(name, _)| {
                !self.services.iter().any(|known| known.name == *name)
                    && self.of_products.iter().any(|known| known.name == *name)
            });
        for (name, place) in of_products {
            problems
                .error(Code::Conflict, *place, At::Value, format!("`{name}` belongs to a product, which may be off"))
                .label("this service is always on")
                .help("let the product's service wait for this one, or put this one into the product");
        }
        let rest = Wish { name: String::new(), place: Place::default(), after: others.into_iter().cloned().collect() };
        super::order::known_among(&[rest], self.services, problems);
    }

    /// The service of this name. `list` is where a product has its own of what asks.
    pub(super) fn service(&self, service: &Placed<String>, list: &str, problems: &mut Problems) -> Option<String> {
        let written = service.value.as_ref()?;
        let name = self.units.get(written).unwrap_or(written);
        if self.services.iter().any(|known| known.name == *name) {
            return Some(name.clone());
        }
        if let Some(product) = self.of_products.iter().find(|known| known.name == *name) {
            problems
                .error(
                    Code::Conflict,
                    service.place,
                    At::Value,
                    format!("`{name}` belongs to a product, which may be off"),
                )
                .label("this probe is always on")
                .also(product.place, At::Value, "the product's service")
                .help(format!("put the probe under the product's own `{list}:`"));
            return None;
        }
        if !self.incomplete {
            let message = "this probe asks about a service that is not in the scenario".to_owned();
            let what = Unknown {
                code: Code::UnknownService,
                noun: "service",
                name: written,
                place: service.place,
                at: At::Value,
                message,
            };
            unknown(what, self.services.iter().map(|wish| (wish.name.as_str(), wish.place)), problems);
        }
        None
    }
}

/// The key that a probe of this kind needs when it is about no service, where it has none of that sort.
fn needed_without_service(kind: &AnyProbe) -> Option<&'static str> {
    match kind {
        AnyProbe::Process(process) => process.name.is_none().then_some("name"),
        AnyProbe::Log(log) => (log.files.is_none() && log.journal.is_none()).then_some("files"),
        AnyProbe::Linkage(linkage) => linkage.paths.is_none().then_some("paths"),
        AnyProbe::Http(_)
        | AnyProbe::Tcp(_)
        | AnyProbe::Listening(_)
        | AnyProbe::Command(_)
        | AnyProbe::Files(_)
        | AnyProbe::Package(_)
        | AnyProbe::Unit(_)
        | AnyProbe::Metric(_)
        | AnyProbe::Latency(_)
        | AnyProbe::Throughput(_)
        | AnyProbe::Rows(_)
        | AnyProbe::Suite(_)
        | AnyProbe::Tls(_)
        | AnyProbe::Dns(_) => None,
    }
}

/// Whether a probe of this kind asks systemd.
fn asks_systemd(kind: &AnyProbe) -> bool {
    match kind {
        AnyProbe::Unit(_) => true,
        AnyProbe::Log(log) => log.journal.is_some(),
        AnyProbe::Http(_)
        | AnyProbe::Tcp(_)
        | AnyProbe::Listening(_)
        | AnyProbe::Process(_)
        | AnyProbe::Command(_)
        | AnyProbe::Files(_)
        | AnyProbe::Package(_)
        | AnyProbe::Linkage(_)
        | AnyProbe::Metric(_)
        | AnyProbe::Latency(_)
        | AnyProbe::Throughput(_)
        | AnyProbe::Rows(_)
        | AnyProbe::Suite(_)
        | AnyProbe::Tls(_)
        | AnyProbe::Dns(_) => false,
    }
}

fn silenced(text: &ProbeText, place: Place, problems: &mut Problems) {
    let name = text.written_name().map_or("NAME".to_owned(), |(name, _)| key_part(name));
    problems
        .error(
            Code::UnexplainedRule,
            text.allow.as_ref().map_or(place, |allow| allow.place),
            At::Value,
            "a probe whose readings are ignored needs a reason",
        )
        .help(format!("write it under `rules:`: `{{ key: \"probe.{name}.*\", allow: ignore, reason: \"…\" }}`"));
}
