//! What is restarted after the patch, up to the whole machine; and patches that are killed in the middle.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbed_model::record::CellRecord;
use patchbed_model::{Arm, CauseKind, Event, Given, Record, Verdict};
use patchbed_sandbox::Upper;
use patchbed_sandbox::fake::{Answer, Happened};
use patchbed_sandbox::message::{End, Reply, Request};

use super::world::running;
use super::{World, ran};
use crate::fixtures::service;
use crate::scenario::{Restart, Restarting, Service};

/// A world with two services, of which one says that it is not restarted.
fn world(restart: Restarting) -> World {
    let mut world = World::new(|inside, words| {
        let services = || Reply::Services(["web", "cache"].map(|name| running(inside, name)).to_vec());
        words.first().is_some_and(|word| word == "services").then(|| Answer::Now(services()))
    });
    world.scenario.services = vec![service("web"), Service { restart: Restart::Never, ..service("cache") }];
    world.scenario.restart = restart;
    world
}

/// What each sandbox was told to start, in order, with `reboot` between.
fn starts(world: &World) -> Vec<String> {
    let mut told: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for happened in world.backend.happened() {
        match happened {
            Happened::Called(sandbox, Request::Start(start)) => told.entry(sandbox).or_default().push(start.name),
            Happened::Rebooted(sandbox) => told.entry(sandbox).or_default().push("reboot".to_owned()),
            Happened::Called(..) | Happened::Opened(..) | Happened::Closed(_) | Happened::Dropped(_) => {}
        }
    }
    told.into_values().map(|words| words.join(" ")).collect()
}

#[tokio::test(start_paused = true)]
async fn both_arms_restart_what_the_scenario_says() {
    for (restart, expected) in [
        (Restarting::Auto, "web cache web"),
        (Restarting::All, "web cache web cache"),
        (Restarting::None, "web cache"),
        (Restarting::Reboot, "web cache reboot web cache"),
    ] {
        let mut world = world(restart);
        let record = world.run().await.expect("the run ends");
        assert_eq!(record.verdict, Verdict::Same, "{restart:?}");
        assert_eq!(starts(&world), [expected; 3], "{restart:?}");
        let on_disk = |happened: &Happened| matches!(happened, Happened::Opened(_, spec) if spec.upper == Upper::Disk);
        let disks = world.backend.happened().iter().filter(|happened| on_disk(happened)).count();
        assert_eq!(disks, if restart == Restarting::Reboot { 3 } else { 0 }, "{restart:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_is_looked_at_after_another_reboot() {
    let mut world = world(Restarting::Reboot);
    world.scenario.rollback = true;
    world.run().await.expect("the run ends");
    let reboots: Vec<usize> = starts(&world).iter().map(|told| told.matches("reboot").count()).collect();
    assert_eq!(reboots, [1, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn it_is_watched_before_it_is_looked_at() {
    let lasted = async |seconds| {
        let mut world = world(Restarting::Auto);
        world.scenario.watch = Duration::from_secs(seconds);
        let record = world.run().await.expect("the run ends");
        record.scenarios[0].cells[0]
            .timeline
            .iter()
            .filter_map(|attempt| attempt.milliseconds)
            .min()
            .unwrap_or_default()
    };
    let usual = lasted(0).await;
    assert_eq!(lasted(40).await, usual + 40_000);
}

/// A world in which the patch takes ten seconds, and when it was begun before ends in this way.
fn cut(again: End) -> World {
    let begun = std::sync::Mutex::new(BTreeMap::<usize, u32>::new());
    let mut world = World::new(move |inside, words| {
        if words.first().is_none_or(|word| word != "patch") {
            return None;
        }
        let mut begun = begun.lock().expect("no answer panics while it holds the lock");
        let times = begun.entry(inside.number).or_default();
        *times += 1;
        let ended = if *times > 1 { again } else { End::Exited(0) };
        let Answer::Now(reply) = ran(ended, "patched") else { return None };
        Some(Answer::After(Duration::from_secs(10), reply))
    });
    world.scenario.interrupt = true;
    world.scenario.attempts.confirm = 0;
    // One after another: the numbers of sandboxes are those of attempts.
    world.options.jobs = 1;
    world
}

fn cell(record: &Record, given: Given) -> &CellRecord {
    record.scenarios[0].cells.iter().find(|cell| cell.given == given).expect("a cell")
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_is_killed_in_the_middle_and_mended_is_the_same() {
    let mut world = cut(End::Exited(0));
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
    let cut = cell(&record, Given::CutOff);
    assert_eq!((cut.attempts[&Arm::Control], cut.attempts[&Arm::Patched]), (2, 3));
    let notes =
        |event: &Event| if let Event::AttemptFinished { notes, .. } = event { notes.clone() } else { Vec::new() };
    let killed = world.events.iter().flat_map(notes).filter(|note| note.contains("was killed"));
    let killed: Vec<String> = killed.collect();
    assert_eq!(killed.len(), 3, "{killed:?}");
    assert_ne!(killed[0], killed[1], "each time at another point");
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_cannot_be_mended_is_found_and_fine_when_it_is_left_alone() {
    let record = cut(End::Exited(1)).run().await.expect("the run ends");
    assert_eq!(cell(&record, Given::OneByOne).verdict, Verdict::Same);
    let cut = cell(&record, Given::CutOff);
    assert_eq!((cut.verdict, cut.stops[0].kind), (Verdict::Regressed, CauseKind::ChangeFailed));
    assert!(cut.stops[0].text.starts_with("fix cannot be mended after it was cut off"), "{}", cut.stops[0].text);
    let only = record.scenarios[0].causes[0].only_given.as_ref().expect("the other way is fine");
    assert_eq!((only.given, &only.not_in[..]), (Given::CutOff, &[cell(&record, Given::OneByOne).id.clone()][..]));
}
