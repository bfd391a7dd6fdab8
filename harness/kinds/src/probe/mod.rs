//! Probes: ways to observe. Each asks the guest and turns the answer into readings.
//!
//! To add one: a file here, and a line in the table below.

pub mod automatic;
pub mod canonical;
pub mod command;
mod dispatch;
pub mod dns;
pub mod files;
pub mod http;
pub mod latency;
pub mod linkage;
pub mod listening;
pub mod log;
mod look;
mod members;
pub mod metric;
mod name;
mod outputs;
pub mod package;
pub mod process;
mod program;
pub mod repeated;
pub mod rows;
mod severity;
pub mod suite;
mod systemd;
pub mod tcp;
pub mod templates;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod throughput;
pub mod tls;
pub mod unit;

use std::future::Future;
use std::time::Duration;

use patchbed_model::{Key, Reading};
use patchbed_sandbox::{AskError, LinkError, Sandbox};

/// A kind of probe.
pub trait Probe {
    /// Looks once. What is not as it should be is a reading, not an error: a refused connection is a bad state.
    ///
    /// # Errors
    /// [`ProbeError`] when nothing can be said about the thing itself.
    fn observe(&self, look: &Look<'_>) -> impl Future<Output = Result<Vec<(Key, Reading)>, ProbeError>> + Send;
}

/// Where and how to look.
#[derive(Debug)]
pub struct Look<'a> {
    /// The open sandbox.
    pub sandbox: &'a dyn Sandbox,
    /// What every key begins with: `probe.front-page` for a written probe, `web` for an automatic one.
    pub prefix: Key,
    /// The services of the scenario.
    pub services: &'a [Service],
    /// The service that the probe is about, if it names one.
    pub service: Option<&'a Service>,
    /// The mark since which log lines count, set before services are restarted.
    pub since: Option<&'a str>,
    /// How long one look may take.
    pub within: Duration,
    /// Whether systemd is process 1.
    pub systemd: bool,
}

/// A service as probes see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in the scenario.
    pub name: String,
    /// Its systemd unit, when it is one; else the guest supervises it under its name.
    pub unit: Option<String>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The guest could not look: the text says what and why.
    #[error("{0}")]
    Blind(String),
    /// The guest is gone.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl From<AskError> for ProbeError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Link(link) => Self::Link(link),
            AskError::Failed(failure) => Self::Blind(failure.text),
        }
    }
}

crate::kinds! {
    /// Any probe.
    pub enum AnyProbe, "probe" {
        /// Asks an HTTP server.
        "http" => Http(http::Http),
        /// Connects to a TCP port.
        "tcp" => Tcp(tcp::Tcp),
        /// Lists listening sockets.
        "listening" => Listening(listening::Listening),
        /// Looks at processes.
        "process" => Process(process::Process),
        /// Runs a program and reads its result.
        "command" => Command(command::Command),
        /// Looks for new kinds of log lines.
        "log" => Log(log::Log),
        /// Looks at files.
        "files" => Files(files::Files),
        /// Looks at packages.
        "package" => Package(package::Package),
        /// Looks for unresolved libraries and symbols.
        "linkage" => Linkage(linkage::Linkage),
        /// Looks at a systemd unit.
        "unit" => Unit(unit::Unit),
        /// Runs a program that prints a number.
        "metric" => Metric(metric::Metric),
        /// Measures how long a request or a command takes.
        "latency" => Latency(latency::Latency),
        /// Counts how many requests or commands are done in a second.
        "throughput" => Throughput(throughput::Throughput),
        /// Asks a database.
        "rows" => Rows(rows::Rows),
        /// Runs a test suite and reads it test by test.
        "suite" => Suite(suite::Suite),
        /// Looks at what a server with TLS shows of itself.
        "tls" => Tls(tls::Tls),
        /// Looks up the addresses of a name.
        "dns" => Dns(dns::Dns),
    }
    later ["kernel"]
}
