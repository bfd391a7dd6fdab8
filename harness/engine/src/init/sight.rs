//! What was seen of an environment.

use std::collections::BTreeSet;

use patchbed_kinds::change::Pending;
use patchbed_model::Key;

use crate::scenario::DATA;

/// What was seen of an environment while it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// What runs, in the order of names.
    pub services: Vec<Running>,
    /// Units that did not come up, each with how it stands.
    pub failed: Vec<(String, String)>,
    /// Third-party products.
    pub products: Vec<Product>,
    /// Files that look like private keys.
    pub keys: Vec<String>,
    /// Databases that are files.
    pub files: Vec<Base>,
    /// What the image's own sources have for it.
    pub pending: Pending,
    /// What could not be looked at, and why.
    pub notes: Vec<String>,
    /// Keys of probes and data that are ill without any patch, and are left out.
    pub ill: BTreeSet<Key>,
}

impl Sight {
    /// Leaves out the probes and the data whose readings are among these. Whether any was left out that was not before.
    pub fn leave_out(&mut self, ill: &BTreeSet<Key>) -> bool {
        let before = self.ill.len();
        let owner = |key: &Key| {
            let mut parts = key.as_str().split('.');
            let kind = parts.next().filter(|kind| ["probe", DATA].contains(kind))?;
            Some(Key::from(kind).child(parts.next()?))
        };
        self.ill.extend(ill.iter().filter_map(owner));
        self.ill.len() > before
    }
}

/// A unit with living processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Its name in the scenario.
    pub name: String,
    /// The systemd unit.
    pub unit: String,
    /// The TCP ports on which it listens.
    pub doors: Vec<Door>,
    /// The UDP ports on which it listens.
    pub datagrams: Vec<u16>,
    /// Log files that have its name.
    pub logs: Vec<String>,
    /// What it runs: its processes' programs and the files that their command lines name.
    pub programs: Vec<String>,
}

/// A TCP port on which a service listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// The host under which it is reached inside: `localhost`, or the one address on which it listens.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What answers there.
    pub greeting: Greeting,
}

/// What answers at a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// A web server, with the status of `GET /`.
    Http(u16),
    /// A server with TLS.
    Tls {
        /// Whether its certificate is trusted inside.
        trusted: bool,
    },
    /// A Redis server; `true` where it takes commands without a password.
    Redis(bool),
    /// A `PostgreSQL` server with the databases that its administrator sees.
    Postgres(Vec<Base>),
    /// A `MySQL` or `MariaDB` server with the databases that its administrator sees.
    Mysql(Vec<Base>),
    /// Something that speaks first, such as an SSH or a mail server, with the first word of what it says.
    Speaks(String),
    /// Something that waits for words of its own protocol.
    Silent,
}

/// A database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// Its name, or the path of its file.
    pub name: String,
    /// Its tables.
    pub tables: Vec<Table>,
}

/// A table of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its name as a query has it, quoted where that is needed.
    pub name: String,
    /// The columns of its primary key in the same way; empty when it has none.
    pub key: String,
}

/// Software that does not come from the image's distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Product {
    /// Its name in the scenario.
    pub name: String,
    /// Its version, where something tells.
    pub version: Option<String>,
    /// Who made it, where something tells.
    pub vendor: Option<String>,
    /// Why it counts as third-party software.
    pub why: String,
    /// Folders and files that belong to it.
    pub roots: Vec<String>,
    /// Globs of what a probe watches of these.
    pub watched: Vec<String>,
    /// Whether some of what is watched is built for the machine, so that it needs libraries.
    pub linked: bool,
    /// The packages that bring it.
    pub packages: Vec<String>,
    /// Its services, by name.
    pub services: Vec<String>,
}
