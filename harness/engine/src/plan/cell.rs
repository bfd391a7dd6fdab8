//! A cell of a plan: one image, one set of patches, one set of products.

use std::collections::BTreeSet;
use std::sync::Arc;

use patchbed_kinds::change::AnyChange;
use patchbed_kinds::probe::AnyProbe;
use patchbed_model::event::{AttemptId, PlannedCell};
use patchbed_model::id::Hasher;
use patchbed_model::{Arm, CellId, Digest, Given, Key};
use serde_json::{Value as Json, json};

use crate::scenario::{
    Attempts, Data, Delivery, ImageUse, Patch, Probe, Promise, Restart, Restarting, Scenario, Service, ServiceRun,
    Software, Workload,
};

/// What will be run, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The cells.
    pub cells: Vec<PlanCell>,
}

impl Plan {
    /// The digest of the whole plan. A run that was cut off is resumed only under the same plan.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.cells.iter().fold(Hasher::new().part("patchbed/plan/1"), |hasher, cell| hasher.part(&cell.id.0)).finish()
    }

    /// The cells whose id begins with `prefix`; one that is exactly it goes before longer ones.
    #[must_use]
    pub fn find(&self, prefix: &str) -> Vec<&PlanCell> {
        if let Some(cell) = self.cells.iter().find(|cell| cell.id.0 == prefix) {
            return vec![cell];
        }
        self.cells.iter().filter(|cell| cell.id.0.starts_with(prefix)).collect()
    }

    /// How many attempts are certain; suspects get more.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.cells.iter().map(|cell| cell.attempts().len()).sum()
    }
}

/// What a person calls a cell by: it stays when the scenario's text changes and the id does not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct CellNames {
    /// The scenario's id.
    pub scenario: String,
    /// The image's name.
    pub image: String,
    /// The patches that are in.
    pub patches: Vec<String>,
    /// The products that are on.
    pub software: Vec<String>,
}

/// At how many points the patches of a cell are cut off at least.
const LEAST_CUTS: u32 = 3;

/// One cell. Patches and products are places in the scenario's lists.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanCell {
    /// Its id: the digest of what makes it.
    pub id: CellId,
    /// The scenario.
    pub scenario: Arc<Scenario>,
    image: usize,
    patches: Vec<usize>,
    software: Vec<usize>,
    given: Given,
    trial_of: Option<CellId>,
}

impl PlanCell {
    /// The cell of these parts, named by their places in the scenario; of the patches also how they are given.
    pub(super) fn new(
        scenario: Arc<Scenario>,
        image: usize,
        (patches, given): (Vec<usize>, Given),
        software: Vec<usize>,
    ) -> Self {
        let id = CellId(String::new());
        let mut cell = Self { id, scenario, image, patches, software, given, trial_of: None };
        cell.id = CellId::from_digest(&cell.definition());
        cell
    }

    /// The same cell with these products on instead of its own.
    #[must_use]
    pub fn with_products(&self, names: &BTreeSet<String>) -> Self {
        let all = self.scenario.software.iter().enumerate();
        let places = all.filter(|(_, product)| names.contains(&product.name)).map(|(place, _)| place).collect();
        Self::new(Arc::clone(&self.scenario), self.image, (self.patches.clone(), self.given), places)
    }

    /// A trial of a part of its bundle, by the places of the patches among its own. It is no cell of the matrix, and has
    /// an id of its own.
    #[must_use]
    pub fn trial(&self, part: impl IntoIterator<Item = usize>) -> Self {
        let patches = part.into_iter().filter_map(|place| self.patches.get(place).copied()).collect();
        let mut cell = Self::new(Arc::clone(&self.scenario), self.image, (patches, self.given), self.software.clone());
        cell.id = CellId::from_digest(&Hasher::new().part(&cell.id.0).part("trial").part(&self.id.0).finish());
        cell.trial_of = Some(self.id.clone());
        cell
    }

    /// How the patches are given.
    #[must_use]
    pub const fn given(&self) -> Given {
        self.given
    }

    /// Whether packages of patches that follow one another are given in one transaction.
    #[must_use]
    pub fn is_together(&self) -> bool {
        match self.given {
            Given::OneByOne => false,
            Given::Together => true,
            Given::CutOff => self.scenario.delivery == Delivery::Together,
        }
    }

    /// Whether the machine is started again after the patch.
    #[must_use]
    pub fn reboots(&self) -> bool {
        self.given == Given::CutOff || self.scenario.restart == Restarting::Reboot
    }

    /// Whether a service is restarted after the patch, while the machine goes on.
    #[must_use]
    pub fn restarts(&self, service: &Service) -> bool {
        match self.scenario.restart {
            Restarting::Auto => service.restart == Restart::AfterPatch,
            Restarting::All => true,
            Restarting::None | Restarting::Reboot => false,
        }
    }

    /// Whether it is a trial of a part of a bundle.
    #[must_use]
    pub const fn is_trial(&self) -> bool {
        self.trial_of.is_some()
    }

    /// The attempt of a trial of this number.
    #[must_use]
    pub fn attempt(&self, number: u32) -> AttemptId {
        AttemptId { cell: self.id.clone(), arm: Arm::Patched, number }
    }

    /// Whether another cell differs from this one in products alone.
    #[must_use]
    pub fn shares_ground(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.scenario, &other.scenario)
            && self.image == other.image
            && (&self.patches, self.given) == (&other.patches, other.given)
    }

    /// The image.
    ///
    /// # Panics
    /// Never: the plan takes the place from the scenario's own list.
    #[must_use]
    pub fn image(&self) -> &ImageUse {
        self.scenario.images.get(self.image).expect("the plan takes images from the scenario's list")
    }

    /// The patches that are in, in the order in which they are applied.
    pub fn patches(&self) -> impl Iterator<Item = &Patch> {
        self.patches.iter().filter_map(|place| self.scenario.patches.get(*place))
    }

    /// The products that are on.
    pub fn software(&self) -> impl Iterator<Item = &Software> {
        self.software.iter().filter_map(|place| self.scenario.software.get(*place))
    }

    /// All services, the products' last, each after those it needs.
    #[must_use]
    pub fn services(&self) -> Vec<&Service> {
        let all = self.scenario.services.iter().chain(self.software().flat_map(|product| &product.services));
        in_order(all.collect())
    }

    /// The command lines of services that are programs.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        let line = |service: &Service| match &service.run {
            ServiceRun::Program { argv, .. } => Some(argv.join(" ")),
            ServiceRun::Unit(_) => None,
        };
        self.services().into_iter().filter_map(line).collect()
    }

    /// All workloads.
    pub fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.scenario.workloads.iter().chain(self.software().flat_map(|product| &product.workloads))
    }

    /// All that must survive the patches.
    pub fn data(&self) -> impl Iterator<Item = &Data> {
        self.scenario.data.iter().chain(self.software().flat_map(|product| &product.data))
    }

    /// All probes written by hand.
    pub fn probes(&self) -> impl Iterator<Item = &Probe> {
        self.scenario.probes.iter().chain(self.software().flat_map(|product| &product.probes))
    }

    /// Whether a probe measures how much or how fast, which it cannot while other attempts take their share.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        let measures =
            |kind: &AnyProbe| matches!(kind, AnyProbe::Metric(_) | AnyProbe::Latency(_) | AnyProbe::Throughput(_));
        self.probes().any(|probe| measures(&probe.kind))
    }

    /// What the patches are to change. Promises are those of all patches together: of a cell that has only some of them,
    /// or has them cut off, nobody knows which come true.
    #[must_use]
    pub fn promises(&self) -> &[Promise] {
        let is_whole = self.patches().count() == self.scenario.patches.len() && self.given != Given::CutOff;
        if is_whole { &self.scenario.promises } else { &[] }
    }

    /// The keys below which readings may be ill without the patch: those of optional services, and of what looks at them.
    #[must_use]
    pub fn optional(&self) -> Vec<Key> {
        let services: Vec<&str> = self
            .services()
            .into_iter()
            .filter(|service| service.optional)
            .map(|service| service.name.as_str())
            .collect();
        let about = |service: &Option<String>| service.as_deref().is_some_and(|name| services.contains(&name));
        let probes = self.probes().filter(|probe| about(&probe.service)).map(Probe::prefix);
        let data = self.data().filter(|data| about(&data.service)).map(Data::prefix);
        services.iter().map(|name| Key::from(*name)).chain(probes).chain(data).collect()
    }

    /// The changes that are installed on the image, from the lowest layer: those for which no written probe speaks, so
    /// that their programs are looked at without asking. Packages of the image's distribution are its own matter.
    #[must_use]
    pub fn unprobed(&self) -> Vec<Option<&AnyChange>> {
        let is_own = self.scenario.probes.is_empty();
        let own = self.image().install.iter().map(|change| {
            let counts = is_own && !matches!(change, AnyChange::Deb(_));
            counts.then_some(change)
        });
        let of_products = self
            .software()
            .flat_map(|product| product.install.iter().map(|change| product.probes.is_empty().then_some(change)));
        own.chain(of_products).collect()
    }

    /// What people call it by.
    #[must_use]
    pub fn names(&self) -> CellNames {
        CellNames {
            scenario: self.scenario.id.clone(),
            image: self.image().name.clone(),
            patches: self.patches().map(|patch| patch.name.clone()).collect(),
            software: self.software().map(|product| product.name.clone()).collect(),
        }
    }

    /// What the journal says of it before it starts.
    #[must_use]
    pub fn planned(&self) -> PlannedCell {
        let names = self.names();
        PlannedCell {
            id: self.id.clone(),
            scenario: names.scenario,
            title: self.scenario.title.clone(),
            file: self.scenario.file.to_string(),
            image: names.image,
            image_digest: None,
            patches: names.patches,
            software: names.software,
            given: self.given,
            trial_of: self.trial_of.clone(),
        }
    }

    /// The attempts that are made in any case, in the order in which they are made.
    #[must_use]
    pub fn attempts(&self) -> Vec<AttemptId> {
        let wanted = self.attempts_of_arms();
        self.numbered(&interleaved(wanted.control, wanted.patched), 0, 0)
    }

    /// The attempts that are made besides when something is suspect: those of the block of this number, counted from 1.
    #[must_use]
    pub fn confirmations(&self, block: u32) -> Vec<AttemptId> {
        let wanted = self.attempts_of_arms();
        let before = wanted.confirm * block.saturating_sub(1);
        let arms = interleaved(wanted.confirm, wanted.confirm);
        self.numbered(&arms, wanted.control + before, wanted.patched + before)
    }

    /// How many attempts of each arm are made. Each that is cut off is cut at another point.
    fn attempts_of_arms(&self) -> Attempts {
        let wanted = self.scenario.attempts;
        match self.given {
            Given::OneByOne | Given::Together => wanted,
            Given::CutOff => Attempts { patched: wanted.patched.max(LEAST_CUTS), ..wanted },
        }
    }

    fn numbered(&self, arms: &[Arm], mut control: u32, mut patched: u32) -> Vec<AttemptId> {
        let mut number = |arm| {
            let last = match arm {
                Arm::Control => &mut control,
                Arm::Patched => &mut patched,
            };
            *last += 1;
            *last
        };
        arms.iter().map(|arm| AttemptId { cell: self.id.clone(), arm: *arm, number: number(*arm) }).collect()
    }

    /// The digest of what is run and looked at in the cell, whatever patches are in. With the image's digest it says
    /// whether two control attempts are of the very same environment. How long an attempt may take is no part of what
    /// it shows.
    #[must_use]
    pub fn environment(&self) -> Digest {
        let limits = self.scenario.limits;
        let data: Vec<&Data> = self.data().collect();
        let asked = self.software().filter_map(|product| Some((&product.name, product.degraded.as_ref()?)));
        let asked: Vec<_> = asked.collect();
        Hasher::new()
            .part(words(&self.services()))
            .part(words(&self.workloads().collect::<Vec<_>>()))
            .part(words(&self.probes().collect::<Vec<_>>()))
            .part(words(&json!({
                "automatic": self.scenario.automatic,
                "systemd": self.image().systemd,
                "data": (!data.is_empty()).then_some(data),
                "degraded": (!asked.is_empty()).then_some(asked),
                "restart": (self.scenario.restart != Restarting::Auto).then_some(self.scenario.restart),
                "watch": (!self.scenario.watch.is_zero()).then_some(self.scenario.watch.as_secs_f64()),
                "cut": (self.given == Given::CutOff).then_some(true),
                "memory": limits.memory,
                "disk": limits.disk,
                "processes": limits.processes,
            })))
            .finish()
    }

    /// The digest of the words that make the cell. Titles, file names and folders of the host are not among them.
    fn definition(&self) -> Digest {
        let scenario = &self.scenario;
        let image = self.image();
        let mut hasher = Hasher::new().part("patchbed/cell/1").part(&scenario.id).part(words(&(
            &image.name,
            &image.source,
            &image.install,
            image.systemd,
        )));
        for patch in self.patches() {
            hasher = hasher.part(&patch.name).part(words(&(&patch.apply, &patch.revert)));
        }
        if !self.given.is_usual() {
            hasher = hasher.part(self.given.text());
        }
        for product in self.software() {
            hasher = hasher.part(&product.name).part(words(&(&product.version, &product.install)));
        }
        hasher
            .part(self.environment().to_string())
            .part(words(&scenario.rules))
            .part(words(&json!({
                "rollback": scenario.rollback,
                "time": scenario.limits.time.as_secs_f64(),
                "promises": (!self.promises().is_empty()).then(|| self.promises()),
            })))
            .part(words(&scenario.attempts))
            .finish()
    }
}

/// The JSON of a definition, its fields by name and in order. What is not said is left out, so that a field that is new
/// in the language changes no digest where nobody uses it. What cannot be written as JSON (no type of the language)
/// counts as empty.
pub(super) fn words(value: &impl serde::Serialize) -> Vec<u8> {
    let said = serde_json::to_value(value).map(said).unwrap_or_default();
    serde_json::to_vec(&said).unwrap_or_default()
}

fn said(json: Json) -> Json {
    match json {
        Json::Object(fields) => Json::Object(
            fields.into_iter().filter(|(_, field)| !field.is_null()).map(|(key, field)| (key, said(field))).collect(),
        ),
        Json::Array(items) => Json::Array(items.into_iter().map(said).collect()),
        plain @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => plain,
    }
}

/// Services so that each stands after those it needs; otherwise in the order written.
fn in_order(mut left: Vec<&Service>) -> Vec<&Service> {
    let mut ordered: Vec<&Service> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |service: &Service, left: &[&Service]| {
            service.after.iter().any(|needed| left.iter().any(|other| other.name == *needed))
        };
        // A circle is refused by `load`; should one come, its first service starts first.
        let next = left.iter().position(|service| !waits(service, &left)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

/// The arms of `control` and `patched` attempts in blocks `AB BA AB …`, so that a drift of the machine meets both alike.
#[must_use]
pub fn interleaved(control: u32, patched: u32) -> Vec<Arm> {
    let mut arms = Vec::new();
    for block in 0..control.max(patched) {
        let first = if block % 2 == 0 { Arm::Control } else { Arm::Patched };
        let second = if block % 2 == 0 { Arm::Patched } else { Arm::Control };
        for arm in [first, second] {
            let wanted = if arm == Arm::Control { control } else { patched };
            if block < wanted {
                arms.push(arm);
            }
        }
    }
    arms
}
