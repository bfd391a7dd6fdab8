//! Help, versions and explanations.

use crate::project::Project;

const COMMANDS: [&str; 22] = [
    "init",
    "check",
    "plan",
    "run",
    "noise",
    "sabotage",
    "show",
    "shell",
    "review",
    "accept",
    "reject",
    "report",
    "merge",
    "ci",
    "compare",
    "images",
    "doctor",
    "clean",
    "explain",
    "schema",
    "completions",
    "man",
];

#[test]
fn the_help_names_the_commands_and_the_first_steps() {
    let said = Project::new().run(&["--help"]);
    assert_eq!(said.status, Some(0));
    assert_eq!(said.stderr, "");
    insta::assert_snapshot!(said.stdout);
}

#[test]
fn the_help_of_every_command() {
    let project = Project::new();
    for word in COMMANDS {
        let said = project.run(&[word, "--help"]);
        assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
        insta::assert_snapshot!(format!("help_{word}"), said.stdout);
    }
}

#[test]
fn the_version_is_the_crates() {
    let said = Project::new().run(&["--version"]);
    assert_eq!((said.status, said.stdout.as_str()), (Some(0), concat!("patchbed ", env!("CARGO_PKG_VERSION"), "\n")));
}

#[test]
fn every_code_is_explained() {
    let project = Project::new();
    let list = project.run(&["explain"]);
    insta::assert_snapshot!(list.stdout);
    let words = list.stdout.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    for word in words {
        let said = project.run(&["explain", word]);
        assert_eq!(said.status, Some(0), "{word}");
        assert!(said.stdout.contains(word) && said.stdout.lines().count() > 1, "{word}: {}", said.stdout);
    }
}

#[test]
fn an_exit_code_is_explained_by_number_and_name() {
    let project = Project::new();
    let (number, name) = (project.run(&["explain", "75"]), project.run(&["explain", "temporary"]));
    assert_eq!(number.stdout, name.stdout);
    insta::assert_snapshot!(number.stdout);
}

#[test]
fn a_slip_in_a_code_is_answered_with_the_nearest() {
    let said = Project::new().run(&["explain", "unknown-servise"]);
    assert_eq!(said.status, Some(2));
    insta::assert_snapshot!(said.stderr);
}

#[test]
fn schemas_are_json_and_name_themselves() {
    let project = Project::new();
    for of in ["scenario", "image", "patch", "software", "record", "comparison"] {
        let said = project.run(&["schema", "--of", of]);
        assert_eq!(said.status, Some(0));
        let schema: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
}
