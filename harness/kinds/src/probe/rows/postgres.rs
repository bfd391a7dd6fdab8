//! `postgres`: a database of a `PostgreSQL` server, asked through `psql`.

use patchbed_sandbox::message::Program;
use serde_json::Value as Json;

use super::base::{Base, Client, statements};
use super::server::Server;
use super::table::Table;
use crate::document::{Node, Problems, Read};

/// A database by name, or where a server is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Postgres(pub Box<Server>);

const WANTED: &str = "the name of a database, or `postgres://user:password@host:port/database`";

const CLIENT: Client = Client { names: "psql", package: "postgresql-client" };

/// No file of its own, no words beside the answer, no question for a password; the first error ends it. Rows, cells and
/// what is NULL are told by control characters.
const WORDS: &[&str] = &[
    "--no-psqlrc",
    "--quiet",
    "--no-password",
    "--no-align",
    "--record-separator-zero",
    "--field-separator=\u{1f}",
    "--pset=null=\u{1a}",
    "--pset=footer=off",
    "--set=ON_ERROR_STOP=1",
];

/// Every transaction of the session reads only.
const READ_ONLY: &str = "set default_transaction_read_only = on; ";

impl Read for Postgres {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        let server = Server::parse(&text, &["postgres", "postgresql"]).or_else(|| Server::named(&text));
        // Libpq would take a secret out of the parameters, which are shown.
        let server = server.filter(|server| !server.shown.contains("password="));
        server.or_else(|| Server::refuse(node, WANTED, problems)).map(|server| Self(Box::new(server)))
    }

    fn schema() -> Json {
        String::schema()
    }
}

impl Base for Postgres {
    fn asked(&self, query: &str) -> (Program, String) {
        let Self(server) = self;
        let words = WORDS.iter().copied().map(str::to_owned).chain([format!("--dbname={}", server.shown)]);
        let secret = server.password.as_ref().map(|password| ("PGPASSWORD", &*password.0));
        let mut program = CLIENT.program(words.collect(), secret);
        // The environment's own server knows its administrator by the user alone.
        program.user = server.is_name().then(|| "postgres".to_owned());
        (program, statements(READ_ONLY, query))
    }

    fn table(&self, _query: &str, printed: &str) -> Result<Table, Vec<String>> {
        Ok(Table::marked(printed, '\0'))
    }
}
