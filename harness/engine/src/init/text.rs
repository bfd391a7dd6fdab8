//! What was seen, written as a scenario in which each line says why it is there.

use std::collections::{BTreeMap, BTreeSet};

use patchbed_kinds::change::Update;
use patchbed_model::Key;
use patchbed_model::text::one_line;

use super::door::{place, question, ready, said};
use super::scalar::{list, named, quoted, text};
use super::sight::{Product, Running, Sight};
use super::store::{Store, stores};
use crate::scenario::{DATA, key_part};

/// The most source packages that become patches.
const MOST_PATCHES: usize = 60;

/// What the keys of probes begin with.
const PROBE: &str = "probe";

/// How long a line of a comment may be.
const WIDTH: usize = 116;

/// What the scenario begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heading {
    /// The words of the command that wrote it.
    pub command: String,
    /// What the image is called in the title.
    pub name: String,
    /// What stands behind `image:`.
    pub image: String,
    /// How it was looked at, such as `watched for 10 s`.
    pub looked: String,
    /// What moved in attempts without any patch, one line each; `None` where none were made.
    pub moves: Option<Vec<String>>,
}

/// The scenario.
#[must_use]
pub fn written(heading: &Heading, sight: &Sight) -> String {
    let mut page = Page { text: String::new(), ill: &sight.ill };
    page.comment(0, &format!("Written by `{}`: {}. Every line may be changed.", heading.command, heading.looked));
    page.line(
        0,
        &format!("scenario: {}", quoted(&named(&format!("{} keeps working after its updates", heading.name)))),
    );
    page.line(0, &format!("image: {}", heading.image));
    page.patches(&sight.pending.updates);
    page.software(sight);
    page.services(sight);
    page.kept(sight);
    page.probes(sight);
    page.rest(heading, sight);
    page.text
}

/// A file that grows line by line.
#[derive(Debug)]
struct Page<'a> {
    text: String,
    /// The keys of probes and data that are left out.
    ill: &'a BTreeSet<Key>,
}

impl Page<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        self.text.push_str(&"  ".repeat(depth));
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A probe, or what must survive, with what stands below its name; a comment where it is ill without any patch.
    fn asks(&mut self, depth: usize, under: &str, name: &str, lines: &[String]) {
        if self.ill.contains(&Key::from(under).child(&key_part(name))) {
            self.comment(depth, &format!("Left out, because it is ill without any patch: {name}."));
            return;
        }
        self.line(depth, &format!("- name: {}", quoted(name)));
        for line in lines {
            self.line(depth + 1, line);
        }
    }

    /// A comment, broken where a line would be too long.
    fn comment(&mut self, depth: usize, text: &str) {
        let mut line = String::from("#");
        for word in one_line(text).split_whitespace() {
            if line.len() + word.len() + 1 + 2 * depth > WIDTH {
                self.line(depth, &line);
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        self.line(depth, &line);
    }

    /// A key with what stands below it; without the key where that is nothing but comments.
    fn under(&mut self, depth: usize, key: &str, write: impl FnOnce(&mut Self)) {
        let before = self.text.len();
        write(self);
        let below = self.text.split_off(before);
        if below.lines().any(|line| !line.trim_start().starts_with('#')) {
            self.line(depth, key);
        }
        self.text.push_str(&below);
    }

    /// A key that others follow, with an empty line before it.
    fn part(&mut self, key: &str, why: &str) {
        self.text.push('\n');
        self.comment(0, why);
        self.line(0, key);
    }

    fn patches(&mut self, updates: &[Update]) {
        let mut sources: BTreeMap<(bool, &str), Vec<&Update>> = BTreeMap::new();
        for update in updates {
            let is_security = updates.iter().any(|other| other.source == update.source && other.security);
            sources.entry((!is_security, &update.source)).or_default().push(update);
        }
        if sources.is_empty() {
            let why = "No update is known that waits. Put the patch here that is to be tried: `patchbed schema` and \
                       the guides name all kinds. Until then nothing is changed, and nothing may differ.";
            self.part("patch: { name: nothing yet, command: [\"true\"] }", why);
            return;
        }
        let security = sources.keys().filter(|(is_other, _)| !is_other).count();
        let mut why = format!(
            "What the image's own sources have for it: {} source packages, {security} with security updates, which come \
             first. Where together they make something worse, the guilty one is searched for.",
            sources.len()
        );
        if sources.len() > MOST_PATCHES {
            let names: Vec<&str> = sources.keys().skip(MOST_PATCHES).map(|(_, name)| *name).collect();
            why = format!("{why} Left out, because a bundle of so many takes long: {}.", names.join(", "));
        }
        self.part("bundle:", &why);
        for ((is_other, source), updates) in sources.iter().take(MOST_PATCHES) {
            let kind = if *is_other { "" } else { ", security" };
            let versions: Vec<String> =
                updates.iter().map(|one| format!("{} {} to {}", one.package, one.from, one.to)).take(3).collect();
            let more = if updates.len() > 3 { format!(", {} more", updates.len() - 3) } else { String::new() };
            self.comment(1, &format!("{}{more}{kind}.", versions.join(", ")));
            self.line(1, &format!("- name: {}", quoted(source)));
            let packages = updates.iter().map(|one| one.package.as_str());
            self.line(2, &format!("deb: {{ packages: {} }}", list(packages)));
        }
        if sources.len() > 1 {
            self.comment(0, "All in one transaction, as the package manager gives updates of one day.");
            self.line(0, "delivery: together");
        }
    }

    fn software(&mut self, sight: &Sight) {
        if sight.products.is_empty() {
            return;
        }
        let why = "Software that is not the distribution's. What breaks of it is told with its name.";
        self.part("software:", why);
        for product in &sight.products {
            self.comment(1, &format!("{}.", upper(&product.why)));
            self.line(1, &format!("- name: {}", quoted(&product.name)));
            if let Some(version) = &product.version {
                self.line(2, &format!("version: {}", text(version)));
            }
            if let Some(vendor) = &product.vendor {
                self.line(2, &format!("vendor: {}", text(vendor)));
            }
            self.line(2, &format!("files: {}", list(product.roots.iter().map(String::as_str))));
            let own: Vec<&Running> =
                sight.services.iter().filter(|service| product.services.contains(&service.name)).collect();
            if !own.is_empty() {
                self.line(2, "services:");
                for service in &own {
                    self.service(3, service);
                }
            }
            self.under(2, "probes:", |page| {
                page.product(product);
                for service in &own {
                    page.asked(3, service);
                }
            });
        }
        self.text.push('\n');
        self.comment(0, "The products are part of the image: there is no cell without them.");
        self.line(0, "matrix: { software: all }");
    }

    fn product(&mut self, product: &Product) {
        let watched = || list(product.watched.iter().map(String::as_str));
        self.comment(3, "A patch of the system has no business there.");
        let files = format!("files: {{ paths: {} }}", watched());
        self.asks(3, PROBE, &format!("{} is whole", product.name), &[files]);
        if product.linked {
            let linkage = format!("linkage: {{ paths: {} }}", watched());
            self.asks(3, PROBE, &format!("{} finds its libraries", product.name), &[linkage]);
        }
        if !product.packages.is_empty() {
            let package = format!("package: {}", list(product.packages.iter().map(String::as_str)));
            self.asks(3, PROBE, &format!("{} is installed", product.name), &[package]);
        }
    }

    fn services(&mut self, sight: &Sight) {
        let own: Vec<&Running> = own_services(sight).collect();
        if own.is_empty() {
            return;
        }
        self.part("services:", "What ran at the end of the look.");
        for service in &own {
            self.service(1, service);
        }
    }

    fn service(&mut self, depth: usize, service: &Running) {
        let doors: Vec<String> = service.doors.iter().map(said).collect();
        let why = match (doors.is_empty(), service.programs.first()) {
            (false, _) => format!("Listens on {}.", doors.join(", ")),
            (true, Some(program)) => format!("Runs {program}."),
            (true, None) => "Runs.".to_owned(),
        };
        self.comment(depth, &why);
        self.line(depth, &format!("- name: {}", quoted(&service.name)));
        self.line(depth + 1, &format!("unit: {}", quoted(&service.unit)));
        if let Some(door) = ready(service) {
            self.line(depth + 1, &format!("ready: {{ tcp: {} }}", text(&place(door))));
        }
    }

    /// Workloads that write something, and what must be found again after the patch.
    fn kept(&mut self, sight: &Sight) {
        let stores: Vec<Store<'_>> = stores(sight);
        let seeds: Vec<&Store<'_>> = stores.iter().filter(|store| store.seed().is_some()).collect();
        if !seeds.is_empty() {
            self.part(
                "workloads:",
                "Written before the patch, into the sandbox alone, so that there is something to keep.",
            );
            for store in &seeds {
                self.line(1, &format!("- name: {}", quoted(&format!("write to {}", store.name()))));
                self.line(2, &format!("run: {}", store.seed().unwrap_or_default()));
            }
        }
        let data: Vec<(String, String, Option<&str>)> = stores.iter().flat_map(Store::data).collect();
        if !data.is_empty() {
            self.text.push('\n');
            self.comment(0, "What must be there after the patch as it was before.");
            self.under(0, "data:", |page| {
                for (name, rows, service) in data {
                    let service = service.map(|service| format!("service: {}", quoted(service)));
                    let lines: Vec<String> = service.into_iter().chain([format!("rows: {rows}")]).collect();
                    page.asks(1, DATA, &name, &lines);
                }
            });
        }
    }

    fn probes(&mut self, sight: &Sight) {
        self.text.push('\n');
        self.comment(0, "What the services answer, asked in their own words.");
        self.under(0, "probes:", |page| page.asked_of_all(sight));
    }

    fn asked_of_all(&mut self, sight: &Sight) {
        for service in own_services(sight) {
            self.asked(1, service);
        }
        let tcp = sight.services.iter().flat_map(|service| &service.doors).map(|door| format!("tcp/{}", door.port));
        let udp = sight.services.iter().flat_map(|service| &service.datagrams).map(|port| format!("udp/{port}"));
        let ports: Vec<String> = tcp.chain(udp).collect();
        if !ports.is_empty() {
            self.comment(1, "All ports that services held open.");
            let listening = format!("listening: {}", list(ports.iter().map(String::as_str)));
            self.asks(1, PROBE, "ports", &[listening]);
        }
        if !sight.keys.is_empty() {
            self.comment(
                1,
                "Who may read private keys, and whether they are still the same; of their content a digest is kept.",
            );
            let files = format!("files: {{ paths: {} }}", list(sight.keys.iter().map(String::as_str)));
            self.asks(1, PROBE, "private keys", &[files]);
        }
        self.comment(1, "Whether all packages are installed in full; their versions are told and never alarm.");
        self.asks(1, PROBE, "packages", &["package: {}".to_owned()]);
    }

    /// What one service is asked.
    fn asked(&mut self, depth: usize, service: &Running) {
        for door in &service.doors {
            let (what, probe) = question(door);
            let owner = format!("service: {}", quoted(&service.name));
            self.asks(depth, PROBE, &format!("{} {what}", service.name), &[owner, probe]);
        }
        if !service.logs.is_empty() {
            self.comment(depth, "New kinds of errors and warnings.");
            let owner = format!("service: {}", quoted(&service.name));
            let log = format!("log: {{ files: {} }}", list(service.logs.iter().map(String::as_str)));
            self.asks(depth, PROBE, &format!("log of {}", service.name), &[owner, log]);
        }
    }

    /// What was noticed beside: of use to who goes on writing.
    fn rest(&mut self, heading: &Heading, sight: &Sight) {
        let failed = sight
            .failed
            .iter()
            .map(|(unit, state)| format!("`{unit}` did not come up here ({state}), so nothing watches it."));
        let notes = sight.notes.iter().map(|note| format!("Not looked at: {note}."));
        let still = heading.moves.as_ref().filter(|moves| moves.is_empty());
        let still = still.map(|_| "Without any patch nothing moved from attempt to attempt.".to_owned());
        let moves = heading.moves.iter().flatten();
        let moves = moves.map(|one| format!("Moves without any patch, and is judged by how much it does: {one}."));
        let lines: Vec<String> = failed.chain(notes).chain(still).chain(moves).collect();
        if !lines.is_empty() {
            self.text.push('\n');
            for line in &lines {
                self.comment(0, line);
            }
        }
    }
}

/// The services that are no product's.
fn own_services(sight: &Sight) -> impl Iterator<Item = &Running> {
    let is_product = |service: &&Running| sight.products.iter().any(|product| product.services.contains(&service.name));
    sight.services.iter().filter(move |service| !is_product(service))
}

fn upper(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
