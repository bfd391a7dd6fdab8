//! Programs and services: how they are started, and what became of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    /// Whether output comes as [`Piece`](crate::link::Piece) while it runs instead of being kept, and input as
    /// [`Request::Input`](crate::message::Request::Input).
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
    /// How long it took, in microseconds.
    pub microseconds: u64,
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
