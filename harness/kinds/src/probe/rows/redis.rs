//! `redis`: what commands that only read answer, asked through `redis-cli`.
//!
//! A row is an element of an answer, beside the command that it answers; of a hash, and of members with their scores,
//! the field stands beside the command and the value is the element. What comes in no order is sorted.

use patchbed_model::Code;
use patchbed_model::text::{one_line, shorten};
use patchbed_sandbox::message::Program;
use serde_json::{Value as Json, json};

use super::base::{Base, Client};
use super::server::Server;
use super::table::{NULL, Table, escaped};
use crate::document::{At, Node, Plain, Problems, Read, address};

/// Where a server is, and which of its databases.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Redis(pub Box<Server>);

const WANTED: &str = "`host:port`, the number of a database, or `redis://user:password@host:port/number`";

const CLIENT: Client = Client { names: "redis-cli valkey-cli", package: "redis-tools" };

/// How the elements of an answer stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// In an order that says something.
    List,
    /// In none.
    Set,
    /// Fields and their values in turn, in no order.
    Map,
    /// A cursor, then as in a set.
    SetScan,
    /// A cursor, then as in a map.
    MapScan,
}

/// Commands that only read, by the shape of their answers.
const COMMANDS: &[(Shape, &[&str])] = &[
    (
        Shape::List,
        &[
            "bitcount",
            "bitpos",
            "dbsize",
            "exists",
            "expiretime",
            "get",
            "getbit",
            "getrange",
            "hexists",
            "hget",
            "hlen",
            "hmget",
            "hstrlen",
            "lindex",
            "llen",
            "lpos",
            "lrange",
            "mget",
            "scard",
            "sismember",
            "smismember",
            "strlen",
            "ttl",
            "type",
            "xlen",
            "xrange",
            "xrevrange",
            "zcard",
            "zcount",
            "zlexcount",
            "zmscore",
            "zrange",
            "zrangebylex",
            "zrangebyscore",
            "zrank",
            "zrevrange",
            "zrevrangebylex",
            "zrevrangebyscore",
            "zrevrank",
            "zscore",
        ],
    ),
    (Shape::Set, &["hkeys", "hvals", "keys", "sdiff", "sinter", "smembers", "sunion"]),
    (Shape::Map, &["hgetall"]),
    (Shape::SetScan, &["scan", "sscan"]),
    (Shape::MapScan, &["hscan", "zscan"]),
];

/// Refuses a command that may write: a server knows no session that only reads.
pub(super) fn check_reads(node: &Node, problems: &mut Problems) {
    let Some(query) = node.get("redis").and_then(|_| node.get("query")) else { return };
    for line in commands(query.as_text().unwrap_or_default()) {
        if shape(line).is_some() {
            continue;
        }
        let name = shorten(&one_line(line.split_whitespace().next().unwrap_or_default()), 40);
        problems
            .error(Code::InvalidValue, query.place, At::Value, format!("`{name}` is not known to read only"))
            .help("ask with one that is, such as `get`, `hgetall`, `lrange`, `smembers`, `zrange`, `scan`")
            .help("for all else write a `command` probe, such as `redis-cli info server`");
    }
}

/// The commands of a query.
fn commands(query: &str) -> impl Iterator<Item = &str> {
    query.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn shape(command: &str) -> Option<Shape> {
    let name = command.split_whitespace().next()?.to_lowercase();
    COMMANDS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(shape, _)| *shape)
}

impl Read for Redis {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Plain(text) = Plain::read(node, problems)?;
        let is_number = |text: &String| text.parse::<u16>().is_ok();
        let server = if is_number(&text) {
            Server::named(&text)
        } else if address(&text).is_none() {
            Server::parse(&format!("redis://{text}"), &["redis"])
        } else {
            Server::parse(&text, &["redis"])
        };
        let fits = |server: &Server| server.parameters.is_none() && server.database.as_ref().is_none_or(is_number);
        server.filter(fits).or_else(|| Server::refuse(node, WANTED, problems)).map(|server| Self(Box::new(server)))
    }

    fn schema() -> Json {
        json!({ "type": ["string", "integer"] })
    }
}

impl Base for Redis {
    fn asked(&self, query: &str) -> (Program, String) {
        let Self(server) = self;
        let mut words = vec!["--csv".to_owned()];
        let port = server.port.map(|port| port.to_string());
        for (flag, value) in [("-h", &server.host), ("-p", &port), ("-n", &server.database), ("--user", &server.user)] {
            words.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
        }
        let secret = server.password.as_ref().map(|password| ("REDISCLI_AUTH", &*password.0));
        let lines: Vec<&str> = commands(query).collect();
        (CLIENT.program(words, secret), format!("{}\n", lines.join("\n")))
    }

    fn table(&self, query: &str, printed: &str) -> Result<Table, Vec<String>> {
        let mut table = Table { columns: ["command", "value"].map(str::to_owned).to_vec(), rows: Vec::new() };
        let answers: Vec<&str> = printed.split_terminator('\n').collect();
        if answers.len() != commands(query).count() {
            return Err(answers.into_iter().map(one_line).collect());
        }
        for (command, answer) in commands(query).zip(answers) {
            table
                .rows
                .extend(elements(command, answer).ok_or_else(|| vec![format!("{command}: {}", one_line(answer))])?);
        }
        Ok(table)
    }
}

/// The rows of an answer; `None` when it is an error, or no answer, or a scan that did not come to its end.
fn elements(command: &str, answer: &str) -> Option<Vec<Vec<String>>> {
    let mut cells = cells(answer)?;
    let shape = shape(command)?;
    if matches!(shape, Shape::SetScan | Shape::MapScan) && cells.drain(..1.min(cells.len())).ne(["0".to_owned()]) {
        return None;
    }
    let scores = command.split_whitespace().any(|word| word.eq_ignore_ascii_case("withscores"));
    let asked = escaped(command);
    let mut rows: Vec<Vec<String>> = if scores || matches!(shape, Shape::Map | Shape::MapScan) {
        cells
            .chunks(2)
            .map(|pair| vec![format!("{asked} {}", pair[0]), pair.get(1).cloned().unwrap_or_default()])
            .collect()
    } else {
        cells.into_iter().map(|cell| vec![asked.clone(), cell]).collect()
    };
    if shape != Shape::List {
        rows.sort();
    }
    Some(rows)
}

/// The cells of a line of CSV as the client writes it: texts in quotes with escapes, all else bare.
fn cells(line: &str) -> Option<Vec<String>> {
    let mut cells = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (cell, after) = if let Some(text) = rest.strip_prefix('"') { quoted(text)? } else { bare(rest)? };
        cells.push(cell);
        rest = match after.strip_prefix(',') {
            Some(more) => more,
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(cells)
}

/// A number, a truth value or NULL, and what follows it. An error is told as `ERROR`.
fn bare(text: &str) -> Option<(String, &str)> {
    let (cell, after) = text.split_at(text.find(',').unwrap_or(text.len()));
    let is_plain = cell.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    match cell {
        "ERROR" => None,
        "NULL" => Some((NULL.to_owned(), after)),
        _ => is_plain.then(|| (cell.to_owned(), after)),
    }
}

/// A text up to its closing quote, and what follows that. Bytes that are no UTF-8 stay escaped.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut bytes = Vec::new();
    let mut at = 0;
    loop {
        let byte = *text.as_bytes().get(at)?;
        at += 1;
        match byte {
            b'"' => break,
            b'\\' => {
                let (meant, length) = unescaped(text.get(at..)?)?;
                bytes.push(meant);
                at += length;
            }
            other => bytes.push(other),
        }
    }
    let cell = String::from_utf8(bytes).map_or_else(|_| text[..at - 1].to_owned(), |text| escaped(&text));
    Some((cell, &text[at..]))
}

/// The byte that is meant by what stands behind a backslash, and how many bytes that takes.
fn unescaped(text: &str) -> Option<(u8, usize)> {
    Some(match text.as_bytes().first()? {
        b'n' => (b'\n', 1),
        b'r' => (b'\r', 1),
        b't' => (b'\t', 1),
        b'a' => (7, 1),
        b'b' => (8, 1),
        b'x' => (u8::from_str_radix(text.get(1..3)?, 16).ok()?, 3),
        other => (*other, 1),
    })
}
