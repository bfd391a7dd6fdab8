//! What shells offer while a command line is typed, and the pages for `man`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use patchbed_model::Verdict;
use patchbed_testkit::needs;

use crate::project::Project;
use crate::stored;

/// What bash offers for the last of these words, through the script that the command prints.
fn offered(project: &Project, words: &[&str]) -> Vec<String> {
    let script = "source <(\"$0\" completions bash) || exit 9\n\
                  COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMP_TYPE=9\n\
                  entry=$(complete -p patchbed | sed 's/.* -F \\([^ ]*\\) .*/\\1/')\n\
                  $entry patchbed \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\" 2>/dev/null\n\
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script, env!("CARGO_BIN_EXE_patchbed")]).args(words).current_dir(project.path());
    let output = bash.output().expect("bash starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect()
}

fn project() -> Project {
    let project = Project::with("image: host\n");
    project.file("scenarios/notes.txt", "");
    project.file("scenarios/images/debian-web.yaml", "host: true\n");
    stored::run(&project, "2026-10-23-aaaa", Verdict::Same);
    stored::run(&project, "2026-11-23-bbbb", Verdict::Regressed);
    project
}

#[test]
fn bash_offers_cells_runs_images_files_fields_and_codes() {
    needs!(bash);
    let project = project();
    let of = |words: &[&str]| offered(&project, words);
    assert_eq!(of(&["patchbed", "sho"]), ["show"]);
    assert_eq!(of(&["patchbed", "show", ""])[..3], ["2026-11-23-bbbb", "2026-10-23-aaaa", "c7f2"]);
    assert_eq!(of(&["patchbed", "show", "c"]), ["c7f2"]);
    assert_eq!(of(&["patchbed", "shell", "d"]), ["debian-web"]);
    assert_eq!(of(&["patchbed", "compare", "2026-1"]), ["2026-11-23-bbbb", "2026-10-23-aaaa"]);
    assert_eq!(of(&["patchbed", "run", "scenarios/"]), ["scenarios/images/", "scenarios/one.yaml"]);
    assert_eq!(of(&["patchbed", "run", "-k", "so"]), ["software=", "software~"]);
    assert_eq!(of(&["patchbed", "run", "-k", "software=b"]), ["software=bank-plugin"]);
    assert_eq!(of(&["patchbed", "explain", "at-"]), ["at-least", "at-most"]);
    assert_eq!(of(&["patchbed", "run", "--report", "ju"]), ["junit"]);
}

#[test]
fn the_folder_of_a_flag_is_looked_into() {
    needs!(bash);
    let (project, elsewhere) = (project(), Project::new());
    assert_eq!(offered(&elsewhere, &["patchbed", "-C", project.path().as_str(), "show", "c"]), ["c7f2"]);
}

/// Where nothing was run, and where what was run cannot be read, nothing is offered and nothing is said or made.
#[test]
fn without_runs_nothing_is_offered_and_nothing_fails() {
    needs!(bash);
    let project = Project::new();
    assert_eq!(offered(&project, &["patchbed", "shell", "c"]), Vec::<String>::new());
    assert!(!project.path().join(".patchbed").exists());
    stored::run(&project, "2026-11-23-bbbb", Verdict::Same);
    project.file(".patchbed/runs/2026-11-23-bbbb/record.json", "{ not a record");
    assert_eq!(offered(&project, &["patchbed", "shell", "c"]), Vec::<String>::new());
    let said = project.say(project.command(&["show"]).env("PATCHBED_COMPLETE", "nosuchshell"));
    assert_eq!((said.status, said.stdout.as_str(), said.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn every_shell_has_a_script_that_names_the_command() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish"] {
        let said = project.run(&["completions", shell]);
        assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
        assert!(said.stdout.contains("PATCHBED_COMPLETE") && said.stdout.contains("patchbed"), "{}", said.stdout);
    }
    assert_eq!(project.run(&["completions", "tcsh"]).status, Some(2));
}

#[test]
fn a_page_for_man() {
    let said = Project::new().run(&["man", "images", "import"]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(said.stdout);
}

#[test]
fn a_page_that_is_not_there_is_answered_with_the_nearest() {
    let said = Project::new().run(&["man", "shwo"]);
    assert_eq!((said.status, said.stdout.as_str()), (Some(2), ""));
    assert!(said.stderr.contains("did you mean `show`?"), "{}", said.stderr);
}

/// Every command has a page, and groff has nothing to say against any.
#[test]
fn all_pages_are_written_and_right() {
    needs!(groff);
    let project = Project::new();
    project.file("man1/.keep", "");
    let said = project.run(&["man", "--out", "man1"]);
    assert_eq!((said.status, said.stdout.as_str()), (Some(0), ""), "{}", said.stderr);
    let pages: Vec<_> = project.path().join("man1").read_dir_utf8().expect("the folder").flatten().collect();
    let pages: Vec<_> = pages.iter().filter(|page| page.file_name().ends_with(".1")).collect();
    assert!(pages.len() > 20 && pages.iter().any(|page| page.file_name() == "patchbed-run.1"));
    for page in pages {
        let text = std::fs::read(page.path()).expect("read");
        let mut groff = Command::new("groff")
            .args(["-man", "-ww", "-Tutf8", "-z"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("groff starts");
        groff.stdin.take().expect("a pipe").write_all(&text).expect("written");
        let output = groff.wait_with_output().expect("ended");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", page.file_name());
    }
}
