//! Which databases there are, and their tables. Only names are read, never what stands in a table.

use patchbed_sandbox::message::{FileKind, Files};
use patchbed_sandbox::{LinkError, Sandbox};

use super::sight::{Base, Table};
use super::{printed, told};

/// The most tables of one database that are looked after.
const MOST_TABLES: usize = 12;

/// The most databases of one server, or files, that are looked after.
const MOST_BASES: usize = 8;

/// Where programs keep databases that are files.
const PLACES: [&str; 4] = ["/var/lib/**/*", "/opt/**/*", "/srv/**/*", "/usr/local/**/*"];

/// How the names of such files end.
const ENDINGS: [&str; 3] = ["db", "sqlite", "sqlite3"];

/// What such a file begins with.
const MAGIC: &str = "SQLite format 3";

const POSTGRES_BASES: &str = "select datname from pg_database where datallowconn and not datistemplate order by 1";

const POSTGRES_TABLES: &str = "select format('%I.%I', n.nspname, c.relname), coalesce((select string_agg(format('%I', \
     a.attname), ', ' order by k.place) from pg_index i, unnest(i.indkey) with ordinality k(number, place), pg_attribute a \
     where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.number), '') from pg_class c \
     join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', \
     'information_schema') and n.nspname not like 'pg\\_%' order by 1";

const MYSQL_TABLES: &str = "select t.table_schema, concat('`', t.table_name, '`'), coalesce((select \
     group_concat(concat('`', k.column_name, '`') order by k.ordinal_position separator ', ') from \
     information_schema.key_column_usage k where k.table_schema = t.table_schema and k.table_name = t.table_name and \
     k.constraint_name = 'PRIMARY'), '') from information_schema.tables t where t.table_type = 'BASE TABLE' and \
     t.table_schema not in ('mysql', 'sys', 'information_schema', 'performance_schema') order by 1, 2";

const SQLITE_TABLES: &str = "select '\"' || name || '\"' from sqlite_master where type = 'table' and name not like \
     'sqlite\\_%' escape '\\' order by 1";

/// The databases of the server of the environment, as its administrator sees them; `None` where its client is not there.
pub(super) async fn postgres(sandbox: &dyn Sandbox) -> Result<Option<Vec<Base>>, LinkError> {
    let ask = async |base: &str, query: &str| {
        let argv = ["psql", "-XAtq", "-F", "\t", "-d", base, "-c", query];
        printed(sandbox, Some("postgres"), &argv).await
    };
    let Some(names) = ask("postgres", POSTGRES_BASES).await? else { return Ok(None) };
    let mut bases = Vec::new();
    for name in names.lines().take(MOST_BASES) {
        let tables = ask(name, POSTGRES_TABLES).await?.unwrap_or_default();
        let tables = tables.lines().filter_map(|line| line.split_once('\t')).map(|(name, key)| table(name, key));
        bases.push(Base { name: name.to_owned(), tables: tables.take(MOST_TABLES).collect() });
    }
    Ok(Some(bases))
}

/// The same for `MySQL` and `MariaDB`.
pub(super) async fn mysql(sandbox: &dyn Sandbox) -> Result<Option<Vec<Base>>, LinkError> {
    let script =
        "client=$(command -v mariadb || command -v mysql) && exec \"$client\" --batch --skip-column-names -e \"$1\"";
    let Some(text) = printed(sandbox, None, &["/bin/sh", "-c", script, "tables", MYSQL_TABLES]).await? else {
        return Ok(None);
    };
    let mut bases: Vec<Base> = Vec::new();
    for line in text.lines() {
        let [base, name, key] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        if bases.last().is_none_or(|last| last.name != base) {
            bases.push(Base { name: base.to_owned(), tables: Vec::new() });
        }
        if let Some(last) = bases.last_mut().filter(|last| last.tables.len() < MOST_TABLES) {
            last.tables.push(table(name, key));
        }
    }
    bases.truncate(MOST_BASES);
    Ok(Some(bases))
}

/// Databases that are files.
pub(super) async fn files(sandbox: &dyn Sandbox) -> Result<Vec<Base>, LinkError> {
    let paths = PLACES.iter().flat_map(|place| ENDINGS.iter().map(move |ending| format!("{place}.{ending}")));
    let question = Files { paths: paths.collect(), limit: 200, ..Files::default() };
    let mut bases = Vec::new();
    for fact in told(sandbox.files(question).await)?.unwrap_or_default() {
        if fact.kind != FileKind::File || fact.size < 512 || bases.len() == MOST_BASES {
            continue;
        }
        let begin = printed(sandbox, None, &["head", "-c", "15", &fact.path]).await?;
        if begin.as_deref() != Some(MAGIC) {
            continue;
        }
        let tables = sqlite(sandbox, &fact.path).await?.unwrap_or_default();
        bases.push(Base { name: fact.path, tables });
    }
    Ok(bases)
}

async fn sqlite(sandbox: &dyn Sandbox, path: &str) -> Result<Option<Vec<Table>>, LinkError> {
    let script = "if command -v sqlite3 >/dev/null; then exec sqlite3 -readonly \"$1\" \"$2\"; fi\nexec python3 -c \
                  'import sqlite3, sys; print(*(row[0] for row in sqlite3.connect(\"file:\" + sys.argv[1] + \"?mode=ro\", \
                  uri=True).execute(sys.argv[2])), sep=\"\\n\")' \"$1\" \"$2\"";
    let text = printed(sandbox, None, &["/bin/sh", "-c", script, "tables", path, SQLITE_TABLES]).await?;
    let tables = |text: String| text.lines().take(MOST_TABLES).map(|name| table(name, "rowid")).collect();
    Ok(text.map(tables))
}

fn table(name: &str, key: &str) -> Table {
    Table { name: name.to_owned(), key: key.to_owned() }
}
