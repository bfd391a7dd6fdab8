//! Images and programs that mean harm.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use patchbed_guest::message::{End, Run};
use patchbed_sandbox::{Bind, BindMode};
use patchbed_testkit::needs;

use crate::bed::{Bed, GONE, GRACE, STUCK, make_image, run, script, service};

#[tokio::test]
async fn mount_points_that_are_links_lead_nowhere() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    let (root, canary) = (bed.path("image"), bed.path("canary"));
    make_image(&root);
    std::fs::create_dir(&canary).expect("mkdir");
    std::fs::write(canary.join("file"), "untouched").expect("write");
    for name in ["dev", "proc", "sys", "tmp", "run"] {
        symlink(&canary, root.join(name)).expect("link");
    }
    symlink(canary.join("file"), root.join("etc/resolv.conf")).expect("link");
    symlink("../../../../../../../../..", root.join("etc/up")).expect("link");
    let resolver = bed.path("resolver");
    std::fs::write(&resolver, "shown inside").expect("write");
    for to in ["/etc/resolv.conf", "/etc/up/made/by/mount"] {
        bed.spec.binds.push(Bind { from: resolver.clone(), to: to.into(), mode: BindMode::ReadOnly });
    }
    bed.spec.lowers = vec![root];
    bed.spec.hidden.push("/etc/conf".into());
    let sandbox = bed.open().await;
    let seen = run(
        &*sandbox,
        "cat /etc/resolv.conf /made/by/mount; wc -c < /etc/conf; ls -d /proc/self/fd /dev/null; touch /tmp/x /run/y",
    )
    .await;
    assert_eq!(seen.output.text, "shown insideshown inside0\n/dev/null\n/proc/self/fd\n");
    assert_eq!(seen.errors.text, "");
    let left: Vec<_> = std::fs::read_dir(&canary).expect("list").collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(std::fs::read_to_string(canary.join("file")).expect("read"), "untouched");
}

/// Process ids that the limit leaves for the guest itself. What it does not need of them, a sandbox can take.
const OWN: usize = 64;

/// Starts more programs than a sandbox of 60 may have. Which words follow depends on the shell.
const BOMB: &str = "i=0; while [ $i -lt 2000 ]; do sleep 20 & i=$((i+1)); done; wait";

#[tokio::test]
async fn a_fork_bomb_is_bounded_and_the_guest_still_answers() {
    needs!(userns, overlay, processes);
    let mut bed = Bed::new();
    bed.spec.limits.processes = 60;
    let sandbox = bed.open().await;
    let begun = Instant::now();
    let ran = sandbox.run(Run { within: 2000, ..script(BOMB) }).await.expect("the guest lives");
    assert!(matches!(ran.end, End::TimedOut | End::Exited(_)), "{:?}", ran.end);
    assert!(ran.errors.text.contains("fork"), "no limit was met: {}", ran.errors.text);
    assert!(begun.elapsed() < Duration::from_secs(2) + GRACE + STUCK, "{:?}", begun.elapsed());
    let usage = sandbox.usage().await.expect("usage");
    let closed = Instant::now();
    sandbox.close().await.expect("close");
    assert!(closed.elapsed() < GONE, "{:?}", closed.elapsed());
    assert!(usage.memory > 0);
}

#[tokio::test]
async fn a_service_that_forks_without_end_stays_within_the_limit() {
    needs!(userns, overlay, processes);
    let mut bed = Bed::new();
    bed.spec.limits.processes = 60;
    let sandbox = bed.open().await;
    sandbox.start(service("bomb", BOMB)).await.expect("start");
    let begun = Instant::now();
    loop {
        let processes = sandbox.processes().await.expect("the guest answers").len();
        assert!(processes <= 60 + OWN, "{processes} processes");
        let states = sandbox.services().await.expect("the guest answers");
        if states[0].output.text.contains("fork") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "no limit was met by {processes} processes");
    }
    let stopped = sandbox.stop("bomb", 15, 2000).await.expect("stop");
    assert_eq!(stopped.processes, [0; 0]);
    assert_eq!(run(&*sandbox, "echo room").await.output.text, "room\n");
}

#[tokio::test]
async fn the_disk_is_bounded() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    bed.spec.limits.disk = 8 << 20;
    let sandbox = bed.open().await;
    let ran = run(&*sandbox, "dd if=/dev/zero of=/var/full bs=1M count=100").await;
    assert!(ran.errors.text.contains("No space left on device"), "{}", ran.errors.text);
    let usage = sandbox.usage().await.expect("usage");
    assert_eq!(usage.reached, ["disk"]);
    assert_eq!(run(&*sandbox, "rm /var/full; echo room").await.output.text, "room\n");
}

#[tokio::test]
async fn memory_is_bounded_and_told() {
    needs!(userns, overlay, memory);
    let mut bed = Bed::new();
    (bed.spec.limits.memory, bed.spec.limits.disk) = (24 << 20, 8 << 20);
    let sandbox = bed.open().await;
    let hog = sandbox.run(script("dd if=/dev/zero of=/dev/null bs=300M count=1")).await.expect("run");
    // The shell executes its last command itself, or tells of its death.
    assert!(matches!(hog.end, End::Killed { signal: 9, .. } | End::Exited(137)), "{hog:?}");
    assert_eq!(sandbox.usage().await.expect("usage").reached, ["memory"]);
}

/// Where there is no group to limit memory as a whole.
#[tokio::test]
async fn memory_of_each_process_is_bounded_without_a_group() {
    needs!(userns, overlay);
    let mut bed = Bed::new();
    bed.spec.limits.memory = 100 << 20;
    let sandbox = bed.open().await;
    if sandbox.notes().iter().any(|note| note.contains("not as a whole")) {
        let hog = run(&*sandbox, "dd if=/dev/zero of=/dev/null bs=300M count=1").await;
        assert_eq!(hog.end, End::Exited(1), "{hog:?}");
        assert!(hog.errors.text.contains("memory exhausted"), "{hog:?}");
    }
}

#[tokio::test]
async fn dangerous_calls_and_places_are_closed() {
    needs!(userns, overlay);
    let sandbox = Bed::new().open().await;
    for (attempt, word) in [
        ("unshare -U true", "Operation not permitted"),
        ("echo x > /proc/sys/kernel/core_pattern", "Read-only file system"),
        ("ls /proc/1/fd/", "Permission denied"),
        ("cat /proc/1/environ", "Permission denied"),
    ] {
        let ran = run(&*sandbox, attempt).await;
        assert_ne!(ran.end, End::Exited(0), "{attempt} works");
        let expected = ran.errors.text.contains(word) || ran.errors.text.contains("Permission denied");
        assert!(expected, "{attempt}: {}", ran.errors.text);
    }
    assert_eq!(run(&*sandbox, "wc -c < /proc/keys; ls /proc/self/fd | wc -l").await.output.text, "0\n4\n");
    run(&*sandbox, "kill -9 -1; kill -9 1").await;
    assert_eq!(run(&*sandbox, "echo alive").await.output.text, "alive\n");
}
