//! The study of error rates: how often something is said of a patch that changes nothing, and how often a patch that does
//! harm is found. Each row of the tables is a hundred cells or more, drawn and judged by the real course of a cell; the seeds
//! are fixed, so that the tables are the same each time. Rates are shares of cells, in percent.

use std::fmt::Write as _;

use patchbed_model::{Arm, Better, Health, Key, Outcome, Reading, Snapshot, Verdict};

use super::trial::{Dice, cell, judged};
use crate::scenario::Attempts;

/// Cells of each row where nothing changes. A rate of 1 % then has a standard error of 0.3.
const TRIALS: u32 = 1_000;

/// The same where much is found, and where a cell has a hundred readings.
const FEWER: u32 = 300;
const FEWEST: u32 = 60;

/// The level: of cells in which the patch changes nothing, something is said of the patch in at most so many percent.
const LEVEL: f64 = 1.0;

/// The same of cells with many metrics.
const LEVEL_OF_MANY: f64 = 5.0;

/// Two standard errors of a rate of the first level.
const TOLERANCE: f64 = 0.6;

/// The attempts of a scenario that says nothing of them.
const USUAL: Attempts = Attempts { control: 2, patched: 1, confirm: 3 };

/// What was said in so many cells of one kind, in percent.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    same: f64,
    undecided: f64,
    changed: f64,
    regressed: f64,
    /// The mean of attempts that were made.
    attempts: f64,
}

impl Said {
    /// Judges so many cells whose attempts are drawn.
    fn of(attempts: Attempts, trials: u32, draw: impl Fn(&mut Dice, Arm, &mut Snapshot)) -> Self {
        let (cell, mut dice, mut said) = (cell(attempts), Dice(1), Self::default());
        let each = 100.0 / f64::from(trials);
        for _ in 0..trials {
            let (judgement, made) = judged(&cell, |arm| {
                let mut snapshot = Snapshot::default();
                snapshot.insert("probe.page.exit", Reading::state("0", Health::Good));
                draw(&mut dice, arm, &mut snapshot);
                Outcome::Observed(snapshot)
            });
            said.attempts += each * f64::from(u32::try_from(made).expect("few attempts are made")) / 100.0;
            *match judgement.verdict {
                Verdict::Same | Verdict::Skipped => &mut said.same,
                Verdict::Unstable | Verdict::Inconclusive => &mut said.undecided,
                Verdict::Changed | Verdict::Improved => &mut said.changed,
                Verdict::Regressed | Verdict::Ineffective => &mut said.regressed,
            } += each;
        }
        said
    }

    fn row(self, name: &str) -> String {
        let Self { same, undecided, changed, regressed, attempts } = self;
        format!("{name:38} {same:5.1} {undecided:9.1} {changed:7.1} {regressed:9.1} {attempts:8.1}\n")
    }
}

/// The head of a table of [`Said::row`]s.
fn head(what: &str) -> String {
    format!("{what:38}  same undecided changed regressed attempts\n")
}

fn stable(_: &mut Dice) -> String {
    "3 orders".to_owned()
}

fn flips<const PERCENT: u64>(dice: &mut Dice) -> String {
    if dice.happens(PERCENT) { "timeout!".to_owned() } else { stable(dice) }
}

fn random(dice: &mut Dice) -> String {
    format!("order {} of {}", dice.below(1_000_000), dice.below(1_000_000))
}

fn shapeless(dice: &mut Dice) -> String {
    let marks = ["a", "7", "-", ":", "/", "?", " b "];
    (0..12).map(|_| marks[usize::try_from(dice.below(7)).expect("seven is small")]).collect()
}

fn contents(number: u32, snapshot: &mut Snapshot, mut draw: impl FnMut() -> String) {
    for place in 0..number {
        snapshot.insert(Key::new(format!("probe.page.part-{place}")), Reading::content(draw()));
    }
}

fn metrics(number: u32, snapshot: &mut Snapshot, mut draw: impl FnMut() -> f64) {
    for place in 0..number {
        snapshot.insert(Key::new(format!("probe.page.time-{place}")), Reading::measured(draw(), "ms", Better::Lower));
    }
}

/// A time of 100 ms that scatters by so many percent.
fn time(dice: &mut Dice, percent: f64) -> f64 {
    100.0 + dice.normal() * percent
}

/// The same with a long tail of slow ones.
fn tailed(dice: &mut Dice, percent: f64) -> f64 {
    100.0 * (dice.normal() * percent / 100.0).exp()
}

fn check(snapshot: &mut Snapshot, fails: bool) {
    let reading = if fails { Reading::state("1", Health::Bad) } else { Reading::state("0", Health::Good) };
    snapshot.insert("probe.check.exit", reading);
}

/// A cell with so many contents of one kind, which the patch does not change.
fn of_contents(number: u32, trials: u32, draw: fn(&mut Dice) -> String) -> Said {
    Said::of(USUAL, trials, move |dice, _, snapshot| contents(number, snapshot, || draw(dice)))
}

/// A cell with so many metrics that scatter by so many percent, which the patch does not change.
fn of_metrics(number: u32, trials: u32, (percent, draw): (f64, fn(&mut Dice, f64) -> f64)) -> Said {
    Said::of(USUAL, trials, move |dice, _, snapshot| metrics(number, snapshot, || draw(dice, percent)))
}

/// A table of cells in which nothing changes, when little is said of them.
fn quiet(level: f64, rows: impl IntoIterator<Item = (String, Said)>) -> String {
    rows.into_iter().fold(head("a patch that changes nothing"), |table, (name, said)| {
        let alarms = said.changed + said.regressed;
        assert!(alarms <= level, "{name}: something is said in {alarms} % of cells");
        table + &said.row(&name)
    })
}

#[test]
fn of_a_patch_that_changes_nothing_little_is_said() {
    let mut rows = vec![
        ("a content that stands".to_owned(), of_contents(1, TRIALS, stable)),
        ("a content that flips in 10 %".to_owned(), of_contents(1, TRIALS, flips::<10>)),
        ("a content with random numbers".to_owned(), of_contents(1, FEWER, random)),
        ("a content without any shape".to_owned(), of_contents(1, FEWER, shapeless)),
    ];
    for percent in [2.0, 5.0, 10.0] {
        rows.push((format!("a metric, normal, SD {percent} %"), of_metrics(1, TRIALS, (percent, time))));
        rows.push((format!("a metric, lognormal, SD {percent} %"), of_metrics(1, TRIALS, (percent, tailed))));
    }
    for percent in [1, 5, 20, 50] {
        let said = Said::of(USUAL, TRIALS, |dice, _, snapshot| check(snapshot, dice.happens(percent)));
        rows.push((format!("a check that fails in {percent} %"), said));
    }
    insta::assert_snapshot!("of_a_patch_that_changes_nothing", quiet(LEVEL + TOLERANCE, rows));
}

#[test]
fn of_many_readings_that_the_patch_does_not_change_little_is_said() {
    let contents = [
        ("100 contents that stand".to_owned(), of_contents(100, FEWEST, stable)),
        ("100 contents that flip in 1 %".to_owned(), of_contents(100, FEWEST, flips::<1>)),
        ("100 contents with random numbers".to_owned(), of_contents(100, FEWEST, random)),
    ];
    let metrics = [
        ("100 metrics, normal, SD 5 %".to_owned(), of_metrics(100, FEWEST, (5.0, time))),
        ("100 metrics, lognormal, SD 10 %".to_owned(), of_metrics(100, FEWEST, (10.0, tailed))),
    ];
    let tables = [quiet(LEVEL, contents), quiet(LEVEL_OF_MANY, metrics)];
    insta::assert_snapshot!("of_many_readings", tables.concat());
}

/// The rule is stricter than one of ranks at 5 % with a margin of 5 %, which calls 40 of 1000 equal metrics worse: ranks have
/// to have a chance of at most 1 %, and the arms to lie apart twice as far as two control attempts do, which is about twice
/// the standard deviation. So of effects of two standard deviations about a third are found with five attempts, and of three
/// about three quarters, where the laxer rule finds four fifths and nearly all.
#[test]
fn a_patch_that_makes_things_slower_is_found_as_far_as_noise_allows() {
    let mut table = "slower by                         0     5    10    20    30 %\n".to_owned();
    for percent in [2.0, 5.0, 10.0] {
        for number in [5, 8] {
            let attempts = Attempts { control: number, patched: number, confirm: 0 };
            let found = [1.0, 1.05, 1.1, 1.2, 1.3].map(|times| {
                let slower = |dice: &mut Dice, arm| time(dice, percent) * if arm == Arm::Patched { times } else { 1.0 };
                Said::of(attempts, FEWER, |dice, arm, snapshot| metrics(1, snapshot, || slower(dice, arm))).regressed
            });
            let rates: Vec<String> = found.iter().map(|rate| format!("{rate:6.1}")).collect();
            // Writing to a string cannot fail.
            let _ = writeln!(table, "SD {percent:2} %, {number} attempts of each arm{}", rates.concat());
            assert!(found[0] <= LEVEL + TOLERANCE, "{percent} %: {found:?}");
            assert!(found.windows(2).all(|pair| pair[0] <= pair[1]), "{percent} %: {found:?}");
            let three = [2.0, 5.0, 10.0].iter().position(|other| *other >= percent).map_or(4, |place| place + 2);
            assert!(found[three] >= 65.0, "{percent} %: {found:?}");
        }
    }
    insta::assert_snapshot!("of_a_patch_that_makes_things_slower", table);
}

/// With one attempt with the patch 70 % of cells see nothing, and nothing that is not seen can be told: who wants to find what
/// fails now and then says so with `attempts: { patched: 10 }`, which misses it in 3 % of cells. What is seen is never `same`
/// again; whether its rate is told as worse is a matter of how many more attempts are made.
#[test]
fn a_patch_that_makes_a_check_fail_now_and_then_is_found_the_surer_the_more_attempts_there_are() {
    let mut table = head("a check that fails in 30 %, before in 0");
    for (patched, missed, told) in [(1, 70.0, 15.0), (2, 49.0, 25.0), (3, 34.3, 40.0), (5, 16.8, 55.0), (10, 2.8, 70.0)]
    {
        let attempts = Attempts { patched, ..USUAL };
        let said = Said::of(attempts, FEWER, |dice, arm, snapshot| {
            check(snapshot, arm == Arm::Patched && dice.happens(30));
        });
        table.push_str(&said.row(&format!("{patched} attempts with the patch at first")));
        assert!((said.same - missed).abs() <= 6.0, "{patched}: missed in {} % of cells", said.same);
        assert!(said.regressed >= told, "{patched}: told in {} % of cells", said.regressed);
        assert!(said.changed <= 0.0, "{patched}: {said:?}");
    }
    insta::assert_snapshot!("of_a_check_that_fails_now_and_then", table);
}

#[test]
fn a_check_that_fails_more_often_than_before_is_found() {
    let mut table = head("a check that fails more often");
    for (before, after) in [(0, 50), (5, 40), (10, 50), (20, 80), (50, 100)] {
        let said = Said::of(Attempts { control: 5, patched: 5, confirm: 3 }, FEWER, |dice, arm, snapshot| {
            check(snapshot, dice.happens(if arm == Arm::Patched { after } else { before }));
        });
        table.push_str(&said.row(&format!("from {before} % to {after} %, 5 attempts of each")));
        assert!(said.regressed >= 50.0 && said.changed <= LEVEL, "{before} % to {after} %: {said:?}");
    }
    insta::assert_snapshot!("of_a_check_that_fails_more_often", table);
}
