//! Every exit code that needs no sandbox, and what is said with it.

use crate::project::{Project, tiny};

fn failed(project: &Project, words: &[&str]) -> (Option<i32>, String) {
    let said = project.run(words);
    assert_eq!(said.stdout, "", "nothing on standard output");
    (said.status, said.stderr)
}

#[test]
fn wrong_flags_and_words_end_with_2() {
    let project = Project::new();
    let words: [&[&str]; 10] = [
        &["--frobnicate"],
        &["bisect"],
        &["run", "--progress", "loud"],
        &["run", "--report", "jnuit"],
        &["run", "--report", "json=/nowhere/at/all.json"],
        &["run", "--set", "novalue"],
        &["run", "-j", "0"],
        &["accept", "c7f2", "--known-issue"],
        &["clean", "--older", "7"],
        &["-C", "/nowhere", "check"],
    ];
    let mut screen = String::new();
    for words in words {
        let (status, text) = failed(&project, words);
        assert_eq!(status, Some(2), "{words:?}: {text}");
        screen = format!("{screen}$ patchbed {}\n{text}\n", words.join(" "));
    }
    insta::assert_snapshot!(screen);
}

#[test]
fn a_wrong_value_of_a_variable_is_told_by_the_variables_name() {
    let project = Project::probing("true");
    let told = |variable: &str, value: &str, words: &[&str]| {
        let said = project.say(project.command(words).env(variable, value));
        assert_eq!((said.status, said.stdout.as_str()), (Some(2), ""));
        said.stderr
    };
    let screen = [
        told("PATCHBED_ATTEMPTS", "x", &["run"]),
        told("PATCHBED_PROGRESS", "loud", &["run", "-j", "1"]),
        told("PATCHBED_ATTEMPTS", "2", &["run", "--attempts", "y"]),
    ];
    insta::assert_snapshot!(screen.join("\n"));
}

#[test]
fn two_documents_do_not_share_standard_output() {
    let (status, text) = failed(&Project::probing("true"), &["run", "--json", "--events", "-"]);
    assert_eq!(status, Some(2));
    insta::assert_snapshot!(text);
}

#[test]
fn a_shell_after_a_failure_is_for_a_person() {
    let (status, text) = failed(&Project::probing("true"), &["run", "--shell-fail"]);
    assert_eq!(status, Some(2));
    insta::assert_snapshot!(text);
}

#[test]
fn twice_quiet_leaves_errors_and_what_is_asked_for_by_name() {
    let project = Project::probing("true");
    for words in [["plan", "-qq"], ["check", "-qq"]] {
        let said = project.run(&words);
        assert_eq!((said.status, said.stdout.as_str(), said.stderr.as_str()), (Some(0), "", ""), "{words:?}");
    }
    assert_eq!(project.run(&["plan", "-qq", "--count"]).stdout, "1\n");
    assert!(project.run(&["plan", "-qq", "--json"]).stdout.starts_with('{'));
    project.file("scenarios/one.yaml", "image: [\n");
    assert!(project.run(&["check", "-qq"]).stdout.contains("error["));
}

#[test]
fn several_runs_or_no_cell_of_that_name_are_told_as_such() {
    let project = Project::new();
    for run in ["2026-11-22-aaaa", "2026-11-23-bbbb"] {
        project.file(&format!(".patchbed/runs/{run}/journal.jsonl"), "");
    }
    let (status, several) = failed(&project, &["show", "2026-11"]);
    assert_eq!(status, Some(2));
    let (status, none) = failed(&project, &["reject", "zzz", "--run", "2026-11-22"]);
    assert_eq!(status, Some(4));
    let (status, cell) = failed(&project, &["show", "zzz"]);
    assert_eq!(status, Some(4));
    let (status, over) = failed(&project, &["accept", "--until", "2000-01-01"]);
    assert_eq!(status, Some(2));
    let over = over.split(": today").next().expect("one line").to_owned();
    insta::assert_snapshot!([several, none, cell, over].join("\n"));
}

#[test]
fn no_scenario_ends_with_2_and_says_what_to_do() {
    let (status, text) = failed(&Project::new(), &["run"]);
    assert_eq!(status, Some(2));
    insta::assert_snapshot!(text);
}

#[test]
fn a_wrong_scenario_ends_with_2_and_nothing_is_run() {
    let project = Project::with(&tiny("true").replace("probes", "prbes"));
    let (status, text) = failed(&project, &["run"]);
    assert_eq!(status, Some(2));
    assert!(!project.path().join(".patchbed").exists());
    insta::assert_snapshot!(text);
}

#[test]
fn check_says_every_problem_on_standard_output() {
    let text = tiny("true").replace("probes", "prbes") + "frobnicate: 1\nattempts: { control: -1 }\n";
    let project = Project::with(&text);
    let said = project.run(&["check"]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(2), "`patchbed explain unknown-key` tells more\n"));
    insta::assert_snapshot!(said.stdout);
    let json = project.run(&["check", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((json.status, &document["schema"]), (Some(2), &"patchbed/check/1".into()));
}

#[test]
fn a_good_scenario_is_checked_and_planned() {
    let project = Project::probing("true");
    let said = project.run(&["check"]);
    assert_eq!((said.status, said.stdout.as_str()), (Some(0), "1 good scenario, 0 errors, 0 warnings\n"));
    let count = project.run(&["plan", "--count"]);
    assert_eq!((count.status, count.stdout.as_str()), (Some(0), "1\n"));
    let plan = project.run(&["plan"]);
    // How a sandbox is made depends on the host; the engine's own tests show it.
    let sandbox = vec![(r"(?m)^  sandbox .*\n(?: {12}.*\n)*", "  sandbox   [STEPS]\n")];
    insta::with_settings!({ filters => [sandbox, patchbed_testkit::filters::filters()].concat() }, {
        insta::assert_snapshot!(plan.stdout);
    });
    let json: serde_json::Value = serde_json::from_str(&project.run(&["plan", "--json"]).stdout).expect("JSON");
    assert_eq!(json["schema"], "patchbed/plan/1");
    let written = project.run(&["plan", "--out", "plan.json"]);
    assert_eq!(
        (written.status, written.stdout.as_str(), written.stderr.as_str()),
        (Some(0), "", "written: plan.json\n")
    );
    let file = std::fs::read_to_string(project.path().join("plan.json")).expect("written");
    let plan_file: serde_json::Value = serde_json::from_str(&file).expect("JSON");
    assert_eq!(plan_file["cells"][0]["sandbox"], serde_json::Value::Null);
    assert_eq!(plan_file["cells"][0]["limits"]["time"], 600_000);
    assert_eq!(plan_file["cells"][0]["layers"], json["cells"][0]["layers"]);
    let dry = project.run(&["run", "--dry-run"]);
    assert_eq!((dry.status, dry.stdout), (Some(0), plan.stdout));
}

#[test]
fn a_selection_that_matches_nothing_ends_with_4() {
    let project = Project::probing("true");
    for words in [["run", "-k", "image~debian"], ["plan", "--cell", "cffff"]] {
        let (status, text) = failed(&project, &words);
        assert_eq!(status, Some(4), "{text}");
    }
    let (status, text) = failed(&project, &["run", "-k", "imgae~debian"]);
    assert_eq!(status, Some(2));
    insta::assert_snapshot!(text);
}

#[test]
fn a_flag_is_stronger_than_its_variable() {
    let project = Project::probing("true");
    let counted = |variable: &str, words: &[&str]| {
        let mut command = project.command(words);
        project.say(command.env("PATCHBED_COUNT", variable))
    };
    assert_eq!(counted("1", &["plan"]).stdout, "1\n");
    assert_ne!(counted("no", &["plan"]).stdout, "1\n");
    let mut command = project.command(&["check", "--color", "never"]);
    let said = project.say(command.env("PATCHBED_COLOR", "always"));
    assert!(!said.stdout.contains('\u{1b}'));
}

#[test]
fn colour_is_asked_for_and_refused_by_the_environment() {
    let project = Project::with("image: [\n");
    let coloured = |name: &str, value: &str| project.say(project.command(&["check"]).env(name, value)).stdout;
    assert!(coloured("FORCE_COLOR", "1").contains('\u{1b}'));
    assert!(!coloured("NO_COLOR", "1").contains('\u{1b}'));
    assert!(!coloured("TERM", "dumb").contains('\u{1b}'));
}

#[test]
fn nothing_was_run_yet() {
    let project = Project::new();
    for word in ["show", "report", "review"] {
        let (status, text) = failed(&project, &[word]);
        assert_eq!(status, Some(2), "{word}: {text}");
    }
    let (_, text) = failed(&project, &["show"]);
    insta::assert_snapshot!(text);
}

#[test]
fn a_defect_ends_with_70_and_a_report_file() {
    let project = Project::new();
    let mut command = project.command(&["schema"]);
    let said = project.say(command.env("PATCHBED_FAULT", "panic"));
    assert_eq!((said.status, said.stdout.as_str()), (Some(70), ""));
    let folder = project.path().join("home/.local/state/patchbed");
    let files: Vec<_> = folder.read_dir_utf8().expect("the state folder").collect();
    assert_eq!(files.len(), 1);
    let file = files[0].as_ref().expect("a file");
    assert!(said.stderr.contains(file.file_name()), "{}", said.stderr);
    let report = std::fs::read_to_string(file.path()).expect("readable");
    assert!(report.contains("arguments: ") && report.contains("PATCHBED_FAULT"), "{report}");
}

#[test]
fn a_hostile_word_is_shown_and_not_sent() {
    let project = Project::new();
    for words in [["explain", "\u{1b}[31mred"], ["check", "\u{1b}[31mred.yaml"], ["--\u{1b}[31mred", "x"]] {
        let said = project.run(&words);
        assert_eq!(said.status, Some(2));
        assert!(!said.stderr.contains('\u{1b}') && !said.stdout.contains('\u{1b}'), "{said:?}");
    }
}
