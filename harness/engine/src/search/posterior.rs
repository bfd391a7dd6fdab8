//! How likely each explanation is after what trials told. Trials may miss what is there and see what is not, so no single
//! one decides (Henderson and others 2023, *Flake Aware Culprit Finding*, widened to sets of patches).

use super::bundle::Bundle;
use super::set::Set;

/// How far a trial can be trusted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// The chance that a trial with the guilty patches shows nothing.
    pub miss: f64,
    /// The chance that a trial without them shows it all the same.
    pub alarm: f64,
}

impl Noise {
    /// As estimated from attempts of the whole bundle, of which so many showed it, and of the control arm. Rather too
    /// high: that costs trials and no right answers.
    #[must_use]
    pub fn from_counts((shown, whole): (u32, u32), (alarms, control): (u32, u32)) -> Self {
        let rate = |hits: u32, of: u32| (f64::from(hits) + 0.5) / (f64::from(of) + 1.0);
        let missed = whole.saturating_sub(shown);
        let miss = if missed == 0 { LEAST_MISS } else { rate(missed, whole).clamp(LEAST_MISS, MOST_NOISE) };
        let alarm = if alarms == 0 { LEAST_ALARM } else { rate(alarms, control).clamp(LEAST_ALARM, MOST_NOISE) };
        Self { miss, alarm }
    }

    /// How many trials without a sign say that nothing is there: the chance to miss it in all of them is below 5 %.
    #[must_use]
    pub fn clean_trials(self) -> usize {
        (2..MOST_CLEAN).find(|&trials| self.miss.powi(trials) <= 0.05).unwrap_or(MOST_CLEAN).unsigned_abs() as usize
    }

    fn chance(self, is_guilty_in: bool, shown: bool) -> f64 {
        match (is_guilty_in, shown) {
            (true, true) => 1.0 - self.miss,
            (true, false) => self.miss,
            (false, true) => self.alarm,
            (false, false) => 1.0 - self.alarm,
        }
    }
}

const LEAST_MISS: f64 = 0.05;
const LEAST_ALARM: f64 = 0.01;
const MOST_NOISE: f64 = 0.75;
const MOST_CLEAN: i32 = 8;

/// Who may be guilty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspect {
    /// Nobody: it showed by chance.
    Nobody,
    /// One patch.
    One(usize),
    /// Two patches, only together.
    Pair(usize, usize),
    /// Either of two patches.
    Either(usize, usize),
}

/// How likely these kinds are before any trial.
const NOBODY: f64 = 0.05;
const ONE: f64 = 0.70;
const PAIR: f64 = 0.15;
const EITHER: f64 = 0.10;

impl Suspect {
    /// The least sets of patches that are enough.
    pub(super) fn sets(self) -> Vec<Set> {
        match self {
            Self::Nobody => Vec::new(),
            Self::One(one) => vec![Set::one(one)],
            Self::Pair(one, other) => vec![Set::one(one).union(Set::one(other))],
            Self::Either(one, other) => vec![Set::one(one), Set::one(other)],
        }
    }

    const fn is_in(self, set: Set) -> bool {
        match self {
            Self::Nobody => false,
            Self::One(one) => set.holds(one),
            Self::Pair(one, other) => set.holds(one) && set.holds(other),
            Self::Either(one, other) => set.holds(one) || set.holds(other),
        }
    }
}

/// The explanations with their probabilities, which add up to 1.
#[derive(Clone, Debug)]
pub(super) struct Posterior {
    chances: Vec<(Suspect, f64)>,
    noise: Noise,
}

impl Posterior {
    /// Before any trial, with these patches under suspicion.
    pub(super) fn new(bundle: &Bundle, suspects: Set, noise: Noise) -> Self {
        let places: Vec<usize> = suspects.places().collect();
        let pairs: Vec<(usize, usize)> = places
            .iter()
            .enumerate()
            .flat_map(|(at, one)| places[at + 1..].iter().map(move |other| (*one, *other)))
            // Where one needs the other, the one alone says the same.
            .filter(|(one, other)| !bundle.needs(*one, *other) && !bundle.needs(*other, *one))
            .collect();
        let share = |whole: f64, count: usize| whole / f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX));
        let (one, pair, either) = (share(ONE, places.len()), share(PAIR, pairs.len()), share(EITHER, pairs.len()));
        let mut chances = vec![(Suspect::Nobody, NOBODY)];
        chances.extend(places.iter().map(|&place| (Suspect::One(place), one)));
        chances.extend(pairs.iter().map(|&(first, second)| (Suspect::Pair(first, second), pair)));
        chances.extend(pairs.iter().map(|&(first, second)| (Suspect::Either(first, second), either)));
        let mut posterior = Self { chances, noise };
        posterior.normalise();
        posterior
    }

    /// Takes in what a trial of these patches told.
    pub(super) fn learn(&mut self, set: Set, shown: bool) {
        for (suspect, chance) in &mut self.chances {
            *chance *= self.noise.chance(suspect.is_in(set), shown);
        }
        self.normalise();
    }

    fn normalise(&mut self) {
        let whole: f64 = self.chances.iter().map(|(_, chance)| chance).sum();
        if whole > 0.0 {
            self.chances.iter_mut().for_each(|(_, chance)| *chance /= whole);
        }
    }

    /// The likeliest explanation.
    pub(super) fn best(&self) -> (Suspect, f64) {
        let best = self.chances.iter().max_by(|one, other| one.1.total_cmp(&other.1));
        best.copied().unwrap_or((Suspect::Nobody, 1.0))
    }

    /// The chance that a trial of these patches shows it.
    pub(super) fn shows(&self, set: Set) -> f64 {
        let guilty = self.guilty(set);
        guilty * (1.0 - self.noise.miss) + (1.0 - guilty) * self.noise.alarm
    }

    fn guilty(&self, set: Set) -> f64 {
        self.chances.iter().filter(|(suspect, _)| suspect.is_in(set)).map(|(_, chance)| chance).sum()
    }

    /// How much a trial of these patches is expected to tell, in bits.
    pub(super) fn gain(&self, set: Set) -> f64 {
        let guilty = self.guilty(set);
        entropy(self.shows(set)) - guilty * entropy(self.noise.miss) - (1.0 - guilty) * entropy(self.noise.alarm)
    }
}

/// The entropy of a coin, in bits.
fn entropy(chance: f64) -> f64 {
    let part = |chance: f64| if chance > 0.0 { -chance * chance.log2() } else { 0.0 };
    part(chance) + part(1.0 - chance)
}
