//! What the whole course of a cell makes of readings that move by themselves: attempts of both arms are drawn from
//! distributions, judged, confirmed where they are suspect, and judged again.
#![expect(clippy::unnecessary_wraps, reason = "some distributions have nothing at times")]

use patchbed_model::{Arm, Better, Health, Outcome, Reading, Snapshot, Verdict};

use super::trial::{Dice, cell, judged};
use crate::fixtures::scenario;

/// How often each distribution is tried.
const TRIALS: u64 = 2_000;

/// What one attempt shows; `None` when the reading is not there.
type Draw = fn(&mut Dice) -> Option<String>;

fn constant(_: &mut Dice) -> Option<String> {
    Some("3 orders".to_owned())
}

fn coin(dice: &mut Dice) -> Option<String> {
    Some(if dice.below(2) == 0 { "heads" } else { "tails: again" }.to_owned())
}

fn odd(dice: &mut Dice) -> Option<String> {
    if dice.happens(10) { Some("timeout!".to_owned()) } else { constant(dice) }
}

fn one_shape(dice: &mut Dice) -> Option<String> {
    Some(format!("order {} of {}", dice.below(1_000_000), dice.below(1_000_000)))
}

fn no_shape(dice: &mut Dice) -> Option<String> {
    let marks = ["a", "7", "-", ":", "/", "?", " b "];
    Some((0..12).map(|_| marks[usize::try_from(dice.below(7)).expect("seven is small")]).collect())
}

fn now_and_then(dice: &mut Dice) -> Option<String> {
    if dice.below(2) == 0 { constant(dice) } else { None }
}

/// In how many trials of a thousand something is said about the patch, and in how many the attempts disagree.
fn said(control: Draw, patched: Draw) -> (u64, u64) {
    let mut dice = Dice(1);
    told(|arm| (if arm == Arm::Control { control } else { patched })(&mut dice).map(Reading::content))
}

/// The same of any reading that is drawn.
fn told(mut draw: impl FnMut(Arm) -> Option<Reading>) -> (u64, u64) {
    let cell = cell(scenario().attempts);
    let (mut decided, mut unstable) = (0, 0);
    for _ in 0..TRIALS {
        let (judgement, _) = judged(&cell, |arm| {
            let mut snapshot = Snapshot::default();
            snapshot.insert("probe.page.exit", Reading::state("0", Health::Good));
            if let Some(reading) = draw(arm) {
                snapshot.insert("probe.page.read", reading);
            }
            Outcome::Observed(snapshot)
        });
        match judgement.verdict {
            Verdict::Regressed | Verdict::Changed | Verdict::Improved | Verdict::Ineffective => decided += 1,
            Verdict::Unstable | Verdict::Inconclusive => unstable += 1,
            Verdict::Same | Verdict::Skipped => {}
        }
    }
    (decided * 1_000 / TRIALS, unstable * 1_000 / TRIALS)
}

#[test]
fn arms_drawn_from_one_distribution_raise_no_alarm() {
    let distributions: [(&str, Draw, u64); 6] = [
        ("constant", constant, 0),
        ("coin", coin, 50),
        ("odd", odd, 80),
        ("one shape", one_shape, 0),
        ("no shape", no_shape, 0),
        ("now and then", now_and_then, 50),
    ];
    for (name, draw, disagreeing) in distributions {
        let (decided, unstable) = said(draw, draw);
        assert!(decided <= 8, "{name}: something was said in {decided} of 1000 trials");
        assert!(unstable <= disagreeing, "{name}: attempts disagreed in {unstable} of 1000 trials");
    }
}

#[test]
fn a_value_that_only_the_patch_brings_is_told_whatever_else_moves() {
    let lost: Draw = |_| Some("no orders at all".to_owned());
    for (name, control) in [("constant", constant as Draw), ("coin", coin), ("odd", odd)] {
        let (decided, _) = said(control, lost);
        assert!(decided == 1_000, "{name}: told in {decided} of 1000 trials");
    }
    // What moves all the time is told apart by its shape, and by that it is there at all.
    assert_eq!(said(one_shape, |_| Some("no orders!".to_owned())).0, 1_000);
    assert_eq!(said(one_shape, |_| None).0, 1_000);
}

/// In how many trials of a thousand something is said when the patch makes it slower by these times.
fn slower(times: f64, percent: f64) -> u64 {
    let mut dice = Dice(1);
    let draw = |arm| {
        let number = (100.0 + dice.normal() * percent) * if arm == Arm::Patched { times } else { 1.0 };
        Some(Reading::measured(number, "ms", Better::Lower))
    };
    told(draw).0
}

#[test]
fn a_metric_alarms_when_it_is_far_off_and_not_when_it_scatters() {
    for (times, percent, range) in
        [(1.0, 1.0, 0..=8), (1.0, 15.0, 0..=8), (1.1, 15.0, 0..=30), (1.2, 2.0, 950..=1_000), (3.0, 15.0, 950..=1_000)]
    {
        let said = slower(times, percent);
        assert!(range.contains(&said), "{times} times with {percent} %: told in {said} of 1000 trials");
    }
}
