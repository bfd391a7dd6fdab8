//! Laws and examples.

use patchbed_model::{Key, Reading, Snapshot, Value};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Baseline, Volatility, alike, bound, false_alarm, shape};
use crate::strategies::snapshot;

fn with(values: &[Option<&str>]) -> Baseline {
    let snapshots: Vec<Snapshot> = values
        .iter()
        .map(|value| value.iter().map(|text| (Key::from("k"), Reading::content(*text))).collect())
        .collect();
    Baseline::pool(&snapshots)
}

fn volatility(values: &[Option<&str>]) -> Volatility {
    with(values).volatility(&Key::from("k")).expect("it was seen")
}

#[test]
fn readings_are_told_apart_by_how_they_move() {
    let (a, b, c) = (Some("a"), Some("b"), Some("c"));
    assert_eq!(volatility(&[a, a, a]), Volatility::Stable);
    assert_eq!(volatility(&[a, b]), Volatility::FewValued);
    assert_eq!(volatility(&[a, a, b, b]), Volatility::FewValued);
    assert_eq!(volatility(&[a, a, a, b, c]), Volatility::FewValued);
    assert_eq!(volatility(&[a, b, c]), Volatility::Volatile);
    assert_eq!(volatility(&[a, b, c, a]), Volatility::Volatile);
    assert_eq!(volatility(&[a, None, a]), Volatility::PresenceFlaky);
    assert_eq!(volatility(&[a, None, b, a]), Volatility::PresenceFlaky);
}

#[test]
fn one_odd_value_makes_no_reading_volatile() {
    for steady in 2..10 {
        let values: Vec<_> = std::iter::repeat_n(Some("a"), steady).chain([Some("out of time: -")]).collect();
        assert_eq!(volatility(&values), Volatility::FewValued, "{steady} times the same, and once another");
    }
}

#[test]
fn only_what_moves_without_any_shape_may_become_anything() {
    let like = |values: &[&str], now: &str| {
        let pooled = with(&values.iter().map(|text| Some(*text)).collect::<Vec<_>>());
        pooled.entries[&Key::from("k")].moves_like(&Reading::content(now))
    };
    assert!(like(&["up 1 s", "up 2 s", "up 3 s"], "up 44 s"));
    assert!(!like(&["up 1 s", "up 2 s", "up 3 s"], "down!"));
    assert!(like(&["a-b", "c", "d:e"], "f?"));
    // Two shapes that come again are all that there are.
    assert!(!like(&["a-b", "c-d", "e", "f"], "g?"));
    assert!(like(&["a-b", "c-d", "e", "f"], "g-h"));
}

#[test]
fn the_middle_of_many_numbers_stays_where_it_is() {
    let numbers = (0..101).map(|place| f64::from(place * 37 % 101));
    let one = |number| Baseline::pool([&[(Key::from("k"), Reading::metric(number, "ms"))].into_iter().collect()]);
    let pooled = numbers.fold(Baseline::default(), |pooled, number| pooled.joined(&one(number)));
    let entry = &pooled.entries[&Key::from("k")];
    assert_eq!((entry.seen.len(), entry.present()), (super::MOST_VALUES, 101));
    let middle = entry.middle().expect("there are numbers");
    assert!((middle - 50.0).abs() < 10.0, "the middle is {middle}");
}

#[test]
fn the_bounds_are_those_of_the_tables() {
    assert!((bound(3) - 0.63).abs() < 0.005);
    assert!((bound(5) - 0.45).abs() < 0.005);
    assert!((bound(30) - 0.095).abs() < 0.001);
    assert!((false_alarm(2, 1) - 0.25).abs() < 0.001);
    assert!((false_alarm(5, 3) - 0.0084).abs() < 0.0001);
    assert!((false_alarm(1, 5) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn shapes_keep_what_stands_between_words_and_numbers() {
    assert_eq!(shape("worker 17 of 4 started at 10:02"), shape("worker 3 of 12 started at 09:59"));
    assert_eq!(shape("id a1b2"), shape("id 9f00c"));
    assert_ne!(shape("ok (3)"), shape("ok [3]"));
    let text = |text: &str| Value::Text(text.to_owned());
    assert!(!alike(&text("ok"), &Value::Number(1.0)));
    assert!(!alike(&text("a"), &text(&"a".repeat(100))));
}

#[test]
fn pools_of_different_times_contradict_each_other() {
    let a = Some("a");
    assert_eq!(with(&[a, a]).contradictions(&with(&[Some("b"); 3])), [Key::from("k")]);
    assert!(with(&[a, Some("b")]).contradictions(&with(&[Some("b"); 3])).is_empty());
    assert_eq!(with(&[a, a]).contradictions(&with(&[None, None])), [Key::from("k")]);
}

proptest! {
    #[test]
    fn pooling_does_not_depend_on_the_order_of_attempts(snapshots in vec(snapshot(), 0..6), at in 0_usize..6) {
        let mut turned = snapshots.clone();
        turned.rotate_left(at.min(snapshots.len()));
        prop_assert_eq!(Baseline::pool(&snapshots), Baseline::pool(&turned));
    }

    #[test]
    fn joining_is_pooling(first in vec(snapshot(), 0..4), second in vec(snapshot(), 0..4)) {
        let all: Vec<_> = first.iter().chain(&second).collect();
        prop_assert_eq!(Baseline::pool(&first).joined(&Baseline::pool(&second)), Baseline::pool(all));
    }
}
