//! Images and patches against products: one table for each scenario, with what its rows and columns add up to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use patchbed_model::Verdict;
use patchbed_model::record::{CellRecord, ScenarioRecord};

use super::page::Page;
use super::tags::{self, Table};
use crate::words;

/// How many places of a table may be empty for each cell: products that are spread thin are read better as a list.
const EMPTY: usize = 4;

pub(super) fn write(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section aria-labelledby=\"matrix\">\n<h2 id=\"matrix\">Matrix</h2>")?;
    for (at, scenario) in page.record.scenarios.iter().enumerate() {
        Matrix::of(scenario).write(page, scenario, &format!("matrix-{at}"), out)?;
    }
    writeln!(out, "</section>")
}

/// An image with patches, both safe: a row.
type Row = (String, String);

/// The cells by their row and by their products, which are a column.
struct Matrix<'a> {
    rows: BTreeSet<Row>,
    columns: BTreeSet<&'a [String]>,
    places: BTreeMap<(Row, &'a [String]), Vec<&'a CellRecord>>,
}

impl<'a> Matrix<'a> {
    fn of(scenario: &'a ScenarioRecord) -> Self {
        let mut matrix = Self { rows: BTreeSet::new(), columns: BTreeSet::new(), places: BTreeMap::new() };
        for cell in &scenario.cells {
            let row = (tags::text(&cell.image), tags::patches(cell));
            matrix.rows.insert(row.clone());
            matrix.columns.insert(&cell.software);
            matrix.places.entry((row, &cell.software)).or_default().push(cell);
        }
        matrix
    }

    fn write(&self, page: &Page<'_>, scenario: &ScenarioRecord, id: &str, out: &mut dyn Write) -> io::Result<()> {
        let name = tags::text(&scenario.id);
        if self.rows.len() * self.columns.len() > EMPTY * (scenario.cells.len() + EMPTY) {
            return writeln!(out, "<p>{name}: too few of the combinations were run for a matrix; see all cells.</p>");
        }
        let products: Vec<String> = self.columns.iter().map(|names| tags::names(names, "no product")).collect();
        let mut heads = vec!["Image", "Patches"];
        heads.extend(products.iter().map(String::as_str));
        heads.push("Row in all");
        let caption = format!("{name}: images and patches against products");
        let table = Table { id, caption: &caption, heads: &heads };
        table.begin(out)?;
        self.rows.iter().try_for_each(|row| self.row(page, row, out))?;
        self.totals(out)?;
        tags::end_table(out)
    }

    fn row(&self, page: &Page<'_>, row: &Row, out: &mut dyn Write) -> io::Result<()> {
        let (image, patches) = row;
        write!(out, "<tr><th scope=\"row\">{image}</th><th scope=\"row\">{patches}</th>")?;
        let mut all = Vec::new();
        for column in &self.columns {
            let cells = self.places.get(&(row.clone(), *column)).map_or(&[][..], Vec::as_slice);
            all.extend(cells);
            match cells {
                [] => write!(out, "<td>not run</td>")?,
                [cell] => write!(out, "<td>{} {}</td>", tags::verdict(cell.verdict), page.link(&cell.id))?,
                several => write!(out, "<td>{}</td>", tally(several))?,
            }
        }
        writeln!(out, "<td>{}</td></tr>", tally(&all))
    }

    fn totals(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "<tr><th scope=\"row\" colspan=\"2\">Column in all</th>")?;
        for column in &self.columns {
            let cells: Vec<_> = self.places.iter().filter(|((_, other), _)| other == column).flat_map(cells).collect();
            write!(out, "<td>{}</td>", tally(&cells))?;
        }
        let all: Vec<_> = self.places.iter().flat_map(cells).collect();
        writeln!(out, "<td>{}</td></tr>", tally(&all))
    }
}

fn cells<'a, P>((_, cells): (&P, &Vec<&'a CellRecord>)) -> Vec<&'a CellRecord> {
    cells.clone()
}

/// How many cells got which verdict, the worst first.
fn tally(cells: &[&CellRecord]) -> String {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for cell in cells {
        *counts.entry(cell.verdict).or_default() += 1;
    }
    let said = |(verdict, count): (&Verdict, &usize)| format!("{count} {}", tags::verdict(*verdict));
    let parts: Vec<String> = counts.iter().rev().map(said).collect();
    if parts.is_empty() { words::count(0, "cell") } else { parts.join(", ") }
}
