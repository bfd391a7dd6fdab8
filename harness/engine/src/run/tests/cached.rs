//! Attempts that are taken from earlier runs.

use patchbed_kinds::change::Prepared;
use patchbed_model::{Arm, Digest, Event, Exit, Record, Verdict};
use patchbed_sandbox::message::End;

use super::super::Candidates;
use super::world::ground;
use super::{World, ran};
use crate::fixtures::patch;
use crate::review::{Decision, accept, pending};
use crate::scenario::PatchAxis;

/// A world with two patches, each in a cell of its own, in which a look says this status and text.
fn world(says: impl Fn(bool, usize) -> (i32, &'static str) + Send + Sync + 'static) -> World {
    let mut world = World::new(move |inside, words| {
        let (status, text) = says(inside.patched, inside.number);
        words.first().is_some_and(|word| word == "look").then(|| ran(End::Exited(status), text))
    });
    world.scenario.patches = vec![patch("one"), patch("two")];
    world.scenario.matrix.patch = PatchAxis::Each;
    world
}

/// Runs again with what the runs before found out.
async fn again(world: &mut World) -> Record {
    world.options.cached = true;
    world.events.clear();
    world.run().await.expect("the run ends")
}

fn opened(world: &World) -> usize {
    world.opened(Arm::Control) + world.opened(Arm::Patched)
}

/// The record without what is another one in every run.
fn found(record: &Record) -> Record {
    let mut record = record.clone();
    record.scenarios[0].cells.iter_mut().for_each(|cell| cell.notes.clear());
    Record { run: patchbed_model::RunId(String::new()), started: jiff::Timestamp::UNIX_EPOCH, finished: None, ..record }
}

#[tokio::test(start_paused = true)]
async fn cells_in_which_nothing_has_changed_are_judged_again_without_an_attempt() {
    for status in [0, 3] {
        let mut world = world(move |patched, _| (if patched { status } else { 0 }, "page"));
        let first = world.run().await.expect("the run ends");
        let made = opened(&world);
        for _ in 0..2 {
            let record = again(&mut world).await;
            assert_eq!((opened(&world), found(&record)), (made, found(&first)));
            let note = format!("attempts taken from run {}: nothing that goes in has changed since", first.run);
            assert!(record.scenarios[0].cells.iter().all(|cell| cell.notes == [note.clone()]), "{record:#?}");
            assert_eq!(world.state().record(&record.run).expect("it can be read"), record);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_over_that_was_not_asked_for_or_has_changed() {
    let mut world = world(|_, _| (0, "page"));
    world.run().await.expect("the run ends");
    world.run().await.expect("the run ends");
    assert_eq!(opened(&world), 12);
    world.options.cached = true;
    let other = world.run_with(|cell| {
        let mut ground = ground(cell);
        if cell.names().patches == ["two"] {
            let apply = vec![Prepared { digest: Digest::of(b"another file"), binds: Vec::new() }];
            let patch = super::super::prepare::PreparedPatch { apply, revert: Vec::new() };
            ground = super::super::prepare::Ground::new(cell, ground.image, Ok(vec![patch]));
        }
        Ok(Ok(ground))
    });
    let record = other.await.expect("the run ends");
    assert_eq!((opened(&world), record.verdict), (15, Verdict::Same));
    world.scenario.patches[0] = patch("other");
    again(&mut world).await;
    // The patch with another name, and the other one with the bytes that it had in the beginning.
    assert_eq!(opened(&world), 21);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_left_open_is_tried_again() {
    // One look in three fails with the patch; and all fail without it.
    let flaky = |patched: bool, number: usize| (i32::from(patched && number.is_multiple_of(3)), "");
    for (is_ill, exit) in [(false, Exit::Undecided), (true, Exit::BrokenBefore)] {
        let mut world = world(move |patched, number| if is_ill { (3, "") } else { flaky(patched, number) });
        world.scenario.attempts.confirm = 0;
        world.scenario.attempts.patched = 3;
        let first = world.run().await.expect("the run ends");
        assert_eq!(first.exit_name, exit);
        let made = opened(&world);
        again(&mut world).await;
        assert_eq!(opened(&world), 2 * made);
    }
}

#[tokio::test(start_paused = true)]
async fn a_decision_since_then_holds_for_attempts_of_an_earlier_run() {
    let mut world = world(|patched, _| (0, if patched { "new page" } else { "page" }));
    let snapshots = world.root().join("snapshots");
    world.options.snapshots = Some(snapshots.clone());
    world.options.candidates = Candidates::Write;
    let first = world.run().await.expect("the run ends");
    assert_eq!(first.verdict, Verdict::Changed);
    let made = opened(&world);
    let today = first.started.to_zoned(jiff::tz::TimeZone::UTC).date();
    let waiting = pending(&world.state(), &first.run, &snapshots, today).expect("the record can be read");
    let decision = Decision { by: "ann".to_owned(), date: today, because: None, until: None, known_issue: false };
    accept(&snapshots, &waiting, &decision).expect("it may be accepted");
    let record = again(&mut world).await;
    assert_eq!((record.verdict, opened(&world)), (Verdict::Same, made));
    let judged = |event: &&Event| matches!(event, Event::CellJudged { .. });
    assert_eq!(world.events.iter().filter(judged).count(), 2);
}
