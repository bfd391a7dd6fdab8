//! Laws and examples.

use patchbed_model::rule::KeyPattern;
use patchbed_model::{
    Allow, Better, Blame, Cause, CauseKind, Health, Judgement, Outcome, Reading, Rules, Snapshot, Stage, Verdict,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Case, judge};
use crate::scenario::Promise;
use crate::strategies::{outcome, rule, rules, snapshot};

fn seen(readings: &[(&str, Reading)]) -> Outcome {
    let mut snapshot = Snapshot::default();
    for (key, reading) in readings {
        snapshot.insert(*key, reading.clone());
    }
    Outcome::Observed(snapshot)
}

fn exit(status: &str) -> Outcome {
    let health = if status == "0" { Health::Good } else { Health::Bad };
    seen(&[("probe.page.exit", Reading::state(status, health))])
}

fn stop(blame: Blame, stage: Stage) -> Outcome {
    let (kind, subject) = (CauseKind::ChangeFailed, "fix".to_owned());
    Outcome::Stopped(Cause { kind, stage, blame, subject, text: "it stopped".to_owned(), evidence: Vec::new() })
}

fn verdict(control: &[Outcome], patched: &[Outcome]) -> Verdict {
    judge(control, patched, &Rules::default()).verdict
}

#[test]
fn stops_are_judged_by_whose_fault_they_are() {
    let fine = [exit("0"), exit("0")];
    assert_eq!(verdict(&fine, &[stop(Blame::Patch, Stage::Apply)]), Verdict::Regressed);
    assert_eq!(verdict(&fine, &[stop(Blame::Environment, Stage::Open)]), Verdict::Inconclusive);
    assert_eq!(verdict(&fine, &[stop(Blame::Harness, Stage::Observe)]), Verdict::Inconclusive);
    assert_eq!(verdict(&fine, &[stop(Blame::Scenario, Stage::Start)]), Verdict::Unstable);
    assert_eq!(verdict(&fine, &[exit("0"), stop(Blame::Patch, Stage::Apply)]), Verdict::Unstable);
    assert_eq!(verdict(&[exit("0"), stop(Blame::Scenario, Stage::Start)], &[exit("0")]), Verdict::Unstable);
}

#[test]
fn where_each_attempt_is_another_case_one_that_is_ill_is_enough() {
    let varied = |control: &[Outcome], patched: &[Outcome]| {
        let judgement = Case { control, patched, varied: true, ..Case::default() }.judge();
        judgement.verdict
    };
    let fine = [exit("0"), exit("0"), exit("0")];
    for one in [stop(Blame::Patch, Stage::Apply), exit("1")] {
        let patched = [exit("0"), one, exit("0")];
        assert_eq!(verdict(&fine, &patched), Verdict::Unstable);
        assert_eq!(varied(&fine, &patched), Verdict::Regressed);
    }
    // What is ill without the patch now and then, or for another reason, is not its doing.
    assert_eq!(varied(&[exit("0"), exit("1"), exit("0")], &[exit("0"), exit("1"), exit("0")]), Verdict::Unstable);
    assert_eq!(varied(&fine, &[exit("0"), stop(Blame::Scenario, Stage::Start)]), Verdict::Unstable);
    assert_eq!(varied(&fine, &fine), Verdict::Same);
}

#[test]
fn a_log_line_that_one_of_four_attempts_shows_tells_nothing() {
    let line = |there: bool| {
        let mut readings = vec![("web.process.state", Reading::state("running", Health::Good))];
        readings.extend(there.then(|| ("web.log.error.1", Reading::content("connection reset"))));
        seen(&readings)
    };
    let control = [line(false), line(false), line(false), line(false), line(false)];
    let patched = |with: usize| [0, 1, 2, 3].map(|place| line(place < with));
    assert_eq!(verdict(&control, &patched(1)), Verdict::Same);
    assert_eq!(verdict(&control, &patched(2)), Verdict::Unstable);
    assert_eq!(verdict(&control, &patched(4)), Verdict::Changed);
}

#[test]
fn too_few_attempts_are_never_fine() {
    assert_eq!(verdict(&[], &[]), Verdict::Inconclusive);
    assert_eq!(verdict(&[exit("0")], &[]), Verdict::Inconclusive);
    assert_eq!(verdict(&[], &[exit("0")]), Verdict::Inconclusive);
    let nothing = [Outcome::Observed(Snapshot::default())];
    assert_eq!(verdict(&nothing, &nothing), Verdict::Inconclusive);
    assert_eq!(verdict(&[exit("0")], &nothing), Verdict::Inconclusive);
}

#[test]
fn what_could_not_be_seen_is_inconclusive_and_hides_no_regression() {
    let sight = |status: &str, look: Option<&str>| {
        let health = if status == "0" { Health::Good } else { Health::Bad };
        let mut readings = vec![("probe.page.exit", Reading::state(status, health))];
        match look {
            Some(text) => readings.push(("files.look", Reading::unseen(text))),
            None => readings.push(("files./etc/x", Reading::content("new: file"))),
        }
        seen(&readings)
    };
    let (fine, unseen) = (sight("0", None), sight("0", Some("too many")));
    let control = [fine.clone(), fine.clone()];
    assert_eq!(verdict(&control, std::slice::from_ref(&unseen)), Verdict::Inconclusive);
    assert_eq!(verdict(&control, &[sight("1", Some("too many"))]), Verdict::Regressed);
    assert_eq!(verdict(&[unseen.clone(), unseen.clone()], std::slice::from_ref(&unseen)), Verdict::Inconclusive);
    assert_eq!(verdict(&[unseen.clone(), unseen.clone()], std::slice::from_ref(&fine)), Verdict::Inconclusive);
    assert_eq!(verdict(&[unseen.clone(), fine], &[unseen]), Verdict::Inconclusive);
}

#[test]
fn only_infrastructure_is_temporary() {
    let fine = [exit("0"), exit("0")];
    assert!(judge(&fine, &[stop(Blame::Environment, Stage::Open)], &Rules::default()).temporary);
    assert!(!judge(&fine, &[stop(Blame::Harness, Stage::Open)], &Rules::default()).temporary);
}

#[test]
fn ill_in_both_arms_is_broken_before_unless_a_rule_says_that_it_may_be() {
    let ill = [exit("1"), exit("1")];
    let judged = judge(&ill, &ill, &Rules::default());
    assert_eq!((judged.verdict, judged.broken_before), (Verdict::Inconclusive, true));
    let excused = Rules(vec![rule("probe.page.exit", Allow::Ignore)]);
    assert_eq!(judge(&ill, &ill, &excused).verdict, Verdict::Same);
    let expected = Rules(vec![rule("probe.page.exit", Allow::OneOf(vec!["1".to_owned()]))]);
    assert_eq!(judge(&ill, &ill, &expected).verdict, Verdict::Same);
}

#[test]
fn an_ill_package_in_both_arms_is_not_the_patchs_matter() {
    let half = || seen(&[("packages.x.state", Reading::state("half-configured", Health::Bad))]);
    assert_eq!(verdict(&[half(), half()], &[half()]), Verdict::Same);
}

#[test]
fn a_regression_is_said_even_where_something_else_was_broken_before() {
    let arm = |page: &str| {
        let health = if page == "0" { Health::Good } else { Health::Bad };
        seen(&[("probe.old.exit", Reading::state("1", Health::Bad)), ("probe.page.exit", Reading::state(page, health))])
    };
    assert_eq!(verdict(&[arm("0"), arm("0")], &[arm("2")]), Verdict::Regressed);
}

#[test]
fn one_control_attempt_cannot_tell_a_change_from_noise() {
    let text = |text: &str| seen(&[("probe.page.stdout", Reading::content(text))]);
    assert_eq!(verdict(&[text("a")], &[text("b")]), Verdict::Inconclusive);
    assert_eq!(verdict(&[text("a"), text("a")], &[text("b")]), Verdict::Changed);
}

#[test]
fn a_metric_under_a_bound_is_judged_once_by_the_middles_of_both_arms() {
    let times = |numbers: &[f64]| -> Vec<Outcome> {
        numbers.iter().map(|number| seen(&[("probe.page.time", Reading::metric(*number, "ms"))])).collect()
    };
    let rules = Rules(vec![rule("probe.page.time", Allow::AtMost(0.2))]);
    let control = times(&[100.0; 5]);
    let judged = judge(&control, &times(&[118.0, 125.0, 124.0, 126.0]), &rules);
    assert_eq!((judged.verdict, judged.differences.len()), (Verdict::Regressed, 1));
    let difference = &judged.differences[0];
    assert_eq!((difference.now.as_deref(), difference.seen), (Some("124.5"), (3, 4)));
    // One slow attempt is no slow program.
    assert_eq!(judge(&control, &times(&[100.0, 101.0, 500.0, 99.0]), &rules).verdict, Verdict::Same);
    assert_eq!(judge(&times(&[90.0, 110.0, 500.0]), &times(&[131.0]), &rules).verdict, Verdict::Same);
}

#[test]
fn a_metric_or_fact_that_breaks_another_rule_now_and_then_is_unstable() {
    let version = |text: &str| seen(&[("packages.x.version", Reading::fact(text))]);
    let rules = Rules(vec![rule("packages.*", Allow::Exact)]);
    let control = vec![version("1"); 2];
    assert_eq!(judge(&control, &[version("2"), version("1")], &rules).verdict, Verdict::Unstable);
    let time = || seen(&[("x.time", Reading::metric(1.0, "ms"))]);
    let gone = || seen(&[("x.exit", Reading::content("0"))]);
    let rules = Rules(vec![rule("x.time", Allow::AtMost(0.2)), rule("x.exit", Allow::Ignore)]);
    assert_eq!(judge(&[time(), time()], &[time(), gone()], &rules).verdict, Verdict::Unstable);
}

#[test]
fn a_rule_speaks_of_a_reading_after_the_rollback_by_either_key() {
    let control = vec![seen(&[("web.log.x", Reading::content("a"))]); 2];
    let patched = [seen(&[("web.log.x", Reading::content("a")), ("reverted.web.log.x", Reading::content("b"))])];
    let verdict = |pattern| judge(&control, &patched, &Rules(vec![rule(pattern, Allow::Ignore)])).verdict;
    // What the rollback does not restore is worse than nobody said.
    assert_eq!(judge(&control, &patched, &Rules::default()).verdict, Verdict::Regressed);
    assert_eq!(["reverted.*", "reverted.web.log.x", "web.log.*"].map(verdict), [Verdict::Same; 3]);
    assert_eq!(verdict("reverted.web.ready"), Verdict::Regressed);
}

#[test]
fn the_last_rule_that_names_either_key_holds() {
    let control = vec![seen(&[("web.log.x", Reading::content("a"))]); 2];
    let patched = [seen(&[("web.log.x", Reading::content("a")), ("reverted.web.log.x", Reading::content("b"))])];
    let rules = Rules(vec![rule("web.log.x", Allow::Ignore), rule("reverted.*", Allow::Exact)]);
    assert_eq!(judge(&control, &patched, &rules).verdict, Verdict::Regressed);
}

#[test]
fn what_moves_by_itself_and_what_is_used_now_and_then_is_no_difference() {
    let page = |text: &str| seen(&[("page", Reading::content(text))]);
    let control = ["visitor 1 of 5", "visitor 2 of 5", "visitor 3 of 5", "visitor 4 of 5"].map(page);
    let judged = |pages: [&str; 2]| judge(&control, &pages.map(page), &Rules::default()).verdict;
    assert_eq!(judged(["visitor 9 of 5", "visitor 7 of 6"]), Verdict::Same);
    assert_eq!(judged(["visitor 9 of 6", "visitor 7 of 6"]), Verdict::Changed);
    let memory = |mib: f64| seen(&[("web.memory.rss", Reading::metric(mib * 1024.0 * 1024.0, "bytes"))]);
    let control = [22.0, 24.0].map(memory);
    let judged = |used: [f64; 2]| judge(&control, &used.map(memory), &Rules::default()).verdict;
    assert_eq!(judged([336.0, 25.0]), Verdict::Same);
    assert_eq!(judged([336.0, 330.0]), Verdict::Changed);
}

fn speeds(numbers: &[f64], better: Better) -> Vec<Outcome> {
    numbers.iter().map(|number| seen(&[("probe.speed.value", Reading::measured(*number, "ms", better))])).collect()
}

#[test]
fn a_leak_of_three_times_is_regressed_and_what_scatters_alarms_nobody() {
    let judged = |control: &[f64], patched: &[f64], better| {
        judge(&speeds(control, better), &speeds(patched, better), &Rules::default())
    };
    let control = [412.0, 420.0, 398.0, 405.0, 431.0];
    let leak = judged(&control, &[1240.0, 1233.0, 1301.0, 1190.0], Better::Lower);
    assert_eq!((leak.verdict, leak.differences.len(), leak.notes.len()), (Verdict::Regressed, 1, 0));
    assert_eq!(leak.differences[0].seen, (4, 4));
    let said = "200 % worse in 5 attempts without and 4 with the patch: by chance in 0.8 % of cases; \
                from 7 % on it could be told";
    assert_eq!(leak.differences[0].evidence, [said]);
    let loss = judged(&control, &[140.0, 133.0, 131.0, 139.0], Better::Higher);
    assert_eq!(loss.verdict, Verdict::Regressed);
    assert_eq!(judged(&control, &[140.0, 133.0, 131.0, 139.0], Better::Lower).verdict, Verdict::Improved);
    // Ten percent more where single attempts scatter by fifteen.
    let noisy = judged(&[85.0, 100.0, 115.0, 92.0, 108.0], &[94.0, 110.0, 126.0, 103.0], Better::Lower);
    assert_eq!((noisy.verdict, noisy.differences.len()), (Verdict::Same, 0));
    let said = "inconclusive: `probe.speed.value` is 10 % worse in 5 attempts without and 4 with the patch, \
                from 30 % on it could be told";
    assert_eq!(noisy.notes, [said]);
}

#[test]
fn few_attempts_never_decide_a_metric_and_a_rule_always_does() {
    let (control, patched) = (speeds(&[100.0, 101.0], Better::Lower), speeds(&[300.0], Better::Lower));
    let few = judge(&control, &patched, &Rules::default());
    assert_eq!(few.verdict, Verdict::Same);
    let said = "inconclusive: `probe.speed.value` is 199 % worse in 2 attempts without and 1 with the patch, \
                too few to tell any effect";
    assert_eq!(few.notes, [said]);
    let case = Case { control: &control, patched: &patched, ..Case::default() };
    assert!(case.has_suspect_metric());
    let rules = Rules(vec![rule("probe.speed.value", Allow::AtMost(0.2))]);
    assert!(!Case { rules: &rules.0, ..case }.has_suspect_metric());
    assert_eq!(judge(&control, &patched, &rules).verdict, Verdict::Regressed);
}

#[test]
fn a_metric_that_was_nothing_and_grows_is_regressed() {
    let judged = judge(&speeds(&[0.0; 5], Better::Lower), &speeds(&[3.0; 4], Better::Lower), &Rules::default());
    assert_eq!(judged.verdict, Verdict::Regressed);
}

#[test]
fn what_earlier_runs_saw_counts_for_rates_only_while_this_one_is_well() {
    let arm = |bad: usize, of: usize| -> Vec<Outcome> {
        (0..of).map(|place| exit(if place < bad { "1" } else { "0" })).collect()
    };
    let pooled = |outcomes: &[Outcome]| Case { control: outcomes, ..Case::default() }.baseline();
    let verdict = |stored: (usize, usize), control: (usize, usize), patched: (usize, usize)| {
        let (control, patched) = (arm(control.0, control.1), arm(patched.0, patched.1));
        let stored = pooled(&arm(stored.0, stored.1));
        Case { control: &control, patched: &patched, stored: Some(&stored), ..Case::default() }.judge().verdict
    };
    assert_eq!(verdict((2, 20), (0, 5), (4, 4)), Verdict::Regressed);
    assert_eq!(verdict((2, 20), (0, 5), (2, 4)), Verdict::Unstable);
    // It failed as rarely before.
    assert_eq!(verdict((2, 20), (0, 5), (1, 13)), Verdict::Same);
    // On a bad day of the machine earlier ones are no measure.
    assert_eq!(verdict((0, 20), (2, 5), (4, 4)), Verdict::Unstable);
}

fn promise(key: &str, becomes: &str) -> Promise {
    Promise { key: KeyPattern(key.to_owned()), becomes: becomes.to_owned() }
}

fn with_promises(control: &[Outcome], patched: &[Outcome], promises: &[Promise]) -> Judgement {
    Case { control, patched, promises, ..Case::default() }.judge()
}

#[test]
fn a_patch_that_does_not_bring_what_was_promised_is_ineffective_and_the_reason_says_what_was_found() {
    let promises = [promise("probe.page.exit", "0")];
    let judged = |patched: &[Outcome]| with_promises(&[exit("1"), exit("1")], patched, &promises);
    let (broken, kept) = (judged(&[exit("1"), exit("1")]), judged(&[exit("0"), exit("0")]));
    assert_eq!((broken.verdict, broken.broken_before), (Verdict::Ineffective, false));
    assert_eq!(broken.reason, "`probe.page.exit` is `1`, and not `0` as promised");
    assert_eq!((kept.verdict, kept.notes.len()), (Verdict::Improved, 0));
    let sometimes = judged(&[exit("0"), exit("2"), exit("1")]);
    assert_eq!(sometimes.verdict, Verdict::Ineffective);
    let said = "`probe.page.exit` is `1`, `2` in 2 of 3 attempts with the patch, and not `0` as promised";
    assert_eq!(sometimes.reason, said);
}

#[test]
fn a_promise_about_nothing_that_is_read_does_not_come_true() {
    let promises = [promise("probe.other.*", "0"), promise("probe.third.exit", "1")];
    let judged = with_promises(&[exit("0"), exit("0")], &[exit("0")], &promises);
    assert_eq!(judged.verdict, Verdict::Ineffective);
    assert_eq!(judged.reason, "`probe.other.*` is not there, and not `0` as promised, and 1 more");
}

#[test]
fn a_regression_is_graver_than_a_broken_promise() {
    let judged = with_promises(&[exit("0"), exit("0")], &[exit("2")], &[promise("probe.page.exit", "7")]);
    assert_eq!(judged.verdict, Verdict::Regressed);
}

#[test]
fn a_difference_that_was_promised_is_counted_and_silenced() {
    let page =
        |text: &str| seen(&[("probe.page.stdout", Reading::content(text)), ("probe.page.exit", Reading::content("0"))]);
    let control = [page("TLS 1.0\n"), page("TLS 1.0\n")];
    let judged = |promises: &[Promise]| with_promises(&control, &[page("TLS 1.3\n")], promises);
    assert_eq!(judged(&[]).verdict, Verdict::Changed);
    let promised = judged(&[promise("*.stdout", "TLS 1.3")]);
    assert_eq!(promised.verdict, Verdict::Same);
    assert_eq!(promised.differences[0].silenced.as_deref(), Some("promised by `*.stdout`"));
    // What was promised may be what looks worse: that an old protocol is refused.
    let refused = with_promises(&[exit("0"), exit("0")], &[exit("1")], &[promise("probe.page.exit", "1")]);
    assert_eq!(refused.verdict, Verdict::Same);
    let crashed = with_promises(&[exit("0"), exit("0")], &[exit("1"), exit("2")], &[promise("probe.page.exit", "1")]);
    assert_ne!(crashed.verdict, Verdict::Same);
}

#[test]
fn a_promise_that_was_true_before_is_kept_and_said() {
    let judged = with_promises(&[exit("0"), exit("0")], &[exit("0")], &[promise("probe.page.exit", "0")]);
    assert_eq!(judged.verdict, Verdict::Same);
    assert_eq!(judged.notes, ["promised, but so without the patch already: `probe.page.exit` is `0`"]);
}

#[test]
fn a_promise_is_about_the_time_while_the_patch_is_in() {
    let good = || Reading::state("0", Health::Good);
    let bad = || Reading::state("1", Health::Bad);
    let patched = [seen(&[("probe.page.exit", bad()), ("reverted.probe.page.exit", good())])];
    assert_eq!(with_promises(&[exit("0"), exit("0")], &patched, &[promise("*", "1")]).verdict, Verdict::Same);
    let patched = [seen(&[("probe.page.exit", good()), ("reverted.probe.page.exit", bad())])];
    assert_eq!(with_promises(&[exit("0"), exit("0")], &patched, &[promise("*", "1")]).verdict, Verdict::Regressed);
}

proptest! {
    #[test]
    fn a_promise_is_judged_whatever_was_seen_and_in_any_order(
        control in vec(outcome(), 1..4),
        patched in vec(outcome(), 1..4),
        becomes in "[ab01]",
        by in 0_usize..4,
    ) {
        let promises = [promise("probe.*", &becomes)];
        let judged = with_promises(&control, &patched, &promises);
        let mut turned = patched.clone();
        turned.rotate_left(by % patched.len());
        prop_assert_eq!(&with_promises(&control, &turned, &promises), &judged);
        let without = with_promises(&control, &patched, &[]).verdict;
        // What was promised is silenced, also where another attempt shows something lighter under the same key.
        let came_true = patched.iter().any(|outcome| match outcome {
            Outcome::Observed(snapshot) => snapshot.readings.iter().any(|(key, reading)| {
                key.as_str().starts_with("probe.") && reading.value.to_string().trim_end_matches('\n') == becomes
            }),
            Outcome::Stopped(_) => false,
        });
        prop_assert!(judged.verdict >= without || came_true);
    }

    #[test]
    fn equal_numbers_never_alarm_and_turning_the_wish_round_turns_the_verdict_round(
        one in vec(1.0_f64..100.0, 2..6),
        other in vec(1.0_f64..100.0, 1..6),
    ) {
        let verdict = |control: &[f64], patched: &[f64], better| {
            judge(&speeds(control, better), &speeds(patched, better), &Rules::default()).verdict
        };
        let equal = vec![one[0]; other.len()];
        prop_assert_eq!(verdict(&vec![one[0]; one.len()], &equal, Better::Lower), Verdict::Same);
        let turned = match verdict(&one, &other, Better::Lower) {
            Verdict::Regressed => Verdict::Improved,
            Verdict::Improved => Verdict::Regressed,
            same @ (Verdict::Same
            | Verdict::Changed
            | Verdict::Unstable
            | Verdict::Ineffective
            | Verdict::Inconclusive
            | Verdict::Skipped) => same,
        };
        prop_assert_eq!(verdict(&one, &other, Better::Higher), turned);
    }

    #[test]
    fn judging_is_total(control in vec(outcome(), 0..4), patched in vec(outcome(), 0..4), rules in rules()) {
        let judged = judge(&control, &patched, &rules);
        prop_assert!(!judged.reason.is_empty());
        prop_assert!(judged.noise_bound > 0.0 && judged.noise_bound <= 1.0);
    }

    #[test]
    fn blame_on_environment_or_harness_decides_nothing(
        mut control in vec(outcome(), 0..4),
        mut patched in vec(outcome(), 0..4),
        (with_patch, harness) in (any::<bool>(), any::<bool>()),
        rules in rules(),
    ) {
        let blame = if harness { Blame::Harness } else { Blame::Environment };
        let arm = if with_patch { &mut patched } else { &mut control };
        arm.push(stop(blame, Stage::Observe));
        prop_assert_eq!(judge(&control, &patched, &rules).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn the_order_of_attempts_does_not_matter(
        control in vec(outcome(), 1..5),
        patched in vec(outcome(), 1..5),
        (one, other) in (0_usize..5, 0_usize..5),
        rules in rules(),
    ) {
        let turned = |list: &[Outcome], by: usize| {
            let mut turned = list.to_vec();
            turned.rotate_left(by % list.len());
            turned
        };
        let judged = judge(&control, &patched, &rules);
        prop_assert_eq!(judge(&turned(&control, one), &turned(&patched, other), &rules), judged);
    }

    #[test]
    fn control_against_control_is_never_worse(snapshot in snapshot(), rules in rules()) {
        let same = vec![Outcome::Observed(snapshot); 3];
        let verdict = judge(&same, &same, &Rules::default()).verdict;
        prop_assert!(matches!(verdict, Verdict::Same | Verdict::Inconclusive));
        let _ = judge(&same, &same, &rules);
    }
}
