//! Outages: seen in both arms, told in the record, and limited by what the patch adds.

use patchbed_model::rule::{Amount, KeyPattern, Rule};
use patchbed_model::{Allow, Arm, Outages, Record, Rules, Verdict};
use patchbed_sandbox::fake::{Answer, Happened};
use patchbed_sandbox::message::{FailureKind, Process, Reply, Request, Socket, Watched, WatchedPort};

use super::world::{Inside, World, failed};

/// How long the service is closed without the patch, and with it.
const WITHOUT: u64 = 200;
const WITH: u64 = 3400;

fn socket() -> Answer {
    Answer::Now(Reply::Sockets(vec![Socket {
        protocol: "tcp".to_owned(),
        address: "0.0.0.0".to_owned(),
        port: 80,
        pid: Some(7),
        process: Some("web".to_owned()),
        service: Some("web".to_owned()),
        user: "root".to_owned(),
    }]))
}

fn process() -> Answer {
    Answer::Now(Reply::Processes(vec![Process {
        pid: 7,
        parent: 1,
        name: "web".to_owned(),
        argv: vec!["web".to_owned()],
        program: "/usr/sbin/web".to_owned(),
        state: 'S',
        user: "root".to_owned(),
        memory: 1,
        threads: 1,
        descriptors: 1,
        started: 1,
        service: Some("web".to_owned()),
        unit: None,
        stale: Vec::new(),
    }]))
}

/// What the watch has seen once the service was closed for so long.
fn watched(closed: u64) -> Answer {
    let line = "2024-05-01 10:00:00 configure web:amd64 2 <none>".to_owned();
    Answer::Now(Reply::Watched(Watched {
        milliseconds: 5000,
        ports: vec![WatchedPort { closed: vec![(100, 100 + closed)], reopened: 1 }],
        lines: vec![(50, line)],
    }))
}

/// A guest that watches; `ends` is what it says at the end.
fn world(ends: fn(&Inside) -> Answer) -> World {
    let mut world = World::new(move |inside, words| match words[0].as_str() {
        "sockets" => Some(socket()),
        "processes" => Some(process()),
        "watch" => Some(Answer::Now(Reply::Done)),
        "watched" => Some(watched(WITHOUT)),
        "unwatch" => Some(ends(inside)),
        _ => None,
    });
    world.scenario.automatic = true;
    world
}

fn by_arm(inside: &Inside) -> Answer {
    watched(if inside.patched { WITH } else { WITHOUT })
}

/// What was closed in the attempts of an arm.
fn closed(record: &Record, arm: Arm) -> Vec<u64> {
    let attempts = record.scenarios[0].cells[0].timeline.iter().filter(|attempt| attempt.arm == arm);
    let of = |outages: &Outages| outages.services[0].milliseconds();
    attempts.map(|attempt| of(attempt.outages.as_ref().expect("it was watched"))).collect()
}

/// So many seconds more than without the patch.
fn limit(seconds: f64) -> Rules {
    let allow = Allow::AtMostMore(Amount::Seconds(seconds));
    let key = KeyPattern("web.outage".to_owned());
    Rules(vec![Rule { key, allow, reason: None, owner: None, until: None }])
}

/// What is said of the outage where so many seconds more are allowed.
async fn said(seconds: f64) -> Option<(Verdict, String)> {
    let mut world = world(by_arm);
    world.scenario.rules = limit(seconds);
    let record = world.run().await.expect("the run ends");
    let differences = &record.scenarios[0].cells[0].differences;
    let found = differences.iter().find(|difference| difference.key.as_str() == "web.outage")?;
    Some((found.verdict, found.evidence.join("\n")))
}

#[tokio::test(start_paused = true)]
async fn only_what_the_patch_adds_counts() {
    let evidence = "3.4 s, 0.2 s of it also without the patch; at most 2 s more allowed\n\
        closed from 0.10 s to 3.50 s: configure of web";
    assert_eq!(said(2.0).await, Some((Verdict::Regressed, evidence.to_owned())));
    assert_eq!(said(3.2).await, None);
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_for_an_outage_after_the_patch_was_taken_back() {
    let mut world = world(by_arm);
    world.scenario.rollback = true;
    world.scenario.rules = limit(10.0);
    let record = world.run().await.expect("the run ends");
    let differences = &record.scenarios[0].cells[0].differences;
    assert!(differences.iter().all(|difference| !difference.key.as_str().ends_with("web.outage")), "{differences:?}");
}

#[tokio::test(start_paused = true)]
async fn both_arms_are_watched_and_told_and_no_rule_says_that_it_is_bad() {
    let mut world = world(by_arm);
    let record = world.run().await.expect("the run ends");
    assert_eq!(closed(&record, Arm::Control)[..2], [WITHOUT, WITHOUT]);
    assert_eq!(closed(&record, Arm::Patched)[0], WITH);
    let cell = &record.scenarios[0].cells[0];
    assert!(cell.differences.iter().all(|difference| difference.key.as_str() != "web.outage"));
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_stands_where_the_guest_begins_anew() {
    let mut world = world(|_| failed(FailureKind::NotFound, "nothing is watched"));
    let record = world.run().await.expect("the run ends");
    assert_eq!(closed(&record, Arm::Patched)[0], WITHOUT);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_watched_where_nothing_is_looked_at_without_asking() {
    let mut world = world(by_arm);
    world.scenario.automatic = false;
    world.run().await.expect("the run ends");
    let is_watch = |happened: &Happened| matches!(happened, Happened::Called(_, Request::Watch(_)));
    assert!(!world.backend.happened().iter().any(is_watch));
}
