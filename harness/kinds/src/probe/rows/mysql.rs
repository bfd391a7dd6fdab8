//! `mysql`: a database of a `MySQL` or `MariaDB` server, asked through `mariadb` or `mysql`.

use patchbed_sandbox::message::Program;
use serde_json::Value as Json;

use super::base::{Base, Client, statements};
use super::server::Server;
use super::table::Table;
use crate::document::{Node, Problems, Read};

/// A database by name, or where a server is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Mysql(pub Box<Server>);

const WANTED: &str = "the name of a database, or `mysql://user:password@host:port/database`";

const CLIENT: Client = Client { names: "mariadb mysql", package: "default-mysql-client" };

/// Every transaction of the session reads only.
const READ_ONLY: &str = "set session transaction read only; ";

impl Read for Mysql {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        let server = Server::parse(&text, &["mysql", "mariadb"]).filter(|server| server.parameters.is_none());
        let server = server.or_else(|| Server::named(&text));
        server.or_else(|| Server::refuse(node, WANTED, problems)).map(|server| Self(Box::new(server)))
    }

    fn schema() -> Json {
        String::schema()
    }
}

impl Base for Mysql {
    fn asked(&self, query: &str) -> (Program, String) {
        let Self(server) = self;
        let mut words = ["--batch", "--column-names", "--default-character-set=utf8mb4"].map(str::to_owned).to_vec();
        // A host of the name `localhost` means the socket, whatever port is given.
        if let Some(port) = server.port {
            words.extend(["--protocol=tcp".to_owned(), format!("--port={port}")]);
        }
        for (name, value) in [("user", &server.user), ("host", &server.host), ("database", &server.database)] {
            words.extend(value.as_ref().map(|value| format!("--{name}={value}")));
        }
        let secret = server.password.as_ref().map(|password| ("MYSQL_PWD", &*password.0));
        (CLIENT.program(words, secret), statements(READ_ONLY, query))
    }

    fn table(&self, _query: &str, printed: &str) -> Result<Table, Vec<String>> {
        Ok(Table::escaped_by_client(printed))
    }
}
