//! Arbitrary readings, snapshots, rules and outcomes, for the laws.

use patchbed_model::rule::{Amount, KeyPattern};
use patchbed_model::{
    Allow, Blame, Cause, CauseKind, Class, Health, Key, Outcome, Reading, Rule, Rules, Snapshot, Stage, Value,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// Few keys, so that snapshots meet.
pub(crate) fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        Just("web.process.state"),
        Just("web.ready"),
        Just("probe.page.stdout"),
        Just("probe.page.exit"),
        Just("web.memory.rss"),
        Just("packages.web.version"),
    ]
    .prop_map(Key::from)
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ab]{1,2}( [0-9]{1,3})?".prop_map(Value::Text),
        (0_u32..4).prop_map(|number| Value::Number(f64::from(number))),
        vec("[ab]", 0..3).prop_map(Value::List),
    ]
}

/// Any reading.
pub(crate) fn reading() -> impl Strategy<Value = Reading> {
    let class = prop_oneof![Just(Class::State), Just(Class::Content), Just(Class::Metric), Just(Class::Fact)];
    let health = prop_oneof![Just(None), Just(Some(Health::Good)), Just(Some(Health::Bad))];
    (class, value(), health, vec("[a-c]", 0..2)).prop_map(|(class, value, health, evidence)| Reading {
        class,
        value,
        health: health.filter(|_| class == Class::State),
        unit: None,
        better: None,
        evidence,
    })
}

/// A snapshot of up to six readings.
pub(crate) fn snapshot() -> impl Strategy<Value = Snapshot> {
    btree_map(key(), reading(), 0..6).prop_map(|readings| Snapshot { readings })
}

fn allow() -> impl Strategy<Value = Allow> {
    prop_oneof![
        Just(Allow::Exact),
        Just(Allow::Ignore),
        Just(Allow::Shape),
        Just(Allow::Set),
        (0.0_f64..2.0).prop_map(Allow::Within),
        (0.0_f64..2.0).prop_map(Allow::AtMost),
        (0.0_f64..2.0).prop_map(Allow::AtLeast),
        (0.0_f64..200.0).prop_map(|number| Allow::WithinNumber(Amount::Plain(number))),
        (0.0_f64..200.0).prop_map(|number| Allow::AtMostNumber(Amount::Plain(number))),
        (0.0_f64..200.0).prop_map(|number| Allow::AtMostMore(Amount::Plain(number))),
        (0.0_f64..200.0).prop_map(|number| Allow::AtLeastNumber(Amount::Plain(number))),
        Just(Allow::Matches("[ab]+".to_owned())),
        Just(Allow::OneOf(vec!["a".to_owned(), "1".to_owned()])),
    ]
}

/// Up to three rules.
pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    let pattern = prop_oneof![Just("*"), Just("probe.*"), Just("web.*"), Just("*.stdout")];
    vec((pattern, allow()), 0..3)
        .prop_map(|list| Rules(list.into_iter().map(|(pattern, allow)| rule(pattern, allow)).collect()))
}

/// A rule for these keys.
pub(crate) fn rule(pattern: &str, allow: Allow) -> Rule {
    Rule { key: KeyPattern(pattern.to_owned()), allow, reason: None, owner: None, until: None }
}

/// Any cause.
pub(crate) fn cause() -> impl Strategy<Value = Cause> {
    let blame = prop_oneof![
        Just(Blame::Patch),
        Just(Blame::Software),
        Just(Blame::Scenario),
        Just(Blame::Environment),
        Just(Blame::Harness),
    ];
    let kind = prop_oneof![Just(CauseKind::ChangeFailed), Just(CauseKind::GuestLost), Just(CauseKind::LimitReached)];
    let stage = prop_oneof![Just(Stage::Start), Just(Stage::Apply), Just(Stage::Observe)];
    (kind, stage, blame).prop_map(|(kind, stage, blame)| Cause {
        kind,
        stage,
        blame,
        subject: "fix".to_owned(),
        text: "it stopped".to_owned(),
        evidence: Vec::new(),
    })
}

/// Any outcome; most are observed.
pub(crate) fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![4 => snapshot().prop_map(Outcome::Observed), 1 => cause().prop_map(Outcome::Stopped)]
}
