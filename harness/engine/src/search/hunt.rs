//! From what trials told to the next trials, or to the answer.
//!
//! For each sign of the failure the search asks who brings it, with all trials made so far; a sign that always came with
//! another one needs none of its own. Whoever is found must bring it alone, and without all who were found the bundle
//! must be clean; if it is not, the search goes on in the rest.

use super::bundle::Bundle;
use super::posterior::{Noise, Posterior, Suspect};
use super::set::Set;

/// What is searched.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The bundle.
    pub bundle: Bundle,
    /// The signs of the failure, the gravest first, with how far a trial can be trusted on each.
    pub signs: Vec<Noise>,
    /// The most trials that may be made.
    pub budget: usize,
    /// How many trials are made at once.
    pub parallel: usize,
    /// What candidates are drawn by.
    pub seed: u64,
}

/// What a trial told of one sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It shows.
    Shown,
    /// It does not.
    Clean,
    /// It could not be seen: the trial stopped before, or something else went wrong in its place.
    Open,
}

/// A trial of a part of the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The patches that were in, with all that they need.
    pub set: Set,
    /// What it told of each sign.
    pub told: Vec<Told>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// These parts are to be tried, each once.
    Try(Vec<Set>),
    /// Nothing more is to be tried.
    Done(Answer),
}

/// Who brings what, and what is safe.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Of each sign who brings it.
    pub findings: Vec<Finding>,
    /// The largest part of the bundle, by weight, that was tried and shows no sign; absent when none is known.
    pub safe: Option<Set>,
}

/// Who brings a sign.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// These least sets of patches, each of which is enough.
    Guilty {
        /// The sets.
        sets: Vec<Set>,
        /// How likely that is.
        posterior: f64,
    },
    /// Nobody: it came by chance.
    Nobody {
        /// How likely that is.
        posterior: f64,
    },
    /// The budget was spent before.
    Open {
        /// The likeliest sets.
        sets: Vec<Set>,
        /// How likely they are.
        posterior: f64,
    },
}

impl Finding {
    fn sets(&self) -> &[Set] {
        match self {
            Self::Guilty { sets, .. } => sets,
            Self::Nobody { .. } | Self::Open { .. } => &[],
        }
    }
}

/// From when on an explanation is believed, and put to the proof.
const SURE: f64 = 0.99;
/// How often a set that is blamed must have brought the sign by itself.
const PROOFS: usize = 2;
/// How many parts are drawn before one of them is chosen.
const DRAWN: usize = 64;

/// What is to be tried next, by all that was tried.
#[must_use]
pub fn next_step(question: &Question, trials: &[Trial]) -> Step {
    let mut findings = Vec::new();
    for (sign, noise) in question.signs.iter().enumerate() {
        let hunt = Hunt { question, trials, sign, noise: *noise };
        match hunt.solve() {
            Ok(finding) => findings.push(finding),
            // Where every part fails in another way before it could show the sign, nothing is left to be tried.
            Err(open) if question.is_spent(trials) || open.tries.is_empty() => findings.push(open.finding),
            Err(open) => return question.trying(open.tries, trials),
        }
    }
    question.safe(findings, trials)
}

impl Question {
    fn is_spent(&self, trials: &[Trial]) -> bool {
        self.tried(trials) >= self.budget
    }

    /// How many trials were made: attempts of the whole bundle were there before.
    fn tried(&self, trials: &[Trial]) -> usize {
        trials.iter().filter(|trial| trial.set != self.bundle.all()).count()
    }

    fn trying(&self, mut sets: Vec<Set>, trials: &[Trial]) -> Step {
        sets.truncate(self.budget - self.tried(trials));
        Step::Try(sets)
    }

    /// The answer, once the part that is called safe was seen to be.
    fn safe(&self, findings: Vec<Finding>, trials: &[Trial]) -> Step {
        let guilty: Vec<Set> = findings.iter().flat_map(|finding| finding.sets().to_vec()).collect();
        let is_known = findings.iter().all(|finding| matches!(finding, Finding::Guilty { .. }));
        if !is_known || guilty.is_empty() {
            return Step::Done(Answer { findings, safe: None });
        }
        let rest = self.bundle.without(self.bundle.cheapest_hold(&guilty));
        let of_rest = || trials.iter().filter(|trial| trial.set == rest);
        let clean = of_rest().filter(|trial| trial.told.iter().all(|told| *told == Told::Clean)).count();
        let wanted = self.signs.iter().map(|noise| noise.clean_trials()).max().unwrap_or(PROOFS);
        // Nothing at all is the control arm.
        let is_proved = rest.is_empty() || clean >= wanted;
        let is_refuted = of_rest().count() >= wanted + 2;
        if is_proved || is_refuted || self.is_spent(trials) {
            let safe = (is_proved && !rest.is_empty()).then_some(rest);
            return Step::Done(Answer { findings, safe });
        }
        self.trying(vec![rest; wanted - clean], trials)
    }
}

/// The search for who brings one sign.
struct Hunt<'a> {
    question: &'a Question,
    trials: &'a [Trial],
    sign: usize,
    noise: Noise,
}

/// What is to be tried before a sign is explained, and how far it is explained.
struct Unsolved {
    tries: Vec<Set>,
    finding: Finding,
}

impl Hunt<'_> {
    fn solve(&self) -> Result<Finding, Unsolved> {
        let bundle = &self.question.bundle;
        let (mut found, mut sure): (Vec<Set>, f64) = (Vec::new(), 1.0);
        loop {
            let rest = bundle.without(bundle.cheapest_hold(&found));
            if !found.is_empty() && self.is_clean(rest, &found, sure)? {
                return Ok(Finding::Guilty { sets: found, posterior: sure });
            }
            let (suspect, posterior) = self.suspect(rest, &found)?;
            let sets = suspect.sets();
            if sets.is_empty() {
                return Ok(if found.is_empty() {
                    Finding::Nobody { posterior }
                } else {
                    Finding::Open { sets: found, posterior }
                });
            }
            sure = sure.min(posterior);
            self.prove(&sets, posterior)?;
            found.extend(sets);
        }
    }

    /// Whether nothing is left when one of each of these sets is withheld.
    fn is_clean(&self, rest: Set, found: &[Set], posterior: f64) -> Result<bool, Unsolved> {
        if rest.is_empty() {
            return Ok(true);
        }
        let (shown, clean) = self.count(rest);
        let wanted = self.noise.clean_trials() + 2 * shown;
        if shown >= PROOFS {
            Ok(false)
        } else if clean >= wanted || self.opens(rest) > wanted {
            Ok(true)
        } else {
            let finding = Finding::Open { sets: found.to_vec(), posterior };
            Err(Unsolved { tries: vec![rest; wanted - clean], finding })
        }
    }

    /// Each of these sets must have brought the sign by itself.
    fn prove(&self, sets: &[Set], posterior: f64) -> Result<(), Unsolved> {
        let bundle = &self.question.bundle;
        let lacking = |set: &Set| {
            let set = bundle.with_needs(*set);
            let lacking = PROOFS.saturating_sub(self.count(set).0);
            let is_out = self.opens(set) > PROOFS;
            std::iter::repeat_n(set, if is_out { 0 } else { lacking })
        };
        let tries: Vec<Set> = sets.iter().flat_map(lacking).collect();
        if tries.is_empty() {
            return Ok(());
        }
        Err(Unsolved { tries, finding: Finding::Open { sets: sets.to_vec(), posterior } })
    }

    /// How many trials of exactly these patches showed the sign, and how many did not.
    fn count(&self, set: Set) -> (usize, usize) {
        let of = |wanted| self.told(set).filter(|told| *told == wanted).count();
        (of(Told::Shown), of(Told::Clean))
    }

    fn opens(&self, set: Set) -> usize {
        self.told(set).filter(|told| *told == Told::Open).count()
    }

    fn told(&self, set: Set) -> impl Iterator<Item = Told> {
        let trials = self.trials.iter().filter(move |trial| trial.set == set);
        trials.filter_map(|trial| trial.told.get(self.sign).copied())
    }

    /// Who it is within these patches, besides those who were found.
    fn suspect(&self, rest: Set, found: &[Set]) -> Result<(Suspect, f64), Unsolved> {
        // Where somebody is in who was found, it is no wonder that the sign shows.
        let is_news = |trial: &&(Set, bool)| !found.iter().any(|set| set.is_within(trial.0));
        let told = |trial: &Trial| match trial.told.get(self.sign) {
            Some(Told::Shown) => Some((trial.set, true)),
            Some(Told::Clean) => Some((trial.set, false)),
            Some(Told::Open) | None => None,
        };
        let news: Vec<(Set, bool)> = self.trials.iter().filter_map(told).collect();
        let news: Vec<(Set, bool)> = news.iter().filter(is_news).copied().collect();
        let suspects = self.suspects(rest, &news);
        let mut posterior = Posterior::new(&self.question.bundle, suspects, self.noise);
        for (set, shown) in news {
            // What shows may be of patches that are not under suspicion now.
            if !shown || set.is_within(suspects) {
                posterior.learn(set.common(suspects), shown);
            }
        }
        let (best, chance) = posterior.best();
        if chance >= SURE {
            return Ok((best, chance));
        }
        let tries = self.choose(posterior, suspects, best);
        Err(Unsolved { tries, finding: Finding::Open { sets: best.sets(), posterior: chance } })
    }

    /// Those among whom it is searched: all, but when that takes too long, because no explanation fits that is looked for,
    /// the smallest part in which it showed.
    fn suspects(&self, rest: Set, news: &[(Set, bool)]) -> Set {
        let size = f64::from(u32::try_from(rest.len()).unwrap_or(u32::MAX)).log2();
        let patience = (4.0 * size + 20.0) / (1.0 - self.noise.miss).powi(2);
        if f64::from(u32::try_from(news.len()).unwrap_or(u32::MAX)) < patience {
            return rest;
        }
        let shown = news.iter().filter(|(set, shown)| *shown && set.is_within(rest)).map(|(set, _)| *set);
        shown.min_by_key(|set| set.len()).unwrap_or(rest)
    }

    /// The parts whose trial is expected to tell most, together.
    fn choose(&self, posterior: Posterior, suspects: Set, best: Suspect) -> Vec<Set> {
        let bundle = &self.question.bundle;
        let seed = [self.question.seed, self.trials.len() as u64, self.sign as u64];
        let mut random =
            fastrand::Rng::with_seed(seed.iter().fold(0, |all, part| all.wrapping_mul(31).wrapping_add(*part)));
        let keep = best.sets().into_iter().fold(Set::default(), Set::union);
        let draw = |random: &mut fastrand::Rng| {
            let density = 0.3 + 0.6 * random.f64();
            let drawn: Set = suspects.places().filter(|_| random.f64() < density).collect();
            let drawn = if random.f64() < 0.4 { drawn.union(keep) } else { drawn };
            let whole = if random.bool() { bundle.with_needs(drawn) } else { bundle.supported(drawn) };
            bundle.supported(whole.common(suspects))
        };
        let mut drawn: Vec<Set> = (0..DRAWN).map(|_| draw(&mut random)).collect();
        // What could not be tried twice will not be tried again.
        drawn.retain(|set| !set.is_empty() && self.opens(*set) < 2);
        let mut worlds = vec![(1.0, posterior)];
        let mut chosen = Vec::new();
        for _ in 0..self.question.parallel.clamp(1, 4) {
            if let Some(last) = chosen.last() {
                worlds = worlds.into_iter().flat_map(|(weight, world)| after(weight, &world, *last)).collect();
            }
            let gain = |set: Set| worlds.iter().map(|(weight, world)| weight * world.gain(set)).sum::<f64>();
            let gains = drawn.iter().map(|set| (gain(*set), *set));
            chosen.extend(gains.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, set)| set));
        }
        chosen
    }
}

/// What may be believed after a trial, with the chance of each.
fn after(weight: f64, world: &Posterior, set: Set) -> [(f64, Posterior); 2] {
    let shows = world.shows(set);
    [true, false].map(|shown| {
        let mut next = world.clone();
        next.learn(set, shown);
        (weight * if shown { shows } else { 1.0 - shows }, next)
    })
}
