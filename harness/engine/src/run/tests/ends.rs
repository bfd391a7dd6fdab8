//! How runs end: verdicts, attempts, order.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use patchbed_model::rule::KeyPattern;
use patchbed_model::{Arm, Event, Exit, Health, Outcome, Stage, Verdict};
use patchbed_sandbox::fake::{Answer, Happened};
use patchbed_sandbox::message::{End, Output, Reply, Request, ServiceState};

use super::world::{Inside, running};
use super::{World, ran};
use crate::fixtures::{patch, probe, workload};
use crate::scenario::{PatchAxis, Promise, When};

fn is(words: &[String], first: &str) -> bool {
    words.first().is_some_and(|word| word == first)
}

#[tokio::test(start_paused = true)]
async fn a_patch_without_effect_is_same_after_three_attempts() {
    let mut world = World::new(|_, _| None);
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Same, Exit::Ok));
    assert_eq!((world.opened(Arm::Control), world.opened(Arm::Patched)), (2, 1));
    assert_eq!(world.backend.open_now(), 0);
    let arms: Vec<Arm> = record.scenarios[0].cells[0].timeline.iter().map(|attempt| attempt.arm).collect();
    assert_eq!(arms, [Arm::Control, Arm::Patched, Arm::Control]);
}

#[tokio::test(start_paused = true)]
async fn a_suspect_is_confirmed_by_more_attempts_of_both_arms() {
    let mut world =
        World::new(|inside, words| (is(words, "look") && inside.patched).then(|| ran(End::Exited(3), "broken")));
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Regressed, Exit::Regressed));
    assert_eq!((world.opened(Arm::Control), world.opened(Arm::Patched)), (5, 4));
    let cell = &record.scenarios[0].cells[0];
    let exit = cell.differences.iter().find(|one| one.key.as_str() == "probe.page.exit").expect("the exit differs");
    assert_eq!((exit.was.as_deref(), exit.now.as_deref(), exit.seen), (Some("0"), Some("3"), (4, 4)));
    let cause = &record.scenarios[0].causes[0];
    let since = cause.since.as_ref().expect("the patch is known");
    assert_eq!((since.patch.as_str(), since.with, since.without), ("fix", (4, 4), (0, 5)));
}

#[tokio::test(start_paused = true)]
async fn other_content_is_changed_and_nothing_worse() {
    let mut world = World::new(|inside, words| {
        is(words, "look").then(|| ran(End::Exited(0), if inside.patched { "new page" } else { "page" }))
    });
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Changed, Exit::Changed));
}

#[tokio::test(start_paused = true)]
async fn what_moves_by_itself_is_no_difference() {
    let mut world = World::new(|inside, words| {
        let text = format!("page of visitor {}", inside.number + if inside.patched { 100 } else { 0 });
        is(words, "look").then(|| ran(End::Exited(0), &text))
    });
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
    let volatile: Vec<&str> = record.scenarios[0].cells[0].volatile.iter().map(patchbed_model::Key::as_str).collect();
    assert_eq!(volatile, ["probe.page.stdout"]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_now_and_then_without_the_patch_is_unstable() {
    let mut world = World::new(|inside, words| {
        let bad = inside.arm == Arm::Control && inside.number % 2 == 1;
        (is(words, "look") && bad).then(|| ran(End::Exited(1), "fine"))
    });
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Unstable, Exit::Undecided));
    assert_eq!(record.scenarios[0].cells[0].reason, "`probe.page.exit` is bad in 2 of 5 attempts without the patch");
}

/// A world whose page fails with the patch in the attempts of these numbers, and without it in those.
fn failing(with: fn(usize) -> bool, without: fn(usize) -> bool) -> World {
    World::new(move |inside, words| {
        let bad =
            if inside.patched { with(inside.number) } else { inside.arm == Arm::Control && without(inside.number) };
        (is(words, "look") && bad).then(|| ran(End::Exited(1), "fine"))
    })
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_in_half_of_the_attempts_with_the_patch_is_regressed_after_as_many_as_that_takes() {
    let mut world = failing(|number| number % 2 == 0, |_| false);
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Regressed, Exit::Regressed));
    assert_eq!((world.opened(Arm::Control), world.opened(Arm::Patched)), (14, 13));
    let cell = &record.scenarios[0].cells[0];
    let told = "bad in 7 of 13 attempts with the patch and in 0 of 14 without: by chance in 0.2 % of cases";
    assert_eq!(cell.reason, format!("`probe.page.exit` is {told}"));
    let exit = cell.differences.iter().find(|one| one.key.as_str() == "probe.page.exit").expect("the exit differs");
    assert_eq!((exit.seen, exit.evidence[0].as_str()), ((7, 13), told));
    let since = record.scenarios[0].causes[0].since.as_ref().expect("the patch is known");
    assert_eq!((since.with, since.without), ((7, 13), (0, 14)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_was_seen_once_with_the_patch_does_not_become_same() {
    let mut world = failing(|number| number == 0, |_| false);
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Unstable, Exit::Undecided));
    // After so many that pass, further ones would not change what is said.
    assert_eq!((world.opened(Arm::Control), world.opened(Arm::Patched)), (20, 19));
    let cell = &record.scenarios[0].cells[0];
    let told = "bad in 1 of 19 attempts with the patch and in 0 of 20 without: by chance in 48.7 % of cases";
    assert_eq!(cell.reason, format!("`probe.page.exit` is {told}"));
    let note = format!(
        "undecided: `probe.page.exit` is {told}; if it went on like this, about 126 attempts of each arm would tell"
    );
    assert_eq!(cell.notes, [note]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_in_both_arms_is_compared_by_how_often() {
    let mut worse = failing(|number| number % 5 != 4, |number| number % 5 == 1);
    assert_eq!(worse.run().await.expect("the run ends").verdict, Verdict::Regressed);
    let mut alike = failing(|number| number % 3 == 0, |number| number % 3 == 1);
    let record = alike.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Unstable);
    let mut rarer = failing(|number| number == 0, |number| number % 2 == 1);
    assert_eq!(rarer.run().await.expect("the run ends").verdict, Verdict::Unstable);
    assert_eq!((rarer.opened(Arm::Control), rarer.opened(Arm::Patched)), (5, 4));
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_stops_half_of_the_attempts_is_regressed() {
    let mut world = World::new(|inside, words| {
        let bad = is(words, "patch") && inside.number % 2 == 0;
        bad.then(|| ran(End::Exited(1), "no"))
    });
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Regressed);
    assert_eq!((world.opened(Arm::Control), world.opened(Arm::Patched)), (14, 13));
    let since = record.scenarios[0].causes[0].since.as_ref().expect("the patch is known");
    assert_eq!((since.with, since.without), ((7, 13), (0, 14)));
    let reason = &record.scenarios[0].cells[0].reason;
    assert!(
        reason.ends_with("in 7 of 13 attempts with the patch and in 0 of 14 without: by chance in 0.2 % of cases"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_always_fails_is_broken_before() {
    let mut world = World::new(|_, words| is(words, "look").then(|| ran(End::Exited(1), "fine")));
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Inconclusive, Exit::BrokenBefore));
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_before_is_told_with_its_value_and_what_explains_it() {
    let mut world = World::new(|_, words| is(words, "look").then(|| ran(End::Exited(7), "no route")));
    let record = world.run().await.expect("the run ends");
    let ill: Vec<(&str, &str)> =
        record.scenarios[0].cells[0].ill.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
    assert_eq!(ill, [("probe.page.exit", "7")]);
}

/// A world whose one service is optional and does not live while `ill`; its probe looks at it.
fn optional_service(ill: fn(&Inside) -> bool) -> World {
    let mut world = World::new(move |inside, words| match words.first().map(String::as_str) {
        Some("services") if ill(inside) => {
            let (end, processes) = (Some(End::Exited(1)), Vec::new());
            let dead = ServiceState { end, processes, ..running(inside, "web") };
            Some(Answer::Now(Reply::Services(vec![dead])))
        }
        Some("look") if ill(inside) => Some(ran(End::Exited(1), "refused")),
        _ => None,
    });
    world.scenario.services[0].optional = true;
    world.scenario.probes[0].service = Some("web".to_owned());
    world
}

#[tokio::test(start_paused = true)]
async fn an_optional_service_that_is_ill_without_the_patch_does_not_keep_the_rest_from_being_judged() {
    let record = optional_service(|_| true).run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Same, Exit::Ok));
}

#[tokio::test(start_paused = true)]
async fn an_optional_service_that_becomes_ill_with_the_patch_is_regressed() {
    let record = optional_service(|inside| inside.patched).run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Regressed);
    let keys: Vec<&str> = record.scenarios[0].cells[0].differences.iter().map(|one| one.key.as_str()).collect();
    assert!(keys.contains(&"web.ready") && keys.contains(&"probe.page.exit"), "{keys:?}");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_the_patch_mends_is_improved() {
    let mut world =
        World::new(|inside, words| (is(words, "look") && !inside.patched).then(|| ran(End::Exited(1), "fine")));
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Improved, Exit::Ok));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_come_back_after_the_patch_is_a_bad_state_with_evidence() {
    let mut world = World::new(|inside, words| {
        let dead = ServiceState {
            end: Some(End::Exited(1)),
            processes: Vec::new(),
            output: Output { text: "no such directive".to_owned(), total: 17, digest: String::new() },
            ..running(inside, "web")
        };
        let reply = Reply::Services(vec![dead]);
        (is(words, "services") && inside.patched).then_some(Answer::Now(reply))
    });
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Regressed);
    let cell = &record.scenarios[0].cells[0];
    let ready = cell.differences.iter().find(|one| one.key.as_str() == "web.ready").expect("it is not ready");
    assert_eq!(ready.evidence, ["exited 1", "no such directive"]);
}

#[tokio::test(start_paused = true)]
async fn each_cell_of_a_matrix_is_judged_and_one_fault_is_one_cause() {
    let mut world = World::new(|inside, words| {
        (is(words, "look") && inside.patched && words[1] == "page").then(|| ran(End::Exited(3), "broken"))
    });
    world.scenario.patches = vec![patch("one"), patch("two")];
    world.scenario.matrix.patch = PatchAxis::AllAndEach;
    world.options.jobs = 4;
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.counts[&Verdict::Regressed], 3);
    assert_eq!(record.scenarios[0].causes.len(), 1);
    assert_eq!(record.scenarios[0].causes[0].cells.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn with_many_jobs_each_attempt_is_made_exactly_once() {
    let mut world = World::new(|_, _| None);
    world.scenario.patches = (0..8).map(|number| patch(&format!("patch-{number}"))).collect();
    world.scenario.matrix.patch = PatchAxis::Each;
    world.options.jobs = 16;
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.counts[&Verdict::Same], 8);
    let started = |event: &Event| {
        let Event::AttemptStarted { attempt, .. } = event else { return None };
        Some(attempt.clone())
    };
    let mut started: Vec<_> = world.events.iter().filter_map(started).collect();
    let count = started.len();
    started.sort();
    started.dedup();
    assert_eq!((started.len(), count), (24, 24));
}

#[tokio::test(start_paused = true)]
async fn the_stages_of_an_attempt_are_told_in_their_order() {
    let mut world = World::new(|_, _| None);
    world.scenario.workloads = vec![workload("seed", When::Before), workload("load", When::During)];
    world.run().await.expect("the run ends");
    let stage = |event: &Event| {
        let Event::StageFinished { attempt, stage, .. } = event else { return None };
        (attempt.arm == Arm::Patched).then_some(*stage)
    };
    let stages: Vec<Stage> = world.events.iter().filter_map(stage).collect();
    let wanted =
        [Stage::Open, Stage::Start, Stage::Exercise, Stage::Apply, Stage::Restart, Stage::Observe, Stage::Close];
    assert_eq!(stages, wanted);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_probe_that_differs_among_its_looks_is_told_as_such() {
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let mut world = World::new(move |_, words| {
        is(words, "look").then(|| {
            let number = looks.fetch_add(1, Ordering::SeqCst);
            ran(End::Exited(0), &format!("{number} items"))
        })
    });
    world.scenario.probes = vec![crate::scenario::Probe { repeat: 3, ..probe("page") }];
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
    assert!(record.scenarios[0].cells[0].volatile.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_workload_that_fails_after_the_patch_is_a_reading() {
    let mut world =
        World::new(|inside, words| (is(words, "work") && inside.patched).then(|| ran(End::Exited(1), "no")));
    world.scenario.workloads = vec![workload("buy", When::After)];
    let record = world.run().await.expect("the run ends");
    let cell = &record.scenarios[0].cells[0];
    assert_eq!(record.verdict, Verdict::Regressed);
    assert_eq!(cell.differences[0].key.as_str(), "workload.buy.exit");
}

/// How long programs of this name were allowed to take, in seconds, to the nearest ten: waiting for what stands still takes
/// some time as well.
fn allowed(world: &World, name: &str) -> Vec<u64> {
    let within = |happened: Happened| {
        let Happened::Called(_, Request::Run(run)) = happened else { return None };
        (run.program.argv.first().is_some_and(|word| word == name)).then_some((run.within + 5_000) / 10_000 * 10)
    };
    world.backend.happened().into_iter().filter_map(within).collect()
}

#[tokio::test(start_paused = true)]
async fn a_change_may_take_what_is_left_of_the_attempt_but_for_a_reserve() {
    let mut world = World::new(|_, words| {
        let reply = |answer| if let Answer::Now(reply) = answer { reply } else { Reply::Done };
        let slow = |text| Answer::After(Duration::from_mins(8), reply(ran(End::Exited(0), text)));
        is(words, "patch").then(|| slow("a large update"))
    });
    world.scenario.limits.time = Duration::from_mins(20);
    world.scenario.patches = vec![patch("one"), patch("two")];
    world.run().await.expect("the run ends");
    // The service has lived for a moment before.
    assert_eq!(allowed(&world, "patch"), [19 * 60, 11 * 60]);
    let mut short = World::new(|_, _| None);
    short.scenario.limits.time = Duration::from_secs(40);
    short.run().await.expect("the run ends");
    assert_eq!(allowed(&short, "patch"), [30]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_restores_everything_adds_nothing_to_the_verdict() {
    let mut world = World::new(|_, _| None);
    world.scenario.rollback = true;
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
}

#[tokio::test(start_paused = true)]
async fn a_workload_of_the_time_of_the_patch_is_not_missed_after_the_rollback() {
    let mut world = World::new(|_, _| None);
    world.scenario.rollback = true;
    world.scenario.workloads = vec![workload("load", When::During), workload("buy", When::After)];
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.scenarios[0].cells[0].differences.len()), (Verdict::Same, 0));
}

fn promising(status_with_the_patch: i32) -> World {
    let mut world = World::new(move |inside, words| {
        let status = if inside.patched { status_with_the_patch } else { 1 };
        is(words, "look").then(|| ran(End::Exited(status), "fine"))
    });
    let key = KeyPattern("probe.page.exit".to_owned());
    world.scenario.promises = vec![Promise { key, becomes: "0".to_owned() }];
    world
}

#[tokio::test(start_paused = true)]
async fn a_promise_that_does_not_come_true_is_confirmed_and_ineffective() {
    let mut world = promising(1);
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Ineffective, Exit::Regressed));
    assert_eq!((world.opened(Arm::Control), world.opened(Arm::Patched)), (5, 4));
    assert_eq!(record.scenarios[0].cells[0].reason, "`probe.page.exit` is `1`, and not `0` as promised");
    let mut kept = promising(0);
    let record = kept.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Improved, Exit::Ok));
}

#[tokio::test(start_paused = true)]
async fn promises_are_asked_for_where_all_patches_are_in() {
    let mut world = promising(0);
    world.scenario.patches = vec![patch("one"), patch("two")];
    world.scenario.matrix.patch = PatchAxis::AllAndEach;
    world.scenario.promises[0].becomes = "7".to_owned();
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.counts[&Verdict::Ineffective], record.counts[&Verdict::Improved]), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_promise_that_was_true_before_is_a_note_of_the_cell() {
    let mut world = World::new(|_, _| None);
    let key = KeyPattern("probe.page.stdout".to_owned());
    world.scenario.promises = vec![Promise { key, becomes: "fine".to_owned() }];
    let record = world.run().await.expect("the run ends");
    let notes = &record.scenarios[0].cells[0].notes;
    assert_eq!(notes, &["promised, but so without the patch already: `probe.page.stdout` is `fine`"]);
    assert_eq!(record.verdict, Verdict::Same);
}

#[tokio::test(start_paused = true)]
async fn what_stays_behind_after_a_rollback_is_a_difference_of_its_own() {
    let mut world = World::new(|inside, words| match words.first().map(String::as_str) {
        // The way back does nothing.
        Some("look") if inside.arm == Arm::Patched && inside.starts > 1 => Some(ran(End::Exited(0), "other")),
        _ => None,
    });
    world.scenario.rollback = true;
    let record = world.run().await.expect("the run ends");
    let keys: Vec<&str> = record.scenarios[0].cells[0].differences.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["probe.page.stdout", "reverted.probe.page.stdout"]);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_sees_nothing_is_a_bad_state_and_never_an_absence() {
    let mut world = World::new(|_, words| is(words, "look").then_some(Answer::Never));
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.exit_name, Exit::BrokenBefore);
    assert_eq!(record.scenarios[0].cells[0].reason, "ill without the patch already: `probe.page.look`");
    let is_bad = |event: &Event| {
        let Event::AttemptFinished { outcome, .. } = event else { return false };
        let Outcome::Observed(snapshot) = &**outcome else { return false };
        snapshot.get("probe.page.look").is_some_and(|reading| reading.health == Some(Health::Bad))
    };
    let seen = world.events.iter().any(is_bad);
    assert!(seen);
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_ends_the_run_when_asked_to() {
    let mut world = World::new(|inside, words| (is(words, "look") && inside.patched).then(|| ran(End::Exited(3), "")));
    world.scenario.patches = vec![patch("one"), patch("two")];
    world.scenario.matrix.patch = PatchAxis::Each;
    world.options.first_failure_ends = true;
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.counts[&Verdict::Regressed], record.counts[&Verdict::Skipped]), (1, 1));
}

fn services(state: ServiceState) -> Answer {
    Answer::Now(Reply::Services(vec![state]))
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_processes_come_and_go_is_looked_at_after_two_seconds() {
    let next = AtomicI32::new(10);
    let mut world = World::new(move |inside, words| {
        let processes = vec![7, next.fetch_add(1, Ordering::Relaxed)];
        is(words, "services").then(|| services(ServiceState { processes, ..running(inside, "web") }))
    });
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
    let observed = |event: &Event| {
        let Event::StageFinished { stage: Stage::Observe, milliseconds, .. } = event else { return None };
        Some(*milliseconds)
    };
    let times: Vec<u64> = world.events.iter().filter_map(observed).collect();
    assert!(times.len() == 3 && times.iter().all(|time| (2000..2500).contains(time)), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_ends_at_once_was_never_ready() {
    let asked = AtomicI32::new(0);
    let mut world = World::new(move |inside, words| {
        let end = (asked.fetch_add(1, Ordering::Relaxed) % 3 == 2).then_some(End::Exited(3));
        let processes = if end.is_some() { Vec::new() } else { vec![7] };
        is(words, "services").then(|| services(ServiceState { end, processes, ..running(inside, "web") }))
    });
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.exit_name, Exit::BrokenBefore);
    let stop = &record.scenarios[0].cells[0].stops[0];
    assert_eq!(stop.text, "service web is not ready before the patch: exited 3");
}
