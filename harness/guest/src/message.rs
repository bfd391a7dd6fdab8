//! What the harness and the guest say to each other: length-prefixed JSON over one stream socket.
//!
//! A frame is a little-endian `u32` of the body's length, then the body: a [`Call`] towards the guest, a [`Message`]
//! back. Several calls may be under way at once; replies carry the id of their call. The channel is never a
//! program's output, and nothing that a program prints is ever read as a message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::signal::{is_crash, signal_name};

/// The version of the protocol. Both ends are one program, so it only guards against mixed installations.
pub const VERSION: u32 = 1;

/// The longest frame either end accepts, in bytes.
pub const FRAME_LIMIT: usize = 64 << 20;

/// A request with the id under which its answer comes back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// Chosen by the harness, unique on the link.
    pub id: u64,
    /// What is asked.
    pub request: Request,
}

/// What the guest sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// The first message: the sandbox stands.
    Ready {
        /// The guest's protocol version.
        version: u32,
        /// What could not be set up as asked but does not stop the sandbox, such as a limit without a controller.
        notes: Vec<String>,
    },
    /// The first and only message when the sandbox could not be made.
    SetupFailed(SetupError),
    /// The answer to a call.
    Reply {
        /// The call's id.
        id: u64,
        /// The answer.
        reply: Reply,
    },
    /// A piece of output of a [`Run`] that asked to stream.
    Chunk {
        /// The call's id.
        id: u64,
        /// Which output.
        stream: Stream,
        /// The bytes, in base64.
        data: String,
    },
}

/// Why a sandbox could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{call} {target}: {}", errno_text(*.errno))]
pub struct SetupError {
    /// The setup step, as `patchbed plan` prints it.
    pub step: String,
    /// The system call.
    pub call: String,
    /// What it was done to.
    pub target: String,
    /// The error number.
    pub errno: i32,
}

fn errno_text(errno: i32) -> String {
    std::io::Error::from_raw_os_error(errno).to_string()
}

/// One of a program's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stream {
    /// Standard output (and the terminal, when there is one).
    Out,
    /// Standard error.
    Error,
}

/// What the harness can ask. Paths are absolute paths inside the sandbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Run a program to its end. Answer: [`Reply::Ran`].
    Run(Run),
    /// Bytes (base64) or the end of the input for a streaming [`Run`]. Answer: [`Reply::Done`].
    Input {
        /// The call that runs the program.
        run: u64,
        /// The bytes in base64; `None` closes the input.
        data: Option<String>,
    },
    /// End a program that [`Run`] started, process group and all. Answer: [`Reply::Done`].
    Cancel {
        /// The call that runs the program.
        run: u64,
    },
    /// Start a service and supervise it. Answer: [`Reply::Service`].
    Start(Start),
    /// Stop a service: signal, wait, kill. Answer: [`Reply::Service`].
    Stop {
        /// The service.
        name: String,
        /// The signal's number, such as 15.
        signal: i32,
        /// After how long it is killed, in milliseconds.
        within: u64,
    },
    /// The state of every supervised service. Answer: [`Reply::Services`].
    Services,
    /// Remember where logs and outputs end now, under a name; `Lines` can begin there. Answer: [`Reply::Done`].
    Mark {
        /// The name of the mark.
        mark: String,
        /// Globs of the log files to remember.
        files: Vec<String>,
    },
    /// New lines of a log since a mark. Answer: [`Reply::Lines`].
    Lines {
        /// Where they come from.
        source: LogSource,
        /// The mark since which; from the beginning when `None` or when the mark does not know the file.
        since: Option<String>,
    },
    /// Ask an HTTP server. Answer: [`Reply::Http`].
    Http(Http),
    /// Connect to a TCP port. Answer: [`Reply::Tcp`].
    Tcp(Tcp),
    /// All listening sockets. Answer: [`Reply::Sockets`].
    Sockets,
    /// All processes. Answer: [`Reply::Processes`].
    Processes,
    /// Every process that ended since the sandbox opened and was not asked to. Answer: [`Reply::Deaths`].
    Deaths,
    /// Facts about files. Answer: [`Reply::Files`].
    Files(Files),
    /// What differs between the image and the root as it is now: a walk of the overlay's upper layer.
    /// Answer: [`Reply::Files`] for what is there, with `gone` for what is not.
    Drift(Drift),
    /// Packages of the image's package database. Answer: [`Reply::Packages`].
    Packages,
    /// The files that installed packages own. Answer: [`Reply::Owners`].
    Owners {
        /// The packages; all when empty.
        packages: Vec<String>,
    },
    /// Unresolved libraries and symbols. Answer: [`Reply::Linkage`].
    Linkage {
        /// Executables and libraries to look at, globs allowed.
        paths: Vec<String>,
        /// Also the executables of the services' processes.
        services: Vec<String>,
    },
    /// Read one file whole. Answer: [`Reply::Bytes`].
    Read {
        /// The file.
        path: String,
        /// The most bytes that are read; a longer file is a failure.
        limit: u64,
    },
    /// Write files, making folders as needed. Never through a symbolic link at the last part. Answer: [`Reply::Done`].
    Write(Vec<WriteFile>),
    /// Lay a tree over another: what `cp -a FROM/. TO` would do, without a program of the image.
    /// Answer: [`Reply::Paths`] of what was written.
    LayOver {
        /// The tree, usually a bind under `/run/patchbed`.
        from: String,
        /// Where it goes.
        to: String,
        /// Mode of the files, when it is not to be taken over.
        mode: Option<u32>,
        /// `user` or `user:group` of everything, when it is not to be taken over.
        owner: Option<String>,
    },
    /// Remove files and trees. Globs are not followed. Answer: [`Reply::Paths`] of what was removed.
    Remove {
        /// What goes.
        paths: Vec<String>,
    },
    /// Keep a copy of these paths (bytes, modes, owners, times, extended attributes, links, absence) to go back to.
    /// Answer: [`Reply::Done`].
    Keep {
        /// The name of the copy.
        name: String,
        /// The paths; trees are kept whole.
        paths: Vec<String>,
    },
    /// Put a kept copy back. Answer: [`Reply::Paths`].
    Restore {
        /// The name of the copy.
        name: String,
    },
    /// The same program's facts about the sandbox: memory, processor time, limits hit. Answer: [`Reply::Usage`].
    Usage,
}

/// How a program is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The program and its arguments; looked up in the environment's `PATH` when it holds no slash.
    pub argv: Vec<String>,
    /// The whole environment on top of a small fixed one (`PATH`, `HOME`, `LANG`, `USER`).
    pub environment: BTreeMap<String, String>,
    /// Name or number; root when `None`.
    pub user: Option<String>,
    /// The working folder; `/` when `None`.
    pub directory: Option<String>,
    /// Whether the program may gain rights, as package managers need.
    pub privileges: Privileges,
}

/// Whether a program may gain rights by executing set-id files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Privileges {
    /// As on a real machine.
    #[default]
    Ordinary,
    /// Never (`no_new_privs`).
    NoNew,
}

/// A program that is run to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What is run.
    pub program: Program,
    /// Text for its standard input; end of file at once when `None`.
    pub input: Option<String>,
    /// After how many milliseconds it is ended: TERM, 2 s of grace, KILL of its whole process group and descendants.
    pub within: u64,
    /// How many bytes of each output are kept: the first half and the last half.
    pub keep: usize,
    /// Whether output also comes as [`Message::Chunk`] while it runs, and input as [`Request::Input`].
    pub stream: bool,
    /// A terminal of so many rows and columns instead of pipes.
    pub terminal: Option<(u16, u16)>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// By itself, with this status.
    Exited(i32),
    /// By a signal.
    Killed {
        /// The signal's number.
        signal: i32,
        /// Whether it dumped core.
        core: bool,
    },
    /// By the guest, because its time was over.
    TimedOut,
}

/// Output of a program, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The text, with bytes that are not UTF-8 replaced; when cut, a line in the middle says how much is missing.
    pub text: String,
    /// How many bytes there were in all.
    pub total: u64,
    /// SHA-256 of all of them, in hexadecimal.
    pub digest: String,
}

/// A finished program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// How it ended.
    pub end: End,
    /// Standard output.
    pub output: Output,
    /// Standard error.
    pub errors: Output,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// A service that is started and supervised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Its name; a second start under one name is a restart and counts as one.
    pub name: String,
    /// What is run.
    pub program: Program,
}

/// What is known of a supervised service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// Its name.
    pub name: String,
    /// Process id of its first process.
    pub pid: i32,
    /// How its first process ended; `None` while it lives. A daemon's first process ends with 0 and leaves others.
    pub end: Option<End>,
    /// The living processes that belong to it, double-forked ones too.
    pub processes: Vec<i32>,
    /// How often it was started.
    pub starts: u32,
    /// Processes of it that died by a signal or with a status other than 0, without being asked to.
    pub deaths: Vec<Death>,
    /// Its output, bounded.
    pub output: Output,
}

/// A process that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// Its id.
    pub pid: i32,
    /// Its name, as the kernel had it.
    pub name: String,
    /// The service it belonged to, if known.
    pub service: Option<String>,
    /// How it ended.
    pub end: End,
}

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
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
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
    /// For drift: what differs from the image, of `new`, `content`, `mode`, `owner`, `kind`, `target`, `attributes`.
    /// Empty when the file was only copied up.
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

/// The guest's answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each names the request it answers")]
pub enum Reply {
    Done,
    Ran(Ran),
    Service(ServiceState),
    Services(Vec<ServiceState>),
    Lines(Vec<String>),
    Http(Result<HttpAnswer, String>),
    /// The banner, empty when none was asked for; or why there is no connection.
    Tcp(Result<String, String>),
    Sockets(Vec<Socket>),
    Processes(Vec<Process>),
    Deaths(Vec<Death>),
    Files(Vec<FileFact>),
    Packages(Vec<Package>),
    /// Path → package.
    Owners(BTreeMap<String, String>),
    Linkage(Vec<Unresolved>),
    /// Base64.
    Bytes(String),
    Paths(Vec<String>),
    Usage(Usage),
    /// The request could not be carried out.
    Failed(Failure),
}

/// Why a request could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// The operation, the thing and the reason, in one line.
    pub text: String,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The thing is not there.
    NotFound,
    /// It is there and not allowed, or of a wrong kind.
    Refused,
    /// No space, no inodes, no processes left within the limits.
    Limit,
    /// Anything else of the system.
    System,
    /// The request makes no sense here.
    Unsupported,
}
