//! `software`: third-party products, by name or inline.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use patchbed_kinds::change::AnyChange;
use patchbed_kinds::document::{At, Node, OneOrMany, Place, Placed, Read};
use patchbed_model::Code;

use super::data::{DataText, data};
use super::degraded::{DegradedText, degraded};
use super::hosted::Hosted;
use super::lowering::{List, Lowering, Part, items, value};
use super::name::Word;
use super::order::{Free, Wish, in_order};
use super::probe::{Known, ProbeText, Probes};
use super::service::{ServiceText, Services, WorkloadText, workloads};
use super::values::Reference;
use crate::scenario::{Software, key_part};

patchbed_kinds::document! {
    /// A third-party product: a factor that is on or off.
    pub(super) struct SoftwareText, "a product: a name, a path, or a mapping" {
        /// Its name; that of its file when not given.
        name: Option<Placed<Word>>, optional;
        /// Its version.
        version: Option<Placed<String>>, optional;
        /// Its vendor.
        vendor: Option<Placed<String>>, optional;
        /// How it gets into the environment.
        install: Option<List<Hosted<AnyChange>>>, optional;
        /// Its services.
        services: Option<List<ServiceText>>, optional;
        /// Its workloads.
        workloads: Option<List<WorkloadText>>, optional;
        /// What of it must survive the patch.
        data: Option<List<DataText>>, optional;
        /// Its probes.
        probes: Option<List<ProbeText>>, optional;
        /// What says that it runs without protecting: a command that ends with 0 then, or a line of its log.
        degraded: Option<Placed<DegradedText>>, optional;
        /// The folders and files that belong to it: what differs there is told with its name.
        files: Option<OneOrMany<String>>, optional;
    }
    check {
        version => filled,
        vendor => filled,
        files => inside_path,
    }
}

/// A product whose parts still wait for the names of the whole scenario.
#[derive(Debug)]
pub(super) struct Product {
    text: SoftwareText,
    base: Utf8PathBuf,
    /// Its name and where it is written.
    pub(super) wish: Wish,
    /// Its services.
    pub(super) services: Services,
}

/// What the products of a scenario share with it.
pub(super) struct Shared<'a> {
    /// The scenario's own services.
    pub(super) services: &'a [Wish],
    /// Units of all services.
    pub(super) units: &'a BTreeMap<String, String>,
    /// Whether there are services whose names could not be read.
    pub(super) incomplete: bool,
    /// The names of workloads so far.
    pub(super) workload_names: &'a mut Vec<Wish>,
    /// The names that workloads may still take.
    pub(super) free: &'a mut Free,
    /// The probes so far.
    pub(super) probes: &'a mut Probes,
}

const PART: Part = Part { noun: "product", folder: "software" };

impl Lowering<'_> {
    /// `software:`: the products with their services, before anything that speaks of other names.
    pub(super) fn products(&mut self, list: Option<&List<Reference<SoftwareText>>>) -> Vec<Product> {
        let list = self.bounded("products", list);
        let found: Vec<Product> = items(list).filter_map(|(place, item)| self.product(item, place)).collect();
        let names: Vec<Wish> = found.iter().map(|product| product.wish.clone()).collect();
        super::order::unique("products", &names, self.problems());
        super::order::unique("products that say whether they protect", &keys(&found), self.problems());
        found
    }

    fn product(&mut self, reference: &Reference<SoftwareText>, place: Place) -> Option<Product> {
        let (text, base, file) = match reference {
            Reference::Inline(text) => ((**text).clone(), self.library.folder(place), None),
            Reference::Name(name) => {
                let file = self.part(PART, name, place)?;
                (SoftwareText::read(&file.node, self.problems())?, file.base, Some(file.name))
            }
        };
        if text.name.is_none() && file.is_none() {
            self.problems()
                .error(Code::MissingKey, place, At::Value, "this product has no name")
                .help("add `name:`: reports say \"only with NAME\"");
        }
        let name_place = text.name.as_ref().map_or(place, |name| name.place);
        let name = if text.name.is_some() { value(text.name.as_ref()).map(|name| name.0) } else { file }?;
        let services = self.bounded("services", text.services.as_ref());
        let services = Services::read(services, self.problems());
        let wish = Wish { name, place: name_place, after: Vec::new() };
        Some(Product { text, base, wish, services })
    }

    /// The whole product.
    pub(super) fn software(&mut self, product: Product, shared: &mut Shared<'_>) -> Software {
        let Product { text, base, wish, mut services } = product;
        services.name_units(shared.units);
        let install = self.hosted(text.install.as_ref());
        let mut known = shared.services.to_vec();
        known.extend(services.wishes.iter().cloned());
        let problems = self.problems();
        if !shared.incomplete {
            super::order::known_among(&services.wishes, &known, problems);
        }
        let order = in_order(&services.wishes, problems);
        let of_whom = Known { services: &known, of_products: &[], units: shared.units, incomplete: shared.incomplete };
        let probes = self.bounded("probes", text.probes.as_ref());
        let probes = shared.probes.read(probes, of_whom, self.problems());
        let list = self.bounded("data items", text.data.as_ref());
        let data = data(list, of_whom, shared.probes, self.problems());
        let runs = self.bounded("workloads", text.workloads.as_ref());
        let services = services.in_order(&order);
        let asked = text.degraded.as_ref();
        let degraded = asked.and_then(|asked| degraded(asked, &services, of_whom, self.problems()));
        Software {
            name: wish.name,
            base,
            version: value(text.version.as_ref()),
            vendor: value(text.vendor.as_ref()),
            install,
            services,
            workloads: workloads(runs, shared.workload_names, shared.free),
            data,
            probes,
            degraded,
            files: text.files.map(|files| files.0).unwrap_or_default(),
        }
    }
}

/// The first parts of the keys of products that can be asked, each product's name once.
fn keys(products: &[Product]) -> Vec<Wish> {
    let asked = products.iter().filter(|product| product.text.degraded.is_some());
    let by_name: BTreeMap<&str, &Wish> = asked.rev().map(|one| (one.wish.name.as_str(), &one.wish)).collect();
    by_name.into_values().map(|wish| Wish { name: key_part(&wish.name), ..wish.clone() }).collect()
}

/// Whether `node` is a product's file rather than a scenario.
pub(super) fn is_software(node: &Node) -> bool {
    ["install", "vendor", "degraded"].iter().any(|key| node.get(key).is_some())
}
