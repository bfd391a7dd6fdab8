//! What one attempt does, step by step, as data: for `patchbed plan`, and to read what a verdict rests on.

use std::time::Duration;

use patchbed_model::text::first_line;
use patchbed_model::{Arm, Given, Stage};

use super::cell::PlanCell;
use crate::scenario::{Service, ServiceRun, When};

/// One step of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Step {
    /// The stage it belongs to.
    pub stage: Stage,
    /// What it does, in one line.
    pub text: String,
    /// Its limit in milliseconds, when it has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<u64>,
}

/// The steps of an attempt of this arm, in order.
#[must_use]
pub fn steps(cell: &PlanCell, arm: Arm) -> Vec<Step> {
    let mut list = Steps(Vec::new());
    list.open(cell);
    for service in cell.services() {
        list.add(Stage::Start, format!("start {}", service_text(service)), Some(service.within));
    }
    list.workloads(cell, When::Before);
    for data in cell.data() {
        list.add(Stage::Exercise, format!("remember {} ({})", data.name, data.kind.kind()), Some(data.within));
    }
    list.apply(cell, arm);
    list.restart(cell, arm);
    list.workloads(cell, When::After);
    list.observe(cell);
    if cell.scenario.rollback && arm == Arm::Patched {
        list.add(Stage::Revert, "take the patches back, restart, look again".to_owned(), None);
    }
    list.add(Stage::Close, "end everything inside".to_owned(), None);
    list.0
}

struct Steps(Vec<Step>);

impl Steps {
    fn add(&mut self, stage: Stage, text: String, within: Option<Duration>) {
        let within = within.map(|within| u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
        self.0.push(Step { stage, text, within });
    }

    fn open(&mut self, cell: &PlanCell) {
        let image = cell.image();
        let init = if image.systemd { ", systemd as process 1" } else { "" };
        let limit = cell.scenario.limits.time;
        self.add(Stage::Open, format!("open image {} ({}){init}", image.name, image.source.kind()), Some(limit));
        for product in cell.software() {
            let kinds: Vec<&str> = product.install.iter().map(patchbed_kinds::change::AnyChange::kind).collect();
            self.add(Stage::Install, format!("install {} ({})", product.name, kinds.join(", ")), None);
        }
    }

    fn workloads(&mut self, cell: &PlanCell, when: When) {
        for workload in cell.workloads().filter(|workload| workload.when == when) {
            self.add(Stage::Exercise, format!("run {}", workload.name), Some(workload.within));
        }
    }

    fn apply(&mut self, cell: &PlanCell, arm: Arm) {
        if cell.scenario.automatic && !cell.services().is_empty() && cell.given() != Given::CutOff {
            let until = if cell.reboots() { "the patch is in" } else { "they are restarted" };
            self.add(Stage::Apply, format!("watch the ports of services until {until}"), None);
        }
        self.workloads(cell, When::During);
        match arm {
            Arm::Control => self.add(Stage::Apply, "apply nothing".to_owned(), None),
            Arm::Patched => {
                for patch in cell.patches() {
                    let kinds: Vec<&str> = patch.apply.iter().map(patchbed_kinds::change::AnyChange::kind).collect();
                    let how = match cell.given() {
                        Given::OneByOne => "",
                        Given::Together => ", packages in one transaction",
                        Given::CutOff => ", cut off at a point that is drawn",
                    };
                    self.add(Stage::Apply, format!("apply {} ({}){how}", patch.name, kinds.join(", ")), None);
                }
            }
        }
    }

    fn restart(&mut self, cell: &PlanCell, arm: Arm) {
        if cell.reboots() {
            self.add(Stage::Restart, "stop the services, end everything, start the same disk again".to_owned(), None);
            if cell.given() == Given::CutOff && arm == Arm::Patched {
                self.add(Stage::Apply, "mend what was cut off".to_owned(), None);
            }
        }
        for service in cell.services() {
            let verb = match (cell.reboots(), cell.restarts(service)) {
                (true, _) => "start",
                (false, true) => "restart",
                (false, false) => continue,
            };
            self.add(Stage::Restart, format!("{verb} {}", service_text(service)), Some(service.within));
        }
        if !cell.scenario.watch.is_zero() {
            self.add(Stage::Observe, "watch".to_owned(), Some(cell.scenario.watch));
        }
    }

    fn observe(&mut self, cell: &PlanCell) {
        for data in cell.data() {
            self.add(Stage::Observe, format!("compare {} with before", data.name), Some(data.within));
        }
        if cell.scenario.automatic {
            let programs = if cell.unprobed().iter().any(Option::is_some) { ", imports, scripts" } else { "" };
            self.add(
                Stage::Observe,
                format!("look at services and their front pages, packages, files, crashes{programs}"),
                None,
            );
        }
        for probe in cell.probes() {
            let times = if probe.repeat > 1 { format!(", {} times", probe.repeat) } else { String::new() };
            let text = format!("probe {} ({}){times}", probe.name, probe.kind.kind());
            self.add(Stage::Observe, text, Some(probe.within));
        }
        for product in cell.software().filter(|product| product.degraded.is_some()) {
            self.add(Stage::Observe, format!("ask whether {} is degraded", product.name), None);
        }
    }
}

fn service_text(service: &Service) -> String {
    match &service.run {
        ServiceRun::Unit(unit) if *unit == service.name => unit.clone(),
        ServiceRun::Unit(unit) => format!("{} (unit {unit})", service.name),
        ServiceRun::Program { argv, .. } => format!("{} ({})", service.name, first_line(&argv.join(" "))),
    }
}
