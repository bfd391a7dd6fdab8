//! Laws of comparing two looks at the same data.

use std::collections::BTreeMap;

use patchbed_model::{Better, Health, Key, Reading, Value};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::kept::{Glance, compared};

const KEY: &str = "data.orders.stdout";

fn glance(reading: Reading) -> Glance {
    BTreeMap::from([(Key::from(KEY), reading)])
}

/// What becomes of one reading.
fn told(before: Reading, after: Reading) -> Reading {
    let mut all = compared(&Key::from("data.orders"), &glance(before), &glance(after));
    all.remove(&Key::from(KEY)).expect("what was there is told")
}

fn text(lines: &[String]) -> Reading {
    Reading::content(lines.join("\n"))
}

fn list(lines: &[String]) -> Reading {
    Reading::content(Value::List(lines.to_vec()))
}

fn said(before: &str, after: &str) -> (String, Vec<String>) {
    let reading = told(Reading::content(before), Reading::content(after));
    (reading.value.to_string(), reading.evidence)
}

fn lines(most: usize) -> impl Strategy<Value = Vec<String>> {
    vec("[a-c]{1,2}( [0-3])?", 0..most)
}

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        lines(8).prop_map(|lines| text(&lines)),
        lines(8).prop_map(|lines| list(&lines)),
        (-3_i8..3).prop_map(|number| Reading::measured(f64::from(number), "orders", Better::Higher)),
        "[a-c]".prop_map(|value| Reading::state(value, Health::Good)),
        "[a-c]".prop_map(|value| Reading::state(value, Health::Bad)),
        Just(Reading::unseen("too many")),
    ]
}

proptest! {
    #[test]
    fn what_is_as_it_was_is_kept(lines in lines(20)) {
        for reading in [text(&lines), list(&lines)] {
            prop_assert_eq!(told(reading.clone(), reading), Reading::state("kept", Health::Good));
        }
    }

    #[test]
    fn the_order_of_lines_does_not_matter(before in lines(12), after in lines(12), turn in 0_usize..12) {
        let mut turned = after.clone();
        turned.rotate_left(turn % after.len().max(1));
        let value = |after: &[String]| told(list(&before), list(after)).value;
        prop_assert_eq!(value(&after), value(&turned));
    }

    #[test]
    fn as_many_lines_are_lost_as_are_taken_out(count in 1_usize..60, out in 1_usize..60) {
        let before: Vec<String> = (0..count).map(|number| format!("{number}|book")).collect();
        let out = out.min(count);
        let told = told(text(&before), text(&before[out..]));
        prop_assert_eq!(told.value.to_string(), format!("{out} of {count} lost"));
        prop_assert_eq!(told.health, Some(Health::Bad));
        prop_assert_eq!(told.evidence.len(), out.min(21));
    }

    #[test]
    fn more_lines_are_no_loss(before in lines(12), more in lines(12)) {
        let told = told(text(&before), text(&[more, before.clone()].concat()));
        prop_assert_eq!(told.health, Some(Health::Good));
    }

    /// Whatever stands on the two sides, each reading of either is told once.
    #[test]
    fn every_reading_of_both_looks_is_told(
        before in proptest::collection::btree_map("[a-c]|look", reading(), 0..4),
        after in proptest::collection::btree_map("[a-c]|look", reading(), 0..4),
    ) {
        let prefix = Key::from("data.orders");
        let glance = |all: BTreeMap<String, Reading>| -> Glance {
            all.into_iter().map(|(part, reading)| (prefix.child(&part), reading)).collect()
        };
        let (before, after) = (glance(before), glance(after));
        let told = compared(&prefix, &before, &after);
        let keys: Vec<&Key> = before.keys().chain(after.keys()).collect();
        prop_assert!(keys.iter().all(|key| told.contains_key(*key)) && told.keys().all(|key| keys.contains(&key)));
        for (key, was) in &before {
            let lost = told[key].health == Some(Health::Bad);
            prop_assert!(after.contains_key(key) || lost || was.is_unseen());
        }
    }
}

#[test]
fn lost_and_changed_lines_are_shown() {
    let value = |text: &str| text.to_owned();
    let lost = vec![value("lost: 2|pen")];
    assert_eq!(said("1|book\n2|pen\n3|ink", "3|ink\n1|book"), (value("1 of 3 lost"), lost.clone()));
    let changed = vec![value("1|book → 1|boot")];
    assert_eq!(said("1|book\n2|pen", "1|boot\n2|pen"), (value("1 of 2 changed"), changed.clone()));
    assert_eq!(said("1|book\n2|pen", "1|boot"), (value("1 of 2 lost, 1 changed"), [lost, changed].concat()));
    assert_eq!(said("100", "97"), (value("changed"), vec![value("100 → 97")]));
    assert_eq!(said("1|book", "1|book\n2|pen\n3|ink"), (value("kept, 2 more"), Vec::new()));
    // Which of two rows became the other is not plain.
    assert_eq!(said("1|a\n1|b", "1|c\n1|d").0, "2 of 2 lost");
}

#[test]
fn what_was_not_there_cannot_be_lost() {
    let bad = || Reading::state("1", Health::Bad).because(["no such table".to_owned()]);
    let ill = told(bad(), Reading::state("0", Health::Good));
    assert_eq!((ill.value.to_string().as_str(), ill.health), ("not there before the patch", Some(Health::Bad)));
    assert_eq!(ill.evidence, ["1", "no such table"]);
    assert!(told(Reading::unseen("too many"), bad()).is_unseen());
}

#[test]
fn a_look_that_is_not_possible_any_more_is_bad_for_all_that_was_there() {
    let after = BTreeMap::from([(Key::from("data.orders.look"), Reading::state("cannot look: no room", Health::Bad))]);
    let told = compared(&Key::from("data.orders"), &glance(Reading::content("1|book")), &after);
    let values: Vec<String> = told.values().map(|reading| reading.value.to_string()).collect();
    assert_eq!(values, ["cannot look: no room"; 2]);
    let gone = compared(&Key::from("data.orders"), &glance(Reading::content("1|book")), &BTreeMap::new());
    let gone = &gone[&Key::from(KEY)];
    assert_eq!(
        (gone.value.to_string().as_str(), gone.evidence.as_slice()),
        ("gone", ["lost: 1|book".to_owned()].as_slice())
    );
}

#[test]
fn numbers_are_lost_when_they_go_the_unwanted_way() {
    let number = |before: f64, after: f64| {
        told(Reading::measured(before, "orders", Better::Higher), Reading::measured(after, "orders", Better::Higher))
    };
    assert_eq!(number(3.0, 3.0), Reading::state("kept", Health::Good));
    assert_eq!(number(3.0, 4.0), Reading::state("kept, 3 → 4", Health::Good));
    assert_eq!(number(3.0, 2.0), Reading::state("3 → 2", Health::Bad));
    let lower = |number: f64| Reading::measured(number, "debts", Better::Lower);
    assert_eq!(told(lower(3.0), lower(2.0)).health, Some(Health::Good));
}
