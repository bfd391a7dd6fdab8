//! The search for the guilty part of a cell's bundle, as a run makes it: which cells are searched, what their trials told,
//! and what is said in the end.

use std::collections::BTreeMap;

use patchbed_model::search::{Answer as Known, Found, Search};
use patchbed_model::{Arm, CellId, Given, Outcome, Record, Verdict};

use super::course::{Course, Scales};
use super::harness::Searching;
use crate::judge::Case;
use crate::plan::PlanCell;
use crate::scenario::{Patch, PatchAxis};
use crate::search::{
    Answer, Bundle, Finding, MOST_PATCHES, Question, Set, Sign, Step, Told, Trial, next_step, noise, signs, told,
};

/// The most trials of a search that nobody asked for.
const BUDGET: usize = 100;

/// The cells whose bundles are searched: of each regression the one with the fewest products, unless one was asked for.
/// What shows in one way of giving the patches alone has its reason in that way, and no part of them is guilty.
pub(super) fn searched(record: &Record, cells: &[&PlanCell], searching: Searching) -> Vec<CellId> {
    let is_bundle = |id: &CellId| {
        let cell = cells.iter().find(|cell| cell.id == *id);
        cell.is_some_and(|cell| {
            let is_wanted = cell.scenario.matrix.patch == PatchAxis::All || matches!(searching, Searching::Asked(_));
            is_wanted && cell.given() != Given::CutOff && (2..=MOST_PATCHES).contains(&cell.patches().count())
        })
    };
    let mut chosen: Vec<CellId> = Vec::new();
    for scenario in &record.scenarios {
        let causes = scenario.causes.iter().filter(|cause| match searching {
            Searching::Never => false,
            Searching::Automatic => cause.verdict == Verdict::Regressed && cause.only_given.is_none(),
            Searching::Asked(_) => matches!(cause.verdict, Verdict::Regressed | Verdict::Changed),
        });
        for cause in causes {
            let showing = || scenario.cells.iter().filter(|cell| cause.cells.contains(&cell.id));
            if showing().any(|cell| cell.search.is_some() || chosen.contains(&cell.id)) {
                continue;
            }
            let smallest = showing().filter(|cell| is_bundle(&cell.id)).min_by_key(|cell| cell.software.len());
            chosen.extend(smallest.map(|cell| cell.id.clone()));
        }
    }
    chosen
}

/// A search under way.
#[derive(Debug)]
pub(super) struct Hunt {
    question: Question,
    signs: Vec<Sign>,
    control: Vec<Outcome>,
    scales: Scales,
    trials: Vec<Trial>,
    /// How many of these are of the whole bundle, from before.
    whole: usize,
    asked: BTreeMap<Set, u32>,
}

impl Hunt {
    /// The search in a cell that was judged; `None` where its attempts show nothing that could be looked for.
    pub(super) fn new(course: &Course, scales: Scales, searching: Searching, jobs: usize) -> Option<Self> {
        let (control, patched) = (course.arm(Arm::Control), course.arm(Arm::Patched));
        let of_case = |case: &Case<'_>| signs(&case.judge(), &control, &patched);
        let signs = course.with_case(&scales, (&control, &patched), of_case);
        if signs.is_empty() {
            return None;
        }
        let bundle = bundle(&course.cell);
        let tell = |outcome| course.with_case(&scales, (&control, &[]), |case| told(&signs, case, outcome));
        let whole: Vec<Vec<Told>> = patched.iter().map(tell).collect();
        let without: Vec<Vec<Told>> = control.iter().map(tell).collect();
        let noises = (0..signs.len()).map(|sign| noise(&whole, &without, sign)).collect();
        let question = Question {
            signs: noises,
            budget: match searching {
                Searching::Never | Searching::Automatic => BUDGET,
                Searching::Asked(budget) => budget,
            },
            parallel: jobs,
            seed: course.cell.id.0.bytes().fold(7, |seed, byte| seed * 31 % 1_000_003 + u64::from(byte)),
            bundle,
        };
        let all = question.bundle.all();
        let trials: Vec<Trial> = whole.into_iter().map(|told| Trial { set: all, told }).collect();
        let whole = trials.len();
        Some(Self { question, signs, control, scales, trials, whole, asked: BTreeMap::new() })
    }

    pub(super) fn step(&self) -> Step {
        next_step(&self.question, &self.trials)
    }

    /// The number of the next attempt of a part.
    pub(super) fn ask(&mut self, set: Set) -> u32 {
        let asked = self.asked.entry(set).or_default();
        *asked += 1;
        *asked
    }

    /// Takes in how a trial ended.
    pub(super) fn learn(&mut self, course: &Course, set: Set, outcome: &Outcome) {
        let told = course.with_case(&self.scales, (&self.control, &[]), |case| told(&self.signs, case, outcome));
        self.trials.push(Trial { set, told });
    }

    /// What is said in the end. Signs that the same patches bring stand together.
    pub(super) fn search(&self, cell: &PlanCell, answer: &Answer) -> Search {
        let patches: Vec<&Patch> = cell.patches().collect();
        let names = |set: Set| set.places().filter_map(|place| Some(patches.get(place)?.name.clone())).collect();
        let mut found: Vec<Found> = Vec::new();
        for (sign, finding) in answer.findings.iter().enumerate() {
            let one = self.found(sign, finding, &names);
            match found.iter_mut().find(|other| (other.answer, &other.sets) == (one.answer, &one.sets)) {
                Some(other) => other.signs.extend(one.signs),
                None => found.push(one),
            }
        }
        let held = answer.safe.map(|safe| self.question.bundle.all().minus(safe)).unwrap_or_default();
        Search {
            patches: patches.len(),
            runs: self.trials.len() - self.whole,
            found,
            safe_subset: answer.safe.map(names).unwrap_or_default(),
            hold: names(held),
            leaves: held
                .places()
                .filter_map(|place| patches.get(place))
                .flat_map(|patch| patch.origin.clone())
                .collect(),
        }
    }

    fn found(&self, sign: usize, finding: &Finding, names: &impl Fn(Set) -> Vec<String>) -> Found {
        let (answer, sets, posterior): (Known, &[Set], f64) = match finding {
            Finding::Guilty { sets, posterior } => (Known::Guilty, sets, *posterior),
            Finding::Nobody { posterior } => (Known::Nobody, &[], *posterior),
            Finding::Open { sets, posterior } => (Known::Open, sets, *posterior),
        };
        let count = |is_with: bool| {
            let is_in = |trial: &&Trial| sets.iter().any(|set| set.is_within(trial.set)) == is_with;
            let told: Vec<Told> =
                self.trials.iter().filter(is_in).filter_map(|trial| trial.told.get(sign).copied()).collect();
            let of = |wanted| u32::try_from(told.iter().filter(|told| **told == wanted).count()).unwrap_or(u32::MAX);
            (of(Told::Shown), of(Told::Shown) + of(Told::Clean))
        };
        let (shown, of) = count(false);
        let control = u32::try_from(self.control.len()).unwrap_or(u32::MAX);
        Found {
            signs: self.signs.get(sign).map(Sign::name).into_iter().collect(),
            answer,
            sets: sets.iter().map(|set| names(*set)).collect(),
            posterior,
            with: count(true),
            without: (shown, of.saturating_add(control)),
        }
    }
}

/// The bundle of a cell, with what its patches need and weigh.
fn bundle(cell: &PlanCell) -> Bundle {
    let patches: Vec<&Patch> = cell.patches().collect();
    let place = |name: &String| patches.iter().position(|patch| patch.name == *name);
    Bundle::new(patches.iter().map(|patch| {
        let needs = patch.after.iter().filter_map(place).collect();
        (needs, patch.weight.map_or(1.0, f64::from))
    }))
}
