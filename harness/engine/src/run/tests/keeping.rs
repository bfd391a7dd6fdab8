//! What is kept for review, and what comes of decisions.

use camino::Utf8PathBuf;
use jiff::civil::{Date, date};
use patchbed_model::{Arm, Exit, Key, Verdict};
use patchbed_sandbox::message::End;

use super::super::{BaselineChoice, Candidates};
use super::{World, ran};
use crate::fixtures::{patch, probe};
use crate::review::{Decision, ReviewError, accept, pending, reject};
use crate::store::Committed;

const TODAY: Date = date(2026, 11, 23);

fn is(words: &[String], first: &str) -> bool {
    words.first().is_some_and(|word| word == first)
}

fn world(text_with_the_patch: &'static str, status: i32) -> World {
    let mut world = World::new(move |inside, words| {
        let (status, text) = if inside.patched { (status, text_with_the_patch) } else { (0, "page") };
        is(words, "look").then(|| ran(End::Exited(status), text))
    });
    world.options.snapshots = Some(world.root().join("snapshots"));
    world.options.candidates = Candidates::Write;
    world
}

fn decision() -> Decision {
    Decision { by: "ann".to_owned(), date: TODAY, because: None, until: None, known_issue: false }
}

fn known_issue() -> Decision {
    Decision {
        because: Some("vendor knows".to_owned()),
        until: Some(date(2999, 1, 1)),
        known_issue: true,
        ..decision()
    }
}

#[tokio::test(start_paused = true)]
async fn an_accepted_difference_is_silenced_counted_and_no_longer_pending() {
    let mut world = world("new page", 0);
    let snapshots = world.root().join("snapshots");
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.exit_name, Exit::Changed);
    let waiting = pending(&world.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    assert_eq!(waiting[0].differences.len(), 1);
    let written = accept(&snapshots, &waiting, &decision()).expect("it may be accepted");
    let names: Vec<_> = written.iter().filter_map(|file| file.file_name()).collect();
    assert_eq!(names, ["accepted.yaml", "box.snap"]);
    assert!(pending(&world.state(), &record.run, &snapshots, TODAY).expect("the record can be read").is_empty());
    let again = world.run().await.expect("the run ends");
    assert_eq!((again.verdict, again.exit_name), (Verdict::Same, Exit::Ok));
    assert_eq!(again.scenarios[0].cells[0].silenced[0].silenced.as_deref(), Some("accepted by ann on 2026-11-23"));
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_holds_whatever_the_order_of_the_patches() {
    let mut world = world("new page", 0);
    world.scenario.patches = vec![patch("one"), patch("two")];
    let snapshots = world.root().join("snapshots");
    let record = world.run().await.expect("the run ends");
    world.scenario.patches.reverse();
    let turned = world.run().await.expect("the run ends");
    let waiting = pending(&world.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    accept(&snapshots, &waiting, &decision()).expect("it may be accepted");
    let listed = pending(&world.state(), &turned.run, &snapshots, TODAY).expect("the record can be read");
    assert!(listed.iter().all(|one| one.differences.is_empty()));
    assert_eq!(world.run().await.expect("the run ends").exit_name, Exit::Ok);
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_holds_for_that_change_alone_and_is_reported_when_it_is_over() {
    let mut first = world("new page", 0);
    let snapshots = first.root().join("snapshots");
    let record = first.run().await.expect("the run ends");
    let waiting = pending(&first.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    accept(&snapshots, &waiting, &decision()).expect("it may be accepted");
    let mut second = world("yet another page", 0);
    second.folder = std::sync::Arc::clone(&first.folder);
    second.options.snapshots = Some(snapshots);
    let record = second.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Changed);
    assert_eq!(record.notes, ["shop: the accepted difference of `probe.page.stdout` no longer occurs"]);
}

#[tokio::test(start_paused = true)]
async fn a_regression_is_accepted_as_a_known_issue_only() {
    let mut world = world("page", 3);
    let snapshots = world.root().join("snapshots");
    let record = world.run().await.expect("the run ends");
    let waiting = pending(&world.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    assert!(matches!(accept(&snapshots, &waiting, &decision()), Err(ReviewError::Regressed { .. })));
    let unexplained = Decision { because: None, ..known_issue() };
    assert!(matches!(accept(&snapshots, &waiting, &unexplained), Err(ReviewError::Unexplained("a reason"))));
    let endless = Decision { until: None, ..known_issue() };
    assert!(matches!(accept(&snapshots, &waiting, &endless), Err(ReviewError::Unexplained("an end"))));
    accept(&snapshots, &waiting, &known_issue()).expect("it may be accepted");
    assert_eq!(world.run().await.expect("the run ends").exit_name, Exit::Ok);
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_whose_last_day_is_over_does_not_hold_is_said_and_can_be_renewed() {
    let mut world = world("new page", 0);
    let snapshots = world.root().join("snapshots");
    let record = world.run().await.expect("the run ends");
    let waiting = pending(&world.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    let over = Decision { until: Some(date(2000, 1, 1)), ..decision() };
    accept(&snapshots, &waiting, &over).expect("it may be accepted");
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Changed);
    assert_eq!(record.notes, ["shop: the acceptance of `probe.page.stdout` expired on 2000-01-01"]);
    let waiting = pending(&world.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    assert_eq!(waiting[0].differences.len(), 1);
    accept(&snapshots, &waiting, &decision()).expect("it may be accepted");
    assert_eq!(world.run().await.expect("the run ends").exit_name, Exit::Ok);
}

#[tokio::test(start_paused = true)]
async fn accepting_is_refused_when_the_accepted_file_is_another_one_by_now() {
    let mut world = world("page", 0);
    let snapshots = world.root().join("snapshots");
    let record = world.run().await.expect("the run ends");
    let waiting = pending(&world.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    accept(&snapshots, &waiting, &decision()).expect("it may be accepted");
    assert!(matches!(accept(&snapshots, &waiting, &decision()), Err(ReviewError::Moved(_))));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_candidate_is_gone() {
    let mut world = world("page", 0);
    let snapshots = world.root().join("snapshots");
    let record = world.run().await.expect("the run ends");
    let waiting = pending(&world.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    assert_eq!(reject(&snapshots, &waiting).expect("it may be rejected").len(), 1);
    assert!(pending(&world.state(), &record.run, &snapshots, TODAY).expect("the record can be read").is_empty());
}

/// A world like the first one, after its baseline was accepted on a day.
async fn after_acceptance(text_with_the_patch: &'static str, day: Date) -> (World, Utf8PathBuf) {
    let mut first = world("page", 0);
    let snapshots = first.root().join("snapshots");
    let record = first.run().await.expect("the run ends");
    let waiting = pending(&first.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    accept(&snapshots, &waiting, &decision()).expect("it may be accepted");
    let committed = Committed::at(&snapshots);
    let names = first.plan().cells[0].names();
    let mut stored = committed.baseline(&names).expect("it can be read").expect("it was accepted").stored;
    stored.header.when = day;
    committed.write(&committed.baseline_file(&names), &stored).expect("it is written");
    let mut second = world(text_with_the_patch, 0);
    second.folder = std::sync::Arc::clone(&first.folder);
    second.options.snapshots = Some(snapshots.clone());
    (second, snapshots)
}

fn today() -> Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

#[tokio::test(start_paused = true)]
async fn a_fresh_accepted_baseline_stands_for_the_attempts_without_the_patch() {
    let (mut second, snapshots) = after_acceptance("page", today()).await;
    let record = second.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Same, Exit::Ok));
    assert_eq!((second.opened(Arm::Control), second.opened(Arm::Patched)), (0, 1));
    assert!(record.scenarios[0].cells[0].notes[0].starts_with("the accepted baseline (2 attempts, "));
    assert!(pending(&second.state(), &record.run, &snapshots, TODAY).expect("the record can be read").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_differs_from_an_accepted_baseline_is_compared_with_attempts_of_today_too() {
    let (mut second, snapshots) = after_acceptance("new page", today()).await;
    let record = second.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Changed);
    assert_eq!((second.opened(Arm::Control), second.opened(Arm::Patched)), (5, 4));
    // Seven attempts without the patch, two of them accepted earlier.
    let bound = record.scenarios[0].cells[0].noise_bound;
    assert!((bound - crate::noise::bound(7)).abs() < 1e-9, "{bound}");
    let waiting = pending(&second.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    assert!(waiting.iter().all(|one| one.candidate.is_none()));
}

#[tokio::test(start_paused = true)]
async fn an_old_accepted_baseline_does_not_stand_for_attempts_of_today() {
    let (mut second, _) = after_acceptance("page", date(2020, 2, 29)).await;
    let record = second.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
    assert_eq!((second.opened(Arm::Control), second.opened(Arm::Patched)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_baseline_of_a_day_that_has_not_come_is_not_trusted() {
    let (mut second, _) = after_acceptance("page", date(2999, 1, 1)).await;
    assert_eq!(second.run().await.expect("the run ends").verdict, Verdict::Same);
    assert_eq!((second.opened(Arm::Control), second.opened(Arm::Patched)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_ill_today_without_the_patch_is_not_blamed_on_it_because_it_was_well_when_it_was_accepted() {
    let (second, snapshots) = after_acceptance("page", today()).await;
    let mut third = World::new(|_, words| is(words, "look").then(|| ran(End::Exited(3), "page")));
    third.folder = std::sync::Arc::clone(&second.folder);
    third.options.snapshots = Some(snapshots);
    let record = third.run().await.expect("the run ends");
    assert_eq!(record.exit_name, Exit::BrokenBefore);
    assert_eq!(third.opened(Arm::Control), 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_learnt_of_an_environment_stays_in_the_next_candidate() {
    let moving = |name: &'static str| {
        World::new(move |inside, words| {
            let text = if words.last().is_some_and(|word| word == name) { inside.number % 2 } else { 0 };
            is(words, "look").then(|| ran(End::Exited(0), &format!("page {text}")))
        })
    };
    let (mut first, mut second) = (moving("page"), moving("list"));
    let snapshots = first.root().join("snapshots");
    second.folder = std::sync::Arc::clone(&first.folder);
    for world in [&mut first, &mut second] {
        world.options.snapshots = Some(snapshots.clone());
        world.options.candidates = Candidates::Write;
        // Attempts without the patch are made in any case.
        world.options.baseline = BaselineChoice::Control;
        world.scenario.probes = vec![probe("page"), probe("list")];
        let record = world.run().await.expect("the run ends");
        let waiting = pending(&world.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
        accept(&snapshots, &waiting, &decision()).expect("it may be accepted");
    }
    let names = second.plan().cells[0].names();
    let accepted = Committed::at(&snapshots).baseline(&names).expect("it can be read").expect("it was accepted");
    assert_eq!(accepted.stored.header.attempts, 4);
    assert_eq!(accepted.stored.baseline.attempts, 4);
    let keys = ["probe.list.stdout", "probe.page.stdout"].map(Key::from);
    assert_eq!(accepted.stored.baseline.moving(), keys);
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_moved_is_said_and_a_candidate_waits() {
    let mut first = world("page", 0);
    let snapshots = first.root().join("snapshots");
    let record = first.run().await.expect("the run ends");
    let waiting = pending(&first.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    accept(&snapshots, &waiting, &decision()).expect("it may be accepted");
    let mut second = World::new(|_, words| is(words, "look").then(|| ran(End::Exited(0), "page of today")));
    second.folder = std::sync::Arc::clone(&first.folder);
    second.options = first.options.clone();
    let record = second.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
    let waiting = pending(&second.state(), &record.run, &snapshots, TODAY).expect("the record can be read");
    let candidate = waiting[0].candidate.as_ref().expect("a candidate waits");
    assert_eq!((candidate.replaces, candidate.moved.len()), (true, 1));
    let notes = &record.scenarios[0].cells[0].notes;
    assert!(notes.contains(&"the environment moved since its baseline was accepted: `probe.page.stdout`".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn against_the_stored_baseline_alone_a_missing_one_decides_nothing() {
    let mut world = world("page", 0);
    world.options.baseline = BaselineChoice::Stored;
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.exit_name, Exit::Undecided);
    assert_eq!(record.scenarios[0].cells[0].reason, "there is no accepted baseline of this environment");
    assert_eq!(world.opened(Arm::Control), 2);
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_masked_before_it_is_written_or_told() {
    let mut world = World::new(|_, words| is(words, "look").then(|| ran(End::Exited(0), "password=hunter22")));
    let record = world.run().await.expect("the run ends");
    let journal = std::fs::read_to_string(world.state().run_folder(&record.run).join("journal.jsonl"));
    assert!(!journal.expect("the journal is there").contains("hunter22"));
    assert!(!format!("{:?}", world.events).contains("hunter22"));
}
