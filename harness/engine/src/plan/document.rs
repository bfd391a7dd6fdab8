//! A plan as data for engines and for `patchbed plan --json`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use patchbed_kinds::change::seconds;
use patchbed_model::text::{one_line, shorten};
use patchbed_model::{Arm, CellId, Digest, Stage};
use patchbed_sandbox::Limits;

use super::cell::{CellNames, Plan, PlanCell};
use super::steps::{Step, steps};

/// How many characters of a step a person is shown; the document has all.
const LONGEST_STEP: usize = 120;

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
    /// The arms of the attempts that are made in any case, in order.
    pub attempts: Vec<Arm>,
    /// How many more of each arm are made when something is suspect.
    pub confirm: u32,
    /// The steps of an attempt of each arm.
    pub steps: BTreeMap<Arm, Vec<Step>>,
    /// What a sandbox may use.
    pub limits: Limits,
    /// Whether systemd is process 1, which needs a control group of its own.
    pub systemd: bool,
    /// How long the certain attempts will take together, in milliseconds; absent when never run before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<u64>,
}

impl Plan {
    /// The plan as data, with estimates from earlier runs.
    #[must_use]
    pub fn document(&self, durations: &Durations) -> PlanDocument {
        let cells = self.cells.iter().enumerate().map(|(index, cell)| planned(index, cell, durations));
        PlanDocument { schema: "patchbed/plan/1".to_owned(), digest: self.digest(), cells: cells.collect() }
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
        steps: [Arm::Control, Arm::Patched].into_iter().map(|arm| (arm, steps(cell, arm))).collect(),
        limits: cell.scenario.limits,
        systemd: cell.image().systemd,
        estimate,
        names,
    }
}

impl PlanDocument {
    /// The plan for a person: cells, then the steps of the patched arm.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for cell in &self.cells {
            cell.write(&mut text);
        }
        let attempts: usize = self.cells.iter().map(|cell| cell.attempts.len()).sum();
        let cells = if self.cells.len() == 1 { "1 cell".to_owned() } else { format!("{} cells", self.cells.len()) };
        let _ = writeln!(text, "{cells}, {attempts} attempts; more where something is suspect");
        text
    }
}

impl PlannedAttempts {
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
        text.push('\n');
    }
}
