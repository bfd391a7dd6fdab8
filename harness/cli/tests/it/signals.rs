//! Ctrl-C, SIGTERM and `kill -9` while a run is under way, on real sandboxes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};
use std::time::Duration;

use patchbed_testkit::needs;

use crate::project::{Project, end_of, rest, tiny, wait_for};

/// A run whose second half takes its time: the cells' attempts wait in a workload.
fn slow() -> Project {
    let project = Project::with(&(tiny("true") + "workloads: [{ name: wait, run: sleep 2 }]\n"));
    project.file("scenarios/quick.yaml", &tiny("true"));
    project
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().expect("kill");
    assert!(status.success());
}

/// Starts a run of one attempt at a time and waits until some attempts are finished.
fn started(project: &Project, finished: usize) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = project.command(&["run", "-j", "1", "--progress", "lines"]).spawn().expect("started");
    let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut seen = 0;
    while seen < finished {
        let mut line = String::new();
        assert_ne!(errors.read_line(&mut line).expect("a line"), 0, "it ended too early");
        seen += usize::from(line.contains("observed"));
    }
    (child, errors)
}

fn tidy(project: &Project) {
    let inside = format!("{}/", project.path());
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts");
    assert!(!mounts.contains(&inside), "a mount is left: {mounts}");
}

#[test]
fn ctrl_c_keeps_what_is_finished_and_ends_with_130() {
    needs!(userns, overlay, root);
    let project = slow();
    let (mut child, errors) = started(&project, 1);
    signal(&child, "INT");
    let status = end_of(&mut child, Duration::from_secs(10));
    let (stdout, stderr) = (rest(child.stdout.take()), rest(Some(errors)));
    assert_eq!(status.code(), Some(130), "{stdout}{stderr}");
    assert!(stdout.contains("exit 130"), "{stdout}");
    tidy(&project);
    let finished = |record: patchbed_model::Record| {
        record
            .scenarios
            .iter()
            .flat_map(|s| &s.cells)
            .flat_map(|c| &c.timeline)
            .filter(|a| a.outcome == "observed")
            .count()
    };
    let before = finished(project.record());
    assert!(before >= 1);
    let resumed = project.run(&["run", "--last", "--progress", "lines"]);
    assert_eq!(resumed.status, Some(0), "{resumed:?}");
    let again = resumed.stderr.lines().filter(|line| line.contains("observed")).count();
    assert_eq!(finished(project.record()), before + again, "{resumed:?}");
}

#[test]
fn sigterm_ends_with_143() {
    needs!(userns, overlay, root);
    let project = slow();
    let (mut child, errors) = started(&project, 1);
    signal(&child, "TERM");
    assert_eq!(end_of(&mut child, Duration::from_secs(10)).code(), Some(143), "{}", rest(Some(errors)));
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    needs!(userns, overlay, root);
    let project = slow();
    let (mut child, _errors) = started(&project, 1);
    signal(&child, "INT");
    signal(&child, "INT");
    let status = end_of(&mut child, Duration::from_secs(3));
    assert!(matches!(status.code(), Some(130)), "{status:?}");
}

#[test]
fn a_killed_run_leaves_nothing_and_is_resumed() {
    needs!(userns, overlay, root);
    let project = slow();
    let (mut child, _errors) = started(&project, 2);
    let before = sleepers();
    child.kill().expect("killed");
    child.wait().expect("waited");
    wait_for("the sandboxes to die", || sleepers() <= before.saturating_sub(1) || sleepers() == 0);
    let resumed = project.run(&["run", "--last"]);
    assert_eq!(resumed.status, Some(0), "{resumed:?}");
    tidy(&project);
    assert!(project.record().finished.is_some());
}

/// How many processes wait as the workload does.
fn sleepers() -> usize {
    let processes = std::fs::read_dir("/proc").expect("proc");
    let words = processes.filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    words.filter(|words| words.starts_with(b"sleep\x002\x00")).count()
}
