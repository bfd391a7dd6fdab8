//! Laws and examples.

use patchbed_model::rule::Amount;
use patchbed_model::{Allow, Difference, Health, Key, Reading, Rules, Snapshot, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Allowed, allows, compare};
use crate::noise::Baseline;
use crate::strategies::{key, rule, rules, snapshot};

fn one(reading: Option<Reading>) -> Snapshot {
    reading.map(|reading| (Key::from("k"), reading)).into_iter().collect()
}

/// The difference of one reading between three equal control attempts and now.
fn difference(before: Option<Reading>, now: Option<Reading>, rules: &Rules) -> Option<Difference> {
    let before = one(before);
    compare(&Baseline::pool([&before, &before, &before]), &one(now), rules).into_iter().next()
}

fn verdict(before: Option<Reading>, now: Option<Reading>) -> Option<Verdict> {
    difference(before, now, &Rules::default()).map(|difference| difference.verdict)
}

#[expect(clippy::unnecessary_wraps, reason = "a side may have no reading")]
fn good(text: &str) -> Option<Reading> {
    Some(Reading::state(text, Health::Good))
}

#[expect(clippy::unnecessary_wraps, reason = "a side may have no reading")]
fn bad(text: &str) -> Option<Reading> {
    Some(Reading::state(text, Health::Bad))
}

#[expect(clippy::unnecessary_wraps, reason = "a side may have no reading")]
fn content(text: &str) -> Option<Reading> {
    Some(Reading::content(text))
}

#[test]
fn a_state_that_got_worse_is_regressed_and_one_that_got_better_improved() {
    assert_eq!(verdict(good("running"), bad("dead")), Some(Verdict::Regressed));
    assert_eq!(verdict(good("open"), None), Some(Verdict::Regressed));
    assert_eq!(verdict(None, bad("crashed")), Some(Verdict::Regressed));
    assert_eq!(verdict(bad("dead"), good("running")), Some(Verdict::Improved));
    assert_eq!(verdict(bad("crashed"), None), Some(Verdict::Improved));
    assert_eq!(verdict(good("active"), good("reloading")), Some(Verdict::Changed));
    assert_eq!(verdict(bad("exit 1"), bad("exit 2")), Some(Verdict::Changed));
    assert_eq!(verdict(None, good("open")), Some(Verdict::Changed));
}

#[test]
fn content_is_changed_and_metrics_and_facts_are_never_alarming() {
    assert_eq!(verdict(content("a"), content("b")), Some(Verdict::Changed));
    assert_eq!(verdict(content("a"), content("a")), None);
    assert_eq!(verdict(Some(Reading::metric(1.0, "ms")), Some(Reading::metric(99.0, "ms"))), None);
    assert_eq!(verdict(Some(Reading::fact("1.0")), Some(Reading::fact("1.1"))), None);
}

#[test]
fn far_more_resources_than_any_attempt_used_are_changed() {
    let used = |unit: &'static str, before: f64, now: f64| {
        verdict(Some(Reading::metric(before, unit)), Some(Reading::metric(now, unit)))
    };
    let mib = 1024.0 * 1024.0;
    assert_eq!(used("bytes", 22.0 * mib, 336.0 * mib), Some(Verdict::Changed));
    assert_eq!(used("bytes", 22.0 * mib, 48.0 * mib), None);
    assert_eq!(used("bytes", 336.0 * mib, 22.0 * mib), None);
    assert_eq!(used("descriptors", 12.0, 512.0), Some(Verdict::Changed));
    assert_eq!(used("threads", 1.0, 9.0), None);
}

#[test]
fn a_rule_about_shapes_excuses_no_state() {
    for allow in [Allow::Shape, Allow::Set] {
        let rules = Rules(vec![rule("k", allow)]);
        let worse = difference(good("200"), bad("500"), &rules).expect("it differs");
        assert_eq!((worse.verdict, worse.counts()), (Verdict::Regressed, true));
    }
}

#[test]
fn a_metric_is_judged_by_a_bound_that_it_breaks() {
    let metric = |number| Some(Reading::metric(number, "ms"));
    let at_most = Rules(vec![rule("k", Allow::AtMost(0.2))]);
    assert_eq!(difference(metric(100.0), metric(119.0), &at_most), None);
    let broken = difference(metric(100.0), metric(121.0), &at_most).expect("it is broken");
    assert_eq!(broken.verdict, Verdict::Regressed);
    let bytes = |number| Some(Reading::metric(number, "bytes"));
    let at_most = |amount| Rules(vec![rule("k", Allow::AtMostNumber(amount))]);
    let verdict = |was, now, amount| difference(was, now, &at_most(amount)).map(|one| one.verdict);
    assert_eq!(verdict(metric(100.0), metric(2000.0), Amount::Seconds(2.0)), None);
    assert_eq!(verdict(metric(100.0), metric(2001.0), Amount::Seconds(2.0)), Some(Verdict::Regressed));
    assert_eq!(verdict(metric(100.0), metric(111.0), Amount::Plain(110.0)), Some(Verdict::Regressed));
    assert_eq!(verdict(bytes(1.0), bytes(1.0), Amount::Seconds(2.0)), Some(Verdict::Changed));
    let within = Rules(vec![rule("k", Allow::WithinNumber(Amount::Plain(5.0)))]);
    assert_eq!(difference(metric(100.0), metric(95.0), &within), None);
    assert_eq!(difference(metric(100.0), metric(106.0), &within).map(|d| d.verdict), Some(Verdict::Changed));
    let within = Rules(vec![rule("k", Allow::Within(0.1))]);
    assert_eq!(difference(metric(100.0), metric(80.0), &within).map(|d| d.verdict), Some(Verdict::Changed));
}

#[test]
fn a_metric_or_fact_under_a_rule_is_changed_when_it_is_gone_or_new() {
    let metric = || Some(Reading::metric(100.0, "ms"));
    let fact = || Some(Reading::fact("1.0"));
    let verdict = |before, now, allow| difference(before, now, &Rules(vec![rule("k", allow)])).map(|one| one.verdict);
    for allow in [Allow::AtMost(0.2), Allow::Within(0.2), Allow::AtLeast(0.2), Allow::Exact] {
        assert_eq!(verdict(metric(), None, allow.clone()), Some(Verdict::Changed));
        assert_eq!(verdict(None, metric(), allow), Some(Verdict::Changed));
    }
    let matches = || Allow::Matches("1[.].*".to_owned());
    assert_eq!(verdict(fact(), None, matches()), Some(Verdict::Changed));
    // A new one is allowed by what speaks of the value alone.
    assert_eq!(verdict(None, fact(), matches()), None);
    assert_eq!(verdict(None, fact(), Allow::OneOf(vec!["2.0".to_owned()])), Some(Verdict::Changed));
    assert_eq!(verdict(fact(), None, Allow::Ignore), None);
}

#[test]
fn a_metric_that_is_there_only_sometimes_may_be_away_under_a_rule() {
    let before = [one(Some(Reading::metric(1.0, "ms"))), one(None)];
    assert!(compare(&Baseline::pool(&before), &one(None), &Rules(vec![rule("k", Allow::AtMost(0.2))])).is_empty());
}

#[test]
fn what_a_rule_allows_is_silenced_and_stays_in_the_list() {
    let mut ignore = rule("k", Allow::Ignore);
    ignore.reason = Some("access log".to_owned());
    let silenced = difference(content("a"), content("b"), &Rules(vec![ignore])).expect("it is counted");
    assert_eq!(silenced.silenced.as_deref(), Some("rule `k`: access log"));
    let set = Rules(vec![rule("k", Allow::Set)]);
    assert!(!difference(content("a\nb"), content("b\na"), &set).expect("it is counted").counts());
    assert!(difference(content("a\nb"), content("b\nc"), &set).expect("it differs").counts());
}

#[test]
fn a_volatile_reading_is_compared_by_shape() {
    let baseline = |texts: &[&str]| Baseline::pool(&texts.iter().map(|t| one(content(t))).collect::<Vec<_>>());
    let moves = baseline(&["worker 1 up", "worker 2 up", "worker 3 up"]);
    let rules = Rules::default();
    assert!(compare(&moves, &one(content("worker 33 up")), &rules).is_empty());
    assert_eq!(compare(&moves, &one(content("worker: down!")), &rules).len(), 1);
    assert_eq!(compare(&moves, &one(None), &rules).len(), 1);
}

#[test]
fn a_volatile_state_keeps_its_health() {
    let before = [one(good("up 1 s")), one(good("up 2 s")), one(good("up: 3"))];
    let compared = |now| compare(&Baseline::pool(&before), &one(now), &Rules::default());
    assert!(compared(good("up 9 s")).is_empty());
    assert_eq!(compared(bad("up 9 s"))[0].verdict, Verdict::Regressed);
}

#[test]
fn a_value_that_no_attempt_showed_is_suspect_where_few_values_come_again() {
    let baseline = |texts: &[&str]| Baseline::pool(&texts.iter().map(|t| one(content(t))).collect::<Vec<_>>());
    let verdict = |texts: &[&str], now: &str| {
        compare(&baseline(texts), &one(content(now)), &Rules::default()).first().map(|difference| difference.verdict)
    };
    let odd = ["3 orders", "3 orders", "3 orders", "3 orders", "timeout!"];
    assert_eq!(verdict(&odd, "0 orders"), Some(Verdict::Changed));
    assert_eq!(verdict(&odd, "timeout!"), None);
    // Of two attempts that differ nobody knows yet whether the third value would be new.
    assert_eq!(verdict(&["3 orders", "timeout!"], "0 orders"), Some(Verdict::Unstable));
    assert_eq!(verdict(&["3 orders", "timeout!"], "timeout!"), None);
}

#[test]
fn what_is_there_only_sometimes_may_be_away() {
    let before = [one(content("a")), one(None)];
    assert!(compare(&Baseline::pool(&before), &one(None), &Rules::default()).is_empty());
}

#[test]
fn a_hostile_expression_is_answered_in_linear_time() {
    let text = "a".repeat(100_000) + "!";
    let pattern = Allow::Matches("(a+)+$".to_owned());
    assert_eq!(allows(&pattern, None, Some(&Reading::content(text))), Allowed::No);
}

#[test]
fn a_bound_is_taken_from_the_middle_of_the_baseline() {
    let numbers = [10.0, 11.0, 1000.0].map(|number| one(Some(Reading::metric(number, "ms"))));
    let rules = Rules(vec![rule("k", Allow::AtMost(0.5))]);
    let compared = |number| compare(&Baseline::pool(&numbers), &one(Some(Reading::metric(number, "ms"))), &rules);
    assert!(compared(16.0).is_empty());
    assert_eq!(compared(17.0).len(), 1);
}

#[test]
fn what_a_rule_allows_more_counts_from_the_middle_of_the_baseline() {
    let seconds = |number| Some(Reading::metric(number, "s"));
    let numbers = [0.1, 0.3, 9.0].map(|number| one(seconds(number)));
    let rules = Rules(vec![rule("k", Allow::AtMostMore(Amount::Seconds(2.0)))]);
    let compared = |number| compare(&Baseline::pool(&numbers), &one(seconds(number)), &rules);
    assert!(compared(0.0).is_empty() && compared(2.3).is_empty());
    let differences = compared(2.5);
    assert_eq!(differences[0].verdict, Verdict::Regressed);
    let share = "2.5 s, 0.3 s of it also without the patch; at most 2 s more allowed";
    assert_eq!(differences[0].evidence, [share]);
}

fn counted(differences: &[Difference]) -> Vec<&Key> {
    differences.iter().filter(|difference| difference.counts()).map(|difference| &difference.key).collect()
}

proptest! {
    #[test]
    fn a_snapshot_does_not_differ_from_itself(snapshot in snapshot(), others in vec(snapshot(), 0..3), rules in rules()) {
        let all: Vec<_> = others.iter().chain([&snapshot]).collect();
        // A rule may speak of the value itself; everything else was seen.
        let differences = compare(&Baseline::pool(all), &snapshot, &Rules::default());
        prop_assert!(counted(&differences).is_empty());
        let differences = compare(&Baseline::pool([&snapshot]), &snapshot, &rules);
        let unbounded = |difference: &&Difference| match &rules.for_key(&difference.key).expect("a rule speaks").allow {
            Allow::Exact | Allow::Ignore | Allow::Shape | Allow::Set => true,
            Allow::Within(_)
            | Allow::AtMost(_)
            | Allow::AtLeast(_)
            | Allow::WithinNumber(_)
            | Allow::AtMostNumber(_)
            | Allow::AtMostMore(_)
            | Allow::AtLeastNumber(_)
            | Allow::Matches(_)
            | Allow::OneOf(_) => false,
        };
        prop_assert!(!differences.iter().filter(|one| one.counts()).any(|one| unbounded(&one)));
    }

    #[test]
    fn ignoring_never_adds_a_difference(before in vec(snapshot(), 1..4), now in snapshot(), mut rules in rules(), key in key()) {
        let baseline = Baseline::pool(&before);
        let strict = compare(&baseline, &now, &rules);
        rules.0.push(rule(key.as_str(), Allow::Ignore));
        let loose = compare(&baseline, &now, &rules);
        let strict = counted(&strict);
        prop_assert!(counted(&loose).iter().all(|key| strict.contains(key)));
    }

    #[test]
    fn widening_a_bound_never_adds_a_difference(
        before in vec(snapshot(), 1..4),
        now in snapshot(),
        (narrow, more) in (0.0_f64..2.0, 0.0_f64..2.0),
        which in 0_usize..3,
    ) {
        let bound = [Allow::Within, Allow::AtMost, Allow::AtLeast][which];
        let baseline = Baseline::pool(&before);
        let with = |share| compare(&baseline, &now, &Rules(vec![rule("*", bound(share))]));
        let (strict, loose) = (with(narrow), with(narrow + more));
        let strict = counted(&strict);
        prop_assert!(counted(&loose).iter().all(|key| strict.contains(key)));
    }

    #[test]
    fn set_and_shape_never_add_a_difference_to_exact(before in vec(snapshot(), 1..4), now in snapshot(), shape: bool) {
        let baseline = Baseline::pool(&before);
        let with = |allow| compare(&baseline, &now, &Rules(vec![rule("*", allow)]));
        let (strict, loose) = (with(Allow::Exact), with(if shape { Allow::Shape } else { Allow::Set }));
        let strict = counted(&strict);
        prop_assert!(counted(&loose).iter().all(|key| strict.contains(key)));
    }

    #[test]
    fn differences_are_in_the_order_of_their_keys(before in vec(snapshot(), 1..4), now in snapshot(), rules in rules()) {
        let differences = compare(&Baseline::pool(&before), &now, &rules);
        prop_assert!(differences.windows(2).all(|pair| pair[0].key < pair[1].key));
    }

    #[test]
    fn every_rule_answers_every_value(allow in "\\PC{0,12}", reading in crate::strategies::reading()) {
        let _ = allows(&Allow::Matches(allow), None, Some(&reading));
    }
}
