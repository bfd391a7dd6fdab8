//! Cells that a run adds to find out which products a regression takes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use patchbed_model::{Arm, CellId, Record, Verdict};
use patchbed_sandbox::message::End;

use super::{World, ran};
use crate::covering::pairs;
use crate::fixtures::{product, workload};
use crate::judge::localise::budget;
use crate::scenario::{Software, SoftwareAxis, When};

const NAMES: [&str; 6] = ["bank", "scanner", "mail", "shop", "vault", "printer"];

/// A world with six products. The patch breaks the page where one of these sets of them is on. A look takes a second.
fn world(guilty: &'static [&'static [&'static str]]) -> World {
    let on = Mutex::new(BTreeMap::<(Arm, usize), BTreeSet<String>>::new());
    let mut world = World::new(move |inside, words| {
        let mut on = on.lock().expect("no answer panics while it holds the lock");
        let on = on.entry((inside.arm, inside.number)).or_default();
        match words {
            [first, name] if first == "work" => {
                on.insert(name.clone());
                None
            }
            [first, _] if first == "look" => {
                let broken = guilty.iter().any(|set| set.iter().all(|name| on.contains(*name)));
                let ended = ran(End::Exited(i32::from(broken && inside.patched)), "");
                let patchbed_sandbox::fake::Answer::Now(reply) = ended else { return None };
                Some(patchbed_sandbox::fake::Answer::After(Duration::from_secs(1), reply))
            }
            _ => None,
        }
    });
    let software = |name: &&str| Software { workloads: vec![workload(name, When::Before)], ..product(name) };
    world.scenario.software = NAMES.iter().map(software).collect();
    world.scenario.matrix.software = SoftwareAxis::Pairs;
    world
}

/// The products of the cells that were added.
fn added(record: &Record) -> Vec<Vec<String>> {
    let cells = &record.scenarios[0].cells;
    cells[pairs(NAMES.len()).len()..].iter().map(|cell| cell.software.clone()).collect()
}

fn only_with(record: &Record) -> Vec<&str> {
    let causes = &record.scenarios[0].causes;
    assert_eq!(causes.len(), 1, "{causes:#?}");
    causes[0].only_with.iter().map(String::as_str).collect()
}

/// The cells that show the cause, and those that do not, by the products that are on.
fn proof(record: &Record) -> [Vec<Vec<String>>; 2] {
    let scenario = &record.scenarios[0];
    let software =
        |id: &CellId| scenario.cells.iter().find(|cell| cell.id == *id).expect("a cell of the record").software.clone();
    let cause = &scenario.causes[0];
    [cause.cells.iter().map(software).collect(), cause.not_in.iter().map(software).collect()]
}

#[tokio::test(start_paused = true)]
async fn one_guilty_product_is_proved_by_a_cell_with_it_alone() {
    let record = world(&[&["vault"]]).run().await.expect("the run ends");
    assert_eq!((record.verdict, only_with(&record)), (Verdict::Regressed, vec!["vault"]));
    assert_eq!(added(&record), [["vault"]]);
    let cell = &record.scenarios[0].cells[pairs(NAMES.len()).len()];
    assert_eq!((cell.attempts[&Arm::Control], cell.attempts[&Arm::Patched]), (5, 4));
    assert_eq!(cell.notes, ["run to find out which products it takes"]);
}

#[tokio::test(start_paused = true)]
async fn two_products_that_are_guilty_together_are_proved_by_cells_without_each() {
    for guilty in [&["bank", "scanner"], &["mail", "printer"], &["scanner", "vault"]] {
        let record = world(Box::leak(Box::new([guilty.as_slice()]))).run().await.expect("the run ends");
        assert_eq!(only_with(&record), guilty);
        let further = added(&record).len();
        assert!((1..=budget(NAMES.len())).contains(&further), "{further}");
        let [shows, clean] = proof(&record);
        assert!(shows.contains(&guilty.map(str::to_owned).to_vec()));
        for one in guilty {
            let without = |set: &Vec<String>| !set.contains(&(*one).to_owned());
            let other = guilty.iter().find(|other| *other != one).expect("there are two");
            assert!(clean.iter().any(|set| without(set) && set.contains(&(*other).to_owned())), "{clean:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_added_where_the_patch_does_no_harm_or_does_it_alone() {
    for guilty in [&[] as &[&[&str]], &[&[]]] {
        let record = world(guilty).run().await.expect("the run ends");
        assert_eq!(added(&record).len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_adds_cells_goes_on_where_it_was_cut_off() {
    let guilty: &[&[&str]] = &[&["mail", "printer"]];
    let whole = world(guilty).run().await.expect("the undisturbed run ends");
    let sandboxes = |world: &World| world.opened(Arm::Control) + world.opened(Arm::Patched);
    let mut cuts = 0;
    for seconds in (20..200).step_by(31) {
        let mut world = world(guilty);
        let Some(cut) = world.cut_off(seconds).await else { continue };
        cuts += 1;
        let (finished, before) = (attempts(&cut), sandboxes(&world));
        let resumed = world.run().await.expect("the resumed run ends");
        assert_eq!((added(&resumed), only_with(&resumed)), (added(&whole), only_with(&whole)), "after {seconds} s");
        // One attempt was under way and is made again.
        assert_eq!(finished - 1 + sandboxes(&world) - before, attempts(&whole), "after {seconds} s");
    }
    assert!(cuts > 2, "{cuts}");
}

fn attempts(record: &Record) -> usize {
    record.scenarios[0].cells.iter().flat_map(|cell| cell.attempts.values()).sum()
}
