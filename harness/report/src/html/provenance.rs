//! Where the answer comes from: versions, files and images with their digests, and the command that repeats it.

use std::collections::BTreeSet;
use std::io::{self, Write};

use patchbed_model::Digest;
use patchbed_model::record::Host;

use super::page::Page;
use super::repeat;
use super::tags::{self, Table};
use crate::words;

pub(super) fn write(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    let record = page.record;
    writeln!(out, "<section aria-labelledby=\"provenance\">\n<h2 id=\"provenance\">Provenance</h2>\n<dl>")?;
    tags::entry(out, "Run", &tags::text(&record.run.0))?;
    tags::entry(out, "patchbed", &tags::text(&record.version))?;
    tags::entry(out, "Record", &tags::text(&record.schema))?;
    record.host.iter().try_for_each(|host| machine(host, out))?;
    tags::entry(out, "Began", &words::time(record.started))?;
    let finished = record.finished.map_or_else(|| "cut off".to_owned(), words::time);
    tags::entry(out, "Ended", &finished)?;
    tags::entry(out, "Exit", &record.exit.to_string())?;
    tags::entry(out, "Layers made", &record.layers_made.to_string())?;
    repeat::run(record, out)?;
    writeln!(out, "</dl>")?;
    scenarios(page, out)?;
    images(page, out)?;
    writeln!(out, "</section>")
}

/// What may matter of the machine.
fn machine(host: &Host, out: &mut dyn Write) -> io::Result<()> {
    if let Some(system) = &host.system {
        tags::entry(out, "System", &tags::text(system))?;
    }
    tags::entry(out, "Kernel", &tags::text(&host.kernel))?;
    let memory = host.memory.map(|bytes| format!(", {} MiB of memory", bytes >> 20)).unwrap_or_default();
    let processors = words::count(host.processors, "processor");
    tags::entry(out, "Machine", &format!("{}, {processors}{memory}", tags::text(&host.architecture)))
}

fn scenarios(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    let heads = ["Scenario", "Title", "File", "Digest", "Verdict"];
    let table = Table { id: "scenarios", caption: "Scenarios", heads: &heads };
    table.begin(out)?;
    for scenario in &page.record.scenarios {
        let [id, title, file] = [&scenario.id, &scenario.title, &scenario.file].map(|text| tags::text(text));
        write!(out, "<tr><th scope=\"row\">{id}</th><td>{title}</td><td>{file}</td>")?;
        let verdict = tags::verdict(scenario.verdict);
        writeln!(out, "<td>{}</td><td>{verdict}</td></tr>", digest(scenario.digest.as_ref()))?;
    }
    tags::end_table(out)
}

fn images(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cells = page.record.scenarios.iter().flat_map(|scenario| &scenario.cells);
    let images: BTreeSet<(&str, Option<&Digest>)> =
        cells.map(|cell| (cell.image.as_str(), cell.image_digest.as_ref())).collect();
    let table = Table { id: "images", caption: "Images", heads: &["Image", "Digest"] };
    table.begin(out)?;
    for (image, of) in images {
        writeln!(out, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", tags::text(image), digest(of))?;
    }
    tags::end_table(out)
}

fn digest(digest: Option<&Digest>) -> String {
    digest.map_or_else(|| "not known".to_owned(), |digest| tags::text(&digest.to_string()))
}
