//! Every kind of cause, produced once.

use std::time::Duration;

use patchbed_kinds::image::ImageError;
use patchbed_model::{Arm, Blame, CauseKind, Exit, Record, Stage, Verdict};
use patchbed_sandbox::fake::{Answer, Happened};
use patchbed_sandbox::message::{End, Reply, SetupError, Usage};
use patchbed_sandbox::{Lack, LackWeight, LinkError, OpenError};

use super::super::prepare::of_image;
use super::super::{Canceller, RunError};
use super::{World, ran};
use crate::fixtures::workload;
use crate::scenario::When;

fn is(words: &[String], first: &str) -> bool {
    words.first().is_some_and(|word| word == first)
}

/// The first cause of the only cell.
fn cause(record: &Record) -> (CauseKind, Blame, Stage) {
    let cause = record.scenarios[0].cells[0].stops.first().expect("something stopped");
    (cause.kind, cause.blame, cause.stage)
}

#[tokio::test(start_paused = true)]
async fn not_prepared_is_temporary_and_opens_nothing() {
    let mut world = World::new(|_, _| None);
    let unavailable = || of_image(ImageError::Unavailable("the mirror is away".to_owned()), Blame::Scenario, "box");
    let record = world.run_with(|_| Ok(Err(unavailable()?))).await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::NotPrepared, Blame::Environment, Stage::Open));
    assert_eq!((record.verdict, record.exit_name), (Verdict::Inconclusive, Exit::Temporary));
    assert!(world.backend.happened().is_empty());
}

#[tokio::test(start_paused = true)]
async fn unfit_input_ends_the_run() {
    let mut world = World::new(|_, _| None);
    let unfit = || of_image(ImageError::Unfit("no root file system".to_owned()), Blame::Scenario, "box");
    let ended = world.run_with(|_| Ok(Err(unfit()?))).await;
    assert!(matches!(ended, Err(RunError::Unfit { .. })));
}

#[tokio::test(start_paused = true)]
async fn sandbox_not_opened_is_tried_again_and_then_temporary() {
    let mut world = World::new(|_, _| None);
    world.backend = world.backend.opening(|_, _| {
        let step = SetupError { step: "mount".into(), call: "mount".into(), target: "/proc".into(), errno: 1 };
        Err(OpenError::Setup(step))
    });
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::SandboxNotOpened, Blame::Environment, Stage::Open));
    assert_eq!((record.verdict, record.exit_name), (Verdict::Inconclusive, Exit::Temporary));
    assert_eq!((world.opened(Arm::Control), world.opened(Arm::Patched)), (6, 3));
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_opens_at_the_second_try_does_no_harm() {
    let mut world = World::new(|_, _| None);
    world.backend =
        world.backend.opening(|number, _| if number == 0 { Err(OpenError::Runner("gone".to_owned())) } else { Ok(()) });
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
    let notes = &record.scenarios[0].cells[0].notes;
    assert_eq!(notes, &["control 1 is made again: reach the runner: gone"]);
}

#[tokio::test(start_paused = true)]
async fn no_space_on_the_machine_is_temporary() {
    let mut world = World::new(|_, _| None);
    world.backend = world.backend.opening(|_, _| {
        let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
        Err(OpenError::Exhausted { what: "space".to_owned(), source })
    });
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::NoSpace, Blame::Environment, Stage::Open));
    assert_eq!(record.exit_name, Exit::Temporary);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_lacks_something_ends_the_run() {
    let lack = || Lack {
        what: "user namespaces".to_owned(),
        because: "EPERM".to_owned(),
        remedy: "sysctl".to_owned(),
        weight: LackWeight::Fatal,
    };
    let mut world = World::new(|_, _| None);
    world.backend = world.backend.opening(move |_, _| Err(OpenError::Lacking(lack())));
    assert!(matches!(world.run().await, Err(RunError::Unable(_))));
    let mut world = World::new(|_, _| None);
    world.backend = world.backend.lacking(vec![lack()]);
    assert!(matches!(world.run().await, Err(RunError::Unable(_))));
    assert!(world.backend.happened().is_empty());
}

#[tokio::test(start_paused = true)]
async fn guest_lost_is_the_environments_fault_and_tried_again() {
    let mut world =
        World::new(|_, words| is(words, "look").then(|| Answer::Broken(LinkError::Gone("out of memory".to_owned()))));
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::GuestLost, Blame::Environment, Stage::Observe));
    assert_eq!((record.verdict, record.exit_name), (Verdict::Inconclusive, Exit::Temporary));
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_the_patch_takes_down_every_time_is_the_patchs_fault() {
    let mut world =
        World::new(|_, words| is(words, "patch").then(|| Answer::Broken(LinkError::Gone("killed".to_owned()))));
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::GuestLost, Blame::Patch, Stage::Apply));
    assert_eq!(record.verdict, Verdict::Regressed);
}

#[tokio::test(start_paused = true)]
async fn change_failed_is_a_regression_with_the_tools_last_lines() {
    let mut world = World::new(|_, words| is(words, "patch").then(|| ran(End::Exited(100), "disk check failed")));
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::ChangeFailed, Blame::Patch, Stage::Apply));
    assert_eq!((record.verdict, record.exit_name), (Verdict::Regressed, Exit::Regressed));
    assert!(record.scenarios[0].causes[0].evidence.contains(&"disk check failed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn change_timed_out_is_a_regression() {
    let mut world = World::new(|_, words| is(words, "patch").then(|| ran(End::TimedOut, "still waiting")));
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::ChangeTimedOut, Blame::Patch, Stage::Apply));
    assert_eq!(record.verdict, Verdict::Regressed);
}

#[tokio::test(start_paused = true)]
async fn revert_failed_is_a_regression() {
    let mut world = World::new(|_, words| is(words, "unpatch").then(|| ran(End::Exited(1), "cannot go back")));
    world.scenario.rollback = true;
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::RevertFailed, Blame::Patch, Stage::Revert));
    assert_eq!(record.verdict, Verdict::Regressed);
}

#[tokio::test(start_paused = true)]
async fn service_not_ready_before_the_patch_is_broken_before() {
    let mut world = World::new(|_, words| is(words, "services").then(|| Answer::Now(Reply::Services(Vec::new()))));
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::ServiceNotReady, Blame::Scenario, Stage::Start));
    assert_eq!((record.verdict, record.exit_name), (Verdict::Inconclusive, Exit::BrokenBefore));
    let text = &record.scenarios[0].cells[0].stops[0].text;
    assert_eq!(text, "service web is not ready before the patch: not ready within 30 s: not started");
}

#[tokio::test(start_paused = true)]
async fn workload_failed_before_the_patch_is_broken_before() {
    let mut world = World::new(|_, words| is(words, "work").then(|| ran(End::Exited(2), "no seed")));
    world.scenario.workloads = vec![workload("seed", When::Before)];
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::WorkloadFailed, Blame::Scenario, Stage::Exercise));
    assert_eq!(record.exit_name, Exit::BrokenBefore);
}

#[tokio::test(start_paused = true)]
async fn limit_reached_in_time_names_the_stage_and_blames_the_patch() {
    let mut world = World::new(|_, words| is(words, "patch").then_some(Answer::Never));
    world.scenario.limits.time = Duration::from_mins(2);
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::LimitReached, Blame::Patch, Stage::Apply));
    assert_eq!(record.verdict, Verdict::Regressed);
    assert_eq!(record.scenarios[0].cells[0].reason, "the time limit of 120 s was reached in apply");
}

#[tokio::test(start_paused = true)]
async fn the_engines_timer_goes_off_before_the_sandboxs_own() {
    let mut world = World::new(|_, _| None);
    world.scenario.limits.time = Duration::from_mins(2);
    world.run().await.expect("the run ends");
    let time = |happened: Happened| match happened {
        Happened::Opened(_, spec) => Some(spec.limits.time),
        Happened::Called(..) | Happened::Rebooted(_) | Happened::Closed(_) | Happened::Dropped(_) => None,
    };
    let times: Vec<Duration> = world.backend.happened().into_iter().filter_map(time).collect();
    assert_eq!(times, [Duration::from_secs(150); 3]);
}

#[tokio::test(start_paused = true)]
async fn limit_reached_before_the_patch_is_the_scenarios_fault() {
    let mut world = World::new(|_, words| is(words, "start").then_some(Answer::Never));
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::LimitReached, Blame::Scenario, Stage::Start));
    assert_eq!(record.exit_name, Exit::BrokenBefore);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_why_a_patch_does_not_apply() {
    let mut world = World::new(|_, words| match words.first().map(String::as_str) {
        Some("patch") => Some(ran(End::Exited(1), "write error")),
        Some("usage") => {
            let usage = Usage { reached: vec!["disk".to_owned()], ..Usage::default() };
            Some(Answer::Now(Reply::Usage(usage)))
        }
        _ => None,
    });
    let record = world.run().await.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::LimitReached, Blame::Patch, Stage::Apply));
}

#[tokio::test(start_paused = true)]
async fn interrupted_attempts_leave_nothing_open_and_the_run_undecided() {
    let mut world = World::new(|_, words| is(words, "look").then_some(Answer::Never));
    let (canceller, cancel) = Canceller::new();
    world.cancel = cancel;
    let signal = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        canceller.cancel();
    };
    let (record, ()) = tokio::join!(world.run(), signal);
    let record = record.expect("the run ends");
    assert_eq!(cause(&record), (CauseKind::Interrupted, Blame::Environment, Stage::Observe));
    assert_eq!(record.exit_name, Exit::Interrupted);
    assert_eq!(world.backend.open_now(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_leaves_at_once() {
    let mut world = World::new(|_, words| is(words, "look").then_some(Answer::Never));
    let (canceller, cancel) = Canceller::new();
    world.cancel = cancel;
    canceller.cancel();
    canceller.cancel();
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.exit_name, record.counts[&Verdict::Skipped]), (Exit::Interrupted, 1));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_bug_of_that_cell_alone() {
    let mut world = World::new(|inside, words| {
        assert!(!(is(words, "look") && inside.patched), "a defect");
        None
    });
    let record = world.run().await.expect("the run ends");
    let (kind, blame, _) = cause(&record);
    assert_eq!((kind, blame), (CauseKind::Bug, Blame::Harness));
    assert_eq!(record.exit_name, Exit::Undecided);
}

#[tokio::test(start_paused = true)]
async fn an_answer_out_of_turn_is_a_bug() {
    let mut world = World::new(|_, words| is(words, "mark").then_some(Answer::Now(Reply::Sockets(Vec::new()))));
    let record = world.run().await.expect("the run ends");
    let (kind, blame, _) = cause(&record);
    assert_eq!((kind, blame), (CauseKind::Bug, Blame::Harness));
}
