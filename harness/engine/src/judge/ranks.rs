//! Two samples of numbers compared by their ranks, without a word about how the numbers are distributed. Pure.

/// The most numbers of one sample that a test looks at: the ways to draw 25 of 50 are still counted exactly in an `f64`.
const MOST: usize = 25;

/// How rare the ranks of one of two samples are, if both are of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chances {
    /// The chance that they would be as high as they are, or higher.
    pub(super) higher: f64,
    /// The chance that they would be as low as they are, or lower.
    pub(super) lower: f64,
}

/// How rare the ranks of `high` are: the exact permutation test of the rank sum (Mann and Whitney 1947), one-sided either
/// way, with middle ranks for equal numbers. Long samples are thinned evenly, which makes them no surer than they are.
pub(super) fn chances(low: &[f64], high: &[f64]) -> Chances {
    let (low, high) = (thinned(low), thinned(high));
    let all: Vec<f64> = low.iter().chain(&high).copied().collect();
    let seen: usize = high.iter().map(|number| double_rank(*number, &all)).sum();
    let ranks: Vec<usize> = all.iter().map(|number| double_rank(*number, &all)).collect();
    let ways = ways_to_draw(high.len(), &ranks);
    let total = ways.iter().sum::<f64>();
    let (higher, lower) = (ways.iter().skip(seen).sum::<f64>(), ways.iter().take(seen + 1).sum::<f64>());
    Chances { higher: higher / total, lower: lower / total }
}

/// The least chance that samples of these sizes can have: none of one reaches any of the other, which is one of all ways
/// to draw them.
pub(super) fn least_chance(low: usize, high: usize) -> f64 {
    let count = |number: usize| f64::from(u32::try_from(number.min(MOST)).unwrap_or_default());
    (1..=high.min(MOST)).map(|place| count(place) / (count(low) + count(place))).product()
}

/// By how much `to` lies above `from`: the middle of the distances of all pairs (Hodges and Lehmann 1963).
pub(super) fn shift(from: &[f64], to: &[f64]) -> Option<f64> {
    middle(from.iter().flat_map(|one| to.iter().map(move |other| other - one)).collect())
}

/// How far two numbers of one sample lie apart: the middle of the distances of all pairs. `None` for fewer than two.
pub(super) fn spread(sample: &[f64]) -> Option<f64> {
    let pairs = sample.iter().enumerate().flat_map(|(place, one)| sample[..place].iter().map(move |other| one - other));
    middle(pairs.map(f64::abs).collect())
}

/// The median.
pub(super) fn middle(mut sample: Vec<f64>) -> Option<f64> {
    sample.sort_by(f64::total_cmp);
    let last = sample.len().checked_sub(1)?;
    Some(f64::midpoint(sample[last / 2], sample[sample.len() / 2]))
}

/// At most [`MOST`] numbers that stand for all, evenly from the least to the greatest.
fn thinned(sample: &[f64]) -> Vec<f64> {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    if sorted.len() <= MOST {
        return sorted;
    }
    (0..MOST).map(|place| sorted[place * (sorted.len() - 1) / (MOST - 1)]).collect()
}

/// Twice the rank of a number among all, so that the rank in the middle of equal ones is whole.
fn double_rank(number: f64, all: &[f64]) -> usize {
    let below = all.iter().filter(|other| **other < number).count();
    let above = all.iter().filter(|other| **other > number).count();
    below + (all.len() - above) + 1
}

/// In how many ways `count` of these ranks have each sum.
fn ways_to_draw(count: usize, ranks: &[usize]) -> Vec<f64> {
    let most: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0; most + 1]; count + 1];
    ways[0][0] = 1.0;
    let mut highest = 0;
    for rank in ranks {
        highest += rank;
        for drawn in (1..=count).rev() {
            for sum in *rank..=highest {
                ways[drawn][sum] += ways[drawn - 1][sum - rank];
            }
        }
    }
    ways.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-12
    }

    fn chance_of_higher(low: &[f64], high: &[f64]) -> f64 {
        chances(low, high).higher
    }

    #[test]
    fn chances_are_those_of_the_tables() {
        for (low, high, chance) in [
            (vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0, 7.0, 8.0], 1.0 / 70.0),
            (vec![1.0, 2.0, 3.0, 5.0], vec![4.0, 6.0, 7.0, 8.0], 2.0 / 70.0),
            (vec![1.0, 2.0], vec![3.0], 1.0 / 3.0),
            (vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0], 1.0 / 20.0),
            (vec![1.0; 5], vec![2.0; 4], 1.0 / 126.0),
            (vec![4.0, 5.0], vec![1.0, 2.0], 1.0),
            (vec![1.0, 2.0], vec![2.0, 3.0], 2.0 / 6.0),
        ] {
            assert!(near(chance_of_higher(&low, &high), chance), "{low:?} {high:?}");
        }
        assert!(near(least_chance(5, 4), 1.0 / 126.0));
        assert!(near(least_chance(400, 30), chance_of_higher(&[0.0; 400], &[1.0; 30])));
    }

    #[test]
    fn shift_and_spread_are_middles_of_distances() {
        assert_eq!(shift(&[1.0, 2.0], &[11.0, 12.0, 100.0]), Some(10.5));
        assert_eq!(spread(&[1.0, 2.0, 4.0]), Some(2.0));
        assert_eq!((spread(&[1.0]), shift(&[], &[1.0]), middle(Vec::new())), (None, None, None));
    }

    fn sample() -> impl Strategy<Value = Vec<f64>> {
        vec((-20_i8..20).prop_map(f64::from), 1..8)
    }

    proptest! {
        #[test]
        fn swapping_the_arms_turns_everything_round(one in sample(), other in sample()) {
            let turned = |sample: &[f64]| -> Vec<f64> { sample.iter().map(|number| -number).collect() };
            let chance = chance_of_higher(&one, &other);
            prop_assert!(near(chance, chance_of_higher(&turned(&other), &turned(&one))));
            prop_assert!(near(chances(&one, &other).lower, chance_of_higher(&other, &one)));
            // What was seen is part of both sides.
            prop_assert!(chance + chance_of_higher(&other, &one) > 1.0 - 1e-12);
            prop_assert!(near(shift(&one, &other).unwrap(), -shift(&other, &one).unwrap()));
        }

        #[test]
        fn only_the_order_of_numbers_counts(one in sample(), other in sample()) {
            let scaled = |sample: &[f64]| -> Vec<f64> { sample.iter().map(|number| number.powi(3) + number * 7.0).collect() };
            prop_assert!(near(chance_of_higher(&one, &other), chance_of_higher(&scaled(&one), &scaled(&other))));
        }

        #[test]
        fn a_chance_is_one_and_is_never_below_the_least(one in sample(), other in sample()) {
            let chance = chance_of_higher(&one, &other);
            prop_assert!(chance <= 1.0 + 1e-12 && chance > least_chance(one.len(), other.len()) - 1e-12);
        }

        #[test]
        fn long_samples_are_answered(one in vec(0.0_f64..1.0, 1..400), more in 0.0_f64..1.0) {
            let chance = chance_of_higher(&one, &[more]);
            prop_assert!(chance > 0.0 && chance <= 1.0 + 1e-12);
        }
    }
}
