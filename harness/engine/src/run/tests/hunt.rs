//! The search for the guilty part of a bundle, as a run makes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use patchbed_model::search::{Answer, Search};
use patchbed_model::{Arm, Event, Record, Verdict};
use patchbed_sandbox::fake;
use patchbed_sandbox::message::End;
use proptest::collection::btree_set;
use proptest::prelude::*;

use super::{World, ran};
use crate::fixtures::{patch, product, workload};
use crate::run::Searching;
use crate::scenario::{SoftwareAxis, When};

const PATCHES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
const PRODUCTS: [&str; 3] = ["bank", "mail", "scanner"];

fn world(guilty: &[&[&str]]) -> World {
    of_sets(guilty.iter().map(|set| set.iter().map(ToString::to_string).collect()).collect())
}

/// A world with a bundle of nine patches. The page is broken where one of these sets of patches and products is in. A look
/// takes a second.
fn of_sets(guilty: Vec<BTreeSet<String>>) -> World {
    let on = Mutex::new(BTreeMap::<(Arm, usize), BTreeSet<String>>::new());
    let mut world = World::new(move |inside, words| {
        let mut on = on.lock().expect("no answer panics while it holds the lock");
        let on = on.entry((inside.arm, inside.number)).or_default();
        match words {
            [first, name] if first == "patch" || first == "work" => {
                on.insert(name.clone());
                None
            }
            [first, _] if first == "look" => {
                let broken = guilty.iter().any(|set| set.is_subset(on));
                let fake::Answer::Now(reply) = ran(End::Exited(i32::from(broken)), "") else { return None };
                Some(fake::Answer::After(Duration::from_secs(1), reply))
            }
            _ => None,
        }
    });
    world.scenario.patches = PATCHES.map(patch).into();
    world
}

/// The same with these products, of which so many combinations are run.
fn with_products(mut world: World, products: &[&str], axis: SoftwareAxis) -> World {
    let software =
        |name: &&str| crate::scenario::Software { workloads: vec![workload(name, When::Before)], ..product(name) };
    world.scenario.software = products.iter().map(software).collect();
    world.scenario.matrix.software = axis;
    world
}

fn search(record: &Record) -> &Search {
    let searches: Vec<&Search> = record.scenarios[0].cells.iter().filter_map(|cell| cell.search.as_ref()).collect();
    assert_eq!(searches.len(), 1, "{searches:#?}");
    searches[0]
}

/// The guilty sets that were found, in words.
fn guilty(record: &Record) -> Vec<String> {
    search(record).found.iter().filter_map(patchbed_model::search::Found::guilty).collect()
}

#[tokio::test(start_paused = true)]
async fn the_guilty_patch_of_a_bundle_is_named_and_the_rest_is_safe() {
    let mut world = world(&[&["d"]]);
    world.scenario.patches[3].origin = vec!["CVE-2026-1".to_owned()];
    let record = world.run().await.expect("the run ends");
    assert_eq!(guilty(&record), ["d"]);
    let search = search(&record);
    assert_eq!(search.hold, ["d"]);
    assert_eq!(search.leaves, ["CVE-2026-1"]);
    assert_eq!(search.safe_subset.len(), 8);
    assert!(search.runs <= 18, "{} runs", search.runs);
    let scenario = &record.scenarios[0];
    // Trials are no cells.
    assert_eq!(scenario.cells.len(), 1);
    let since = scenario.causes[0].since.as_ref().expect("it is known since when");
    assert_eq!((since.patch.as_str(), since.without.0), ("d", 0));
    assert_eq!(since.with.0, since.with.1);
    let culprits = scenario.culprits.as_ref().expect("they are known");
    assert_eq!((culprits.sets.clone(), culprits.runs), (vec![vec!["d".to_owned()]], search.runs));
    assert_eq!(culprits.safe_subset, search.safe_subset);
}

#[tokio::test(start_paused = true)]
async fn a_pair_and_two_that_are_guilty_by_themselves_are_told_apart() {
    let record = world(&[&["b", "h"]]).run().await.expect("the run ends");
    assert_eq!(guilty(&record), ["b + h"]);
    assert_eq!(search(&record).safe_subset.len(), 8);
    let record = world(&[&["b"], &["h"]]).run().await.expect("the run ends");
    assert_eq!(guilty(&record), ["b, or h"]);
    assert_eq!(search(&record).safe_subset.len(), 7);
}

#[tokio::test(start_paused = true)]
async fn what_needs_the_guilty_patch_is_withheld_with_it() {
    let mut world = world(&[&["c"]]);
    world.scenario.patches[6].after = vec!["c".to_owned()];
    let record = world.run().await.expect("the run ends");
    assert_eq!(guilty(&record), ["c"]);
    assert_eq!(search(&record).hold, ["c", "g"]);
}

#[tokio::test(start_paused = true)]
async fn the_cell_with_the_fewest_products_is_searched_for_all() {
    let mut world = with_products(world(&[&["e", "bank"]]), &["bank", "mail"], SoftwareAxis::Pairs);
    let record = world.run().await.expect("the run ends");
    assert_eq!(guilty(&record), ["e"]);
    let searched = record.scenarios[0].cells.iter().find(|cell| cell.search.is_some()).expect("one was searched");
    assert_eq!(searched.software, ["bank"]);
    let cause = &record.scenarios[0].causes[0];
    assert_eq!((cause.cells.len(), cause.only_with.as_slice()), (2, &["bank".to_owned()][..]));
}

#[tokio::test(start_paused = true)]
async fn a_bundle_without_a_guilty_part_is_not_searched_and_nobody_is_blamed() {
    let mut clean = world(&[]);
    let record = clean.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Same);
    assert!(record.scenarios[0].culprits.is_none());
    assert!(!clean.events.iter().any(|event| matches!(event, Event::Searched { .. })));
    let mut unasked = world(&[&["d"]]);
    unasked.options.searching = Searching::Never;
    let record = unasked.run().await.expect("the run ends");
    assert!(record.scenarios[0].cells[0].search.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_leaves_it_open() {
    let mut world = world(&[&["b", "h"]]);
    world.options.searching = Searching::Asked(4);
    let record = world.run().await.expect("the run ends");
    let search = search(&record);
    assert_eq!((search.runs, search.found[0].answer), (4, Answer::Open));
    assert!(search.safe_subset.is_empty());
    assert!(record.scenarios[0].culprits.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_search_that_was_cut_off_goes_on_to_the_same_end() {
    let whole = world(&[&["b", "h"]]).run().await.expect("the run ends");
    let mut resumed = 0;
    for seconds in [6, 12, 18, 24] {
        let mut world = world(&[&["b", "h"]]);
        if world.cut_off(seconds).await.is_none() {
            continue;
        }
        resumed += 1;
        let record = world.run().await.expect("the run ends");
        assert_eq!(search(&record), search(&whole), "cut off after {seconds} s");
    }
    assert!(resumed > 1, "{resumed} runs were cut off");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// In a world in which some patches do harm together, with some products, the claims are those of the world. Where no
    /// cell without products was run, what it takes is said not to be known.
    #[test]
    fn claims_match_the_world(
        patches in btree_set(0..PATCHES.len(), 1..3),
        products in btree_set(0..PRODUCTS.len(), 0..3),
        has_controls in any::<bool>(),
    ) {
        let names = |all: &[&str], places: &BTreeSet<usize>| -> BTreeSet<String> {
            places.iter().map(|place| all[*place].to_owned()).collect()
        };
        let (patches, products) = (names(&PATCHES, &patches), names(&PRODUCTS, &products));
        let guilty = vec![patches.union(&products).cloned().collect()];
        let axis = if has_controls { SoftwareAxis::Pairs } else { SoftwareAxis::All };
        let mut world = with_products(of_sets(guilty), &PRODUCTS, axis);
        let paused = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let record = paused.expect("a runtime").block_on(world.run()).expect("the run ends");
        let scenario = &record.scenarios[0];
        prop_assert_eq!(scenario.causes.len(), 1, "{:#?}", &scenario.causes);
        let cause = &scenario.causes[0];
        let culprits = scenario.culprits.as_ref().expect("they are known");
        prop_assert_eq!(&culprits.sets, &vec![patches.iter().cloned().collect::<Vec<_>>()]);
        prop_assert_eq!(culprits.safe_subset.len(), PATCHES.len() - 1);
        let since = cause.since.as_ref().expect("it is known since when");
        prop_assert_eq!(&since.patch, &patches.iter().cloned().collect::<Vec<_>>().join(" + "));
        prop_assert_eq!((since.with.0, since.without.0), (since.with.1, 0));
        if has_controls {
            prop_assert_eq!(cause.only_with.iter().cloned().collect::<BTreeSet<_>>(), products);
            prop_assert!(cause.perhaps_with.is_empty());
        } else {
            prop_assert!(cause.only_with.is_empty(), "{:?} is claimed without proof", &cause.only_with);
            prop_assert!(!cause.perhaps_with.is_empty());
        }
        prop_assert!(cause.hidden_by.is_empty());
    }
}
