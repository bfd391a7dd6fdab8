//! The scenario with faults for patches.

use super::fault::Fault;
use super::script::{self, Script, behind_shell};
use crate::scenario::{
    Attempts, Delivery, Matrix, Patch, PatchAxis, Restarting, Scenario, Service, ServiceRun, Software, SoftwareAxis,
    key_part,
};

/// The name of the patch that does nothing: a scenario that notices it moves by itself.
pub const NOTHING: &str = "nothing";

/// How closely a scenario is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Two attempts without the fault and one with it: enough for what makes a state worse or cannot be injected.
    Quick,
    /// As many attempts as the scenario says, and a cell in which nothing is done: what `run` would say.
    Full,
}

/// The scenario with these faults for its patches, each in a cell of its own. All products are on.
#[must_use]
pub fn sabotaged(scenario: Scenario, faults: &[Fault], care: Care) -> Scenario {
    let base = scenario.file.parent().map(ToOwned::to_owned).unwrap_or_default();
    let patch = |name: String, script: &[Script]| Patch {
        name,
        base: base.clone(),
        origin: Vec::new(),
        weight: None,
        after: Vec::new(),
        apply: script.iter().map(Script::change).collect(),
        revert: Vec::new(),
    };
    let nothing = (care == Care::Full).then(|| patch(NOTHING.to_owned(), &nothing(&scenario)));
    let faults = faults.iter().map(|fault| patch(fault.name(), std::slice::from_ref(&fault.script)));
    let software = |product: Software| Software { services: behind(product.services), ..product };
    Scenario {
        patches: nothing.into_iter().chain(faults).collect(),
        bundle: None,
        promises: Vec::new(),
        attempts: match care {
            Care::Quick => Attempts { control: 2, patched: 1, confirm: 0 },
            Care::Full => scenario.attempts,
        },
        rollback: false,
        matrix: Matrix { patch: PatchAxis::Each, software: SoftwareAxis::All },
        delivery: Delivery::OneByOne,
        interrupt: false,
        // What a script leaves for a program is gone after a reboot.
        restart: Restarting::Auto,
        services: behind(scenario.services),
        software: scenario.software.into_iter().map(software).collect(),
        ..scenario
    }
}

/// What every fault does besides, to each service.
fn nothing(scenario: &Scenario) -> Vec<Script> {
    let services = scenario.services.iter().chain(scenario.software.iter().flat_map(|product| &product.services));
    services.map(|service| at(Script::of(script::NOTHING), service)).collect()
}

/// A script that is told which service it is about.
pub(super) fn at(script: Script, service: &Service) -> Script {
    let script = script.told("name", &key_part(&service.name));
    match &service.run {
        ServiceRun::Unit(unit) => script.told("unit", unit),
        ServiceRun::Program { .. } => script,
    }
}

/// The services, with programs behind a line of shell.
fn behind(services: Vec<Service>) -> Vec<Service> {
    let one = |service: Service| {
        let run = match service.run {
            ServiceRun::Program { argv, user, directory, environment } => {
                ServiceRun::Program { argv: behind_shell(&key_part(&service.name), argv), user, directory, environment }
            }
            unit @ ServiceRun::Unit(_) => unit,
        };
        Service { run, ..service }
    };
    services.into_iter().map(one).collect()
}
