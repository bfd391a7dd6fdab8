//! Where services keep something: what is written there before the patch, and what must be there after it.

use super::scalar::{named, text};
use super::sight::{Base, Greeting, Sight, Table};

/// Where something is kept.
pub(super) enum Store<'a> {
    Redis(&'a str, u16),
    Postgres(&'a str, u16, &'a [Base]),
    Mysql(&'a str, &'a [Base]),
    File(&'a Base),
}

/// What patchbed writes before the patch, to read it afterwards.
const SEED: &str = "patchbed_init";

/// Every store that was seen.
pub(super) fn stores(sight: &Sight) -> Vec<Store<'_>> {
    let mut all = Vec::new();
    for service in &sight.services {
        for door in &service.doors {
            match &door.greeting {
                Greeting::Redis(true) => all.push(Store::Redis(&service.name, door.port)),
                Greeting::Postgres(bases) if !bases.is_empty() => {
                    all.push(Store::Postgres(&service.name, door.port, bases));
                }
                Greeting::Mysql(bases) if !bases.is_empty() => all.push(Store::Mysql(&service.name, bases)),
                Greeting::Postgres(_)
                | Greeting::Mysql(_)
                | Greeting::Redis(false)
                | Greeting::Http(_)
                | Greeting::Tls { .. }
                | Greeting::Speaks(_)
                | Greeting::Silent => {}
            }
        }
    }
    all.extend(sight.files.iter().filter(|base| !base.tables.is_empty()).map(Store::File));
    all
}

impl Store<'_> {
    /// The service that keeps it, or its file.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Redis(name, _) | Self::Postgres(name, ..) | Self::Mysql(name, _) => name,
            Self::File(base) => &base.name,
        }
    }

    /// The command line that writes something.
    pub(super) fn seed(&self) -> Option<String> {
        match self {
            Self::Redis(_, port) => Some(format!("[redis-cli, -p, {}, set, {SEED}, kept]", text(&port.to_string()))),
            Self::Postgres(_, port, _) => {
                let make = format!("create table {SEED} as select n from generate_series(1, 20) n");
                let words = format!(
                    "[runuser, -u, postgres, --, psql, -Xqp, {}, -c, {}]",
                    text(&port.to_string()),
                    text(&make)
                );
                Some(words)
            }
            Self::Mysql(..) | Self::File(_) => None,
        }
    }

    /// What must survive: its name, the rows that are asked for, and the service that keeps it.
    pub(super) fn data(&self) -> Vec<(String, String, Option<&str>)> {
        let seeded = |rows: String| (format!("what was written to {}", self.name()), rows, Some(self.name()));
        match self {
            Self::Redis(_, port) => {
                let query = format!("get {SEED}\ndbsize");
                vec![seeded(format!("{{ redis: {}, query: {} }}", text(&format!("localhost:{port}")), text(&query)))]
            }
            Self::Postgres(name, _, bases) => {
                let query = format!("select n from {SEED} order by n");
                let own = seeded(format!("{{ postgres: postgres, query: {} }}", text(&query)));
                std::iter::once(own).chain(tables(bases, "postgres", Some(name))).collect()
            }
            Self::Mysql(name, bases) => tables(bases, "mysql", Some(name)),
            Self::File(base) => tables(std::slice::from_ref(base), "sqlite", None),
        }
    }
}

/// One query for each table: its rows by their key, or how many there are.
fn tables<'a>(bases: &[Base], kind: &str, service: Option<&'a str>) -> Vec<(String, String, Option<&'a str>)> {
    let one = |base: &Base, table: &Table| {
        let query = if table.key.is_empty() {
            format!("select count(*) from {}", table.name)
        } else {
            format!("select * from {} order by {}", table.name, table.key)
        };
        let name = named(&format!("{} of {}", table.name.replace(['"', '`'], ""), base.name.trim_start_matches('/')));
        (name, format!("{{ {kind}: {}, query: {} }}", text(&base.name), text(&query)), service)
    };
    bases.iter().flat_map(|base| base.tables.iter().map(move |table| one(base, table))).collect()
}
