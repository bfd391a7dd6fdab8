//! A plan as data for engines and for `patchbed plan --json`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use patchbed_kinds::change::seconds;
use patchbed_model::event::PlannedCell;
use patchbed_model::text::{one_line, shorten};
use patchbed_model::{Arm, CellId, Digest, Given, Stage};
use patchbed_sandbox::{Host, Limits};

use super::cell::{CellNames, Plan, PlanCell};
use super::ground::Layer;
use super::steps::{Step, steps};

/// The version of the document, as it stands in `schema`.
pub const SCHEMA: &str = "patchbed/plan/1";

/// How many characters of a step a person is shown; the document has all.
const LONGEST_STEP: usize = 120;

/// How wide a line of several steps is.
const WIDEST_LINE: usize = 96;

/// How long attempts of these cells took earlier, in milliseconds.
pub type Durations = BTreeMap<CellNames, u64>;

/// A plan as it is written to a file. Holds no fact of the host.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PlanDocument {
    /// Always `patchbed/plan/1`.
    pub schema: String,
    /// The digest of the plan.
    pub digest: Digest,
    /// The cells.
    pub cells: Vec<PlannedAttempts>,
}

/// One cell of a plan with what will be done in it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PlannedAttempts {
    /// Its place in the plan, from 0.
    pub index: usize,
    /// Its id.
    pub id: CellId,
    /// Its scenario, image, patches and products.
    pub names: CellNames,
    /// The scenario's file, as the user named it.
    pub file: String,
    /// How its patches are given; absent when one after another.
    #[serde(default, skip_serializing_if = "Given::is_usual")]
    pub given: Given,
    /// The arms of the attempts that are made in any case, in order.
    pub attempts: Vec<Arm>,
    /// How many more of each arm are made when something is suspect.
    pub confirm: u32,
    /// The layers below every attempt, the lowest first.
    pub layers: Vec<Layer>,
    /// The steps of an attempt of each arm.
    pub steps: BTreeMap<Arm, Vec<Step>>,
    /// How a sandbox is made on this host; absent where the plan is for any host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sandbox: Vec<String>,
    /// What a sandbox may use.
    pub limits: PlannedLimits,
    /// Whether systemd is process 1, which needs a control group of its own.
    pub systemd: bool,
    /// How long the certain attempts will take together, in milliseconds; absent when never run before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<u64>,
}

/// What a sandbox may use, in plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PlannedLimits {
    /// The whole life of the sandbox, in milliseconds.
    pub time: u64,
    /// Memory of all processes together, in bytes.
    pub memory: u64,
    /// Space in the writable layer, in bytes.
    pub disk: u64,
    /// Processes and threads at one time.
    pub processes: u32,
}

impl From<Limits> for PlannedLimits {
    fn from(limits: Limits) -> Self {
        Self {
            time: u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX),
            memory: limits.memory,
            disk: limits.disk,
            processes: limits.processes,
        }
    }
}

impl Plan {
    /// The plan as data, with estimates from earlier runs, and with the setup steps of sandboxes on `host`. Without one
    /// it is the same on every host.
    #[must_use]
    pub fn document(&self, durations: &Durations, host: Option<&Host>) -> PlanDocument {
        let sandbox = |cell: &PlanCell| host.map(|host| super::ground::sandbox(cell, host)).unwrap_or_default();
        let cells = self
            .cells
            .iter()
            .enumerate()
            .map(|(index, cell)| PlannedAttempts { sandbox: sandbox(cell), ..planned(index, cell, durations) });
        PlanDocument { schema: SCHEMA.to_owned(), digest: self.digest(), cells: cells.collect() }
    }
}

fn planned(index: usize, cell: &PlanCell, durations: &Durations) -> PlannedAttempts {
    let names = cell.names();
    let attempts: Vec<Arm> = cell.attempts().into_iter().map(|attempt| attempt.arm).collect();
    let estimate = durations.get(&names).map(|one| one.saturating_mul(attempts.len() as u64));
    PlannedAttempts {
        index,
        id: cell.id.clone(),
        attempts,
        confirm: cell.scenario.attempts.confirm,
        layers: super::ground::layers(cell),
        steps: [Arm::Control, Arm::Patched].into_iter().map(|arm| (arm, steps(cell, arm))).collect(),
        sandbox: Vec::new(),
        limits: cell.scenario.limits.into(),
        systemd: cell.image().systemd,
        estimate,
        file: cell.scenario.file.to_string(),
        given: cell.given(),
        names,
    }
}

impl PlanDocument {
    /// The plan for a person: cells, then the steps of the patched arm.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (place, cell) in self.cells.iter().enumerate() {
            let before = self.cells.iter().take(place).find(|other| other.sandbox == cell.sandbox);
            cell.write(&mut text);
            cell.write_sandbox(before.map(|other| &other.id), &mut text);
            text.push('\n');
        }
        let attempts: usize = self.cells.iter().map(|cell| cell.attempts.len()).sum();
        let cells = if self.cells.len() == 1 { "1 cell".to_owned() } else { format!("{} cells", self.cells.len()) };
        let _ = writeln!(text, "{cells}, {attempts} attempts; more where something is suspect");
        text
    }
}

/// The steps, as many on a line as fit.
fn packed(steps: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for step in steps {
        let step = shorten(&one_line(step), LONGEST_STEP);
        match lines.last_mut() {
            Some(line) if line.chars().count() + step.chars().count() + 3 <= WIDEST_LINE => {
                let _ = write!(line, " · {step}");
            }
            Some(_) | None => lines.push(step),
        }
    }
    lines
}

impl PlannedAttempts {
    /// What a journal says of it. The title of its scenario is not in a plan.
    pub(crate) fn planned(&self) -> PlannedCell {
        PlannedCell {
            id: self.id.clone(),
            scenario: self.names.scenario.clone(),
            title: self.names.scenario.clone(),
            file: self.file.clone(),
            image: self.names.image.clone(),
            image_digest: None,
            patches: self.names.patches.clone(),
            software: self.names.software.clone(),
            given: self.given,
            trial_of: None,
        }
    }

    // Writing to a string cannot fail.
    fn write(&self, text: &mut String) {
        let names = &self.names;
        let on = names.software.iter().fold(String::new(), |on, product| format!("{on} + {product}"));
        let _ = writeln!(text, "{}  {} · {} · {}{on}", self.id, names.scenario, names.image, names.patches.join(", "));
        let arms: Vec<String> = self.attempts.iter().map(ToString::to_string).collect();
        let _ = write!(text, "  attempts  {}", arms.join(", "));
        if let Some(estimate) = self.estimate {
            let _ = write!(text, "; about {} s", estimate.div_ceil(1000));
        }
        text.push('\n');
        for (place, layer) in self.layers.iter().enumerate() {
            let label = if place == 0 { "layers" } else { "" };
            let line = shorten(&one_line(&layer.text), LONGEST_STEP);
            let _ = writeln!(text, "  {label:<8}  {line}  {}", layer.definition.short());
        }
        let mut last: Option<Stage> = None;
        for step in self.steps.get(&Arm::Patched).into_iter().flatten() {
            let stage = if last == Some(step.stage) { String::new() } else { step.stage.to_string() };
            let _ = write!(text, "  {stage:<8}  {}", shorten(&one_line(&step.text), LONGEST_STEP));
            if let Some(within) = step.within {
                let _ = write!(text, " (at most {})", seconds(Duration::from_millis(within)));
            }
            text.push('\n');
            last = Some(step.stage);
        }
    }

    /// How the sandbox is made: many short steps, so that they stand on few lines, and once for cells that share them.
    fn write_sandbox(&self, same_as: Option<&CellId>, text: &mut String) {
        let lines = match same_as {
            _ if self.sandbox.is_empty() => Vec::new(),
            Some(other) => vec![format!("as {other}")],
            None => packed(&self.sandbox),
        };
        for (place, line) in lines.iter().enumerate() {
            let label = if place == 0 { "sandbox" } else { "" };
            let _ = writeln!(text, "  {label:<8}  {line}");
        }
    }
}
