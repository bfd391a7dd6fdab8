//! Goldens of the screen and of the files.

use patchbed_model::record::OnlyGiven;
use patchbed_model::{CellId, Given, Record, Verdict};
use patchbed_report::{Colour, Depth, Detail, Format, Glyphs, Look, Report as _, Terminal};
use patchbed_testkit::records;

use crate::html;

fn text(format: Format, record: &Record) -> String {
    with_look(format, record, &Look::default())
}

fn with_look(format: Format, record: &Record, look: &Look) -> String {
    let mut out = Vec::new();
    format.report(look).write(record, &mut out).expect("writing to memory");
    String::from_utf8(out).expect("reports are UTF-8")
}

fn look(width: usize) -> Look {
    Look { width, ..Look::default() }
}

#[test]
fn the_shop_at_100_columns() {
    let mut out = Vec::new();
    Terminal::new(look(100)).kept_at(".patchbed/last").write(&records::shop(), &mut out).expect("writing to memory");
    insta::assert_snapshot!(String::from_utf8_lossy(&out));
}

#[test]
fn what_a_cell_shows_beside_its_worst_is_counted_too() {
    let mut shop = records::shop();
    let other = shop.scenarios[0].causes[0].clone();
    shop.scenarios[0].causes.push(patchbed_model::record::CauseRecord { verdict: Verdict::Changed, ..other });
    let said = text(Format::Terminal, &shop);
    assert!(said.contains("2 cells regressed (1 cause, 1 more changed), 2 same, 0 undecided"), "{said}");
}

#[test]
fn the_shop_at_80_columns() {
    insta::assert_snapshot!(with_look(Format::Terminal, &records::shop(), &look(80)));
}

#[test]
fn the_shop_in_ascii() {
    let look = Look { glyphs: Glyphs::Ascii, ..look(80) };
    insta::assert_snapshot!(with_look(Format::Terminal, &records::shop(), &look));
}

#[test]
fn the_shop_in_colour() {
    let look = Look { colour: Colour::Always, ..look(80) };
    insta::assert_snapshot!(with_look(Format::Terminal, &records::shop(), &look).replace('\u{1b}', "ESC"));
}

#[test]
fn the_shop_in_ascii_and_colour_at_100_columns() {
    let look = Look { colour: Colour::Always, glyphs: Glyphs::Ascii, ..look(100) };
    let said = with_look(Format::Terminal, &records::shop(), &look);
    assert!(said.is_ascii());
    insta::assert_snapshot!(said.replace('\u{1b}', "ESC"));
}

#[test]
fn one_of_each_in_ascii_and_colour() {
    let look = Look { colour: Colour::Always, glyphs: Glyphs::Ascii, ..look(80) };
    let said = with_look(Format::Terminal, &records::one_of_each(), &look);
    assert!(said.is_ascii());
    insta::assert_snapshot!(said.replace('\u{1b}', "ESC"));
}

/// What `show CELL` tells before the screen.
fn detail(look: Look) -> String {
    let mut out = Vec::new();
    let detail = Detail { look, cell: Some(CellId("c7f220000000".to_owned())), depth: Depth::Full };
    detail.write(&records::shop(), &mut out).expect("writing to memory");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn a_cell_in_full_at_100_columns() {
    insta::assert_snapshot!(detail(look(100)));
}

#[test]
fn a_cell_in_full_at_80_columns_in_ascii_and_colour() {
    let said = detail(Look { colour: Colour::Always, glyphs: Glyphs::Ascii, ..look(80) });
    assert!(said.is_ascii());
    insta::assert_snapshot!(said.replace('\u{1b}', "ESC"));
}

/// Only a command, which is there to be copied, may be longer.
#[test]
fn no_line_is_wider_than_the_screen() {
    for record in [records::shop(), records::one_of_each(), records::closed_for_a_while()] {
        for (width, glyphs) in
            [(80, Glyphs::Unicode), (80, Glyphs::Ascii), (100, Glyphs::Unicode), (100, Glyphs::Ascii)]
        {
            let said = with_look(Format::Terminal, &record, &Look { glyphs, ..look(width) });
            let wide = |line: &&str| line.chars().count() > width && !line.contains("patchbed ");
            assert_eq!(said.lines().find(wide), None, "{width} columns");
        }
    }
}

/// A patch that leaves something to look at without any product is not called fine.
#[test]
fn a_patch_is_fine_alone_only_where_its_cell_is() {
    let mut record = records::shop();
    let said = |record: &Record| with_look(Format::Terminal, record, &look(100));
    assert!(said(&record).contains("the patch alone is fine"));
    record.scenarios[0].cells[0].verdict = Verdict::Changed;
    assert!(said(&record).contains("the patch alone does not do this"));
}

#[test]
fn colour_changes_nothing_but_colour() {
    for record in [records::shop(), records::one_of_each()] {
        for plain in [look(80), look(100), Look { glyphs: Glyphs::Ascii, ..look(80) }] {
            let coloured = with_look(Format::Terminal, &record, &Look { colour: Colour::Always, ..plain.clone() });
            assert_eq!(console_less(&coloured), with_look(Format::Terminal, &record, &plain));
        }
    }
}

#[test]
fn one_of_each_at_100_columns() {
    insta::assert_snapshot!(text(Format::Terminal, &records::one_of_each()));
}

#[test]
fn one_of_each_at_80_columns() {
    insta::assert_snapshot!(with_look(Format::Terminal, &records::one_of_each(), &look(80)));
}

#[test]
fn nothing_but_same() {
    let cells = (0..30).map(|at| records::cell(&format!("c{at:011x}"), &["fix"], &[])).collect();
    insta::assert_snapshot!(text(Format::Terminal, &records::record(vec![records::scenario("web", cells, vec![])])));
}

#[test]
fn no_cells() {
    insta::assert_snapshot!(text(Format::Terminal, &records::record(Vec::new())));
}

#[test]
fn a_run_that_was_cut_off() {
    let mut cell = records::cell("c1d010000000", &["fix"], &[]);
    cell.verdict = Verdict::Inconclusive;
    cell.reason = "the run was cut off".to_owned();
    let mut record = records::record(vec![records::scenario("web", vec![cell], vec![])]);
    record.finished = None;
    insta::assert_snapshot!(text(Format::Terminal, &record));
}

#[test]
fn what_shows_in_one_way_of_giving_patches_alone_is_told() {
    let mut record = records::shop();
    let proof = record.scenarios[0].cells[0].id.clone();
    for (given, words) in [
        (Given::OneByOne, "Only when    given one by one: otherwise the same patches do not do this"),
        (Given::Together, "Only when    given in one transaction: otherwise the same patches do not do this"),
    ] {
        record.scenarios[0].causes[0].only_given = Some(OnlyGiven { given, not_in: vec![proof.clone()] });
        let told = text(Format::Terminal, &record);
        let line = told.lines().find(|line| line.contains("Only when")).expect("it is told");
        assert!(line.trim_start().starts_with(words) && line.ends_with("[c1d0]"), "{line}");
    }
}

#[test]
fn patches_that_are_well_apart_from_the_guilty_one_may_be_shipped() {
    let mut record = records::shop();
    let cells = &mut record.scenarios[0].cells;
    for cell in cells.iter_mut() {
        cell.search = None;
    }
    cells[0].patches = vec!["TLS 1.2 or newer".to_owned()];
    let told = text(Format::Terminal, &record);
    assert!(told.contains("Ship         `TLS 1.2 or newer`: well in every cell; hold libssl3-update"), "{told}");
}

#[test]
fn the_shop_as_json() {
    insta::assert_snapshot!(text(Format::Json, &records::shop()));
}

#[test]
fn the_shop_as_junit() {
    insta::assert_snapshot!(text(Format::Junit, &records::shop()));
}

#[test]
fn one_of_each_as_junit() {
    insta::assert_snapshot!(text(Format::Junit, &records::one_of_each()));
}

#[test]
fn the_shop_as_tap() {
    insta::assert_snapshot!(text(Format::Tap, &records::shop()));
}

#[test]
fn one_of_each_as_tap() {
    insta::assert_snapshot!(text(Format::Tap, &records::one_of_each()));
}

#[test]
fn the_shop_as_ctrf() {
    insta::assert_snapshot!(text(Format::Ctrf, &records::shop()));
}

#[test]
fn one_of_each_as_ctrf() {
    insta::assert_snapshot!(text(Format::Ctrf, &records::one_of_each()));
}

#[test]
fn the_shop_as_markdown() {
    insta::assert_snapshot!(text(Format::Markdown, &records::shop()));
}

#[test]
fn one_of_each_as_markdown() {
    insta::assert_snapshot!(text(Format::Markdown, &records::one_of_each()));
}

#[test]
fn the_shop_as_annotations() {
    insta::assert_snapshot!(text(Format::Github, &records::shop()));
}

#[test]
fn one_of_each_as_annotations() {
    insta::assert_snapshot!(text(Format::Github, &records::one_of_each()));
}

#[test]
fn of_many_causes_nine_are_annotated_and_the_others_counted() {
    let mut record = records::shop();
    record.scenarios[0].causes = vec![records::crash(); 12];
    let said = text(Format::Github, &record);
    let annotations: Vec<&str> = said.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(annotations.len(), 10);
    assert_eq!(annotations[9], "::warning title=patchbed::3 more: `patchbed show` tells all");
}

#[test]
fn the_shop_as_html() {
    insta::assert_snapshot!(html::body(&text(Format::Html, &records::shop())));
}

#[test]
fn one_of_each_as_html() {
    insta::assert_snapshot!(html::body(&text(Format::Html, &records::one_of_each())));
}

#[test]
fn an_outage_as_html() {
    insta::assert_snapshot!(html::body(&text(Format::Html, &records::closed_for_a_while())));
}

#[test]
fn a_slower_page_as_html() {
    insta::assert_snapshot!(html::body(&text(Format::Html, &records::slower())));
}

#[test]
fn a_service_that_was_closed_for_longer_than_without_the_patch() {
    let record = records::closed_for_a_while();
    let detail = Detail { look: look(80), cell: None, depth: Depth::Brief };
    let mut out = with_look(Format::Terminal, &record, &look(80)).into_bytes();
    detail.write(&record, &mut out).expect("writing to memory");
    insta::assert_snapshot!(String::from_utf8_lossy(&out));
}

/// Of two attempts without the patch the longer one decides.
#[test]
fn a_service_that_was_closed_for_about_as_long_is_not_told() {
    let mut record = records::closed_for_a_while();
    let said = |record: &Record| text(Format::Terminal, record).contains("Outage");
    assert!(said(&record));
    let attempt = &mut record.scenarios[0].cells[0].timeline[1];
    attempt.outages.as_mut().expect("it was watched").services[0].closed[0].to = 1360;
    assert!(!said(&record));
}

#[test]
fn an_outage_as_json() {
    let record = records::closed_for_a_while();
    let attempt = &record.scenarios[0].cells[0].timeline[2];
    let mut out = Vec::new();
    patchbed_report::write_json(attempt, &mut out).expect("writing to memory");
    insta::assert_snapshot!(String::from_utf8_lossy(&out));
}

/// The text without its colours.
fn console_less(text: &str) -> String {
    text.split('\u{1b}')
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { &part[part.find('m').map_or(0, |m| m + 1)..] })
        .collect()
}
