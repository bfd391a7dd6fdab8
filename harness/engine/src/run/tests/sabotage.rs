//! Faults in place of patches, in a world in which they show, do not show, or cannot be injected.

use std::sync::atomic::{AtomicBool, Ordering};

use patchbed_sandbox::message::End;

use super::{World, ran};
use crate::sabotage::{Care, Fault, FaultKind, Findings, Told, faults, sabotaged};

/// What was found of faults whose scripts end so, when `look` fails wherever a fault of the first kind is in.
async fn found(care: Care, kinds: &[FaultKind]) -> Findings {
    let broken = AtomicBool::new(false);
    let mut world = World::new(move |_, words| match words {
        [shell, _, script, ..] if shell == "/bin/sh" => {
            broken.store(script.contains("# Stops the service"), Ordering::Relaxed);
            Some(match script {
                loose if loose.contains("# Puts a line") => ran(End::Exited(1), "what went before\nunfit: no file"),
                held if held.contains("# Empties a library") => ran(End::Exited(1), "the library is not empty"),
                _ => ran(End::Exited(0), ""),
            })
        }
        [look, ..] if look == "look" => Some(ran(End::Exited(i32::from(broken.swap(false, Ordering::Relaxed))), "")),
        _ => None,
    });
    let known: Vec<Fault> = faults(&world.scenario, kinds);
    world.scenario = sabotaged(world.scenario, &known, care);
    let record = world.run().await.expect("the run ends");
    Findings::of(&record.scenarios[0], &known, kinds)
}

const KINDS: [FaultKind; 4] =
    [FaultKind::StopService, FaultKind::CorruptConfig, FaultKind::LeakDescriptors, FaultKind::RemoveLibrary];

#[tokio::test(start_paused = true)]
async fn what_cannot_be_injected_counts_neither_as_noticed_nor_as_missed() {
    let findings = found(Care::Quick, &KINDS).await;
    let told: Vec<Told> = findings.faults.iter().map(|one| one.told).collect();
    assert_eq!(told, [Told::Noticed, Told::Unfit, Told::Missed, Told::NotInjected]);
    assert_eq!((findings.noticed, findings.injected), (1, 2));
    assert_eq!(findings.faults[0].shows[0].as_str(), "probe.page.exit");
    assert_eq!(findings.faults[1].reason.as_deref(), Some("no file"));
    assert_eq!(findings.faults[3].reason.as_deref(), Some("the library is not empty"));
    assert_eq!(findings.untried, []);
    let settled: Vec<bool> = findings.faults.iter().map(crate::sabotage::Finding::is_settled).collect();
    assert_eq!(settled, [true, true, false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_scenario_that_notices_nothing_is_blind_and_one_without_faults_is_not() {
    assert!(found(Care::Full, &[FaultKind::LeakDescriptors]).await.is_blind());
    assert!(!found(Care::Full, &[FaultKind::CorruptConfig]).await.is_blind());
    assert_eq!(found(Care::Full, &[FaultKind::StopService, FaultKind::Delay]).await.untried, [FaultKind::Delay]);
    assert!(!found(Care::Full, &[FaultKind::StopService]).await.is_blind());
}

#[tokio::test(start_paused = true)]
async fn what_differs_where_nothing_is_done_is_no_sign_of_a_fault() {
    let quick = found(Care::Quick, &[FaultKind::StopService]).await;
    assert_eq!(quick.noticed, 1);
    let idle = Findings { idle: quick.faults[0].shows.clone(), faults: Vec::new(), ..quick.clone() };
    let told = quick.then(&idle);
    assert_eq!((told.noticed, told.injected, told.faults[0].told), (0, 1, Told::Missed));
}
