//! Ctrl-C, SIGTERM and `kill -9` while a run is under way, on real sandboxes.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use patchbed_testkit::needs;

use crate::project::{Project, end_of, rest, tiny};

/// A run whose second half takes its time: the cells' attempts wait in a workload.
fn slow() -> Project {
    let project = Project::with(&(tiny("true") + "workloads: [{ name: wait, run: sleep 2 }]\n"));
    project.file("scenarios/quick.yaml", &tiny("true"));
    project
}

/// Sends a child a signal.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().expect("kill");
    assert!(status.success());
}

/// Starts a run, or another command like it, of one attempt at a time and waits until some attempts are finished.
fn started(project: &Project, word: &str, finished: usize) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = project.command(&[word, "-j", "1", "--progress", "lines"]).spawn().expect("started");
    let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut seen = 0;
    while seen < finished {
        let mut line = String::new();
        assert_ne!(errors.read_line(&mut line).expect("a line"), 0, "it ended too early");
        seen += usize::from(line.contains("observed"));
    }
    (child, errors)
}

/// A process: its id, and when it started, which tells it from a later one of the same id.
type Process = (u32, u64);

/// All processes below one, the sandboxes' own among them.
fn descendants(ancestor: u32) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("proc").flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all: BTreeMap<u32, (u32, u64)> = ids.filter_map(|id| Some((id, parent_and_start(id)?))).collect();
    let is_below = |id: u32| {
        let line = std::iter::successors(Some(id), |id| all.get(id).map(|(parent, _)| *parent));
        line.take(all.len() + 1).any(|one| one == ancestor)
    };
    let below = all.iter().filter(|(id, _)| **id != ancestor && is_below(**id));
    below.map(|(id, (_, start))| (*id, *start)).collect()
}

fn parent_and_start(id: u32) -> Option<(u32, u64)> {
    let bytes = std::fs::read(format!("/proc/{id}/stat")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some((fields[1].parse().ok()?, fields[19].parse().ok()?))
}

/// Waits until these processes of a run are gone.
fn gone(processes: &[Process]) {
    assert!(!processes.is_empty(), "there were no sandboxes");
    let begun = Instant::now();
    let lives = |(id, start): &&Process| parent_and_start(*id).is_some_and(|(_, now)| now == *start);
    while let Some(process) = processes.iter().find(lives) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{process:?} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Nothing is owned by a harness that has ended.
fn tidy(project: &Project) {
    let owners = project.path().join("home/.local/state/patchbed/sandboxes/owners");
    let left: Vec<_> = std::fs::read_dir(owners).expect("owners").flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "owners are left: {left:?}");
}

/// How many attempts of the last run came to their end.
fn finished(project: &Project) -> usize {
    let record = project.record();
    let attempts = record.scenarios.iter().flat_map(|scenario| &scenario.cells).flat_map(|cell| &cell.timeline);
    attempts.filter(|attempt| attempt.outcome == "observed").count()
}

/// Resumes the run: it ends as one that nobody disturbs, and makes only what was not finished.
fn resume(project: &Project) {
    let before = finished(project);
    assert!(before >= 1, "nothing was finished");
    let resumed = project.run(&["run", "--last", "--progress", "lines"]);
    assert_eq!(resumed.status, Some(0), "{resumed:?}");
    let again = resumed.stderr.lines().filter(|line| line.contains("observed")).count();
    assert_eq!(finished(project), before + again, "{resumed:?}");
    let (record, undisturbed) = (project.record(), slow());
    assert_eq!(undisturbed.run(&["run"]).status, Some(0));
    assert!(record.finished.is_some());
    assert_eq!(verdicts(&record), verdicts(&undisturbed.record()));
    assert_eq!(finished(project), finished(&undisturbed));
}

fn verdicts(record: &patchbed_model::Record) -> Vec<(String, patchbed_model::Verdict)> {
    let cells = record.scenarios.iter().flat_map(|scenario| &scenario.cells);
    cells.map(|cell| (cell.id.0.clone(), cell.verdict)).collect()
}

#[test]
fn ctrl_c_keeps_what_is_finished_and_ends_with_130() {
    needs!(userns, overlay, root);
    let project = slow();
    let (mut child, errors) = started(&project, "run", 1);
    let processes = descendants(child.id());
    signal(&child, "INT");
    let status = end_of(&mut child, Duration::from_secs(10));
    let (stdout, stderr) = (rest(child.stdout.take()), rest(Some(errors)));
    assert_eq!(status.code(), Some(130), "{stdout}{stderr}");
    assert!(stdout.contains("exit 130"), "{stdout}");
    gone(&processes);
    tidy(&project);
    resume(&project);
}

#[test]
fn sigterm_ends_with_143() {
    needs!(userns, overlay, root);
    let project = slow();
    let (mut child, errors) = started(&project, "run", 1);
    signal(&child, "TERM");
    assert_eq!(end_of(&mut child, Duration::from_secs(10)).code(), Some(143), "{}", rest(Some(errors)));
}

#[test]
fn ctrl_c_ends_a_measurement_of_noise_with_130() {
    needs!(userns, overlay, root);
    let project = slow();
    let (mut child, errors) = started(&project, "noise", 1);
    signal(&child, "INT");
    assert_eq!(end_of(&mut child, Duration::from_secs(10)).code(), Some(130), "{}", rest(Some(errors)));
    let left: Vec<_> = std::fs::read_dir(project.path().join(".patchbed/noise/runs")).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn ctrl_c_ends_sabotage_with_130_and_no_second_round() {
    needs!(userns, overlay, root);
    let slow = "services: [{ name: web, run: exec sleep 1000 }]\nworkloads: [{ name: wait, run: sleep 2 }]\n";
    let project = Project::with(&(tiny("true") + slow));
    let (mut child, errors) = started(&project, "sabotage", 1);
    signal(&child, "INT");
    assert_eq!(end_of(&mut child, Duration::from_secs(10)).code(), Some(130), "{}", rest(Some(errors)));
    let left: Vec<_> = std::fs::read_dir(project.path().join(".patchbed/sabotage/runs")).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_second_signal_leaves_at_once() {
    needs!(userns, overlay, root);
    let project = slow();
    let (mut child, _errors) = started(&project, "run", 1);
    // Two of the same kind could become one. Which of these two comes first is the kernel's choice.
    for name in ["STOP", "INT", "TERM", "CONT"] {
        signal(&child, name);
    }
    let status = end_of(&mut child, Duration::from_secs(10));
    assert!(matches!(status.code(), Some(130 | 143)), "{status:?}");
    assert_eq!(rest(child.stdout.take()), "", "it did not leave at once");
}

#[test]
fn a_killed_run_leaves_nothing_and_is_resumed() {
    needs!(userns, overlay, root);
    let project = slow();
    let (mut child, _errors) = started(&project, "run", 2);
    let processes = descendants(child.id());
    child.kill().expect("killed");
    child.wait().expect("waited");
    gone(&processes);
    resume(&project);
    // What the killed run owned is swept by the next one.
    tidy(&project);
}
