//! Pages for a real browser to open. `scripts/browser` runs this and says what a browser finds.

use std::fs;
use std::path::Path;

use patchbed_model::Record;
use patchbed_report::{Format, Look};
use patchbed_testkit::records;

use crate::{hostile, numbers};

/// Writes a page of each kind of record into the folder that `PATCHBED_PAGES` names, where it names one. Those with a
/// hostile text in every field have the elements of `plain`.
#[test]
fn pages_for_a_browser() {
    let Ok(folder) = std::env::var("PATCHBED_PAGES") else { return };
    for (name, record) in [
        ("shop", records::shop()),
        ("one-of-each", records::one_of_each()),
        ("outage", records::closed_for_a_while()),
        ("slower", records::slower()),
        ("none", records::record(Vec::new())),
        ("many", numbers::many(12)),
        ("large", numbers::large()),
        ("plain", records::all_texts("plain")),
    ] {
        write(Path::new(&folder), name, &record);
    }
    for (at, payload) in hostile::PAYLOADS.iter().filter(|payload| !payload.is_empty()).enumerate() {
        write(Path::new(&folder), &format!("hostile-{at}"), &records::all_texts(payload));
    }
}

fn write(folder: &Path, name: &str, record: &Record) {
    let mut page = Vec::new();
    Format::Html.report(&Look::default()).write(record, &mut page).expect("writing to memory");
    fs::write(folder.join(format!("{name}.html")), page).expect("the folder can be written to");
}
