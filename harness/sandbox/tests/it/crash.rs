//! A harness that is killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use patchbed_sandbox::{Upper, sweep};
use patchbed_testkit::needs;

use crate::bed::{Bed, GONE, run, script};

/// Names the folder in which the killed harness works.
const FOLDER: &str = "PATCHBED_TEST_CRASH";

#[test]
fn nothing_outlives_a_killed_harness_and_the_next_one_sweeps() {
    needs!(userns, overlay);
    let bed = Bed::new();
    let mounts = mounts_of(&bed);
    let mut harness = Command::new("/proc/self/exe")
        .args(["--exact", "crash::the_harness_that_is_killed", "--ignored", "--nocapture"])
        .env(FOLDER, bed.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .expect("start a harness");
    let lines = BufReader::new(harness.stdout.take().expect("its output")).lines();
    let ready = lines.map_while(Result::ok).any(|line| line.contains("stands"));
    assert!(ready, "the harness came to nothing");
    let begun = Instant::now();
    while ours(harness.id()).len() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(10), "not both run: {:?}", ours(harness.id()));
        std::thread::yield_now();
    }

    harness.kill().expect("kill");
    let killed = Instant::now();
    while !ours(harness.id()).is_empty() {
        assert!(killed.elapsed() < GONE, "still there: {:?}", ours(harness.id()));
        std::thread::yield_now();
    }
    harness.wait().expect("reap");
    assert_eq!(mounts_of(&bed), mounts);

    assert!(bed.path("layer.partial").exists(), "the unfinished layer waits for the sweep");
    let said = sweep(&bed.path("state")).expect("sweep");
    assert!(said.iter().any(|line| line.contains("layer.partial")), "{said:?}");
    assert!(said.iter().all(|line| line.starts_with("removed ")), "{said:?}");
    assert!(!bed.path("layer.partial").exists());
    assert_eq!(sweep(&bed.path("state")).expect("sweep"), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(bed.path("state/owners")).expect("list").count(), 0);
}

/// The mounts of this machine that lie in the bed's folder. Others come and go.
fn mounts_of(bed: &Bed) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    mounts.lines().filter(|line| line.contains(bed.path("").as_str())).map(str::to_owned).collect()
}

/// Processes whose arguments name the harness by its mark.
fn ours(harness: u32) -> Vec<String> {
    let mark = format!("sleep\0{harness}.98765");
    let processes = std::fs::read_dir("/proc").expect("proc").flatten();
    let lines = processes.filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(&mark)).collect()
}

#[tokio::test]
#[ignore = "the other test starts it as a process and kills it"]
async fn the_harness_that_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let mut bed = Bed::new();
    let folder = Utf8PathBuf::from(folder);
    bed.backend = patchbed_sandbox::NamespacesBackend::new(&folder.join("state"));
    bed.spec.upper = Upper::Folder(folder.join("layer"));
    let sandbox = bed.open().await;
    let mark = std::process::id();
    run(&*sandbox, &format!("mkdir -p /a/b; chmod 0 /a/b /a; (setsid sleep {mark}.98765 &)")).await;
    std::io::Write::write_all(&mut std::io::stdout(), b"it stands\n").expect("say so");
    let _ = sandbox.run(script(&format!("sleep {mark}.98765"))).await;
}
