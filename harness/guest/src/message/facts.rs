//! What is looked at, and what is seen: logs, servers, sockets, processes, files, packages, use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::program::Output;

/// Where log lines come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogSource {
    /// The output of a supervised service.
    Service(String),
    /// Files, by glob.
    Files(String),
}

/// A question to an HTTP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Http {
    /// `http://host[:port]/path`.
    pub url: String,
    /// The method, such as `GET`.
    pub method: String,
    /// Headers to send.
    pub headers: BTreeMap<String, String>,
    /// The body to send.
    pub body: Option<String>,
    /// Whether redirects are followed.
    pub follow: bool,
    /// After how long it is given up, in milliseconds.
    pub within: u64,
    /// How many bytes of the body are kept.
    pub keep: usize,
}

/// What an HTTP server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case, in the order of their names; values of one name joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Output,
    /// How long it took, in microseconds.
    pub microseconds: u64,
}

/// A TCP connection to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tcp {
    /// Host name or address; names are looked up in `/etc/hosts` only.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Text to send after connecting.
    pub send: Option<String>,
    /// Whether to wait for a first line.
    pub banner: bool,
    /// After how long it is given up, in milliseconds.
    pub within: u64,
}

/// A listening socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Socket {
    /// `tcp`, `udp` or `unix`; IPv6 is told by the address.
    pub protocol: String,
    /// The address or path.
    pub address: String,
    /// The port; 0 for `unix`.
    pub port: u16,
    /// The process that holds it, if it can be told.
    pub pid: Option<i32>,
    /// That process's name.
    pub process: Option<String>,
    /// The service it belongs to, if known.
    pub service: Option<String>,
    /// The user that made it.
    pub user: String,
}

/// What to watch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// How often, in milliseconds.
    pub every: u64,
    /// TCP ports, by the address and port on which somebody listens now.
    pub ports: Vec<(String, u16)>,
    /// A log whose new lines are told.
    pub log: String,
}

/// What a watch has seen. Times are milliseconds since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// For how long it has watched.
    pub milliseconds: u64,
    /// What was seen of each port, in the order in which they were given.
    pub ports: Vec<WatchedPort>,
    /// The new lines of the log, each with the time at which it was there.
    pub lines: Vec<(u64, String)>,
}

/// What a watch has seen of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedPort {
    /// When nobody listened on it, from and to, in order. The last one goes on while the watch does.
    pub closed: Vec<(u64, u64)>,
    /// How often it was opened anew: by another socket, whether or not a look found it closed before.
    pub reopened: u32,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent's id.
    pub parent: i32,
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub argv: Vec<String>,
    /// The file that it runs.
    pub program: String,
    /// The kernel's letter: `R`, `S`, `D`, `T`, `Z` …
    pub state: char,
    /// Its user's name, or number.
    pub user: String,
    /// Resident memory in bytes.
    pub memory: u64,
    /// Threads.
    pub threads: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// When it started, in milliseconds since the sandbox opened.
    pub started: u64,
    /// The service it belongs to, if known.
    pub service: Option<String>,
    /// The systemd unit it belongs to, if systemd is process 1.
    pub unit: Option<String>,
    /// Files that it has mapped and that were replaced or removed since: old code.
    pub stale: Vec<String>,
}

/// Which files to look at, and how closely.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// Globs; `**` crosses folders. Never followed out of the root.
    pub paths: Vec<String>,
    /// Globs of what is left out.
    pub exclude: Vec<String>,
    /// Text of files up to this size is taken in; larger ones only by digest.
    pub text_up_to: u64,
    /// The most files that are told.
    pub limit: usize,
}

/// Which differences between the image and the root are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Globs of paths that are left out.
    pub exclude: Vec<String>,
    /// Paths, with the trees below them, whose differences have a known reason. Of them only what opens a door is
    /// told: set-id files, and what everybody may write. The others do not count for the limit.
    pub explained: Vec<String>,
    /// The most files that are told.
    pub limit: usize,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each kind is its own word")]
pub enum FileKind {
    File,
    Folder,
    Link,
    Fifo,
    Socket,
    Device,
    /// In the image and not there now.
    Gone,
}

/// The word for a file's mode that takes rights away from others than its owner, and does nothing else.
pub const STRICTER: &str = "stricter mode";

/// What is known of a file. Never opened blocking, never read through a symbolic link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFact {
    /// Its path from the root; bytes that are not UTF-8 as `\xNN`.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits with set-id and sticky.
    pub mode: u32,
    /// Owner's name, or number.
    pub user: String,
    /// Group's name, or number.
    pub group: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the content in hexadecimal, when it is a file of at most 256 MiB.
    pub digest: Option<String>,
    /// The content, when it is text and short enough.
    pub text: Option<String>,
    /// Where a link points.
    pub target: Option<String>,
    /// Extended attributes that carry meaning, such as `security.capability`, as text.
    pub attributes: BTreeMap<String, String>,
    /// For drift: what differs from the image, of `new`, `content`, `mode` or [`STRICTER`], `owner`, `kind`, `target`,
    /// `attributes`. Empty when the file was only copied up.
    pub drift: Vec<String>,
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
    /// dpkg's state, such as `installed`, `half-configured`.
    pub state: String,
    /// Dependencies that are not met now.
    pub unmet: Vec<String>,
}

/// Something that an executable needs and does not get.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unresolved {
    /// The executable or library that needs it.
    pub object: String,
    /// The library that is not found, or in which the symbol is not found.
    pub library: Option<String>,
    /// The symbol with its version, such as `SSL_read@OPENSSL_3.0.0`.
    pub symbol: Option<String>,
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteFile {
    /// Where.
    pub path: String,
    /// The bytes in base64.
    pub data: String,
    /// Mode; what the file had, else 0644.
    pub mode: Option<u32>,
    /// `user` or `user:group`; what the file had, else root.
    pub owner: Option<String>,
}

/// What the sandbox has used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Resident memory of all processes, in bytes.
    pub memory: u64,
    /// Processor time of all processes so far, in milliseconds, when it can be told.
    pub processor: Option<u64>,
    /// Space used in the writable layer, in bytes.
    pub disk: u64,
    /// Free space in the writable layer, in bytes.
    pub disk_free: u64,
    /// Limits that were reached: `memory`, `processes`, `disk`, `files`.
    pub reached: Vec<String>,
}
