//! Runs that are cut off and go on, and runs that meet each other.

use std::time::Duration;

use jiff::civil::date;
use patchbed_kinds::image::ImageError;
use patchbed_model::{Arm, Blame, Event, Exit, RunId, Verdict};
use patchbed_sandbox::message::End;

use super::super::prepare::of_image;
use super::super::{Canceller, RunError};
use super::{World, ran};
use crate::fixtures::patch;
use crate::review::{Decision, accept, pending};
use crate::scenario::PatchAxis;
use crate::store::StateError;

fn is(words: &[String], first: &str) -> bool {
    words.first().is_some_and(|word| word == first)
}

/// A world in which the patch breaks the page and each look takes ten seconds.
fn slow() -> World {
    World::new(|inside, words| {
        is(words, "look").then(|| {
            let end = if inside.patched { End::Exited(3) } else { End::Exited(0) };
            let patchbed_sandbox::fake::Answer::Now(reply) = ran(end, "page") else {
                return patchbed_sandbox::fake::Answer::Never;
            };
            patchbed_sandbox::fake::Answer::After(Duration::from_secs(9), reply)
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cut_off_goes_on_and_makes_nothing_twice() {
    let whole = slow().run().await.expect("the undisturbed run ends");
    let mut cuts = 0;
    for seconds in [5, 15, 35, 70, 95] {
        let mut world = slow();
        let Some(cut) = world.cut_off(seconds).await else { continue };
        cuts += 1;
        let finished: usize = cut.scenarios[0].cells[0].attempts.values().sum();
        let before = world.opened(Arm::Control) + world.opened(Arm::Patched);
        let resumed = world.run().await.expect("the resumed run ends");
        let after = world.opened(Arm::Control) + world.opened(Arm::Patched) - before;
        let (cell, undisturbed) = (&resumed.scenarios[0].cells[0], &whole.scenarios[0].cells[0]);
        assert_eq!((&cell.verdict, &cell.differences), (&undisturbed.verdict, &undisturbed.differences));
        assert_eq!(cell.attempts, undisturbed.attempts);
        // One attempt was under way and is made again.
        assert_eq!(finished - 1 + after, 9, "cut off after {seconds} s");
        assert_eq!(resumed.exit_name, Exit::Regressed);
    }
    assert!(cuts > 2, "{cuts}");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_not_resumed_with_other_scenarios() {
    let mut world = World::new(|_, _| None);
    let record = world.run().await.expect("the run ends");
    world.options.resume = Some(record.run);
    world.scenario.rollback = true;
    assert!(matches!(world.run().await, Err(RunError::OtherPlan(_))));
}

#[tokio::test(start_paused = true)]
async fn a_finished_run_that_is_resumed_opens_nothing() {
    let mut world = World::new(|_, _| None);
    let record = world.run().await.expect("the run ends");
    let before = world.backend.happened().len();
    world.options.resume = Some(record.run);
    let again = world.run().await.expect("the run ends");
    assert_eq!((again.verdict, world.backend.happened().len()), (Verdict::Same, before));
}

#[tokio::test(start_paused = true)]
async fn two_runs_on_one_state_folder_do_not_mix() {
    let mut world = World::new(|_, _| None);
    let lock = world.state().lock().expect("nobody else is here");
    let ended = world.run().await;
    let Err(RunError::State(StateError::InUse { pid, .. })) = ended else {
        unreachable!("the second run was let in");
    };
    assert_eq!(pid, std::process::id().to_string());
    drop(lock);
    world.run().await.expect("the run ends");
}

#[tokio::test(start_paused = true)]
async fn what_is_told_is_in_the_journal_in_the_same_order() {
    let mut world = slow();
    let record = world.run().await.expect("the run ends");
    let (journal, notes) = world.state().journal(&record.run).expect("the journal can be read");
    assert_eq!((journal.as_slice(), notes.len()), (world.events.as_slice(), 0));
    assert_eq!(world.state().record(&record.run).expect("the journal folds"), record);
    assert!(matches!(journal.last(), Some(Event::RunFinished { .. })));
}

#[tokio::test(start_paused = true)]
async fn other_inputs_under_the_same_names_make_all_attempts_again() {
    let mut world = slow();
    let (canceller, cancel) = Canceller::new();
    world.cancel = cancel;
    let signal = async {
        tokio::time::sleep(Duration::from_secs(35)).await;
        canceller.cancel();
    };
    let (cut, ()) = tokio::join!(world.run(), signal);
    world.options.resume = Some(cut.expect("the run ends").run);
    world.cancel = super::super::Cancel::never();
    let before = world.opened(Arm::Control) + world.opened(Arm::Patched);
    let other = |cell: &crate::plan::PlanCell| {
        let mut ground = super::world::ground(cell);
        ground.inputs = patchbed_model::Digest::of(b"another package of the same name");
        Ok(Ok(ground))
    };
    let record = world.run_with(other).await.expect("the run ends");
    assert_eq!(world.opened(Arm::Control) + world.opened(Arm::Patched) - before, 9);
    assert_eq!(record.verdict, Verdict::Regressed);
}

/// Takes the journal of a run back to before the line that `holds`.
fn take_back(world: &World, run: &RunId, holds: impl Fn(&str) -> bool) {
    let journal = world.state().run_folder(run).join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).expect("the journal is there");
    let kept: Vec<&str> = text.lines().take_while(|line| !holds(line)).collect();
    assert!(kept.len() < text.lines().count(), "nothing was cut off");
    std::fs::write(&journal, kept.join("\n") + "\n").expect("it can be written");
}

#[tokio::test(start_paused = true)]
async fn what_is_known_whole_is_judged_also_when_it_cannot_be_made_again() {
    for cut in ["cell-judged", "attempt-finished"] {
        let mut world = World::new(|_, _| None);
        let record = world.run().await.expect("the run ends");
        take_back(&world, &record.run, |line| line.contains(&format!("\"{cut}\"")));
        world.options.resume = Some(record.run);
        let away = || of_image(ImageError::Unavailable("the mirror is away".to_owned()), Blame::Scenario, "box");
        let resumed = world.run_with(|_| Ok(Err(away()?))).await.expect("the run ends");
        let expected = if cut == "cell-judged" { Exit::Ok } else { Exit::Temporary };
        assert_eq!(resumed.exit_name, expected, "cut off before the first {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_that_was_needed_before_the_run_was_cut_off_still_occurs() {
    let mut world =
        World::new(|inside, words| (is(words, "look") && inside.patched).then(|| ran(End::Exited(0), "the new page")));
    let snapshots = world.root().join("snapshots");
    world.options.snapshots = Some(snapshots.clone());
    world.scenario.patches = vec![patch("one"), patch("two")];
    world.scenario.matrix.patch = PatchAxis::Each;
    let record = world.run().await.expect("the run ends");
    let waiting = pending(&world.state(), &record.run, &snapshots, date(2026, 11, 23)).expect("the record can be read");
    let decision =
        Decision { by: "ann".to_owned(), date: date(2026, 11, 23), because: None, until: None, known_issue: false };
    accept(&snapshots, &waiting, &decision).expect("it may be accepted");
    let record = world.run().await.expect("the run ends");
    let judged = std::cell::Cell::new(0);
    take_back(&world, &record.run, |line| {
        judged.set(judged.get() + usize::from(line.contains("\"cell-judged\"")));
        judged.get() > 1
    });
    world.options.resume = Some(record.run);
    let resumed = world.run().await.expect("the run ends");
    assert_eq!((resumed.exit_name, resumed.notes.as_slice()), (Exit::Ok, [].as_slice()));
}
