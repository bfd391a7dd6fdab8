//! Selection, matrix, order.

use std::collections::{BTreeMap, BTreeSet};

use patchbed_kinds::image::{AnySource, directory::Directory};
use patchbed_model::Arm;
use patchbed_sandbox::{Host, Place};
use proptest::prelude::*;

use super::{CellNames, Durations, Expression, ExpressionError, Plan, PlanError, Selection, Shard, interleaved, plan};
use crate::fixtures::{data, patch, product, scenario};
use crate::scenario::{Degraded, Delivery, PatchAxis, Scenario, Software, SoftwareAxis};

fn with(patches: &[(&str, &[&str])], axis: PatchAxis) -> Scenario {
    let mut scenario = scenario();
    scenario.patches = patches
        .iter()
        .map(|(name, after)| {
            let mut patch = patch(name);
            patch.after = after.iter().map(|name| (*name).to_owned()).collect();
            patch
        })
        .collect();
    scenario.matrix.patch = axis;
    scenario
}

fn patch_sets(scenario: Scenario) -> Vec<Vec<String>> {
    let plan = plan([scenario], &Selection::default()).expect("it is small");
    plan.cells.iter().map(|cell| cell.names().patches).collect()
}

#[test]
fn each_patch_comes_with_those_it_needs() {
    let scenario = with(&[("a", &[]), ("b", &["a"]), ("c", &["b"])], PatchAxis::Each);
    assert_eq!(patch_sets(scenario), [vec!["a"], vec!["a", "b"], vec!["a", "b", "c"]]);
}

#[test]
fn all_and_each_repeats_no_set() {
    assert_eq!(patch_sets(with(&[("a", &[])], PatchAxis::AllAndEach)), [vec!["a"]]);
    let scenario = with(&[("a", &[]), ("b", &[])], PatchAxis::AllAndEach);
    assert_eq!(patch_sets(scenario), [vec!["a", "b"], vec!["a"], vec!["b"]]);
}

#[test]
fn a_bundle_is_given_one_by_one_or_together_or_in_both_ways() {
    let together = |delivery| {
        let scenario = Scenario { delivery, ..with(&[("a", &[]), ("b", &[])], PatchAxis::AllAndEach) };
        let plan = plan([scenario], &Selection::default()).expect("it is small");
        let ids: BTreeSet<_> = plan.cells.iter().map(|cell| cell.id.clone()).collect();
        assert_eq!(ids.len(), plan.cells.len(), "two cells have one id");
        plan.cells.iter().map(|cell| (cell.names().patches.len(), cell.is_together())).collect::<Vec<_>>()
    };
    assert_eq!(together(Delivery::OneByOne), [(2, false), (1, false), (1, false)]);
    assert_eq!(together(Delivery::Together), [(2, true), (1, false), (1, false)]);
    assert_eq!(together(Delivery::Both), [(2, false), (2, true), (1, false), (1, false)]);
}

#[test]
fn products_are_on_together_or_one_by_one_or_off() {
    let sets = |axis| {
        let mut scenario = scenario();
        scenario.software = vec![product("bank"), product("scanner")];
        scenario.matrix.software = axis;
        let plan = plan([scenario], &Selection::default()).expect("it is small");
        plan.cells.iter().map(|cell| cell.names().software.join("+")).collect::<Vec<_>>()
    };
    assert_eq!(sets(SoftwareAxis::All), ["bank+scanner"]);
    assert_eq!(sets(SoftwareAxis::Each), ["", "bank", "scanner"]);
    assert_eq!(sets(SoftwareAxis::Pairs), ["", "bank", "scanner", "bank+scanner"]);
    assert_eq!(sets(SoftwareAxis::None), [""]);
}

#[test]
fn too_many_cells_are_refused_before_they_are_made() {
    let mut scenario = with(&[("a", &[])], PatchAxis::All);
    let image = scenario.images[0].clone();
    scenario.images = vec![image; 30_000];
    let refused = plan([scenario], &Selection::default());
    assert_eq!(refused, Err(PlanError::TooMany { cells: 30_000 }));
}

#[test]
fn an_id_says_what_a_cell_is_made_of_and_not_where_it_is_written() {
    let id = |scenario: Scenario| plan([scenario], &Selection::default()).expect("it is small").cells[0].id.clone();
    let mut elsewhere = scenario();
    elsewhere.file = "other/shop.yaml".into();
    elsewhere.title = "another title".to_owned();
    assert_eq!(id(elsewhere), id(scenario()));
    let mut other = scenario();
    other.probes.clear();
    assert_ne!(id(other), id(scenario()));
    assert_eq!(id(scenario()).0.len(), 12);
}

#[test]
fn an_environment_is_what_runs_in_it_and_not_how_long_it_may() {
    let cell = |scenario: Scenario| plan([scenario], &Selection::default()).expect("it is small").cells.remove(0);
    let mut longer = scenario();
    longer.limits.time *= 2;
    assert_eq!(cell(longer.clone()).environment(), cell(scenario()).environment());
    assert_ne!(cell(longer).id, cell(scenario()).id);
    let mut larger = scenario();
    larger.limits.memory *= 2;
    assert_ne!(cell(larger).environment(), cell(scenario()).environment());
    let mut remembering = scenario();
    remembering.data = vec![data("orders")];
    assert_ne!(cell(remembering).environment(), cell(scenario()).environment());
    let with_product = |degraded| {
        let mut scenario = scenario();
        scenario.software = vec![Software { degraded, ..product("scanner") }];
        cell(scenario).environment()
    };
    assert_ne!(with_product(Some(Degraded::Program(vec!["off".to_owned()]))), with_product(None));
    // Accepted baselines are known by it: whoever has to write another digest here orphans all of them.
    assert_eq!(cell(scenario()).environment().short(), "b8cdc91f8e34");
}

#[test]
fn arms_are_interleaved() {
    let text = |control, patched| -> String {
        interleaved(control, patched).iter().map(|arm| if *arm == Arm::Control { 'A' } else { 'B' }).collect()
    };
    assert_eq!(text(2, 1), "ABA");
    assert_eq!(text(3, 3), "ABBAAB");
    assert_eq!(text(0, 0), "");
}

fn names() -> CellNames {
    let text = |text: &str| text.to_owned();
    CellNames {
        scenario: text("shop"),
        image: text("debian-12-web"),
        patches: vec![text("april-2026")],
        software: vec![text("bank-plugin"), text("scanner")],
    }
}

fn fits(expression: &str) -> bool {
    Expression::parse(expression).expect("it can be read").fits("c7f2", &names())
}

#[test]
fn expressions_select_by_field() {
    for yes in [
        "image~debian & software!=guard",
        "software=scanner",
        "scenario=shop",
        "id~c7",
        "c7f2",
        "web",
        "image~alpine | patch~april",
        "!(image~alpine)",
        "software!~guard",
        "'debian-12-web'",
        "image = debian-12-web",
    ] {
        assert!(fits(yes), "{yes}");
    }
    for no in ["image~debian & software!=scanner", "software=scan", "!web", "image~alpine & web | nothing"] {
        assert!(!fits(no), "{no}");
    }
}

#[test]
fn what_is_wrong_with_an_expression_is_said() {
    let error = |text: &str| Expression::parse(text).expect_err("it is wrong");
    assert_eq!(error("imgae~debian").to_string(), "there is no field `imgae`, did you mean `image`");
    assert_eq!(error("image~").to_string(), "at character 7: expected a word");
    assert_eq!(error("(a").to_string(), "at character 3: expected `)`");
    assert_eq!(error("a b").to_string(), "at character 3: expected `&`, `|` or the end");
    assert_eq!(error(&"!".repeat(1000)), ExpressionError::TooDeep);
    assert_eq!(error(&"(".repeat(1000)), ExpressionError::TooDeep);
}

#[test]
fn a_beginning_that_fits_several_cells_is_ambiguous() {
    let scenario = with(&[("a", &[]), ("b", &[])], PatchAxis::Each);
    let selection = Selection { cells: vec!["c".to_owned()], ..Selection::default() };
    assert!(matches!(plan([scenario.clone()], &selection), Err(PlanError::Ambiguous { .. })));
    let id = plan([scenario.clone()], &Selection::default()).expect("it is small").cells[1].id.clone();
    let selection = Selection { cells: vec![id.0.clone()], ..Selection::default() };
    assert_eq!(plan([scenario], &selection).expect("it is the only one").cells[0].id, id);
}

#[test]
fn the_plan_of_a_scenario_for_people() {
    let mut scenario = with(&[("fix", &[])], PatchAxis::All);
    scenario.rollback = true;
    scenario.data = vec![data("orders")];
    let degraded = Some(Degraded::Program(vec!["off".to_owned()]));
    scenario.software = vec![Software { degraded, ..product("scanner") }];
    scenario.images[0].source = AnySource::Directory(Directory { path: "root".to_owned() });
    let plan = plan([scenario], &Selection::default()).expect("it is small");
    let durations = plan.cells.iter().map(|cell| (cell.names(), 1500)).collect();
    insta::assert_snapshot!(plan.document(&durations, Some(&host())).text());
}

/// A host with everything, whoever runs the test.
fn host() -> Host {
    Host {
        place: Place::Root { base: 0x7000_0000 },
        memory_layers: true,
        core_limit: 0,
        scrubbed: Vec::new(),
        submounts: Vec::new(),
        network_files: Vec::new(),
        proxies: Vec::new(),
        memory_group: true,
        meters: Vec::new(),
        group: None,
    }
}

#[test]
fn a_plan_for_any_host_says_nothing_of_one_and_layers_are_known_by_what_defines_them() {
    let mut scenario = scenario();
    let plan_of = |scenario: &Scenario| plan([scenario.clone()], &Selection::default()).expect("it is small");
    let layers = |scenario: &Scenario| plan_of(scenario).document(&Durations::new(), None).cells[0].layers.clone();
    let before = layers(&scenario);
    assert!(plan_of(&scenario).document(&Durations::new(), None).cells[0].sandbox.is_empty());
    scenario.images[0].base = "elsewhere".into();
    assert_eq!(layers(&scenario), before);
    scenario.images[0].install = scenario.patches[0].apply.clone();
    assert_ne!(layers(&scenario)[0].definition, before[0].definition);
}

#[test]
fn services_start_after_those_they_need() {
    let mut scenario = scenario();
    let service = |name: &str, after: &[&str]| {
        let mut service = crate::fixtures::service(name);
        service.after = after.iter().map(|name| (*name).to_owned()).collect();
        service
    };
    scenario.services = vec![service("c", &["b"]), service("a", &[]), service("b", &["a"])];
    let plan = plan([scenario], &Selection::default()).expect("it is small");
    let names: Vec<&str> = plan.cells[0].services().iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

proptest! {
    #[test]
    fn reading_an_expression_never_panics(text in "\\PC{0,40}") {
        let _ = Expression::parse(&text);
    }

    #[test]
    fn interleaving_gives_each_arm_its_number(control in 0_u32..20, patched in 0_u32..20) {
        let arms = interleaved(control, patched);
        let count = |wanted| arms.iter().filter(|arm| **arm == wanted).count();
        prop_assert_eq!((count(Arm::Control), count(Arm::Patched)), (control as usize, patched as usize));
    }

    #[test]
    fn each_cell_is_closed_under_what_its_patches_need(needs in proptest::collection::vec(0_usize..8, 1..8)) {
        let names: Vec<String> = (0..needs.len()).map(|number| format!("p{number}")).collect();
        let mut scenario = scenario();
        scenario.patches = names.iter().zip(&needs).enumerate().map(|(place, (name, need))| {
            let mut patch = patch(name);
            patch.after = names.get(*need).filter(|_| *need < place).cloned().into_iter().collect();
            patch
        }).collect();
        scenario.matrix.patch = PatchAxis::Each;
        let after: Vec<(String, Vec<String>)> =
            scenario.patches.iter().map(|patch| (patch.name.clone(), patch.after.clone())).collect();
        let plan = plan([scenario], &Selection::default()).expect("it is small");
        for cell in &plan.cells {
            let set: BTreeSet<String> = cell.names().patches.into_iter().collect();
            for (name, needed) in &after {
                prop_assert!(!set.contains(name) || needed.iter().all(|one| set.contains(one)));
            }
        }
    }
}

/// A plan of so many cells: one for each patch.
fn plan_of_many(cells: usize) -> Plan {
    let names: Vec<String> = (0..cells).map(|number| format!("p{number}")).collect();
    let patches: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
    plan([with(&patches, PatchAxis::Each)], &Selection::default()).expect("it is small")
}

fn ids(plan: &Plan) -> BTreeSet<String> {
    plan.cells.iter().map(|cell| cell.id.0.clone()).collect()
}

proptest! {
    #[test]
    fn shards_have_every_cell_once_and_the_order_of_cells_does_not_matter(
        weights in proptest::collection::vec(proptest::option::of(0_u64..100_000), 1..20),
        total in 1_usize..8,
    ) {
        let whole = plan_of_many(weights.len());
        let known = whole.cells.iter().zip(&weights).filter_map(|(cell, weight)| Some((cell.id.clone(), (*weight)?)));
        let estimates: BTreeMap<_, _> = known.collect();
        let turned = Plan { cells: whole.cells.iter().rev().cloned().collect() };
        let mut seen = BTreeSet::new();
        for index in 1..=total {
            let shard = Shard::new(index, total).expect("it is one of them");
            let part = ids(&shard.of(whole.clone(), &estimates));
            prop_assert_eq!(&part, &ids(&shard.of(turned.clone(), &estimates)));
            prop_assert!(part.is_disjoint(&seen));
            seen.extend(part);
        }
        prop_assert_eq!(seen, ids(&whole));
    }

    #[test]
    fn no_shard_takes_longer_than_the_lightest_by_more_than_one_cell(
        weights in proptest::collection::vec(1_u64..100_000, 1..20),
        total in 1_usize..8,
    ) {
        let whole = plan_of_many(weights.len());
        let estimates: BTreeMap<_, _> =
            whole.cells.iter().map(|cell| cell.id.clone()).zip(weights.iter().copied()).collect();
        let load = |index| {
            let part = Shard::new(index, total).expect("it is one of them").of(whole.clone(), &estimates);
            part.cells.iter().map(|cell| estimates[&cell.id]).sum::<u64>()
        };
        let loads: Vec<u64> = (1..=total).map(load).collect();
        let longest = weights.iter().max().expect("there is a cell");
        prop_assert!(loads.iter().max() <= loads.iter().min().map(|least| least + longest).as_ref());
    }
}

#[test]
fn without_an_estimate_a_cell_weighs_by_what_its_scenario_says() {
    let mut long = scenario();
    long.id = "long".to_owned();
    long.watch = std::time::Duration::from_mins(1);
    let short = |name: &str| Scenario { id: name.to_owned(), ..scenario() };
    let whole = plan([short("a"), long, short("b"), short("c")], &Selection::default()).expect("it is small");
    let parts = [1, 2].map(|index| Shard::new(index, 2).expect("it is one of two").of(whole.clone(), &BTreeMap::new()));
    let names = parts.map(|part| part.cells.iter().map(|cell| cell.names().scenario).collect::<Vec<_>>());
    assert_eq!(names, [vec!["long"], vec!["a", "b", "c"]]);
}
