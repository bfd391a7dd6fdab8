//! Which attempts run when, and what runs beside them.

use std::collections::BTreeSet;
use std::time::Duration;

use patchbed_kinds::document::Argv;
use patchbed_kinds::probe::{AnyProbe, metric};
use patchbed_model::{AttemptId, Better, Event, Verdict};
use patchbed_sandbox::fake::Answer;
use patchbed_sandbox::message::End;

use super::{World, ran};
use crate::fixtures::{patch, probe, product};
use crate::scenario::{PatchAxis, Probe, Software, SoftwareAxis};

/// A world in which a look takes a second, and one at `slow` ten. The product `bench` brings a probe that measures.
fn world() -> World {
    let mut world = World::new(|_, words| {
        let [first, name] = words else { return None };
        let seconds = if name == "slow" { 10 } else { 1 };
        let Answer::Now(reply) = ran(End::Exited(0), "5") else { return None };
        (first == "look").then_some(Answer::After(Duration::from_secs(seconds), reply))
    });
    let metric = metric::Metric {
        run: Argv(vec!["look".to_owned(), "speed".to_owned()]),
        unit: None,
        better: Better::Lower,
        user: None,
        environment: None,
        directory: None,
    };
    let measured = Probe { kind: AnyProbe::Metric(metric), ..probe("speed") };
    world.scenario.software = vec![
        Software { probes: vec![measured], ..product("bench") },
        Software { probes: vec![probe("slow")], ..product("archive") },
    ];
    world.scenario.matrix.software = SoftwareAxis::Each;
    world.scenario.patches = vec![patch("one"), patch("two")];
    world.scenario.matrix.patch = PatchAxis::Each;
    world.options.jobs = 3;
    world
}

/// The attempts that run together, at each start of one.
fn together(events: &[Event]) -> Vec<BTreeSet<AttemptId>> {
    let mut running = BTreeSet::new();
    let mut all = Vec::new();
    for event in events {
        if let Event::AttemptStarted { attempt, .. } = event {
            running.insert(attempt.clone());
            all.push(running.clone());
        } else if let Event::AttemptFinished { attempt, .. } = event {
            running.remove(attempt);
        }
    }
    all
}

#[tokio::test(start_paused = true)]
async fn attempts_of_cells_that_measure_run_alone_and_the_others_together() {
    let mut world = world();
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
    let plan = world.plan();
    let measured: Vec<_> = plan.cells.iter().filter(|cell| cell.is_measured()).map(|cell| &cell.id).collect();
    assert_eq!(measured.len(), 2);
    let together = together(&world.events);
    let has_one = |running: &&BTreeSet<AttemptId>| running.iter().any(|attempt| measured.contains(&&attempt.cell));
    let (alone, others): (Vec<_>, Vec<_>) = together.iter().partition(has_one);
    assert!(alone.len() >= 6 && alone.iter().all(|running| running.len() == 1), "{alone:?}");
    assert!(others.iter().any(|running| running.len() == 3), "{others:?}");
}

#[tokio::test(start_paused = true)]
async fn what_took_longest_in_an_earlier_run_begins_first() {
    let mut world = world();
    let mut begins = Vec::new();
    for _ in 0..2 {
        world.events.clear();
        world.run().await.expect("the run ends");
        let together = together(&world.events);
        let first = together[0].first().expect("an attempt began");
        let plan = world.plan();
        let cell = plan.cells.iter().find(|cell| cell.id == first.cell).expect("a cell of the plan");
        begins.push(cell.names().software);
    }
    assert_eq!(begins, [vec![], vec!["archive".to_owned()]]);
}

#[tokio::test(start_paused = true)]
async fn attempts_do_not_wait_for_the_grounds_of_all_cells() {
    let mut world = world();
    world.scenario.software.remove(0);
    let record = world.run_slowly(Duration::from_secs(20)).await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
    let place = |wanted: &dyn Fn(&Event) -> bool| world.events.iter().position(wanted).expect("it happened");
    let judged = place(&|event| matches!(event, Event::CellJudged { .. }));
    let last = world.events.iter().rposition(|event| matches!(event, Event::CellPrepared { .. }));
    assert!(Some(judged) < last, "{judged} and {last:?}");
}
