//! The numbers of all formats agree, and ten thousand cells are no trouble.

use patchbed_model::{Record, Verdict};
use patchbed_report::{Format, Look};
use patchbed_testkit::records;

fn text(format: Format, record: &Record) -> String {
    let mut out = Vec::new();
    format.report(&Look::default()).write(record, &mut out).expect("writing to memory");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn totals_are_the_cells() {
    let record = records::one_of_each();
    let report = quick_junit::Report::deserialize_from_str(&text(Format::Junit, &record)).expect("well-formed");
    let of = |verdicts: &[Verdict]| verdicts.iter().map(|verdict| record.counts[verdict]).sum::<usize>();
    assert_eq!(report.tests, record.counts.values().sum::<usize>());
    assert_eq!(report.failures, of(&[Verdict::Regressed, Verdict::Changed, Verdict::Ineffective]));
    assert_eq!(report.errors, of(&[Verdict::Unstable, Verdict::Inconclusive]));
    let skipped: usize = report.test_suites.iter().map(|suite| suite.skipped).sum();
    assert_eq!(skipped, of(&[Verdict::Skipped]));
}

#[test]
fn what_is_undecided_is_no_pass_in_tap() {
    let record = records::one_of_each();
    let text = text(Format::Tap, &record);
    let passed = text.lines().filter(|line| line.starts_with("ok ") && !line.contains(" # SKIP ")).count();
    assert_eq!(passed, record.counts[&Verdict::Same] + record.counts[&Verdict::Improved]);
}

#[test]
fn totals_of_ctrf_are_the_cells() {
    let record = records::one_of_each();
    let document: serde_json::Value = serde_json::from_str(&text(Format::Ctrf, &record)).expect("JSON");
    let of = |name: &str| document["results"]["summary"][name].as_u64().expect("a number");
    assert_eq!(of("tests"), of("passed") + of("failed") + of("pending") + of("skipped") + of("other"));
    assert_eq!((of("passed"), of("failed"), of("skipped"), of("other")), (2, 3, 1, 3));
}

/// A run of so many cells, of which a third is regressed.
pub(crate) fn many(number: usize) -> Record {
    let products: Vec<String> = (0..20).map(|product| format!("product-{product}")).collect();
    let cells = (0..number)
        .map(|at| {
            let patch = format!("fix-{}", at / products.len());
            let mut cell = records::cell(&format!("c{at:011x}"), &[&patch], &[&products[at % products.len()]]);
            if at % 3 == 0 {
                cell.verdict = Verdict::Regressed;
                cell.differences = vec![records::regressed("web.process.state", "running", "exited 1")];
            }
            cell
        })
        .collect();
    records::record(vec![records::scenario("many", cells, vec![records::crash()])])
}

#[test]
fn ten_thousand_cells() {
    let record = many(10_000);
    let markdown = text(Format::Markdown, &record);
    assert!(markdown.len() <= 65_536);
    let shown = markdown.lines().filter(|line| line.starts_with("| ✗")).count();
    // The first of three is regressed; those that are the same would be one row.
    assert!(markdown.ends_with(&format!("here: {} cells. `patchbed show` tells all.\n", 10_000 - shown)));
    assert_eq!(text(Format::Github, &record).lines().count(), 3);
    assert!(text(Format::Html, &record).matches("<tr>").count() > 10_000);
    for format in Format::ALL.iter().filter(|format| **format != Format::Github) {
        assert!(text(*format, &record).len() > 10_000);
    }
}

/// As large as a page becomes: a large bundle, and more to show in each of the cells in full than there is room for.
pub(crate) fn large() -> Record {
    let mut record = many(1_200);
    let bundle: Vec<String> = (0..40).map(|patch| format!("a-patch-with-a-name-{patch}")).collect();
    for cell in &mut record.scenarios[0].cells {
        cell.patches.extend_from_slice(&bundle);
    }
    let lines: Vec<String> = (0..500).map(|line| format!("<{line}> & \"more\"")).collect();
    for cell in record.scenarios[0].cells.iter_mut().take(150) {
        cell.differences = (0..40).map(|at| records::regressed(&format!("log.{at}"), "", &lines.join("\n"))).collect();
    }
    record
}

#[test]
fn a_page_of_1200_cells_is_a_megabyte_at_most() {
    let size = text(Format::Html, &large()).len();
    assert!(size <= 1 << 20, "{size}");
}
