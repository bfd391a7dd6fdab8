//! Services under the guest.

use std::time::{Duration, Instant};

use patchbed_guest::message::{End, ServiceState};
use patchbed_sandbox::Sandbox;
use patchbed_testkit::needs;

use crate::bed::{Bed, STUCK, run, service};

async fn state(sandbox: &dyn Sandbox, name: &str) -> ServiceState {
    let states = sandbox.services().await.expect("states");
    states.into_iter().find(|state| state.name == name).expect("the service is known")
}

/// Waits until a service is as a test wants it.
async fn until(sandbox: &dyn Sandbox, name: &str, wanted: impl Fn(&ServiceState) -> bool) -> ServiceState {
    let begun = Instant::now();
    loop {
        let state = state(sandbox, name).await;
        if wanted(&state) {
            return state;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came to that: {state:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_daemon_that_forks_twice_belongs_to_its_service_and_is_stopped_with_it() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let daemon = "(setsid sh -c 'env -i sleep 1000 & sleep 1000' &) ; exit 0";
    sandbox.start(service("daemon", daemon)).await.expect("start");
    let state = until(&*sandbox, "daemon", |state| state.end.is_some() && state.processes.len() == 3).await;
    assert_eq!((state.end, state.starts), (Some(End::Exited(0)), 1));
    let stopped = sandbox.stop("daemon", 15, 2000).await.expect("stop");
    assert_eq!((stopped.processes, stopped.deaths), (vec![], vec![]));
}

#[tokio::test]
async fn a_crash_is_told_with_name_signal_and_service() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    // The second death comes when the first one has been reaped.
    let crash = "echo before; (sh -c 'echo $$ > /run/pid; kill -SEGV $$' &)
        until [ -s /run/pid ] && ! kill -0 $(cat /run/pid) 2>/dev/null; do sleep 0.01; done; kill -9 $$";
    sandbox.start(service("crash", crash)).await.expect("start");
    let state = until(&*sandbox, "crash", |state| state.deaths.len() == 2).await;
    assert_eq!(state.end, Some(End::Killed { signal: 9, core: false }));
    assert_eq!(state.output.text, "before\n");
    let deaths = sandbox.deaths().await.expect("deaths");
    let ends: Vec<_> = deaths.iter().map(|death| (&*death.name, death.service.as_deref(), death.end)).collect();
    assert!(matches!(ends[0], ("sh", Some("crash"), End::Killed { signal: 11, .. })), "{ends:?}");
    assert_eq!(ends[1], ("sh", Some("crash"), End::Killed { signal: 9, core: false }));
}

/// What a process held is closed a moment before it can be reaped.
#[tokio::test]
async fn a_service_that_is_dying_is_not_said_to_run() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    run(&*sandbox, "mkfifo /srv-pipe").await;
    for _ in 0..20 {
        sandbox.start(service("dying", "exec 3> /srv-pipe; kill -9 $$")).await.expect("start");
        assert_eq!(run(&*sandbox, "cat /srv-pipe").await.end, End::Exited(0));
        assert_eq!(state(&*sandbox, "dying").await.end, Some(End::Killed { signal: 9, core: false }));
    }
}

#[tokio::test]
async fn a_second_start_is_a_restart_and_what_deaf_services_leave_is_killed() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let deaf = "trap '' TERM; echo deaf; while :; do sleep 1; done";
    let first = sandbox.start(service("deaf", deaf)).await.expect("start");
    until(&*sandbox, "deaf", |state| state.output.text == "deaf\n").await;
    let begun = Instant::now();
    let stopped = sandbox.stop("deaf", 15, 200).await.expect("stop");
    assert!(begun.elapsed() < Duration::from_millis(200) + STUCK, "{:?}", begun.elapsed());
    assert_eq!(stopped.end, Some(End::Killed { signal: 9, core: false }));
    let second = sandbox.start(service("deaf", "sleep 1000")).await.expect("start again");
    assert_eq!((second.starts, second.end), (2, None));
    assert_ne!(first.pid, second.pid);
}

#[tokio::test]
async fn a_service_that_cannot_be_executed_is_named() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    let mut start = service("none", "");
    start.program.argv = vec!["/no/such".into()];
    let error = sandbox.start(start).await.expect_err("there is no such program");
    assert_eq!(error.to_string(), "execute `/no/such`: No such file or directory (os error 2)");
}

#[tokio::test]
async fn orphans_are_reaped() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    run(&*sandbox, "for i in 1 2 3 4 5 6 7 8 9 10; do (sh -c 'sleep 0.01 & sleep 0.01 &' &); done").await;
    let look =
        "while read key value; do case $key in State:) echo $value;; esac; done << E\n$(cat /proc/[0-9]*/status)\nE";
    let begun = Instant::now();
    loop {
        let states = run(&*sandbox, look).await.output.text;
        assert!(states.contains("R (running)"), "it does not see itself: {states}");
        if !states.contains('Z') {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "dead processes are left: {states}");
    }
}
