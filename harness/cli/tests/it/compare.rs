//! `compare`: two stored runs beside each other.

use patchbed_model::{Comparison, Verdict};

use crate::project::Project;
use crate::stored;

fn two(earlier: Verdict, later: Verdict) -> Project {
    let project = Project::new();
    stored::run(&project, "2026-10-23-aaaa", earlier);
    stored::run(&project, "2026-11-23-bbbb", later);
    project
}

#[test]
fn what_is_worse_than_in_an_earlier_run_ends_with_1() {
    let said = two(Verdict::Same, Verdict::Regressed).run(&["compare", "2026-10", "2026-11"]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(1), ""));
    insta::assert_snapshot!(said.stdout);
}

#[test]
fn what_stays_bad_is_told_and_does_not_fail() {
    let project = two(Verdict::Regressed, Verdict::Regressed);
    let said = project.run(&["compare", "2026-10"]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""), "the last run is the later one");
    let json = project.run(&["compare", "2026-10", "--json"]);
    let comparison: Comparison = serde_json::from_str(&json.stdout).expect("the comparison as its schema says");
    assert_eq!((comparison.schema.as_str(), comparison.exit), ("patchbed/comparison/1", 0));
}

#[test]
fn a_run_is_not_compared_with_itself_or_with_none() {
    let project = two(Verdict::Same, Verdict::Same);
    let told = |words: &[&str]| {
        let said = project.run(words);
        assert_eq!((said.status, said.stdout.as_str()), (Some(2), ""));
        said.stderr
    };
    let screen = [told(&["compare", "2026-11"]), told(&["compare", "2025"]), told(&["compare", "2026"])];
    insta::assert_snapshot!(screen.join("\n"));
}
