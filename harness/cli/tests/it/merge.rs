//! Several machines: parts of a plan, results put together, pipelines.

use patchbed_model::record::CellRecord;
use patchbed_model::{Arm, Record, Verdict};
use patchbed_testkit::needs;
use patchbed_testkit::records::{cell, record, regressed, scenario};

use crate::project::{Project, tiny};

/// A project in whose `results` two machines have put a record each: one found harm, one found none.
fn with_results() -> Project {
    let project = Project::new();
    let bad = CellRecord {
        verdict: Verdict::Regressed,
        differences: vec![regressed("web.process.state", "running", "failed")],
        attempts: [(Arm::Control, 2), (Arm::Patched, 3)].into(),
        ..cell("c7f200000000", &["april"], &["bank"])
    };
    for (name, cell) in [("part-1", cell("c1d000000000", &["april"], &[])), ("part-2", bad)] {
        let record = record(vec![scenario("shop", vec![cell], Vec::new())]);
        let json = serde_json::to_string(&record).expect("records are JSON");
        project.file(&format!("results/{name}.json"), &json);
    }
    project
}

#[test]
fn what_several_machines_found_is_one_run_that_can_be_shown_and_reported() {
    let project = with_results();
    let said = project.run(&["merge", "results", "--report", "junit=junit.xml"]);
    assert_eq!(said.status, Some(1), "{said:?}");
    let run = project.record().run.0;
    insta::assert_snapshot!(said.stdout.replace(&run, "[run]"));
    assert!(std::fs::read_to_string(project.path().join("junit.xml")).expect("a report").contains("failures=\"1\""));
    assert_eq!(project.run(&["show"]).stdout.lines().next(), said.stdout.lines().next());
    assert_eq!(project.run(&["report", "--format", "tap"]).status, Some(0));
    let until = ["--because", "the bank knows", "--until", "2999-12-31"];
    let accepted = project.run(&[&["accept", "c7f2", "--known-issue"], &until[..]].concat());
    assert_eq!(accepted.status, Some(0), "{accepted:?}");
    assert!(project.path().join("snapshots/shop/accepted.yaml").exists());
    let again = project.run(&["run", "--last"]);
    assert_eq!(again.status, Some(2));
    insta::assert_snapshot!(again.stderr.replace(&run, "[run]"));
}

#[test]
fn results_that_cannot_be_merged_end_with_2_and_say_where_and_what_to_do() {
    let project = with_results();
    let whole = std::fs::read_to_string(project.path().join("results/part-1.json")).expect("it was written");
    project.file("cut/part-1.json", &whole[..whole.len() / 2]);
    project.file("later/part-1.json", &whole.replace("patchbed/record/1", "patchbed/record/2"));
    project.file("other/report.json", "{\"results\": {\"tool\": {\"name\": \"other\"}}}");
    project.file("scenarios/one.yaml", &tiny("true"));
    project.file("empty/readme.txt", "nothing here\n");
    assert_eq!(project.run(&["plan", "--out", "plan.json"]).status, Some(0));
    let words: [&[&str]; 7] = [
        &["merge"],
        &["merge", "empty"],
        &["merge", "nowhere.json"],
        &["merge", "results", "cut"],
        &["merge", "later"],
        &["merge", "other/report.json"],
        &["merge", "results", "--plan", "plan.json"],
    ];
    let mut screen = String::new();
    for words in words {
        let said = project.run(words);
        assert_eq!((said.status, said.stdout.as_str()), (Some(2), ""), "{words:?}");
        screen = format!("{screen}$ patchbed {}\n{}\n", words.join(" "), said.stderr);
    }
    insta::assert_snapshot!(screen);
    assert!(!project.path().join(".patchbed").exists(), "nothing is kept of what was refused");
}

#[test]
fn parts_that_are_not_there_are_told() {
    let project = Project::probing("true");
    assert_eq!(project.run(&["plan", "--out", "plan.json"]).status, Some(0));
    let words: [&[&str]; 6] = [
        &["run", "--shard", "3/2"],
        &["run", "--shard", "auto"],
        &["run", "--shard", "2/2"],
        &["run", "--plan", "scenarios/one.yaml"],
        &["run", "--plan", "plan.json", "--cell-index", "1"],
        &["run", "--cell-index", "0"],
    ];
    let mut screen = String::new();
    for words in words {
        let said = project.run(words);
        let status = said.status.expect("it ends by itself");
        assert!(matches!(status, 2 | 4), "{words:?}: {said:?}");
        screen = format!("{screen}$ patchbed {}   # exit {status}\n{}\n", words.join(" "), said.stderr);
    }
    project.file("scenarios/one.yaml", &tiny("false"));
    let edited = project.run(&["run", "--plan", "plan.json"]);
    let id = edited.stderr.split(' ').nth(2).unwrap_or_default().to_owned();
    insta::assert_snapshot!(format!("{screen}{}", edited.stderr.replace(&id, "[cell]")));
}

/// Three scenarios; the patch of the second breaks its probe.
fn three() -> Project {
    let project = Project::new();
    for (name, command) in [("a", "true"), ("b", "test ! -e /opt/patched"), ("c", "echo fine")] {
        project.file(&format!("scenarios/{name}.yaml"), &tiny(command));
    }
    project
}

#[test]
fn parts_that_are_run_apart_and_merged_are_the_run_of_all() {
    needs!(userns, overlay);
    let project = three();
    assert_eq!(project.run(&["run"]).status, Some(1));
    let whole = project.record();
    assert_eq!(project.run(&["plan", "--out", "plan.json"]).status, Some(0));
    std::fs::create_dir(project.path().join("results")).expect("made");
    for index in 1..=2 {
        let report = format!("json=results/{index}.json");
        let said = project.run(&["run", "--shard", &format!("{index}/2"), "--report", &report]);
        assert!(matches!(said.status, Some(0 | 1)), "{said:?}");
    }
    let said = project.run(&["merge", "results", "--plan", "plan.json"]);
    assert_eq!(said.status, Some(1), "{said:?}");
    let together = project.record();
    let told = |record: &Record| {
        let cells = record.scenarios.iter().flat_map(|scenario| &scenario.cells);
        let causes = record.scenarios.iter().flat_map(|scenario| scenario.causes.clone());
        (cells.map(|cell| (cell.id.clone(), cell.verdict)).collect::<Vec<_>>(), causes.collect::<Vec<_>>())
    };
    assert_eq!((told(&together), &together.counts), (told(&whole), &whole.counts));
}

#[test]
fn one_cell_of_a_plan_leaves_one_result_and_the_plan_of_the_rest_has_the_others() {
    needs!(userns, overlay);
    let project = three();
    assert_eq!(project.run(&["plan", "--out", "plan.json"]).status, Some(0));
    let said = project.run(&["run", "--plan", "plan.json", "--cell-index", "1", "--blob", "blobs"]);
    assert_eq!(said.status, Some(1), "{said:?}");
    assert_eq!(std::fs::read_dir(project.path().join("blobs")).expect("made").count(), 1);
    assert_eq!(project.run(&["show"]).status, Some(2), "no run is kept");
    assert_eq!(project.run(&["plan", "--missing", "blobs", "--count"]).stdout, "2\n");
    let merged = project.run(&["merge", "blobs", "--plan", "plan.json"]);
    assert_eq!(merged.status, Some(1));
    assert!(merged.stderr.contains("no result of 2 cells"), "{merged:?}");
    let said = project.run(&["plan", "--missing", "blobs", "--out", "rest.json"]);
    assert_eq!(said.status, Some(0));
    assert_eq!(project.run(&["run", "--plan", "rest.json", "--report", "json=blobs/rest.json"]).status, Some(0));
    let all = project.run(&["plan", "--missing", "blobs", "--count"]);
    assert_eq!((all.status, all.stdout.as_str()), (Some(4), "0\n"));
    assert!(!project.run(&["merge", "blobs", "--plan", "plan.json"]).stderr.contains("no result"));
}

#[test]
fn a_pipeline_for_every_engine() {
    let project = Project::new();
    for engine in ["github", "gitlab", "buildkite", "jenkins", "azure"] {
        let said = project.run(&["ci", engine, "--from", "/usr/local/bin/patchbed", "--shards", "2"]);
        assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""), "{engine}");
        assert!(said.stdout.lines().all(|line| line.len() <= 200 && line.trim_end() == line), "{engine}");
        insta::assert_snapshot!(format!("ci_{engine}"), said.stdout);
    }
}

#[test]
fn a_pipeline_says_what_is_left_to_do_and_takes_no_word_that_a_shell_would_obey() {
    let project = Project::new();
    let said = project.run(&["ci", "gitlab", "--fail-on", "regressed", "--scenarios", "tests/patches"]);
    assert_eq!(said.stderr, "edit the line of PATCHBED_FROM, or say it here: `--from PATH|ADDRESS`\n");
    assert!(said.stdout.contains("--fail-on regressed") && said.stdout.contains("plan.json tests/patches\n"));
    for wrong in ["a b", "$(id)", "a;b", "a'b", "a\"b", "-x", "a\nb"] {
        let refused = project.run(&["ci", "gitlab", &format!("--scenarios={wrong}")]);
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""), "{wrong}");
    }
}
