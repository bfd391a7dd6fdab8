//! The scenario file itself: its keys, and how they become a [`Scenario`].

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_kinds::document::{At, Content, Node, Place, Placed, Read, Span};
use patchbed_model::text::{one_line, shorten};
use patchbed_model::{Code, Rules, Severity};

use super::LoadOptions;
use super::bounds::{AttemptsText, LimitsText, MOST_CELLS, MatrixText, cells, grouped};
use super::data::{DataText, data};
use super::image::{Image, ImageText};
use super::library::{Library, NOWHERE};
use super::lines::lines;
use super::lowering::{List, Lowering, items, length, span, value};
use super::name::{Title, fault_of_word};
use super::order::{Free, Wish, in_order};
use super::outage::OutageText;
use super::patch::{PatchText, Patches};
use super::probe::{Known, ProbeText, Probes};
use super::rule::{PromiseText, RuleText};
use super::service::{ServiceText, Services, WorkloadText, workloads};
use super::software::{Product, Shared, SoftwareText};
use super::values::{Anything, BackendWord, DeliveryWord, NetworkWord, Reference, RestartingWord, Version};
use super::variables::Variables;
use crate::scenario::{Delivery, ImageUse, Restarting, Scenario, ServiceRun, Software};

patchbed_kinds::document! {
    /// A scenario: an environment, a patch, and what to look at.
    pub(crate) struct ScenarioText, "a scenario: a mapping" {
        /// The version of the language.
        version: Option<Placed<Version>>, optional;
        /// The title; the file's name when not given.
        scenario: Option<Placed<Title>>, optional;
        /// Another scenario, whose keys hold where this one has none.
        use_: Option<Placed<String>>, optional;
        /// What `${name}` stands for.
        variables: Option<Placed<Anything>>, optional;
        /// The image: a name, a path, or a mapping with a source.
        image: Option<Placed<Reference<ImageText>>>, optional;
        /// The patch under test: a name, a path, or a mapping with a change.
        patch: Option<Placed<Reference<PatchText>>>, optional;
        /// Several patches given together.
        bundle: Option<List<Reference<PatchText>>>, optional;
        /// Third-party products, each on or off.
        software: Option<List<Reference<SoftwareText>>>, optional;
        /// What is started and kept running.
        services: Option<List<ServiceText>>, optional;
        /// What is run to its end against the services.
        workloads: Option<List<WorkloadText>>, optional;
        /// What must survive the patch.
        data: Option<List<DataText>>, optional;
        /// What is looked at besides what every service gets.
        probes: Option<List<ProbeText>>, optional;
        /// How readings may differ.
        rules: Option<List<RuleText>>, optional;
        /// For how much longer than without the patch services may be out of reach.
        outage: Option<Placed<OutageText>>, optional;
        /// What the patches must change, else they are ineffective.
        promise: Option<List<PromiseText>>, optional;
        /// How many attempts each arm gets.
        attempts: Option<Placed<AttemptsText>>, optional;
        /// What a sandbox may use.
        limits: Option<Placed<LimitsText>>, optional;
        /// Which cells are run.
        matrix: Option<Placed<MatrixText>>, optional;
        /// How the patches of a bundle are given; `one-by-one` when not given.
        delivery: Option<Placed<DeliveryWord>>, optional;
        /// Whether the patches are also cut off in the middle, at points that are drawn, and then mended; `false` when
        /// not given.
        interrupt: Option<Placed<bool>>, optional;
        /// What is restarted after the patch; `auto` when not given: the services that say so.
        restart: Option<Placed<RestartingWord>>, optional;
        /// For how long it is watched after the restart, before it is looked at.
        watch: Option<Placed<Span>>, optional;
        /// Whether the patch is also taken back and the result compared with before; `false` when not given.
        rollback: Option<Placed<bool>>, optional;
        /// The network; a loopback interface only.
        network: Option<Placed<NetworkWord>>, optional;
        /// Whether services, files and imports are watched without asking; `true` when not given.
        automatic: Option<Placed<bool>>, optional;
        /// What makes the sandbox.
        backend: Option<Placed<BackendWord>>, optional;
    }
}

/// Keys that a scenario does not take from the one that it uses.
const OWN: [&str; 3] = ["scenario", "version", "use"];

/// How long a chain of `use:` may be.
const LONGEST_CHAIN: usize = 8;

/// Loads the scenario in `path`; `None` when something is wrong with it. Gives the variables it asked for, too.
pub(super) fn scenario(
    library: &mut Library,
    path: &Utf8Path,
    options: &LoadOptions,
) -> (Option<Scenario>, BTreeSet<String>) {
    let (file, root) = library.open(path, "scenario");
    let Some(root) = root else {
        return (None, BTreeSet::new());
    };
    let (root, chain) = used(library, root, options);
    let variables = Variables::read(root.get("variables"), &options.sets, &mut library.problems);
    let mut lowering = Lowering { library, options, variables };
    let node = lowering.variables.fill(root, &mut lowering.library.problems);
    let scenario = ScenarioText::read(&node, lowering.problems()).and_then(|text| lowering.scenario(&text, file));
    let names = lowering.variables.used().clone();
    if chain == Chain::Broken {
        // What is missing may stand in the file that could not be used.
        let root = Place { file, node: 0 };
        library.problems.list.retain(|problem| problem.code != Code::MissingKey || problem.place != root);
    }
    let wrong = library.problems.list.iter().any(|problem| problem.severity == Severity::Error);
    let lines = |scenario| Scenario { lines: lines(library, &node, &scenario), ..scenario };
    (scenario.filter(|_| !wrong).map(lines), names)
}

/// Whether all scenarios that a scenario uses could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chain {
    Whole,
    Broken,
}

/// The tree with the keys of the scenarios that it uses.
fn used(library: &mut Library, root: Rc<Node>, options: &LoadOptions) -> (Rc<Node>, Chain) {
    let mut merged = root;
    let mut seen = vec![merged.place.file];
    let mut next = merged.get("use").cloned();
    while let Some(asked) = next.take() {
        let Some(written) = asked.as_text() else { return (merged, Chain::Broken) };
        let Some(path) = use_path(library, written, asked.place, options) else { return (merged, Chain::Broken) };
        let (file, base) = library.open(&path, "scenario");
        if seen.contains(&file) || seen.len() > LONGEST_CHAIN {
            library
                .problems
                .error(Code::Cycle, asked.place, At::Value, "`use` goes round in a circle, or on for too long")
                .label(format!("`{path}` was used before"))
                .help("put what they share into a file of its own");
            return (merged, Chain::Broken);
        }
        seen.push(file);
        let Some(base) = base else { return (merged, Chain::Broken) };
        next = base.get("use").cloned();
        merge(Rc::make_mut(&mut merged), &base);
    }
    (merged, Chain::Whole)
}

fn use_path(library: &mut Library, written: &str, place: Place, options: &LoadOptions) -> Option<Utf8PathBuf> {
    let name = if super::lowering::is_path(written) { written.to_owned() } else { format!("{written}.yaml") };
    let base = library.folder(place);
    let candidates = [base.join(&name), options.project.join("scenarios").join(&name)];
    if let Some(path) = candidates.iter().find(|path| path.exists()) {
        return Some(path.clone());
    }
    let shown = shorten(&one_line(written), 100);
    library
        .problems
        .error(Code::UnknownName, place, At::Value, format!("there is no scenario `{shown}` to use"))
        .help(format!("looked for {}", candidates.map(|path| format!("`{}`", one_line(path.as_str()))).join(", ")));
    None
}

/// Adds the entries of `base` that `node` does not have. Variables are added one by one.
fn merge(node: &mut Node, base: &Node) {
    let (Content::Map(entries), Content::Map(others)) = (&mut node.content, &base.content) else { return };
    let has_patch = entries.iter().any(|(key, _)| key == "patch" || key == "bundle");
    for (key, value) in others {
        if OWN.contains(&key.as_str()) || (has_patch && (key == "patch" || key == "bundle")) {
            continue;
        }
        match entries.iter_mut().find(|(own, _)| own == key) {
            None => entries.push((key.clone(), value.clone())),
            Some((_, own)) if key == "variables" => merge(own, value),
            Some(_) => {}
        }
    }
}

impl Lowering<'_> {
    fn scenario(&mut self, text: &ScenarioText, file: u32) -> Option<Scenario> {
        let matrix_text = value(text.matrix.as_ref());
        let matrix = MatrixText::lower(matrix_text.as_ref());
        let id = self.id(file);
        self.few_cells(text, matrix_text.as_ref(), file)?;
        let mut services = self.services(text);
        let products = self.products(text.software.as_ref());
        let units = self.all_names(&mut services, &products);
        let images = self.images(text, matrix_text.as_ref(), file);
        let patches = self.the_patches(text, file);
        let parts = self.parts(text, services, products, &units);
        let images = self.with_init(images, &parts);
        self.systemd_where_asked(&images, &parts);
        let automatic = value(text.automatic.as_ref()).unwrap_or(true);
        self.must_look(text, automatic, &parts);
        let count = cells(matrix, images.len(), patches.list.len(), parts.software.len());
        if count > MOST_CELLS {
            self.too_many(count, text.matrix.as_ref().map_or(NOWHERE.in_file(file), |matrix| matrix.place));
        }
        let document = &self.library.documents[file as usize];
        let (path, digest) = (document.path.clone(), document.digest.clone());
        Some(Scenario {
            title: value(text.scenario.as_ref()).map_or_else(|| id.clone(), |title| title.0),
            id,
            file: path,
            digest,
            lines: BTreeMap::new(),
            images,
            patches: patches.list,
            bundle: patches.bundle,
            software: parts.software,
            services: parts.services,
            workloads: parts.workloads,
            data: parts.data,
            probes: parts.probes,
            automatic,
            rules: Rules(parts.rules),
            promises: super::rule::promises(text.promise.as_ref()),
            attempts: AttemptsText::lower(value(text.attempts.as_ref()).as_ref()),
            rollback: value(text.rollback.as_ref()).unwrap_or(false),
            limits: LimitsText::lower(value(text.limits.as_ref()).as_ref(), self.problems()),
            matrix,
            delivery: match value(text.delivery.as_ref()) {
                Some(DeliveryWord::OneByOne) | None => Delivery::OneByOne,
                Some(DeliveryWord::Together) => Delivery::Together,
                Some(DeliveryWord::Both) => Delivery::Both,
            },
            interrupt: value(text.interrupt.as_ref()).unwrap_or(false),
            restart: match value(text.restart.as_ref()) {
                Some(RestartingWord::Auto) | None => Restarting::Auto,
                Some(RestartingWord::All) => Restarting::All,
                Some(RestartingWord::None) => Restarting::None,
                Some(RestartingWord::Reboot) => Restarting::Reboot,
            },
            watch: span(text.watch.as_ref(), 0),
        })
    }

    fn id(&mut self, file: u32) -> String {
        let path = self.library.documents[file as usize].path.clone();
        let id = path.file_stem().unwrap_or_default().to_owned();
        if let Some(why) = fault_of_word(&id) {
            let message =
                format!("the file's name `{}` cannot be the scenario's id: {why}", shorten(&one_line(&id), 60));
            self.problems()
                .error(Code::InvalidValue, NOWHERE.in_file(file), At::Value, message)
                .help("rename the file: letters, digits and `.` `_` `-`");
        }
        id
    }

    /// Counts the cells from what is written, before any file is looked for.
    fn few_cells(&mut self, text: &ScenarioText, matrix: Option<&MatrixText>, file: u32) -> Option<()> {
        let images = matrix.map_or(1, |matrix| length(matrix.image.as_ref()));
        let patches = length(text.bundle.as_ref());
        let count = cells(MatrixText::lower(matrix), images, patches, length(text.software.as_ref()));
        if count <= MOST_CELLS {
            return Some(());
        }
        self.too_many(count, text.matrix.as_ref().map_or(Place { file, node: 0 }, |matrix| matrix.place));
        None
    }

    fn too_many(&mut self, count: usize, place: Place) {
        let message = format!("{} cells are too many: at most {}", grouped(count), grouped(MOST_CELLS));
        self.problems()
            .error(Code::TooManyCells, place, At::Value, message)
            .help("name fewer images, or choose `all` for `software` or `patch`");
    }

    fn services(&mut self, text: &ScenarioText) -> Services {
        let list = self.bounded("services", text.services.as_ref());
        Services::read(list, self.problems())
    }

    /// Checks that no two services share a name, and puts names for units. Gives all units.
    fn all_names(&mut self, services: &mut Services, products: &[Product]) -> BTreeMap<String, String> {
        let all = || products.iter().map(|product| &product.services);
        let mut wishes = services.wishes.clone();
        wishes.extend(all().flat_map(|services| services.wishes.iter().cloned()));
        super::order::unique("services", &wishes, self.problems());
        let mut units = services.units.clone();
        units.extend(all().flat_map(|services| services.units.clone()));
        services.name_units(&units);
        units
    }

    fn images(&mut self, text: &ScenarioText, matrix: Option<&MatrixText>, file: u32) -> Vec<Image> {
        let list = matrix.and_then(|matrix| matrix.image.as_ref());
        if let (Some(image), Some(list)) = (&text.image, list)
            && image.place.file == list.place.file
        {
            self.problems()
                .error(Code::Conflict, list.place, At::Key, "the image is given here and as `image`")
                .also(image.place, At::Key, "here too")
                .help("keep one of them");
        }
        let list = self.bounded("images", list);
        let images: Vec<Image> = match (list, &text.image) {
            (Some(_), _) => items(list).filter_map(|(place, image)| self.image(image, place)).collect(),
            (None, Some(image)) => {
                image.value.as_ref().and_then(|value| self.image(value, image.place)).into_iter().collect()
            }
            (None, None) => {
                self.missing("image", "add `image:`: a name, a path, or `host: {}` for this machine", file);
                Vec::new()
            }
        };
        let names: Vec<Wish> = images
            .iter()
            .map(|image| Wish { name: image.name.clone(), place: image.place, after: Vec::new() })
            .collect();
        super::order::unique("images", &names, self.problems());
        images
    }

    fn the_patches(&mut self, text: &ScenarioText, file: u32) -> Patches {
        match (&text.patch, &text.bundle) {
            (Some(patch), Some(bundle)) => {
                self.problems()
                    .error(Code::Conflict, bundle.place, At::Key, "the patches are given as `bundle` and as `patch`")
                    .also(patch.place, At::Key, "here too")
                    .help("put the one patch into the bundle");
                Patches::default()
            }
            (Some(patch), None) => match &patch.value {
                Some(value) => self.patch(value, patch.place),
                None => Patches::default(),
            },
            (None, Some(bundle)) => self.bundle(bundle),
            (None, None) => {
                self.missing("patch", "add `patch:` or `bundle:`: it is what the scenario is about", file);
                Patches::default()
            }
        }
    }

    /// Reports a missing key, unless a misspelt one was already reported as such.
    fn missing(&mut self, key: &str, help: &str, file: u32) {
        let misspelt = format!("did you mean `{key}`?");
        let problems = self.problems();
        if !problems.list.iter().any(|problem| problem.code == Code::UnknownKey && problem.help.contains(&misspelt)) {
            let root = Place { file, node: 0 };
            problems.error(Code::MissingKey, root, At::Value, format!("`{key}` is missing")).help(help);
        }
    }

    fn with_init(&mut self, images: Vec<Image>, parts: &Parts) -> Vec<ImageUse> {
        let products = parts.software.iter().flat_map(|product| &product.services);
        let units = parts.services.iter().chain(products).any(|service| matches!(service.run, ServiceRun::Unit(_)));
        images
            .into_iter()
            .map(|image| {
                if units && image.systemd == Some(false) {
                    self.problems()
                        .error(
                            Code::Conflict,
                            image.place,
                            At::Value,
                            "the scenario has units, and the image is without systemd",
                        )
                        .help("take `systemd: false` out, or run the services as programs, with `run:`");
                }
                ImageUse {
                    systemd: image.systemd.unwrap_or(units),
                    name: image.name,
                    base: image.base,
                    source: image.source,
                    install: image.install,
                }
            })
            .collect()
    }

    /// Reports every probe that asks systemd where there is none.
    fn systemd_where_asked(&mut self, images: &[ImageUse], parts: &Parts) {
        let Some(image) = images.iter().find(|image| !image.systemd) else { return };
        for place in &parts.asks_systemd {
            let message = format!("this probe asks systemd, and image `{}` runs without it", image.name);
            self.problems()
                .error(Code::Conflict, *place, At::Value, message)
                .help("add `systemd: true` to the image, or name a unit under `services:`");
        }
    }

    fn must_look(&mut self, text: &ScenarioText, automatic: bool, parts: &Parts) {
        let of_products = parts.software.iter().map(Software::looks);
        let looks = length(text.probes.as_ref()) + length(text.data.as_ref()) + of_products.sum::<usize>();
        if !automatic && looks == 0 {
            let place = text.automatic.as_ref().map(|automatic| automatic.place).unwrap_or_default();
            self.problems()
                .error(Code::NothingObserved, place, At::Value, "nothing would be looked at")
                .help("add probes, or take `automatic: false` out");
        }
    }

    fn parts(
        &mut self,
        text: &ScenarioText,
        services: Services,
        products: Vec<Product>,
        units: &BTreeMap<String, String>,
    ) -> Parts {
        let incomplete = services.incomplete || products.iter().any(|product| product.services.incomplete);
        let of_products: Vec<Wish> = products.iter().flat_map(|product| product.services.wishes.clone()).collect();
        let known = Known { services: &services.wishes, of_products: &of_products, units, incomplete };
        let order = in_order(&services.wishes, self.problems());
        if !incomplete {
            known.check_after(&services.wishes, self.problems());
        }
        let mut probes = Probes::default();
        let list = self.bounded("probes", text.probes.as_ref());
        let own_probes = probes.read(list, known, self.problems());
        let list = self.bounded("data items", text.data.as_ref());
        let own_data = data(list, known, &mut probes, self.problems());
        let (mut names, mut free) = (Vec::new(), Free::default());
        let list = self.bounded("workloads", text.workloads.as_ref());
        let own_workloads = workloads(list, &mut names, &mut free);
        let mut shared = Shared {
            services: &services.wishes,
            units,
            incomplete,
            workload_names: &mut names,
            free: &mut free,
            probes: &mut probes,
        };
        let software = products.into_iter().map(|product| self.software(product, &mut shared)).collect();
        super::order::unique("workloads", &names, self.problems());
        super::order::unique("probes", &probes.names, self.problems());
        super::order::unique("data items", &probes.data, self.problems());
        let mut rules = std::mem::take(&mut probes.rules);
        let asks_systemd = std::mem::take(&mut probes.systemd);
        let options = self.options;
        rules.extend(super::rule::rules(text.rules.as_ref(), options, self.problems()));
        let automatic = value(text.automatic.as_ref()).unwrap_or(true);
        rules.extend(super::outage::limits(text.outage.as_ref(), automatic, known, self.problems()));
        let services = services.in_order(&order);
        Parts { services, software, workloads: own_workloads, data: own_data, probes: own_probes, asks_systemd, rules }
    }
}

/// The parts of a scenario that speak of each other's names.
#[derive(Debug)]
struct Parts {
    services: Vec<crate::scenario::Service>,
    software: Vec<Software>,
    workloads: Vec<crate::scenario::Workload>,
    data: Vec<crate::scenario::Data>,
    probes: Vec<crate::scenario::Probe>,
    /// Where systemd is asked.
    asks_systemd: Vec<Place>,
    rules: Vec<patchbed_model::Rule>,
}
