//! The numbers of all formats agree, and ten thousand cells are no trouble.

use std::time::{Duration, Instant};

use patchbed_model::{Record, Verdict};
use patchbed_report::{Format, Look};
use patchbed_testkit::records;

fn junit(record: &Record) -> quick_junit::Report {
    let mut out = Vec::new();
    Format::Junit.report(&Look::default()).write(record, &mut out).expect("writing to memory");
    quick_junit::Report::deserialize_from_str(&String::from_utf8(out).expect("UTF-8")).expect("well-formed")
}

#[test]
fn totals_are_the_cells() {
    let record = records::one_of_each();
    let report = junit(&record);
    let of = |verdicts: &[Verdict]| verdicts.iter().map(|verdict| record.counts[verdict]).sum::<usize>();
    assert_eq!(report.tests, record.counts.values().sum::<usize>());
    assert_eq!(report.failures, of(&[Verdict::Regressed, Verdict::Changed, Verdict::Ineffective]));
    assert_eq!(report.errors, of(&[Verdict::Unstable, Verdict::Inconclusive]));
    assert_eq!(report.skipped, of(&[Verdict::Skipped]));
}

/// A run of so many cells, of which a third is regressed.
fn many(number: usize) -> Record {
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
    for format in Format::ALL {
        let mut out = Vec::new();
        format.report(&Look::default()).write(&record, &mut out).expect("writing to memory");
        assert!(out.len() > 10_000);
    }
}

/// The fastest of three times counts: the others tell how busy the machine is.
#[test]
fn ten_thousand_cells_are_a_page_within_two_seconds() {
    let record = many(10_000);
    let time = |_| {
        let start = Instant::now();
        assert!(page(&record).matches("<tr>").count() > 10_000);
        start.elapsed()
    };
    let fastest = (0..3).map(time).min().expect("three times");
    assert!(fastest < Duration::from_secs(2), "{fastest:?}");
}

/// Also when its bundle is large, and each of the cells that are shown in full has more to show than there is room for.
#[test]
fn a_page_of_1200_cells_is_a_megabyte_at_most() {
    let mut record = many(1_200);
    let bundle: Vec<String> = (0..40).map(|patch| format!("a-patch-with-a-name-{patch}")).collect();
    for cell in &mut record.scenarios[0].cells {
        cell.patches.extend_from_slice(&bundle);
    }
    let lines: Vec<String> = (0..500).map(|line| format!("<{line}> & \"more\"")).collect();
    for cell in record.scenarios[0].cells.iter_mut().take(150) {
        cell.differences = (0..40).map(|at| records::regressed(&format!("log.{at}"), "", &lines.join("\n"))).collect();
    }
    let size = page(&record).len();
    assert!(size <= 1 << 20, "{size}");
}

fn page(record: &Record) -> String {
    let mut out = Vec::new();
    Format::Html.report(&Look::default()).write(record, &mut out).expect("writing to memory");
    String::from_utf8(out).expect("UTF-8")
}
