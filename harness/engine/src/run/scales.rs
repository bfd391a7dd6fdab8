//! What cells are weighed with besides their outcomes: rules that hold today, accepted baselines and differences.

use patchbed_model::Judgement;

use super::course::Scales;
use super::harness::Harness;
use super::prepare::Ground;
use crate::noise::Baseline;
use crate::plan::PlanCell;
use crate::store::StateError;

/// Gives out scales, and keeps what is to be reviewed.
pub(super) struct Weighing<'a> {
    harness: &'a Harness,
}

impl<'a> Weighing<'a> {
    pub(super) fn new(harness: &'a Harness) -> Self {
        Self { harness }
    }

    /// The scales of a cell, and what is to be said about them.
    pub(super) fn scales(&mut self, cell: &PlanCell, _ground: &Ground) -> Result<(Scales, Vec<String>), StateError> {
        let today = self.harness.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let (rules, over) = cell.scenario.rules.in_force(today);
        let over = over.iter().map(|rule| {
            let last = rule.until.map(|last| last.to_string()).unwrap_or_default();
            format!("rule `{}` ended on {last} and is not applied", rule.key.0)
        });
        Ok((Scales { rules, ..Scales::default() }, over.collect()))
    }

    /// Keeps the candidate of a new baseline, where there is need for one.
    pub(super) fn keep(
        &mut self,
        _cell: &PlanCell,
        _ground: &Ground,
        _control: &Baseline,
        _judgement: &Judgement,
    ) -> Result<Vec<String>, StateError> {
        Ok(Vec::new())
    }

    /// Acceptances that are over, or that no longer occur.
    pub(super) fn leftovers(&self) -> Result<Vec<String>, StateError> {
        self.harness.state.root();
        Ok(Vec::new())
    }
}
