//! An answer as a table, and laws about its rows.
//!
//! A cell stands on one line: a tab, a line feed, a carriage return and a backslash are written as `\t`, `\n`, `\r` and
//! `\\`, and NULL as `\N`, so that it is no empty text.

use std::collections::BTreeSet;

use patchbed_model::{Health, Reading};

/// What stands for NULL.
pub(super) const NULL: &str = "\\N";

/// What breaks a law about the cells of all rows, if something does.
pub(super) type Law = fn(&[Vec<&str>]) -> Option<String>;

/// An answer, row by row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// The names of the columns.
    pub(super) columns: Vec<String>,
    /// The cells of each row.
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads rows that each end with a mark, and their cells with U+001F between them and U+001A for NULL. The first
    /// row names the columns.
    pub(super) fn marked(printed: &str, end: char) -> Self {
        let cell = |cell: &str| if cell == "\u{1a}" { NULL.to_owned() } else { escaped(cell) };
        Self::of(printed.split_terminator(end).map(|row| row.split('\u{1f}').map(cell).collect()))
    }

    /// Reads lines whose cells stand between tabs. The client of `MySQL` escapes all but a carriage return, and writes
    /// NULL like the text `NULL`.
    pub(super) fn escaped_by_client(printed: &str) -> Self {
        let cell = |cell: &str| if cell == "NULL" { NULL.to_owned() } else { cell.replace('\r', "\\r") };
        Self::of(printed.split_terminator('\n').map(|row| row.split('\t').map(cell).collect()))
    }

    fn of(mut rows: impl Iterator<Item = Vec<String>>) -> Self {
        Self { columns: rows.next().unwrap_or_default(), rows: rows.collect() }
    }

    /// Each row on a line.
    pub(super) fn lines(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.join("\t")).collect()
    }

    /// Whether a law about some columns holds for all rows.
    pub(super) fn law<'a>(&'a self, columns: &[String], broken: Law) -> Reading {
        // Without rows there is nobody to name the columns, and no law is broken.
        if self.rows.is_empty() {
            return Reading::state("met", Health::Good);
        }
        let mut places = Vec::new();
        for name in columns {
            let Some(place) = self.columns.iter().position(|column| column == name) else {
                let there = format!("columns of the answer: {}", self.columns.join(", "));
                return Reading::state(format!("no column `{name}`"), Health::Bad).because([there]);
            };
            places.push(place);
        }
        let cell = |row: &'a [String], at: &usize| row.get(*at).map_or("", String::as_str);
        let picked: Vec<Vec<&str>> =
            self.rows.iter().map(|row| places.iter().map(|at| cell(row, at)).collect()).collect();
        match broken(&picked) {
            Some(why) => Reading::state("not met", Health::Bad).because([why]),
            None => Reading::state("met", Health::Good),
        }
    }
}

/// Text on one line.
pub(super) fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => line.push_str("\\\\"),
            '\t' => line.push_str("\\t"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            other => line.push(other),
        }
    }
    line
}

/// The first row that is there a second time.
pub(super) fn twice(rows: &[Vec<&str>]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let again = rows.iter().find(|row| !seen.insert(*row))?;
    Some(format!("more than once: {}", again.join(", ")))
}

/// The first row that is less than the one before it.
pub(super) fn falling(rows: &[Vec<&str>]) -> Option<String> {
    let pair = rows.windows(2).find(|pair| order(&pair[1], &pair[0]).is_lt())?;
    Some(format!("{} comes after {}", pair[1].join(", "), pair[0].join(", ")))
}

/// A cell without a value is neither before nor after another.
fn order(one: &[&str], other: &[&str]) -> std::cmp::Ordering {
    let cells = one.iter().zip(other).map(|(one, other)| match (one.parse::<f64>(), other.parse::<f64>()) {
        _ if [one, other].contains(&&NULL) => std::cmp::Ordering::Equal,
        (Ok(one), Ok(other)) => one.total_cmp(&other),
        (Ok(_) | Err(_), _) => one.cmp(other),
    });
    cells.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn law(text: &str, columns: &[&str], broken: Law) -> (String, Vec<String>) {
        let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
        let reading = Table::escaped_by_client(text).law(&columns, broken);
        (reading.value.to_string(), reading.evidence)
    }

    #[test]
    fn laws_are_about_the_columns_that_are_named() {
        let text = "id\tname\n9\tb\n10\ta\n10\tc\n";
        assert_eq!(law(text, &["name"], twice).0, "met");
        assert_eq!(law(text, &["id", "name"], twice).0, "met");
        assert_eq!(law(text, &["id"], twice).1, ["more than once: 10"]);
        assert_eq!(law(text, &["id"], falling).0, "met");
        assert_eq!(law(text, &["name"], falling).1, ["a comes after b"]);
        assert_eq!(
            law(text, &["total"], twice),
            ("no column `total`".into(), vec!["columns of the answer: id, name".into()])
        );
        assert_eq!(law("", &["total"], twice).0, "met");
    }

    #[test]
    fn a_cell_stands_on_one_line_and_null_is_no_text() {
        let printed = "id\u{1f}note\u{1e}1\u{1f}a\tb\n\\N\u{1e}2\u{1f}\u{1e}3\u{1f}\u{1a}\u{1e}";
        let table = Table::marked(printed, '\u{1e}');
        assert_eq!(table.columns, ["id", "note"]);
        assert_eq!(table.lines(), ["1\ta\\tb\\n\\\\N", "2\t", "3\t\\N"]);
        let of_mysql = Table::escaped_by_client("id\tnote\n1\ta\\tb\r\n2\t\n3\tNULL\n");
        assert_eq!(of_mysql.lines(), ["1\ta\\tb\\r", "2\t", "3\t\\N"]);
        assert_eq!(law("id\n1\nNULL\n0\nNULL\n1\n", &["id"], falling).0, "met");
    }

    proptest! {
        #[test]
        fn any_answer_is_read(text in "([a-c0-9]{0,2}[\t\n]){0,12}", wild in ".*") {
            for text in [text, wild] {
                let name = text.split(['\t', '\n']).next().unwrap_or_default().to_owned();
                let _ = (law(&text, &[&name], twice), law(&text, &[&name], falling));
            }
        }
    }
}
