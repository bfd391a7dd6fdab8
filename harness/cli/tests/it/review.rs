//! `review` with somebody who types, on a pseudo-terminal.

use patchbed_testkit::{filters, needs};

use crate::project::Project;
use crate::terminal::Terminal;

/// The exit status of a run of the project.
fn run(project: &Project) -> Option<i32> {
    project.run(&["run", "-j", "1", "--progress", "none"]).status
}

/// A project whose last run found a change, and a first baseline.
fn changed() -> Project {
    let project = Project::probing("echo first; cat /opt/patched 2>/dev/null || true");
    assert_eq!(run(&project), Some(3));
    project
}

/// A project whose last run found something worse, and a first baseline.
fn regressed() -> Project {
    let project = Project::probing("test ! -e /opt/patched");
    assert_eq!(run(&project), Some(1));
    project
}

fn review(project: &Project) -> Terminal {
    Terminal::start(project, &["review", "--color", "never"])
}

fn accepted(project: &Project) -> String {
    std::fs::read_to_string(project.path().join("snapshots/one/accepted.yaml")).unwrap_or_default()
}

fn baseline(project: &Project, name: &str) -> bool {
    project.path().join("snapshots/one").join(name).exists()
}

macro_rules! golden {
    ($screen:expr) => {
        insta::with_settings!({ filters => filters::filters() }, {
            insta::assert_snapshot!($screen);
        });
    };
}

#[test]
fn what_is_accepted_with_a_reason_is_silent_in_the_next_run() {
    needs!(userns, overlay, root, setsid);
    let project = changed();
    let mut terminal = review(&project);
    terminal.decide("?");
    terminal.decide("d");
    terminal.decide("a");
    terminal.answer("because", "it says yes");
    terminal.answer("until", "");
    terminal.decide("a");
    let (status, screen) = terminal.end(&project);
    assert_eq!(status, Some(0), "{screen}");
    golden!(screen);
    assert!(accepted(&project).contains("because: it says yes"), "{}", accepted(&project));
    assert_eq!(run(&project), Some(0));
}

#[test]
fn a_known_issue_has_an_end() {
    needs!(userns, overlay, root, setsid);
    let project = regressed();
    let mut terminal = review(&project);
    terminal.decide("a");
    terminal.decide("k");
    terminal.answer("because", "they mend it next month");
    terminal.answer("until", "2001-02-03");
    terminal.answer("until", "soon");
    terminal.answer("until", "");
    terminal.decide("s");
    let (status, screen) = terminal.end(&project);
    assert_eq!(status, Some(0), "{screen}");
    golden!(screen);
    let accepted = accepted(&project);
    assert!(accepted.contains("known-issue: true") && accepted.contains("until: "), "{accepted}");
    assert_eq!(run(&project), Some(0));
}

#[test]
fn without_a_reason_nothing_is_accepted() {
    needs!(userns, overlay, root, setsid);
    let project = changed();
    let mut terminal = review(&project);
    terminal.decide("a");
    terminal.answer("because", "  ");
    terminal.wait_for("nothing is accepted without a reason");
    terminal.decide("q");
    let (status, screen) = terminal.end(&project);
    assert_eq!((status, accepted(&project).as_str()), (Some(0), ""), "{screen}");
    assert!(baseline(&project, "host.snap.new"));
}

#[test]
fn what_is_skipped_waits_and_what_is_rejected_is_removed() {
    needs!(userns, overlay, root, setsid);
    let project = changed();
    let mut terminal = review(&project);
    for key in ["b", "s", "b", "s", "r"] {
        terminal.decide(key);
    }
    let (status, screen) = terminal.end(&project);
    assert_eq!(status, Some(0), "{screen}");
    golden!(screen);
    assert_eq!(accepted(&project), "");
    assert!(!baseline(&project, "host.snap.new") && !baseline(&project, "host.snap"));
}

/// Accepts the first item, and does something else at the second.
fn left(project: &Project, leave: impl FnOnce(&mut Terminal)) -> (Option<i32>, String) {
    let mut terminal = review(project);
    terminal.decide("a");
    terminal.answer("because", "it says yes");
    terminal.answer("until", "");
    leave(&mut terminal);
    let (status, screen) = terminal.end(project);
    assert!(accepted(project).contains("it says yes"), "{screen}");
    assert!(baseline(project, "host.snap.new"), "{screen}");
    assert!(screen.contains("1 accepted, 0 known issues, 0 rejected, 0 skipped: 1 still waits"), "{screen}");
    (status, screen)
}

#[test]
fn whoever_quits_keeps_what_was_decided() {
    needs!(userns, overlay, root, setsid);
    let (status, screen) = left(&changed(), |terminal| terminal.decide("q"));
    assert_eq!(status, Some(0), "{screen}");
}

#[test]
fn the_end_of_input_is_like_quitting() {
    needs!(userns, overlay, root, setsid);
    let (status, screen) = left(&changed(), |terminal| terminal.decide("\u{4}"));
    assert_eq!(status, Some(0), "{screen}");
    let project = changed();
    let mut terminal = review(&project);
    terminal.decide("a");
    terminal.wait_for("because: ");
    terminal.press("\u{4}");
    let (status, screen) = terminal.end(&project);
    assert_eq!((status, accepted(&project).as_str()), (Some(0), ""), "{screen}");
}

#[test]
fn ctrl_c_keeps_what_was_decided_and_ends_with_130() {
    needs!(userns, overlay, root, setsid);
    let (status, screen) = left(&changed(), |terminal| terminal.decide("\u{3}"));
    assert_eq!(status, Some(130), "{screen}");
    let project = changed();
    let mut terminal = review(&project);
    terminal.decide("a");
    terminal.wait_for("because: ");
    terminal.press("not wri\u{3}");
    let (status, screen) = terminal.end(&project);
    assert_eq!((status, accepted(&project).as_str()), (Some(130), ""), "{screen}");
}

#[test]
fn sigterm_restores_the_terminal_and_ends_with_143() {
    needs!(userns, overlay, root, setsid);
    let (status, screen) = left(&changed(), |terminal| {
        terminal.wait_for("? help: ");
        terminal.signal("TERM");
    });
    assert_eq!(status, Some(143), "{screen}");
}

#[test]
fn a_terminal_without_single_keys_takes_a_letter_and_enter() {
    needs!(userns, overlay, root, setsid);
    let project = changed();
    let mut terminal = Terminal::start_with(&project, &["review"], &[("TERM", "dumb")]);
    terminal.decide("a\n");
    terminal.answer("because", "it says yes");
    terminal.answer("until", "");
    terminal.decide("q\n");
    let (status, screen) = terminal.end(&project);
    assert_eq!(status, Some(0), "{screen}");
    golden!(screen);
    assert!(accepted(&project).contains("it says yes"));
}

#[test]
fn nobody_is_asked_where_asking_is_not_wanted() {
    needs!(userns, overlay, root, setsid);
    let project = changed();
    let listed = project.run(&["review"]).stdout;
    for (words, variables) in [(vec!["review", "--no-input"], vec![]), (vec!["review"], vec![("CI", "true")])] {
        let words = [words, vec!["--color", "never"]].concat();
        let (status, screen) = Terminal::start_with(&project, &words, &variables).end(&project);
        assert_eq!((status, screen.as_str()), (Some(0), listed.as_str()));
    }
}

#[test]
fn what_was_read_in_a_sandbox_does_not_steer_the_terminal() {
    needs!(userns, overlay, root, setsid);
    let steering = r#"test ! -e /opt/patched || printf "\033[31mred\033]0;title\007\n\033[2Jgone\n""#;
    let project = Project::probing(steering);
    assert_eq!(run(&project), Some(3));
    let mut terminal = review(&project);
    for key in ["d", "l", "\u{1b}[a", "q"] {
        terminal.decide(key);
    }
    let (status, screen) = terminal.end(&project);
    assert_eq!(status, Some(0), "{screen}");
    golden!(screen);
    assert!(!screen.contains('\u{1b}') && !screen.contains('\u{7}'), "{screen:?}");
}

#[test]
fn a_decision_that_cannot_be_taken_is_told_and_waits_on() {
    needs!(userns, overlay, root, setsid);
    let project = changed();
    let mut terminal = review(&project);
    terminal.decide("s");
    terminal.wait_for("2 of 2");
    std::fs::remove_file(project.path().join("snapshots/one/host.snap.new")).expect("removed");
    terminal.decide("a");
    terminal.wait_for("error: ");
    terminal.decide("q");
    let (status, screen) = terminal.end(&project);
    assert_eq!(status, Some(0), "{screen}");
    golden!(screen);
}

#[test]
fn one_change_in_several_cells_is_one_decision() {
    needs!(userns, overlay, root, setsid);
    let project = Project::with(
        "image: host\npatch: { files: { write: { /opt/patched: \"yes\\n\" } } }\n\
         probes: [{ name: look, command: 'cat /opt/patched || true' }, { name: sum, command: 'cksum /opt/patched || true' }]\n\
         automatic: false\nsoftware: [{ name: bank, probes: [{ name: bank, command: 'true' }] }]\n",
    );
    assert_eq!(run(&project), Some(3));
    let mut terminal = review(&project);
    terminal.decide("a");
    terminal.answer("because", "it says yes");
    terminal.answer("until", "");
    terminal.decide("a");
    terminal.answer("because", ".");
    terminal.answer("until", "2999-12-31");
    terminal.decide("q");
    let (status, screen) = terminal.end(&project);
    assert_eq!(status, Some(0), "{screen}");
    golden!(screen);
    assert_eq!(accepted(&project).matches("because: it says yes").count(), 4);
    assert_eq!(run(&project), Some(0));
}
