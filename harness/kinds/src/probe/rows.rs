//! `rows`: what a query of a database answers.
//!
//! It is asked by the client that the image has. A row is a line, and its columns stand between tabs; the first line
//! names the columns.

use std::collections::BTreeSet;

use patchbed_model::{Health, Key, Reading, Value};
use patchbed_sandbox::message::{End, Output, Program, Ran};

use super::look::KEEP;
use super::outputs::{digest_of, is_cut};
use super::program::{exit, last_words};
use super::{Look, Probe, ProbeError};
use crate::document::OneOrMany;

crate::document! {
    /// What a query of a database answers.
    pub struct Rows, "a mapping with `sqlite` and `query`" {
        /// The file of an `SQLite` database, asked through the image's `sqlite3` or Python.
        sqlite: String, required;
        /// The query, which cannot change anything.
        query: String, required;
        /// Names of columns that together are different in every row.
        unique: Option<OneOrMany<String>>, optional;
        /// Names of columns by which the rows rise or stay: numbers by value, all else as text.
        sorted: Option<OneOrMany<String>>, optional;
    }
    check {
        sqlite => inside_path,
        unique => filled,
        sorted => filled,
    }
    later {
        "postgres" => "rows of a PostgreSQL server",
        "mysql" => "rows of a MySQL or MariaDB server",
        "redis" => "answers of a Redis server",
    }
}

/// Answers with more rows are compared by digest.
const MOST_ROWS: usize = 1000;

/// Asks the database `$1` what stands on standard input.
const ASK: &str = r#"
if command -v sqlite3 >/dev/null; then
    exec sqlite3 -batch -bail -readonly -init /dev/null -header -separator "$(printf '\t')" "$1"
elif command -v python3 >/dev/null; then
    exec python3 -c "$2" "$1"
fi
echo "neither sqlite3 nor python3 is there: install one of them into the image" >&2
exit 127
"#;

/// The same through Python's own module.
const ASK_BY_PYTHON: &str = r#"
import pathlib, sqlite3, sys
text = lambda value: "" if value is None else value.hex() if isinstance(value, bytes) else str(value)
try:
    base = sqlite3.connect(pathlib.Path(sys.argv[1]).as_uri() + "?mode=ro", uri=True)
    answer = base.execute(sys.stdin.read())
    rows = answer.fetchall()
    for row in [[column[0] for column in answer.description or []]] * bool(rows) + rows:
        print("\t".join(map(text, row)))
except sqlite3.Error as error:
    sys.exit("Error: %s" % error)
"#;

impl Probe for Rows {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let argv = ["/bin/sh", "-c", ASK, "rows", &self.sqlite, ASK_BY_PYTHON].map(str::to_owned).to_vec();
        let environment = [("LC_ALL".to_owned(), "C.UTF-8".to_owned())].into();
        let program = Program { argv, environment, ..Program::default() };
        // An unfinished statement is an error of its own at the end of the input.
        let query = format!("{}\n;\n", self.query.trim_end().trim_end_matches(';'));
        Ok(match look.ran(program, Some(query)).await? {
            Ok(ran) => self.readings(look, &ran),
            Err(why) => vec![(look.key("state"), why)],
        })
    }
}

impl Rows {
    fn readings(&self, look: &Look<'_>, ran: &Ran) -> Vec<(Key, Reading)> {
        let state = state(look, ran);
        if state.health == Some(Health::Bad) {
            return vec![(look.key("state"), state)];
        }
        let mut readings = vec![(look.key("state"), state)];
        let whole = !is_cut(&ran.output, KEEP);
        let table = Table::of(&ran.output.text);
        if whole {
            readings.push((look.key("count"), Reading::content(table.rows.len().to_string())));
        }
        let is_long = !whole || table.rows.len() > MOST_ROWS;
        let rows = if is_long { digest_of(&ran.output) } else { table.lines() };
        readings.push((look.key("rows"), Reading::content(rows)));
        let laws = [("unique", &self.unique, twice as Law), ("sorted", &self.sorted, falling)];
        for (law, columns, broken) in laws {
            let Some(columns) = columns else { continue };
            let reading = if whole { table.law(&columns.0, broken) } else { unseen(&ran.output) };
            readings.push((look.key(law), reading));
        }
        readings
    }
}

/// Whether there was an answer. `sqlite3` exits with 1 and Python likewise when the query is wrong.
fn state(look: &Look<'_>, ran: &Ran) -> Reading {
    match ran.end {
        End::Exited(0) => Reading::state("answered", Health::Good),
        End::Exited(127) => Reading::state("no client", Health::Bad).because(last_words(ran)),
        End::Exited(_) => Reading::state("failed", Health::Bad).because(last_words(ran)),
        End::Killed { .. } | End::TimedOut => exit(look, ran),
    }
}

fn unseen(output: &Output) -> Reading {
    Reading::unseen(format!("cannot be told of {} bytes of rows", output.total))
}

/// What breaks a law about the cells of all rows, if something does.
type Law = fn(&[Vec<&str>]) -> Option<String>;

/// An answer, line by line.
#[derive(Debug)]
struct Table<'a> {
    columns: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
}

impl<'a> Table<'a> {
    fn of(text: &'a str) -> Self {
        let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        Self { columns: lines.next().unwrap_or_default(), rows: lines.collect() }
    }

    fn lines(&self) -> Value {
        Value::List(self.rows.iter().map(|row| row.join("\t")).collect())
    }

    /// Whether a law about some columns holds for all rows.
    fn law(&self, columns: &[String], broken: Law) -> Reading {
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
        let cell = |row: &Vec<&'a str>, place: &usize| row.get(*place).copied().unwrap_or_default();
        let picked: Vec<Vec<&str>> =
            self.rows.iter().map(|row| places.iter().map(|place| cell(row, place)).collect()).collect();
        match broken(&picked) {
            Some(why) => Reading::state("not met", Health::Bad).because([why]),
            None => Reading::state("met", Health::Good),
        }
    }
}

/// The first row that is there a second time.
fn twice(rows: &[Vec<&str>]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let again = rows.iter().find(|row| !seen.insert(*row))?;
    Some(format!("more than once: {}", again.join(", ")))
}

/// The first row that is less than the one before it.
fn falling(rows: &[Vec<&str>]) -> Option<String> {
    let pair = rows.windows(2).find(|pair| order(&pair[1], &pair[0]).is_lt())?;
    Some(format!("{} comes after {}", pair[1].join(", "), pair[0].join(", ")))
}

fn order(one: &[&str], other: &[&str]) -> std::cmp::Ordering {
    let cells = one.iter().zip(other).map(|(one, other)| match (one.parse::<f64>(), other.parse::<f64>()) {
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
        let reading = Table::of(text).law(&columns, broken);
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
