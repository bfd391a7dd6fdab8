//! What must survive the patch, looked at in whole attempts.

use patchbed_model::{Arm, Exit, Record, Verdict};
use patchbed_sandbox::fake::Answer;
use patchbed_sandbox::message::End;

use super::world::Inside;
use super::{World, ran};
use crate::fixtures::{data, product, workload};
use crate::scenario::{Data, Software, SoftwareAxis, When};

/// A world with orders, which a program prints.
fn orders(says: impl Fn(&Inside) -> Answer + Send + Sync + 'static) -> World {
    let mut world = World::new(move |inside, words| (words == ["look", "orders"]).then(|| says(inside)));
    world.scenario.data = vec![data("orders")];
    world
}

/// The differences of the only cell.
fn differences(record: &Record) -> Vec<(&str, Option<&str>, Option<&str>)> {
    let all = &record.scenarios[0].cells[0].differences;
    all.iter().map(|one| (one.key.as_str(), one.was.as_deref(), one.now.as_deref())).collect()
}

fn printed(text: &str) -> Answer {
    ran(End::Exited(0), text)
}

#[tokio::test(start_paused = true)]
async fn rows_that_the_patch_loses_are_a_regression_and_named_first() {
    let mut world = World::new(|inside, words| match words {
        [look, what] if look == "look" => match (what.as_str(), inside.patched) {
            ("orders", true) => Some(printed("1|book\n3|ink")),
            ("orders", false) => Some(printed("1|book\n2|pen\n3|ink")),
            (_, patched) => Some(ran(End::Exited(i32::from(patched)), "")),
        },
        _ => None,
    });
    world.scenario.data = vec![data("orders")];
    world.scenario.probes[0].name = "a page".to_owned();
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Regressed, Exit::Regressed));
    let first = &record.scenarios[0].causes[0];
    assert_eq!(first.title, "data.orders.stdout: kept → 1 of 3 lost");
    assert_eq!(first.evidence[0], "lost: 2|pen");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_no_difference() {
    let mut world = orders(|_| printed("1|book\n2|pen"));
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, differences(&record).len()), (Verdict::Same, 0));
}

#[tokio::test(start_paused = true)]
async fn data_that_are_not_there_without_the_patch_are_broken_before() {
    let mut world = orders(|_| ran(End::Exited(1), "no such table"));
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Inconclusive, Exit::BrokenBefore));
    let ill = &record.scenarios[0].cells[0].ill;
    assert_eq!((ill[0].key.as_str(), ill[0].value.as_str()), ("data.orders.exit", "not there before the patch"));
}

/// What stands in the table when a workload of each arm adds a row whenever it runs.
fn growing() -> World {
    let worked = std::sync::Mutex::new(std::collections::BTreeMap::<(bool, usize), usize>::new());
    let mut world = World::new(move |inside, words| {
        let mut worked = worked.lock().expect("no answer panics while it holds the lock");
        let rows = worked.entry((inside.arm == Arm::Patched, inside.number)).or_default();
        match words.first().map(String::as_str) {
            Some("work") => *rows += 1,
            Some("look") => return Some(printed(&"row\n".repeat(*rows))),
            _ => {}
        }
        None
    });
    world.scenario.data = vec![data("orders")];
    world.scenario.probes.clear();
    world
}

#[tokio::test(start_paused = true)]
async fn rows_that_workloads_add_are_no_difference_not_even_after_the_rollback() {
    let mut world = growing();
    world.scenario.rollback = true;
    world.scenario.workloads =
        vec![workload("seed", When::Before), workload("load", When::During), workload("buy", When::After)];
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, differences(&record)), (Verdict::Same, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn rows_that_taking_the_patch_back_loses_are_told_as_such() {
    let taken_back = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let mut world = World::new(move |inside, words| {
        let mut taken_back = taken_back.lock().expect("no answer panics while it holds the lock");
        match words {
            [first, ..] if first == "unpatch" => {
                taken_back.insert(inside.number);
            }
            [_, what] if what == "orders" => {
                let lost = inside.arm == Arm::Patched && taken_back.contains(&inside.number);
                return Some(printed(if lost { "1|book" } else { "1|book\n2|pen" }));
            }
            _ => {}
        }
        None
    });
    world.scenario.data = vec![data("orders")];
    world.scenario.rollback = true;
    let record = world.run().await.expect("the run ends");
    assert_eq!(differences(&record), [("reverted.data.orders.stdout", Some("kept"), Some("1 of 2 lost"))]);
    assert_eq!(record.verdict, Verdict::Regressed);
}

#[tokio::test(start_paused = true)]
async fn data_of_an_optional_service_may_be_away() {
    let mut world = orders(|_| ran(End::Exited(1), "no such table"));
    world.scenario.services[0].optional = true;
    world.scenario.data = vec![Data { service: Some("web".to_owned()), ..data("orders") }];
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
}

#[tokio::test(start_paused = true)]
async fn lost_data_stand_before_what_shows_in_more_cells() {
    let mut world = World::new(|inside, words| match words {
        [look, what] if look == "look" && what == "orders" => Some(printed(if inside.patched { "" } else { "1|book" })),
        [look, _] if look == "look" => Some(ran(End::Exited(i32::from(inside.patched)), "")),
        _ => None,
    });
    world.scenario.software = vec![Software { data: vec![data("orders")], ..product("shop") }];
    world.scenario.matrix.software = SoftwareAxis::Each;
    let record = world.run().await.expect("the run ends");
    let causes = &record.scenarios[0].causes;
    let seen: Vec<(&str, usize)> = causes.iter().map(|cause| (cause.title.as_str(), cause.cells.len())).collect();
    assert_eq!(seen, [("data.orders.stdout: kept → 1 of 1 lost", 1), ("probe.page.exit: 0 → 1", 2)]);
}
