//! The `rows` probe: what is written of it, and the readings of an answer.

use patchbed_model::{Digest, Health, Key, Reading, Value};
use patchbed_sandbox::message::{End, Output, Ran};

use super::base::Base;
use super::table::{Law, Table, falling, twice};
use super::{Mysql, Postgres, Redis};
use crate::document::OneOrMany;
use crate::probe::look::KEEP;
use crate::probe::outputs::{digest_of, is_cut};
use crate::probe::program::{exit, last_words};
use crate::probe::{Look, Probe, ProbeError};

crate::document! {
    /// What a query of a database answers.
    pub struct Rows, "a mapping with a database and `query`" {
        /// The file of an `SQLite` database, asked through the image's `sqlite3` or Python.
        sqlite: Option<String>, optional;
        /// A `PostgreSQL` database, asked through the image's `psql`: its name on the environment's own server, or
        /// `postgres://user:password@host:port/database`.
        postgres: Option<Postgres>, optional;
        /// A `MySQL` or `MariaDB` database, asked through the image's `mariadb` or `mysql`: its name on the
        /// environment's own server, or `mysql://user:password@host:port/database`.
        mysql: Option<Mysql>, optional;
        /// A Redis server, asked through the image's `redis-cli`: `host:port`, the number of a database of the
        /// environment's own server, or `redis://user:password@host:port/number`.
        redis: Option<Redis>, optional;
        /// The query, which cannot change anything; of Redis commands that only read, one on a line.
        query: String, required;
        /// As whom the client runs; `postgres` for a `PostgreSQL` database by its name, else root when not given.
        user: Option<String>, optional;
        /// Names of columns that together are different in every row. Those of Redis are `command` and `value`.
        unique: Option<OneOrMany<String>>, optional;
        /// Names of columns by which the rows rise or stay: numbers by value, all else as text.
        sorted: Option<OneOrMany<String>>, optional;
    }
    exactly_one [sqlite, postgres, mysql, redis];
    check {
        sqlite => inside_path,
        user => user,
        unique => filled,
        sorted => filled,
    }
    together super::redis::check_reads;
}

/// Answers with more rows are compared by digest.
const MOST_ROWS: usize = 1000;

impl Probe for Rows {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let base = self.base()?;
        let (mut program, input) = base.asked(&self.query);
        if let Some(user) = &self.user {
            program.user = Some(user.clone());
        }
        Ok(match look.ran(program, Some(input)).await? {
            Ok(ran) => self.readings(look, base, &ran),
            Err(why) => vec![(look.key("state"), why)],
        })
    }
}

impl Rows {
    /// The one that is given; the reader has seen to it that there is one.
    fn base(&self) -> Result<&(dyn Base + Sync), ProbeError> {
        let given: [Option<&(dyn Base + Sync)>; 4] = [
            self.sqlite.as_ref().map(|base| base as _),
            self.postgres.as_ref().map(|base| base as _),
            self.mysql.as_ref().map(|base| base as _),
            self.redis.as_ref().map(|base| base as _),
        ];
        let none = || ProbeError::Blind("ask a database: none is given".to_owned());
        given.into_iter().flatten().next().ok_or_else(none)
    }

    fn readings(&self, look: &Look<'_>, base: &dyn Base, ran: &Ran) -> Vec<(Key, Reading)> {
        if let Some(failure) = failure(look, ran) {
            return vec![(look.key("state"), failure)];
        }
        let mut readings = vec![(look.key("state"), Reading::state("answered", Health::Good))];
        if is_cut(&ran.output, KEEP) {
            readings.push((look.key("rows"), Reading::content(digest_of(&ran.output))));
            readings.extend(self.laws(look, |_, _| unseen(&ran.output)));
            return readings;
        }
        match base.table(&self.query, &ran.output.text) {
            Ok(table) => {
                readings.push((look.key("count"), Reading::content(table.rows.len().to_string())));
                readings.push((look.key("rows"), Reading::content(rows(&table))));
                readings.extend(self.laws(look, |columns, law| table.law(columns, law)));
                readings
            }
            Err(why) => {
                let why = why.into_iter().chain(last_words(ran));
                vec![(look.key("state"), Reading::state("failed", Health::Bad).because(why))]
            }
        }
    }

    /// A reading for each law that is asked for.
    fn laws(&self, look: &Look<'_>, told: impl Fn(&[String], Law) -> Reading) -> Vec<(Key, Reading)> {
        let laws = [("unique", &self.unique, twice as Law), ("sorted", &self.sorted, falling)];
        let asked = laws.into_iter().filter_map(|(name, columns, law)| Some((name, columns.as_ref()?, law)));
        asked.map(|(name, columns, law)| (look.key(name), told(&columns.0, law))).collect()
    }
}

/// Why there was no answer, if there was none. A client exits with something else than 0 when the query is wrong or the
/// server is not there.
fn failure(look: &Look<'_>, ran: &Ran) -> Option<Reading> {
    let value = match ran.end {
        End::Exited(0) => return None,
        End::Exited(127) => "no client",
        End::Exited(_) => "failed",
        End::Killed { .. } | End::TimedOut => return Some(exit(look, ran)),
    };
    Some(Reading::state(value, Health::Bad).because(last_words(ran)))
}

/// The rows, or the digest of them all.
fn rows(table: &Table) -> Value {
    let lines = table.lines();
    if lines.len() <= MOST_ROWS {
        return Value::List(lines);
    }
    let text = lines.join("\n");
    Value::Text(format!("{}, {} bytes", Digest::of(text.as_bytes()), text.len()))
}

fn unseen(output: &Output) -> Reading {
    Reading::unseen(format!("cannot be told of {} bytes of rows", output.total))
}
