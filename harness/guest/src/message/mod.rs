//! What the harness and the guest say to each other: length-prefixed JSON over one stream socket.
//!
//! A frame is a little-endian `u32` of the body's length, then the body: a [`Call`] towards the guest, a [`Message`]
//! back. Several calls may be under way at once; replies carry the id of their call. The channel is never a
//! program's output, and nothing that a program prints is ever read as a message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod facts;
mod program;

pub use facts::{
    Drift, FileFact, FileKind, Files, Http, HttpAnswer, LogSource, Package, Process, STRICTER, Socket, Tcp, Unresolved,
    Usage, Watch, Watched, WatchedPort, WriteFile,
};
pub use program::{Death, End, Output, Privileges, Program, Ran, Run, ServiceState, Start};

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
    /// Kill a program that [`Run`] started, with all that it started. Answer: [`Reply::Done`].
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
    /// Watch ports and a log from now on, in place of what was watched before. Answer: [`Reply::Done`].
    Watch(Watch),
    /// What the watch has seen so far. Answer: [`Reply::Watched`].
    Watched,
    /// The same, and the watch ends.
    Unwatch,
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
    Watched(Watched),
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
