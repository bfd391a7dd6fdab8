//! Products that say themselves that they do not protect.

use patchbed_model::{Exit, Record, Verdict};
use patchbed_sandbox::fake::{Answer, Happened};
use patchbed_sandbox::message::{End, FailureKind, Reply, Request};

use super::world::{Inside, failed};
use super::{World, ran};
use crate::fixtures::product;
use crate::scenario::{Degraded, Software};

/// A world with a scanner that says whether it protects.
fn scanner(degraded: Degraded, says: impl Fn(&Inside, &str) -> Option<Answer> + Send + Sync + 'static) -> World {
    let mut world = World::new(move |inside, words| says(inside, words.first().map_or("", String::as_str)));
    world.scenario.software = vec![Software { degraded: Some(degraded), ..product("mail.scanner") }];
    world
}

fn asking(says: impl Fn(&Inside) -> Answer + Send + Sync + 'static) -> World {
    let program = Degraded::Program(vec!["off".to_owned()]);
    scanner(program, move |inside, word| (word == "off").then(|| says(inside)))
}

fn reading(text: &str, files: &[&str]) -> World {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = Degraded::Line {
        pattern: "protection (off|lost)".to_owned(),
        services: if files.is_empty() { vec!["web".to_owned()] } else { Vec::new() },
        files: files.iter().map(|&glob| glob.to_owned()).collect(),
    };
    scanner(line, move |inside, word| {
        let now = if inside.patched { lines.clone() } else { vec!["protection on".to_owned()] };
        (word == "lines").then_some(Answer::Now(Reply::Lines(now)))
    })
}

/// The only difference: was, now, evidence.
fn difference(record: &Record) -> (Option<&str>, Option<&str>, &[String]) {
    let differences = &record.scenarios[0].cells[0].differences;
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert_eq!(differences[0].key.as_str(), "mail-scanner.degraded");
    (differences[0].was.as_deref(), differences[0].now.as_deref(), &differences[0].evidence)
}

#[tokio::test(start_paused = true)]
async fn a_product_that_says_it_is_degraded_with_the_patch_alone_is_a_regression() {
    let mut world = asking(|inside| ran(End::Exited(i32::from(!inside.patched)), "licence lost"));
    let record = world.run().await.expect("the run ends");
    assert_eq!(record.verdict, Verdict::Regressed);
    assert_eq!(difference(&record), (Some("protecting"), Some("degraded"), &["licence lost".to_owned()][..]));
}

#[tokio::test(start_paused = true)]
async fn a_product_that_cannot_be_asked_does_not_pass_for_one_that_protects() {
    type Says = fn() -> Answer;
    let answers: [(Says, &str); 4] = [
        (|| ran(End::Exited(127), "sh: off: not found"), "exited 127"),
        (|| ran(End::TimedOut, ""), "timed out"),
        (|| failed(FailureKind::NotFound, "run `off`: not found"), "run `off`: not found"),
        (|| failed(FailureKind::System, "fork: no memory"), "fork: no memory"),
    ];
    for (answer, why) in answers {
        let mut world = asking(move |inside| if inside.patched { answer() } else { ran(End::Exited(1), "") });
        let record = world.run().await.expect("the run ends");
        let (was, now, evidence) = difference(&record);
        assert_eq!((was, now), (Some("protecting"), Some("cannot ask")), "{why}");
        assert_eq!(evidence[0], why);
        assert_eq!(record.verdict, Verdict::Regressed, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_product_that_is_degraded_already_is_broken_before() {
    let mut world = asking(|_| ran(End::Exited(0), "no licence"));
    let record = world.run().await.expect("the run ends");
    assert_eq!((record.verdict, record.exit_name), (Verdict::Inconclusive, Exit::BrokenBefore));
    assert_eq!(record.scenarios[0].cells[0].ill[0].evidence, ["no licence"]);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_says_so_is_looked_for_in_what_a_service_says() {
    let mut world = reading("starting\nnow protection lost\nready", &[]);
    let record = world.run().await.expect("the run ends");
    let shown = ["now protection lost".to_owned()];
    assert_eq!(difference(&record), (Some("protecting"), Some("degraded"), &shown[..]));
    let mut well = reading("protection on again", &[]);
    assert_eq!(well.run().await.expect("the run ends").verdict, Verdict::Same);
}

#[tokio::test(start_paused = true)]
async fn a_file_in_which_a_line_is_looked_for_is_marked_before_the_patch() {
    let mut world = reading("protection off", &["/opt/scanner/log"]);
    let record = world.run().await.expect("the run ends");
    assert_eq!(difference(&record).1, Some("degraded"));
    let marked = |happened: &Happened| {
        let Happened::Called(_, Request::Mark { files, .. }) = happened else { return None };
        Some(files.contains(&"/opt/scanner/log".to_owned()))
    };
    let marks: Vec<bool> = world.backend.happened().iter().filter_map(marked).collect();
    assert!(!marks.is_empty() && marks.iter().all(|marked| *marked), "{marks:?}");
}
