//! Images and patches against products: one table for each scenario, with what its rows and columns add up to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use patchbed_model::record::{CellRecord, ScenarioRecord};
use patchbed_model::{Given, Verdict};

use super::page::Page;
use super::tags::{self, Table};
use crate::words;

/// How many places of a table may be empty for each cell: products that are spread thin are read better as a list.
const EMPTY: usize = 4;

pub(super) fn write(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section aria-labelledby=\"matrix\">\n<h2 id=\"matrix\">Matrix</h2>")?;
    let mut alone = 0;
    for (at, scenario) in page.record.scenarios.iter().enumerate() {
        if scenario.cells.len() < 2 {
            alone += 1;
            continue;
        }
        Matrix::of(scenario).write(page, scenario, &format!("matrix-{at}"), out)?;
    }
    if alone > 0 {
        writeln!(out, "<p>Without a matrix, for they have one cell at most: {}.</p>", words::count(alone, "scenario"))?;
    }
    writeln!(out, "</section>")
}

/// An image, patches, and how these are given: a row.
type Row<'a> = (&'a str, &'a [String], Given);

/// The cells of a row by their products.
type Places<'a> = BTreeMap<&'a [String], Vec<&'a CellRecord>>;

/// The cells by their row and by their products, which are a column.
struct Matrix<'a> {
    columns: BTreeSet<&'a [String]>,
    rows: BTreeMap<Row<'a>, Places<'a>>,
}

impl<'a> Matrix<'a> {
    fn of(scenario: &'a ScenarioRecord) -> Self {
        let mut matrix = Self { columns: BTreeSet::new(), rows: BTreeMap::new() };
        for cell in &scenario.cells {
            let row = matrix.rows.entry((&cell.image, &cell.patches, cell.given)).or_default();
            row.entry(&cell.software).or_default().push(cell);
            matrix.columns.insert(&cell.software);
        }
        matrix
    }

    fn write(&self, page: &Page<'_>, scenario: &ScenarioRecord, id: &str, out: &mut dyn Write) -> io::Result<()> {
        let name = tags::name(&scenario.id);
        if self.rows.len() * self.columns.len() > EMPTY * (scenario.cells.len() + EMPTY) {
            return writeln!(out, "<p>{name}: too few of the combinations were run for a matrix; see all cells.</p>");
        }
        let products: Vec<String> = self.columns.iter().map(|names| tags::names(names, "no product")).collect();
        let mut heads = vec!["Image", "Patches"];
        heads.extend(products.iter().map(String::as_str));
        heads.push("Row in all");
        let caption = format!("{name}: images and patches against products");
        Table { id, caption: &caption, heads: &heads }.begin(out)?;
        self.rows.iter().try_for_each(|row| self.row(page, row, out))?;
        self.totals(out)?;
        tags::end_table(out)
    }

    fn row(&self, page: &Page<'_>, (row, places): (&Row<'_>, &Places<'_>), out: &mut dyn Write) -> io::Result<()> {
        let (image, patches, given) = *row;
        let (image, patches) = (tags::name(image), tags::patches(patches, given));
        write!(out, "<tr><th scope=\"row\">{image}</th><th scope=\"row\">{patches}</th>")?;
        for column in &self.columns {
            match places.get(column).map_or(&[][..], Vec::as_slice) {
                [] => write!(out, "<td>not run</td>")?,
                [cell] => write!(out, "<td>{} {}</td>", tags::verdict_of(cell), page.link(&cell.id))?,
                several => write!(out, "<td>{}</td>", tally(several.iter().copied()))?,
            }
        }
        writeln!(out, "<td>{}</td></tr>", tally(places.values().flatten().copied()))
    }

    fn totals(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut columns = Places::new();
        for (column, cells) in self.rows.values().flatten() {
            columns.entry(column).or_default().extend(cells);
        }
        write!(out, "<tr><th scope=\"row\" colspan=\"2\">Column in all</th>")?;
        columns.values().try_for_each(|cells| write!(out, "<td>{}</td>", tally(cells.iter().copied())))?;
        writeln!(out, "<td>{}</td></tr>", tally(columns.values().flatten().copied()))
    }
}

/// How many cells got which verdict, the worst first.
fn tally<'a>(cells: impl Iterator<Item = &'a CellRecord>) -> String {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for cell in cells {
        *counts.entry(cell.verdict).or_default() += 1;
    }
    let said = |(verdict, count): (&Verdict, &usize)| format!("{count} {}", tags::verdict(*verdict));
    counts.iter().rev().map(said).collect::<Vec<_>>().join(", ")
}
