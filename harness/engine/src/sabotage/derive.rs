//! Which faults fit a scenario, by what it says. Whether one fits what is really there is seen by its script.

use std::collections::BTreeSet;

use patchbed_kinds::change::AnyChange;
use patchbed_kinds::probe::AnyProbe;
use patchbed_kinds::probe::rows::Rows;

use super::fault::{Fault, FaultKind};
use super::rewrite::at;
use super::script::{self, Script};
use crate::scenario::{Data, Probe, Restart, Scenario, Service, ServiceRun, Software};

/// The most files of one product that are taken away.
const MOST_FILES: usize = 3;

/// The stores of which a row can be dropped, by a word that stands in the unit or the command line of their servers.
const STORES: [(&str, &str); 3] = [("postgres", "postgres"), ("redis", "redis"), ("valkey", "redis")];

/// The faults of these kinds that fit the scenario, each once.
#[must_use]
pub fn faults(scenario: &Scenario, wanted: &[FaultKind]) -> Vec<Fault> {
    let derivation = Derivation { scenario };
    let mut known = BTreeSet::new();
    let mut all: Vec<Fault> = derivation.all();
    all.retain(|fault| wanted.contains(&fault.kind) && known.insert(fault.name()));
    all.sort_by_key(|fault| fault.kind);
    all
}

/// A scenario of which faults are derived.
struct Derivation<'a> {
    scenario: &'a Scenario,
}

impl Derivation<'_> {
    fn all(&self) -> Vec<Fault> {
        let own = self.scenario.services.iter().flat_map(|service| self.of_service(service, FaultKind::StopService));
        let products = self.scenario.software.iter().flat_map(|product| self.of_product(product));
        let data = self.scenario.data.iter().filter_map(of_data);
        own.chain(products).chain(data).chain(self.of_patches()).collect()
    }

    fn of_product(&self, product: &Software) -> Vec<Fault> {
        let services = product.services.iter().flat_map(|service| self.of_service(service, FaultKind::KillHelper));
        let files = files(product).into_iter().take(MOST_FILES).map(|path| Fault {
            kind: FaultKind::RemoveFile,
            script: Script::of(script::REMOVE_FILE).told("given", &path),
            subject: path,
        });
        services.chain(files).chain(product.data.iter().filter_map(of_data)).collect()
    }

    /// What can be done to a service; `stop` is what it is called when it does not run any more.
    fn of_service(&self, service: &Service, stop: FaultKind) -> Vec<Fault> {
        let fault = |kind, subject: &str, script: Script| Fault {
            kind,
            subject: [&service.name, subject].concat(),
            script: at(script, service),
        };
        let mut all = vec![fault(stop, "", Script::of(script::STOP_SERVICE))];
        all.extend(store(service).map(|(store, port)| {
            fault(FaultKind::DropRow, "", Script::of(script::DROP_ROW).told("store", store).told("port", port))
        }));
        if self.is_measured() {
            all.push(fault(FaultKind::Delay, "", Script::of(script::DELAY)));
        }
        // The others show when the service is started again.
        if service.restart == Restart::Never {
            return all;
        }
        all.extend([
            fault(FaultKind::ClosePort, "", Script::of(script::CLOSE_PORT)),
            fault(FaultKind::WrongMode, "'s program", Script::of(script::WRONG_MODE)),
            fault(FaultKind::WrongMode, "'s keys", Script::of(script::BARE_KEY)),
            fault(FaultKind::CorruptConfig, "", Script::of(script::CORRUPT_CONFIG)),
            fault(FaultKind::LeakDescriptors, "", Script::of(script::LEAK_DESCRIPTORS)),
            fault(FaultKind::RemoveLibrary, "", Script::of(script::REMOVE_LIBRARY)),
        ]);
        if let Some((host, port)) = self.web(service) {
            let answers = Script::of(script::RETURN_500).told("host", host).told("port", port);
            all.push(fault(FaultKind::Return500, "", answers));
            all.push(fault(FaultKind::WrongMode, "'s documents", Script::of(script::HIDE_CONTENT)));
        }
        all
    }

    /// What the patches write is what matters here.
    fn of_patches(&self) -> Vec<Fault> {
        let written = self.scenario.patches.iter().flat_map(|patch| patch.apply.iter().flat_map(written));
        let fault = |path: String| Fault {
            kind: FaultKind::CorruptConfig,
            script: Script::of(script::CORRUPT_CONFIG).told("given", &path),
            subject: path,
        };
        written.map(fault).collect()
    }

    /// Where the service answers web requests, as far as the scenario tells.
    fn web<'a>(&'a self, service: &'a Service) -> Option<(&'a str, &'a str)> {
        let place = service.ready.as_ref().and_then(address);
        let is_its_own = |probe: &&Probe| match &probe.service {
            Some(name) => *name == service.name,
            None => place.is_some() && address(&probe.kind).map(|(_, port)| port) == place.map(|(_, port)| port),
        };
        let asked = self.probes().filter(is_its_own).map(|probe| &probe.kind);
        service.ready.iter().chain(asked).filter(|kind| matches!(kind, AnyProbe::Http(_))).find_map(address)
    }

    fn probes(&self) -> impl Iterator<Item = &Probe> {
        self.scenario.probes.iter().chain(self.scenario.software.iter().flat_map(|product| &product.probes))
    }

    /// Whether anything is measured that a delay could show in.
    fn is_measured(&self) -> bool {
        let measures =
            |kind: &AnyProbe| matches!(kind, AnyProbe::Metric(_) | AnyProbe::Latency(_) | AnyProbe::Throughput(_));
        self.probes().any(|probe| measures(&probe.kind))
    }
}

/// The host and the port that a probe asks.
fn address(probe: &AnyProbe) -> Option<(&str, &str)> {
    if let AnyProbe::Tcp(tcp) = probe {
        return tcp.address.rsplit_once(':');
    }
    let AnyProbe::Http(http) = probe else { return None };
    let (_, rest) = http.url.split_once("://")?;
    let place = rest.split(['/', '?']).next()?;
    Some(place.rsplit_once(':').unwrap_or((place, "80")))
}

/// The store that the service is the server of, and its port.
fn store(service: &Service) -> Option<(&'static str, &str)> {
    let line = match &service.run {
        ServiceRun::Unit(unit) => unit.clone(),
        ServiceRun::Program { argv, .. } => argv.join(" "),
    };
    let (_, store) = STORES.into_iter().find(|(word, _)| line.contains(word))?;
    let port = service.ready.as_ref().and_then(address).map_or("6379", |(_, port)| port);
    Some((store, port))
}

/// One row less of what must survive.
fn of_data(data: &Data) -> Option<Fault> {
    let AnyProbe::Rows(rows) = &data.kind else { return None };
    let script = Script::of(script::DROP_ROW).told("table", table(&rows.query).unwrap_or_default());
    Some(Fault { kind: FaultKind::DropRow, subject: data.name.clone(), script: of_store(script, rows)? })
}

/// The script, told where the rows are.
fn of_store(script: Script, rows: &Rows) -> Option<Script> {
    if let Some(path) = &rows.sqlite {
        return Some(script.told("store", "sqlite").told("database", path));
    }
    if let Some(postgres) = &rows.postgres {
        let database = postgres.0.database.as_deref().unwrap_or("postgres");
        return Some(script.told("store", "postgres").told("database", database));
    }
    let redis = rows.redis.as_ref()?;
    Some(script.told("store", "redis").told("port", &redis.0.port.unwrap_or(6379).to_string()))
}

/// The table that a query reads.
fn table(query: &str) -> Option<&str> {
    let mut words = query.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("from"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    words.next().map(|word| word.trim_end_matches([';', ',', ')'])).filter(|word| word.chars().all(plain))
}

/// The files that belong to a product: its roots, else what its installation writes.
fn files(product: &Software) -> Vec<String> {
    if product.files.is_empty() { product.install.iter().flat_map(written).collect() } else { product.files.clone() }
}

/// The paths that a change writes, as far as it says so.
fn written(change: &AnyChange) -> Vec<String> {
    match change {
        AnyChange::Files(files) => files.write.iter().flatten().map(|(path, _)| path.clone()).collect(),
        AnyChange::Deb(_)
        | AnyChange::Pip(_)
        | AnyChange::Npm(_)
        | AnyChange::Diff(_)
        | AnyChange::Remove(_)
        | AnyChange::Command(_) => Vec::new(),
    }
}
