//! The search in simulated worlds: who is guilty is known, and what trials tell is drawn.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::hunt::Finding::{Guilty, Nobody};
use super::*;

/// A world: a bundle, the sets that are each enough to bring the sign, and how far trials can be trusted in truth.
#[derive(Clone, Debug)]
struct World {
    bundle: Bundle,
    guilty: Vec<Set>,
    truth: Noise,
}

impl World {
    fn of(patches: usize, guilty: &[&[usize]], truth: (f64, f64)) -> Self {
        let bundle = Bundle::new((0..patches).map(|_| (Set::default(), 1.0)));
        let guilty = guilty.iter().map(|set| set.iter().copied().collect()).collect();
        Self { bundle, guilty, truth: Noise { miss: truth.0, alarm: truth.1 } }
    }

    fn tell(&self, set: Set, random: &mut fastrand::Rng) -> Told {
        let is_in = self.guilty.iter().any(|guilty| guilty.is_within(set));
        let chance = if is_in { 1.0 - self.truth.miss } else { self.truth.alarm };
        if random.f64() < chance { Told::Shown } else { Told::Clean }
    }

    /// The answer, and how many trials it took.
    fn solve(&self, seed: u64, noise: Noise) -> (Answer, usize) {
        let question = Question { bundle: self.bundle.clone(), signs: vec![noise], budget: 400, parallel: 1, seed };
        let mut random = fastrand::Rng::with_seed(seed);
        let all = self.bundle.all();
        let mut trials = vec![Trial { set: all, told: vec![Told::Shown] }; 4];
        loop {
            match next_step(&question, &trials) {
                Step::Done(answer) => return (answer, trials.len() - 4),
                Step::Try(sets) => {
                    assert!(!sets.is_empty());
                    for set in sets {
                        assert_eq!(question.bundle.supported(set), set, "a part lacks what it needs");
                        trials.push(Trial { set, told: vec![self.tell(set, &mut random)] });
                    }
                }
            }
        }
    }
}

fn sorted(finding: &Finding) -> Vec<Set> {
    let mut sets = match finding {
        Guilty { sets, .. } => sets.clone(),
        Nobody { .. } | Finding::Open { .. } => Vec::new(),
    };
    sets.sort();
    sets
}

/// How many worlds of a kind are drawn.
const WORLDS: u32 = 20;

/// Exact answers and mean trials of worlds of a kind.
fn row(patches: usize, kind: &str, truth: (f64, f64), belief: (f64, f64)) -> (u32, f64) {
    let (mut right, mut trials) = (0, 0);
    for seed in 0..u64::from(WORLDS) {
        let mut random = fastrand::Rng::with_seed(1000 + seed);
        let mut places: Vec<usize> = (0..patches).collect();
        random.shuffle(&mut places);
        let guilty: Vec<&[usize]> = match kind {
            "one" => vec![&places[..1]],
            "pair" => vec![&places[..2]],
            "two" => vec![&places[..1], &places[1..2]],
            "three" => vec![&places[..1], &places[1..2], &places[2..3]],
            _ => vec![],
        };
        let world = World::of(patches, &guilty, truth);
        let (answer, took) = world.solve(seed, Noise { miss: belief.0, alarm: belief.1 });
        let mut wanted = world.guilty.clone();
        wanted.sort();
        right += u32::from(sorted(&answer.findings[0]) == wanted);
        trials += took;
    }
    (right, f64::from(u32::try_from(trials).unwrap()) / f64::from(WORLDS))
}

#[test]
fn exact_answers_and_trials_in_simulated_worlds() {
    let (none, few, half) = ((0.0, 0.0), (0.1, 0.02), (0.5, 0.01));
    let rows = [
        (7, "one", none, (0.05, 0.01)),
        (32, "one", none, (0.05, 0.01)),
        (64, "one", none, (0.05, 0.01)),
        (7, "pair", none, (0.05, 0.01)),
        (32, "pair", none, (0.05, 0.01)),
        (7, "two", none, (0.05, 0.01)),
        (32, "two", none, (0.05, 0.01)),
        (32, "three", none, (0.05, 0.01)),
        (32, "one", few, (0.15, 0.03)),
        (32, "pair", few, (0.15, 0.03)),
        (32, "one", half, (0.5, 0.01)),
        (32, "pair", half, (0.5, 0.01)),
        (32, "nobody", (0.5, 0.02), (0.1, 0.02)),
    ];
    let mut table = String::from("patches  guilty  miss/alarm  right of 20   trials\n");
    for (patches, kind, truth, belief) in rows {
        let (right, trials) = row(patches, kind, truth, belief);
        let _ = writeln!(table, "{patches:7}  {kind:6}  {:.2}/{:.2}   {right:12}  {trials:6.1}", truth.0, truth.1);
    }
    insta::assert_snapshot!(table);
}

#[test]
fn what_others_need_is_withheld_with_it() {
    // 1 needs 0, and 2 needs 1.
    let bundle = Bundle::new([(Set::default(), 1.0), (Set::one(0), 5.0), (Set::one(1), 1.0), (Set::default(), 1.0)]);
    assert_eq!(bundle.with_needs(Set::one(2)), Set::first(3));
    assert_eq!(bundle.without(Set::one(1)), [0, 3].into_iter().collect());
    assert!((bundle.cost(Set::one(0)) - 7.0).abs() < 1e-9);
    let pair: Set = [0, 3].into_iter().collect();
    assert_eq!(bundle.cheapest_hold(&[pair]), Set::one(3));
}

#[test]
fn the_cheaper_one_of_a_pair_is_withheld_and_the_rest_is_tried() {
    let mut world = World::of(6, &[&[1, 4]], (0.0, 0.0));
    world.bundle = Bundle::new((0..6).map(|place| (Set::default(), if place == 4 { 0.1 } else { 1.0 })));
    let (answer, _) = world.solve(3, Noise::from_counts((4, 4), (0, 5)));
    assert_eq!(sorted(&answer.findings[0]), [[1, 4].into_iter().collect()]);
    assert_eq!(answer.safe, Some(world.bundle.all().minus(Set::one(4))));
}

#[test]
fn a_second_sign_needs_no_trials_of_its_own_when_it_comes_with_the_first() {
    let bundle = Bundle::new((0..16).map(|_| (Set::default(), 1.0)));
    let trials_of = |signs: usize| {
        let noise = Noise::from_counts((4, 4), (0, 5));
        let question =
            Question { bundle: bundle.clone(), signs: vec![noise; signs], budget: 100, parallel: 1, seed: 1 };
        let told = |set: Set| vec![if set.holds(11) { Told::Shown } else { Told::Clean }; signs];
        let mut trials = vec![Trial { set: bundle.all(), told: told(bundle.all()) }; 4];
        while let Step::Try(sets) = next_step(&question, &trials) {
            trials.extend(sets.into_iter().map(|set| Trial { set, told: told(set) }));
        }
        trials.len()
    };
    assert_eq!(trials_of(1), trials_of(9));
}

#[test]
fn a_spent_budget_is_said_and_nobody_is_blamed() {
    let world = World::of(32, &[&[3, 9]], (0.0, 0.0));
    let noise = Noise::from_counts((4, 4), (0, 5));
    let question = Question { bundle: world.bundle.clone(), signs: vec![noise], budget: 3, parallel: 2, seed: 1 };
    let mut trials = vec![Trial { set: world.bundle.all(), told: vec![Told::Shown] }; 4];
    let mut random = fastrand::Rng::with_seed(1);
    let answer = loop {
        match next_step(&question, &trials) {
            Step::Done(answer) => break answer,
            Step::Try(sets) => {
                let told = |set: Set| Trial { set, told: vec![world.tell(set, &mut random)] };
                trials.extend(sets.into_iter().map(told));
            }
        }
    };
    assert_eq!(trials.len() - 4, 3);
    assert!(matches!(answer.findings[0], Finding::Open { .. }), "{answer:?}");
    assert_eq!(answer.safe, None);
}

#[test]
fn where_nothing_can_be_seen_the_search_ends_and_blames_nobody() {
    let bundle = Bundle::new((0..2).map(|_| (Set::default(), 1.0)));
    let noise = Noise::from_counts((4, 4), (0, 5));
    let question = Question { bundle, signs: vec![noise], budget: 1000, parallel: 2, seed: 1 };
    let mut trials = vec![Trial { set: Set::first(2), told: vec![Told::Shown] }; 4];
    let answer = loop {
        match next_step(&question, &trials) {
            Step::Done(answer) => break answer,
            Step::Try(sets) => {
                assert!(!sets.is_empty());
                trials.extend(sets.into_iter().map(|set| Trial { set, told: vec![Told::Open] }));
            }
        }
    };
    assert!(matches!(answer.findings[0], Finding::Open { .. }), "{answer:?}");
    assert!(trials.len() < 20, "{} trials", trials.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Where trials do not err, the guilty sets are told exactly, and the part that is called safe holds none of them;
    /// dependencies never keep the search from its end.
    #[test]
    fn without_noise_the_answer_is_exact(
        patches in 2_usize..20,
        first in 0_usize..20,
        second in 0_usize..20,
        together in any::<bool>(),
        needs in proptest::collection::vec((0_usize..20, 0_usize..20), 0..6),
        seed in any::<u64>(),
    ) {
        let (first, second) = (first % patches, second % patches);
        let needed = |place: usize| {
            let of = needs.iter().map(|(one, other)| (one % patches, other % patches));
            of.filter(|(one, other)| *one == place && other < one).map(|(_, other)| other).collect::<Set>()
        };
        let bundle = Bundle::new((0..patches).map(|place| (needed(place), 1.0)));
        let apart = vec![Set::one(first), Set::one(second)];
        let guilty = if together { vec![[first, second].into_iter().collect()] } else { apart };
        let world = World { bundle, guilty, truth: Noise { miss: 0.0, alarm: 0.0 } };
        let (answer, trials) = world.solve(seed, Noise::from_counts((4, 4), (0, 5)));
        let told = sorted(&answer.findings[0]);
        prop_assert!(!told.is_empty(), "{:?}", answer);
        let least = |sets: &[Set]| {
            let closed: Vec<Set> = sets.iter().map(|set| world.bundle.with_needs(*set)).collect();
            let mut least: Vec<Set> = closed
                .iter()
                .filter(|set| !closed.iter().any(|other| other != *set && other.is_within(**set)))
                .copied()
                .collect();
            least.sort();
            least.dedup();
            least
        };
        prop_assert_eq!(least(&told), least(&world.guilty));
        if let Some(safe) = answer.safe {
            prop_assert!(!world.guilty.iter().any(|set| set.is_within(safe)));
        }
        prop_assert!(trials < 120, "{} trials", trials);
    }
}
