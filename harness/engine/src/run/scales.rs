//! What cells are weighed with besides their outcomes: rules that hold today, accepted baselines and differences. And
//! what is left for a person to review: candidates of new baselines, acceptances that no longer occur.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use jiff::civil::Date;
use patchbed_model::id::Hasher;
use patchbed_model::{Acceptance, Digest, Health, Judgement, RunId, Verdict};

use super::course::Scales;
use super::harness::{BaselineChoice, Candidates, Harness};
use super::prepare::Ground;
use crate::judge::Pool;
use crate::noise::Baseline;
use crate::plan::{CellNames, PlanCell};
use crate::store::{Committed, Found, Header, StateError, Stored};

/// How many days an accepted baseline may stand for control attempts.
const FRESH: i32 = 30;

/// On how many attempts it has to rest: of fewer it is not known what moves by itself.
const FEWEST: u32 = 2;

/// Gives out scales, and keeps what is to be reviewed.
pub(super) struct Weighing<'a> {
    harness: &'a Harness,
    run: RunId,
    committed: Option<Committed>,
    /// Accepted differences of each scenario.
    accepted: BTreeMap<String, Vec<Acceptance>>,
    /// Those that spoke of some cell, and whether they were needed.
    spoke: BTreeMap<(String, usize), bool>,
    /// What is said of those that spoke of some cell and whose last day is over.
    expired: BTreeSet<String>,
    /// The control attempts of this run by environment, of all cells that share it.
    pools: BTreeMap<Utf8PathBuf, (Digest, Baseline)>,
}

impl<'a> Weighing<'a> {
    pub(super) fn new(harness: &'a Harness, run: RunId) -> Self {
        let committed = harness.options.snapshots.as_deref().map(Committed::at);
        let (accepted, spoke, pools) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { harness, run, committed, accepted, spoke, expired: BTreeSet::new(), pools }
    }

    /// The scales of a cell whose control attempts of this run are `control`, and what is to be said about them. Without
    /// a ground nobody knows what environment it is, and no stored baseline speaks of it.
    pub(super) fn scales(
        &mut self,
        cell: &PlanCell,
        ground: Option<&Ground>,
        control: &Baseline,
    ) -> Result<(Scales, Vec<String>), StateError> {
        let today = self.today();
        let (rules, over) = cell.scenario.rules.in_force(today);
        let over = over.iter().map(|rule| {
            let last = rule.until.map(|last| last.to_string()).unwrap_or_default();
            format!("rule `{}` ended on {last} and is not applied", rule.key.0)
        });
        let mut notes: Vec<String> = over.collect();
        let stored = match ground {
            Some(ground) => self.stored(cell, ground, control, &mut notes)?,
            None => None,
        };
        let accepted = self.accepted_for(&cell.names(), today)?;
        let pool = match self.harness.options.baseline {
            BaselineChoice::Control | BaselineChoice::Both => Pool::Both,
            BaselineChoice::Stored => Pool::Stored,
        };
        Ok((Scales { rules, stored, pool, accepted }, notes))
    }

    /// The accepted baseline, where it speaks of the very same environment and does not contradict what is seen now.
    fn stored(
        &self,
        cell: &PlanCell,
        ground: &Ground,
        control: &Baseline,
        notes: &mut Vec<String>,
    ) -> Result<Option<Baseline>, StateError> {
        let Some(found) = self.found(cell)? else {
            return Ok(None);
        };
        if found.stored.header.environment != environment(cell, ground) {
            notes.push("the accepted baseline is of another environment and is not used".to_owned());
            return Ok(None);
        }
        // Without attempts of this run the baseline stands alone.
        let contradictions =
            if control.attempts == 0 { Vec::new() } else { control.contradictions(&found.stored.baseline) };
        match (self.harness.options.baseline, contradictions.first()) {
            (BaselineChoice::Stored, _) | (_, None) => Ok(Some(found.stored.baseline)),
            (BaselineChoice::Control | BaselineChoice::Both, Some(key)) => {
                let more = contradictions.len() - 1;
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                notes.push(format!("the environment moved since its baseline was accepted: `{key}`{more}"));
                Ok(None)
            }
        }
    }

    /// Whether the accepted baseline may stand for the attempts without the patch, and what is to be said then: it is of
    /// the very same environment and not old, it rests on several attempts, and nothing was ill in any of them.
    pub(super) fn trusted(&self, cell: &PlanCell, ground: &Ground) -> Result<Option<String>, StateError> {
        let Some(Stored { header, baseline }) = self.found(cell)?.map(|found| found.stored) else {
            return Ok(None);
        };
        let is_fresh = self.today().since(header.when).is_ok_and(|age| (0..=FRESH).contains(&age.get_days()));
        let was_well = baseline.entries.values().all(|entry| entry.times(Health::Bad) == 0);
        let is_trusted =
            is_fresh && was_well && baseline.attempts >= FEWEST && header.environment == environment(cell, ground);
        let text = || {
            let (attempts, when) = (baseline.attempts, header.when);
            format!(
                "the accepted baseline ({attempts} attempts, {when}) stands for attempts without the patch, unless something differs"
            )
        };
        Ok(is_trusted.then(text))
    }

    fn found(&self, cell: &PlanCell) -> Result<Option<Found>, StateError> {
        match (&self.committed, self.harness.options.baseline) {
            (None, _) | (_, BaselineChoice::Control) => Ok(None),
            (Some(committed), BaselineChoice::Stored | BaselineChoice::Both) => committed.baseline(&cell.names()),
        }
    }

    /// The accepted differences that speak of this cell and still hold.
    fn accepted_for(&mut self, names: &CellNames, today: Date) -> Result<Vec<Acceptance>, StateError> {
        let Some(committed) = &self.committed else {
            return Ok(Vec::new());
        };
        if !self.accepted.contains_key(&names.scenario) {
            self.accepted.insert(names.scenario.clone(), committed.accepted(&names.scenario)?);
        }
        let mut holding = Vec::new();
        for (place, acceptance) in self.accepted.get(&names.scenario).into_iter().flatten().enumerate() {
            if !speaks_of(acceptance, names) {
                continue;
            }
            if let Some(last) = acceptance.until.filter(|last| *last < today) {
                let (scenario, key) = (&names.scenario, &acceptance.key);
                self.expired.insert(format!("{scenario}: the acceptance of `{key}` expired on {last}"));
                continue;
            }
            self.spoke.entry((names.scenario.clone(), place)).or_default();
            holding.push(acceptance.clone());
        }
        Ok(holding)
    }

    /// Takes note of a judgement: which acceptances were needed, and whether the baseline has to be reviewed.
    pub(super) fn keep(
        &mut self,
        cell: &PlanCell,
        ground: Option<&Ground>,
        control: &Baseline,
        judgement: &Judgement,
    ) -> Result<Vec<String>, StateError> {
        let names = cell.names();
        self.needed(&names, judgement);
        let well = match judgement.verdict {
            Verdict::Inconclusive | Verdict::Unstable | Verdict::Skipped => false,
            Verdict::Same | Verdict::Improved | Verdict::Changed | Verdict::Ineffective | Verdict::Regressed => true,
        };
        if !well || self.harness.options.candidates == Candidates::Skip || control.attempts < 2 {
            return Ok(Vec::new());
        }
        let (Some(committed), Some(ground)) = (self.committed.clone(), ground) else {
            return Ok(Vec::new());
        };
        let file = committed.candidate_file(&names);
        let environment = environment(cell, ground);
        let told = self.pools.contains_key(&file);
        let pooled = match self.pools.remove(&file) {
            Some((of, earlier)) if of == environment => earlier.joined(control),
            Some(_) | None => control.clone(),
        };
        let written = self.candidate(&committed, &names, &environment, &pooled)?;
        self.pools.insert(file.clone(), (environment, pooled));
        Ok(if written && !told { vec![format!("a new baseline waits for review: {file}")] } else { Vec::new() })
    }

    /// Writes the candidate, or removes one for which there is no reason any more. What was learnt of the very same
    /// environment before is part of it.
    fn candidate(
        &self,
        committed: &Committed,
        names: &CellNames,
        environment: &Digest,
        pooled: &Baseline,
    ) -> Result<bool, StateError> {
        let file = committed.candidate_file(names);
        let accepted = committed.baseline(names)?;
        let same = accepted.as_ref().map(|found| &found.stored).filter(|stored| {
            stored.header.environment == *environment && pooled.contradictions(&stored.baseline).is_empty()
        });
        let learnt = |stored: &Stored| {
            let moving: BTreeSet<_> = stored.baseline.moving().into_iter().collect();
            pooled.moving().iter().all(|key| moving.contains(key))
        };
        if same.is_some_and(learnt) {
            committed.remove(&file)?;
            return Ok(false);
        }
        let baseline = same.map_or_else(|| pooled.clone(), |stored| pooled.clone().joined(&stored.baseline));
        let header = Header {
            patchbed: Header::format(),
            scenario: names.scenario.clone(),
            image: names.image.clone(),
            software: names.software.clone(),
            environment: environment.clone(),
            attempts: baseline.attempts,
            when: self.today(),
            run: Some(self.run.clone()),
            replaces: accepted.map(|found| found.digest),
        };
        committed.write(&file, &Stored { header, baseline })?;
        Ok(true)
    }

    /// Takes note of a judgement from before the run was cut off: which acceptances it needed.
    pub(super) fn remember(&mut self, names: &CellNames, judgement: &Judgement) -> Result<(), StateError> {
        self.accepted_for(names, self.today())?;
        self.needed(names, judgement);
        Ok(())
    }

    fn needed(&mut self, names: &CellNames, judgement: &Judgement) {
        let accepted = self.accepted.get(&names.scenario).map(Vec::as_slice).unwrap_or_default();
        for (place, acceptance) in accepted.iter().enumerate() {
            if let Some(needed) = self.spoke.get_mut(&(names.scenario.clone(), place)) {
                *needed |=
                    speaks_of(acceptance, names) && judgement.differences.iter().any(|one| acceptance.covers(one));
            }
        }
    }

    /// Acceptances that spoke of cells of this run: those that expired, and those that nothing showed any more.
    pub(super) fn leftovers(&self) -> Vec<String> {
        let unused = self.spoke.iter().filter(|(_, needed)| !**needed).filter_map(|((scenario, place), _)| {
            let acceptance = self.accepted.get(scenario)?.get(*place)?;
            Some(format!("{scenario}: the accepted difference of `{}` no longer occurs", acceptance.key))
        });
        self.expired.iter().cloned().chain(unused).collect()
    }

    fn today(&self) -> Date {
        self.harness.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date()
    }
}

/// The digest of all that decides what is seen without a patch.
fn environment(cell: &PlanCell, ground: &Ground) -> Digest {
    Hasher::new().part(ground.image.digest.to_string()).part(cell.environment().to_string()).finish()
}

fn speaks_of(acceptance: &Acceptance, names: &CellNames) -> bool {
    acceptance.speaks_of(&names.image, &names.patches, &names.software)
}
