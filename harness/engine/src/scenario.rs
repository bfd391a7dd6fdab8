//! A scenario as the engine works with it: everything resolved, nothing left to look up. Made by `load`.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use patchbed_kinds::change::AnyChange;
use patchbed_kinds::image::AnySource;
use patchbed_kinds::probe::AnyProbe;
use patchbed_model::rule::KeyPattern;
use patchbed_model::{Digest, Key, Rules};
use patchbed_sandbox::Limits;

/// One scenario file, complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The file's name without its ending.
    pub id: String,
    /// `scenario:`, else the id.
    pub title: String,
    /// The file as the user named it.
    pub file: Utf8PathBuf,
    /// The digest of the file's bytes.
    pub digest: Digest,
    /// The lines of the file in which things with names stand, counted from 1.
    pub lines: BTreeMap<String, u32>,
    /// The images it runs on: one, or those of `matrix.image`.
    pub images: Vec<ImageUse>,
    /// The patches under test, in the order in which they are applied.
    pub patches: Vec<Patch>,
    /// The bundle's name, when the patches came as one.
    pub bundle: Option<String>,
    /// Third-party products.
    pub software: Vec<Software>,
    /// The services, in an order that respects `after`.
    pub services: Vec<Service>,
    /// What is run against the services.
    pub workloads: Vec<Workload>,
    /// What must survive the patches.
    pub data: Vec<Data>,
    /// The probes written by hand.
    pub probes: Vec<Probe>,
    /// Whether services are watched without asking.
    pub automatic: bool,
    /// The rules, those of the probes' `allow` included.
    pub rules: Rules,
    /// What the patches are there to change, all of them together.
    pub promises: Vec<Promise>,
    /// How many attempts each arm gets.
    pub attempts: Attempts,
    /// Whether the patch is also taken back and the result compared with before.
    pub rollback: bool,
    /// What a sandbox may use.
    pub limits: Limits,
    /// Which cells are run.
    pub matrix: Matrix,
    /// How the patches of a bundle are given.
    pub delivery: Delivery,
    /// Whether the patches are also cut off in the middle, each time at another point.
    pub interrupt: bool,
    /// What is restarted after the patch.
    pub restart: Restarting,
    /// For how long it is watched after the restart, before it is looked at.
    pub watch: Duration,
}

impl Scenario {
    /// The scenario without any patch, and with so many attempts: what of it moves by itself.
    #[must_use]
    pub fn without_patch(self, attempts: u32) -> Self {
        Self {
            patches: Vec::new(),
            bundle: None,
            promises: Vec::new(),
            attempts: Attempts { control: attempts, patched: 0, confirm: 0 },
            rollback: false,
            interrupt: false,
            ..self
        }
    }
}

/// An image with the changes on top.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageUse {
    /// Its name, or what was written.
    pub name: String,
    /// The folder of the file it is written in.
    pub base: Utf8PathBuf,
    /// Where it comes from.
    pub source: AnySource,
    /// Changes on top.
    pub install: Vec<AnyChange>,
    /// Whether systemd is process 1: as written, else whether any service is a unit.
    pub systemd: bool,
}

/// A patch under test.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// Its name; unique in the scenario.
    pub name: String,
    /// The folder of the file it is written in.
    pub base: Utf8PathBuf,
    /// Where it came from: advisory, CVE ids, link.
    pub origin: Vec<String>,
    /// What withholding it costs.
    pub weight: Option<u32>,
    /// Patches that must be in before it.
    pub after: Vec<String>,
    /// What it does.
    pub apply: Vec<AnyChange>,
    /// How it is taken back, when not by the changes' own ways.
    pub revert: Vec<AnyChange>,
}

/// A third-party product.
#[derive(Clone, Debug, PartialEq)]
pub struct Software {
    /// Its name; unique in the scenario.
    pub name: String,
    /// The folder of the file it is written in.
    pub base: Utf8PathBuf,
    /// Its version, for people.
    pub version: Option<String>,
    /// Its vendor, for people.
    pub vendor: Option<String>,
    /// How it gets into the environment.
    pub install: Vec<AnyChange>,
    /// Its services.
    pub services: Vec<Service>,
    /// Its workloads.
    pub workloads: Vec<Workload>,
    /// What of it must survive the patches.
    pub data: Vec<Data>,
    /// Its probes.
    pub probes: Vec<Probe>,
    /// What says that it runs without protecting.
    pub degraded: Option<Degraded>,
    /// The folders and files that belong to it.
    pub files: Vec<String>,
}

impl Software {
    /// How many things are looked at in it by hand.
    pub(crate) fn looks(&self) -> usize {
        self.probes.len() + self.data.len() + usize::from(self.degraded.is_some())
    }

    /// The key of the reading that says whether it protects: `bank-plugin.degraded`.
    #[must_use]
    pub fn degraded_key(&self) -> Key {
        Key::from(key_part(&self.name).as_str()).child(DEGRADED)
    }
}

/// The last part of the keys that say whether a product protects.
pub const DEGRADED: &str = "degraded";

/// What says that a product runs without protecting: its licence is lost, its protection is off.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum Degraded {
    /// A program that ends with 0 when it is so.
    Program(Vec<String>),
    /// A line since the patch.
    Line {
        /// A regular expression for a part of the line.
        pattern: String,
        /// The services in whose output or journal it is looked for.
        services: Vec<String>,
        /// Globs of the files in which it is looked for.
        files: Vec<String>,
    },
}

/// Something started and kept running.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Service {
    /// Its name; unique in the scenario.
    pub name: String,
    /// How it is run.
    pub run: ServiceRun,
    /// What of a unit is another than in its own file; `None` for a unit as it is, and for a program.
    pub settings: Option<UnitSettings>,
    /// Services that must be ready before it starts.
    pub after: Vec<String>,
    /// What says that it is ready, besides that it lives.
    pub ready: Option<AnyProbe>,
    /// Within which time it must be ready.
    pub within: Duration,
    /// The signal that stops it.
    pub stop_signal: i32,
    /// After how long it is killed.
    pub stop_within: Duration,
    /// Whether it is restarted after the patch.
    pub restart: Restart,
    /// Whether the run goes on without it.
    pub optional: bool,
}

/// How a service is run.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum ServiceRun {
    /// As a systemd unit.
    Unit(String),
    /// Under the guest.
    Program {
        /// The command line.
        argv: Vec<String>,
        /// Its user.
        user: Option<String>,
        /// Its working folder.
        directory: Option<String>,
        /// Its environment.
        environment: BTreeMap<String, String>,
    },
}

/// What a scenario says of a unit's process.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct UnitSettings {
    /// Its user.
    pub user: Option<String>,
    /// Its working folder.
    pub directory: Option<String>,
    /// Its environment, beside the one that the unit has.
    pub environment: BTreeMap<String, String>,
}

/// What is restarted after the patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Restarting {
    /// The services that say so themselves.
    Auto,
    /// All services.
    All,
    /// None: what the patch does not restart goes on as it is.
    None,
    /// The whole machine: all processes are gone, and the same disk is started again.
    Reboot,
}

/// Whether a service is restarted after the patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Restart {
    /// That is how an update is taken up.
    AfterPatch,
    /// It goes on as it is.
    Never,
}

/// Something run to its end against the services.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// The command line.
    pub argv: Vec<String>,
    /// Its user.
    pub user: Option<String>,
    /// Its working folder.
    pub directory: Option<String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// When it runs.
    pub when: When,
    /// Its limit.
    pub within: Duration,
}

impl Workload {
    /// The key of the reading that says how it ended, when it does not run before the patch.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::from("workload").child(&key_part(&self.name)).child("exit")
    }
}

/// When a workload runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum When {
    /// After the services are up, before the patch.
    Before,
    /// While the patch is applied.
    During,
    /// After the restart, before the look.
    After,
}

/// A probe written by hand.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Probe {
    /// Its name; unique in the scenario. Its keys begin with [`Probe::prefix`].
    pub name: String,
    /// The service it is about.
    pub service: Option<String>,
    /// How long one look may take.
    pub within: Duration,
    /// How often it looks; readings that differ among the looks are volatile.
    pub repeat: u32,
    /// What is looked at.
    pub kind: AnyProbe,
}

impl Probe {
    /// What the keys of its readings begin with: `probe.front-page` for a probe named `front page`.
    #[must_use]
    pub fn prefix(&self) -> Key {
        Key::from("probe").child(&key_part(&self.name))
    }
}

/// What must survive the patches: looked at before the patch and after the restart, and compared within the attempt.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Data {
    /// Its name; unique in the scenario. Its keys begin with [`Data::prefix`].
    pub name: String,
    /// The service that keeps it.
    pub service: Option<String>,
    /// How long one look may take.
    pub within: Duration,
    /// What is looked at.
    pub kind: AnyProbe,
}

impl Data {
    /// What the keys of its readings begin with: `data.paid-orders` for what is named `paid orders`.
    #[must_use]
    pub fn prefix(&self) -> Key {
        Key::from(DATA).child(&key_part(&self.name))
    }
}

/// The first part of the keys that say whether data survived.
pub const DATA: &str = "data";

/// The key of how long a service could not be reached.
#[must_use]
pub fn outage_key(service: &str) -> Key {
    Key::from(service).child("outage")
}

/// The part of a key that stands for `name`: spaces, dots and what patterns mean something by become hyphens, so that
/// `probe.front-page.status` has three parts. `load` sees to it that no two probes of a scenario share one.
#[must_use]
pub fn key_part(name: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '@' | ':') || !(c.is_ascii() || c.is_whitespace())
    };
    name.chars().map(|c| if plain(c) { c } else { '-' }).collect()
}

/// What the patch is there to change: in every attempt with it some reading under the key has this value.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Promise {
    /// The keys it speaks of. What is seen after the patch was taken back is not among them.
    pub key: KeyPattern,
    /// The value as text.
    pub becomes: String,
}

/// How many attempts each arm gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Attempts {
    /// Without the patch.
    pub control: u32,
    /// With the patch.
    pub patched: u32,
    /// More of both arms when something is suspect, and as many again while it is open how often something fails.
    pub confirm: u32,
}

/// Which cells are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Which patches are in.
    pub patch: PatchAxis,
    /// Which products are on.
    pub software: SoftwareAxis,
}

/// How the patches of a bundle are given: a failure may be in the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// One after another.
    OneByOne,
    /// Packages that follow one another in one transaction.
    Together,
    /// One cell for each of the two.
    Both,
}

/// Which patches are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchAxis {
    /// One cell with all.
    All,
    /// One cell for each, with those it needs.
    Each,
    /// Both.
    AllAndEach,
}

/// Which products are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftwareAxis {
    /// One cell with all.
    All,
    /// One cell for each, and one without any.
    Each,
    /// The rows of a covering array of any two products, and all together; then what tells which products it takes.
    Pairs,
    /// One cell without any.
    None,
}
