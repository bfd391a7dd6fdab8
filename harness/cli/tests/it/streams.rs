//! Readers that go away, full and closed streams: no panic, and results are kept.

use std::fs::OpenOptions;
use std::process::Stdio;

use crate::project::{Project, end_of, rest};

fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").expect("/dev/full").into()
}

#[test]
fn a_full_standard_output_is_told_and_ends_with_75() {
    let project = Project::new();
    let said = project.say(project.command(&["schema"]).stdout(full()));
    assert_eq!(said.status, Some(75));
    insta::assert_snapshot!(said.stderr);
}

#[test]
fn a_full_standard_error_changes_nothing() {
    let project = Project::new();
    assert_eq!(project.say(project.command(&["explain", "nonsense"]).stderr(full())).status, Some(2));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let project = Project::new();
    let mut child = project.command(&["schema", "--of", "record"]).spawn().expect("started");
    drop(child.stdout.take());
    let status = end_of(&mut child, std::time::Duration::from_secs(20));
    assert_eq!((status.code(), rest(child.stderr.take())), (Some(0), String::new()));
}

#[test]
fn a_log_whose_reader_goes_away_is_no_panic() {
    let project = Project::probing("true");
    let mut child = project.command(&["plan", "-vvv"]).spawn().expect("started");
    drop(child.stderr.take());
    let status = end_of(&mut child, std::time::Duration::from_secs(20));
    assert_eq!(status.code(), Some(0));
    assert!(!project.path().join("home/.local/state/patchbed").exists(), "a defect was reported");
}

#[test]
fn closed_streams_are_no_panic() {
    let project = Project::probing("true");
    let binary = env!("CARGO_BIN_EXE_patchbed");
    for (redirection, expected) in [(">&-", Some(0)), (">&- 2>&-", Some(0)), (">&- 2>&- <&-", Some(0))] {
        let mut command = project.command(&[]);
        let mut shell = std::process::Command::new("/bin/sh");
        shell.arg("-c").arg(format!("exec '{binary}' check {redirection}")).current_dir(project.path());
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env_remove("PATCHBED_X");
        let _ = &mut command;
        assert_eq!(shell.status().expect("a shell").code(), expected, "{redirection}");
    }
}
