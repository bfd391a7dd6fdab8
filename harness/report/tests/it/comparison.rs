//! Two runs beside each other: what is said, and how it ends.

use patchbed_model::comparison::{CauseStanding, Comparison, Standing};
use patchbed_model::record::{CauseRecord, CellRecord, Record};
use patchbed_model::{Digest, Exit, RunId, Verdict};
use patchbed_report::{Colour, Compared, Glyphs, Look};
use patchbed_testkit::records;

fn screen(comparison: &Comparison, look: &Look) -> String {
    let mut out = Vec::new();
    Compared::new(comparison, look).write(&mut out).expect("writing to memory");
    String::from_utf8(out).expect("UTF-8")
}

/// The same run a month before: fine where the shop is not, ill where it is fine, on another image.
fn month_before() -> Record {
    let mut cells = records::shop().scenarios.remove(0).cells;
    cells[1] = records::cell("c7f2aaaaaaaa", &["march-2026"], &["bank-plugin"]);
    cells[2].verdict = Verdict::Regressed;
    cells[2].differences = vec![records::regressed("scanner.process.state", "running", "not running")];
    for cell in &mut cells {
        cell.image_digest = Some(Digest::of(b"march"));
    }
    cells.push(records::cell("cdead0000000", &["april-2026"], &["retired"]));
    let solved = CauseRecord {
        title: "scanner does not start".to_owned(),
        cells: vec![cells[2].id.clone()],
        broke: Vec::new(),
        ..records::crash()
    };
    let still =
        CauseRecord { title: "bank-plugin is killed".to_owned(), cells: vec![cells[3].id.clone()], ..records::crash() };
    let mut record = records::record(vec![records::scenario("shop", cells, vec![solved, still])]);
    record.run = RunId("2026-10-23-9f00".to_owned());
    record.started = "2026-10-23T10:00:00Z".parse().expect("a time stamp");
    record
}

fn now() -> Record {
    let mut record = records::shop();
    record.scenarios[0].cells.push(records::cell("c0ffee000000", &["april-2026"], &["till"]));
    record.scenarios[0].digest = Some(Digest::of(b"another file"));
    record
}

/// One cell before and after, alike in everything but what is changed here.
fn one(change: impl Fn(&mut CellRecord, &mut CellRecord)) -> Comparison {
    let (mut was, mut now) = (records::cell("c1", &["fix"], &[]), records::cell("c1", &["fix"], &[]));
    change(&mut was, &mut now);
    let run = |cell| records::record(vec![records::scenario("web", vec![cell], Vec::new())]);
    Comparison::of(&run(was), &run(now))
}

#[test]
fn a_month_at_100_columns() {
    insta::assert_snapshot!(screen(&Comparison::of(&month_before(), &now()), &Look::default()));
}

#[test]
fn a_month_at_80_columns() {
    let look = Look { width: 80, ..Look::default() };
    insta::assert_snapshot!(screen(&Comparison::of(&month_before(), &now()), &look));
}

#[test]
fn a_month_in_ascii_and_colour() {
    let look = Look { width: 80, colour: Colour::Always, glyphs: Glyphs::Ascii };
    let said = screen(&Comparison::of(&month_before(), &now()), &look);
    assert!(said.is_ascii());
    insta::assert_snapshot!(said.replace('\u{1b}', "ESC"));
}

#[test]
fn a_run_beside_itself_is_as_before() {
    for record in [records::shop(), records::one_of_each()] {
        let comparison = Comparison::of(&record, &record);
        let counts = &comparison.counts;
        assert_eq!([Standing::Worse, Standing::Changed, Standing::New, Standing::Gone].map(|s| counts[&s]), [0; 4]);
        assert!(comparison.causes.iter().all(|cause| cause.standing == CauseStanding::Still));
    }
    assert_eq!(Comparison::of(&records::shop(), &records::shop()).exit_name, Exit::Ok);
}

/// Every pair of verdicts has one standing, and only what is worse than it was ends with 1.
#[test]
fn how_a_cell_stands_follows_from_both_verdicts() {
    let mut table = String::new();
    for was_verdict in Verdict::ALL {
        for now_verdict in Verdict::ALL {
            let comparison = one(|was, now| (was.verdict, now.verdict) = (was_verdict, now_verdict));
            let standing = format!("{:?}", comparison.cells[0].standing);
            let [was, now] = [was_verdict, now_verdict].map(|verdict| verdict.to_string());
            table = format!("{table}{was:<12} {now:<12} {standing:<9} {}\n", comparison.exit);
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn something_else_that_is_worse_in_a_cell_that_was_bad_is_worse() {
    let comparison = one(|was, now| {
        (was.verdict, now.verdict) = (Verdict::Regressed, Verdict::Regressed);
        was.differences = vec![records::regressed("a.process.state", "running", "gone")];
        now.differences = vec![records::regressed("b.process.state", "running", "gone")];
    });
    let cell = &comparison.cells[0];
    assert_eq!((cell.standing, comparison.exit), (Standing::Worse, 1));
    assert_eq!((cell.appeared.len(), cell.disappeared.len()), (1, 1));
}

#[test]
fn an_environment_that_became_ill_ends_with_6() {
    let comparison = one(|_, now| (now.verdict, now.broken_before) = (Verdict::Inconclusive, true));
    assert_eq!((comparison.cells[0].standing, comparison.exit_name), (Standing::Undecided, Exit::BrokenBefore));
}

/// Of a cause whose cells were not run nobody knows whether it is gone.
#[test]
fn a_cause_is_solved_only_where_its_cells_have_a_result() {
    let standing = |verdict| {
        let mut now = records::shop();
        now.scenarios[0].causes.clear();
        now.scenarios[0].cells.iter_mut().for_each(|cell| cell.verdict = verdict);
        Comparison::of(&records::shop(), &now).causes[0].standing
    };
    assert_eq!(standing(Verdict::Same), CauseStanding::Solved);
    assert_eq!(standing(Verdict::Inconclusive), CauseStanding::Unknown);
}

/// With two cells of other patches in each run nothing says which is which.
#[test]
fn several_cells_of_other_patches_are_new_and_gone() {
    let run = |patches: [&str; 2]| {
        let cells = patches.map(|patch| records::cell(&format!("c{patch}"), &[patch], &[]));
        records::record(vec![records::scenario("web", cells.into(), Vec::new())])
    };
    let comparison = Comparison::of(&run(["a", "b"]), &run(["c", "d"]));
    assert_eq!((comparison.counts[&Standing::New], comparison.counts[&Standing::Gone]), (2, 2));
    assert_eq!(comparison.exit_name, Exit::Nothing);
}

#[test]
fn hostile_names_do_not_steer_the_screen() {
    let hostile = records::all_texts("a\u{1b}[2J\n::error::x\u{202e}");
    for (was, now) in [(&hostile, &records::shop()), (&records::shop(), &hostile), (&hostile, &hostile)] {
        let said = screen(&Comparison::of(was, now), &Look { width: 80, ..Look::default() });
        assert!(!said.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{said}");
        assert!(!said.lines().any(|line| line.trim_start().starts_with("::")), "{said}");
    }
}
