//! Typed questions to an open sandbox: one method per request, wrong answers turned into errors.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbed_guest::message::{
    Death, Drift, Failure, FileFact, Files, Http, HttpAnswer, LogSource, Package, Process, Ran, Reply, Request, Run,
    ServiceState, Socket, Start, Tcp, Unresolved, Usage, Watch, Watched, WriteFile,
};
use std::collections::BTreeMap;

use crate::{LinkError, Sandbox};

/// Why a question was not answered with what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The guest could not be asked.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The guest could not do it.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Asks, and takes the one kind of answer that fits.
macro_rules! ask {
    ($self:ident, $request:expr, $reply:pat => $value:expr) => {
        match $self.call($request).await? {
            $reply => Ok($value),
            Reply::Failed(failure) => Err(AskError::Failed(failure)),
            other => Err(AskError::Link(LinkError::Protocol(kind_of(&other)))),
        }
    };
}

/// Every method fails with [`AskError`]: the link broke, or the guest said why it could not.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl dyn Sandbox + '_ {
    /// Runs a program to its end.
    pub async fn run(&self, run: Run) -> Result<Ran, AskError> {
        ask!(self, Request::Run(run), Reply::Ran(ran) => ran)
    }

    /// Starts a service, or starts it again.
    pub async fn start(&self, start: Start) -> Result<ServiceState, AskError> {
        ask!(self, Request::Start(start), Reply::Service(state) => state)
    }

    /// Stops a service and all its processes: this signal, then KILL after so many milliseconds.
    pub async fn stop(&self, name: &str, signal: i32, within: u64) -> Result<ServiceState, AskError> {
        let request = Request::Stop { name: name.to_owned(), signal, within };
        ask!(self, request, Reply::Service(state) => state)
    }

    /// The state of every supervised service.
    pub async fn services(&self) -> Result<Vec<ServiceState>, AskError> {
        ask!(self, Request::Services, Reply::Services(states) => states)
    }

    /// Remembers where outputs and these log files end now.
    pub async fn mark(&self, mark: &str, files: Vec<String>) -> Result<(), AskError> {
        let request = Request::Mark { mark: mark.to_owned(), files };
        ask!(self, request, Reply::Done => ())
    }

    /// New lines of a log since a mark.
    pub async fn lines(&self, source: LogSource, since: Option<String>) -> Result<Vec<String>, AskError> {
        ask!(self, Request::Lines { source, since }, Reply::Lines(lines) => lines)
    }

    /// Asks an HTTP server; the inner error says why there was no answer.
    pub async fn http(&self, http: Http) -> Result<Result<HttpAnswer, String>, AskError> {
        ask!(self, Request::Http(http), Reply::Http(answer) => answer)
    }

    /// Connects to a TCP port; the inner error says why there was no connection.
    pub async fn tcp(&self, tcp: Tcp) -> Result<Result<String, String>, AskError> {
        ask!(self, Request::Tcp(tcp), Reply::Tcp(answer) => answer)
    }

    /// All listening sockets.
    pub async fn sockets(&self) -> Result<Vec<Socket>, AskError> {
        ask!(self, Request::Sockets, Reply::Sockets(sockets) => sockets)
    }

    /// Watches ports and a log from now on.
    pub async fn watch(&self, watch: Watch) -> Result<(), AskError> {
        ask!(self, Request::Watch(watch), Reply::Done => ())
    }

    /// What the watch has seen so far.
    pub async fn watched(&self) -> Result<Watched, AskError> {
        ask!(self, Request::Watched, Reply::Watched(watched) => watched)
    }

    /// The same, and the watch ends.
    pub async fn unwatch(&self) -> Result<Watched, AskError> {
        ask!(self, Request::Unwatch, Reply::Watched(watched) => watched)
    }

    /// All processes.
    pub async fn processes(&self) -> Result<Vec<Process>, AskError> {
        ask!(self, Request::Processes, Reply::Processes(processes) => processes)
    }

    /// Every process that ended badly without being asked to.
    pub async fn deaths(&self) -> Result<Vec<Death>, AskError> {
        ask!(self, Request::Deaths, Reply::Deaths(deaths) => deaths)
    }

    /// Facts about files.
    pub async fn files(&self, files: Files) -> Result<Vec<FileFact>, AskError> {
        ask!(self, Request::Files(files), Reply::Files(facts) => facts)
    }

    /// What differs between the image and the root as it is now.
    pub async fn drift(&self, exclude: Vec<String>, limit: usize) -> Result<Vec<FileFact>, AskError> {
        self.drift_beside(Drift { exclude, limit, ..Drift::default() }).await
    }

    /// The same, beside what is explained.
    pub async fn drift_beside(&self, drift: Drift) -> Result<Vec<FileFact>, AskError> {
        ask!(self, Request::Drift(drift), Reply::Files(facts) => facts)
    }

    /// Installed packages.
    pub async fn packages(&self) -> Result<Vec<Package>, AskError> {
        ask!(self, Request::Packages, Reply::Packages(packages) => packages)
    }

    /// The files that packages own; of all packages when none is named.
    pub async fn owners(&self, packages: Vec<String>) -> Result<BTreeMap<String, String>, AskError> {
        ask!(self, Request::Owners { packages }, Reply::Owners(owners) => owners)
    }

    /// Unresolved libraries and symbols.
    pub async fn linkage(&self, paths: Vec<String>, services: Vec<String>) -> Result<Vec<Unresolved>, AskError> {
        ask!(self, Request::Linkage { paths, services }, Reply::Linkage(unresolved) => unresolved)
    }

    /// Reads one file whole.
    pub async fn read_file(&self, path: &str, limit: u64) -> Result<Vec<u8>, AskError> {
        let request = Request::Read { path: path.to_owned(), limit };
        let text = ask!(self, request, Reply::Bytes(text) => text)?;
        STANDARD.decode(text).map_err(|error| LinkError::Protocol(error.to_string()).into())
    }

    /// Writes files.
    pub async fn write_files(&self, files: Vec<WriteFile>) -> Result<(), AskError> {
        ask!(self, Request::Write(files), Reply::Done => ())
    }

    /// Lays a tree over another; tells what was written.
    pub async fn lay_over(
        &self,
        from: &str,
        to: &str,
        mode: Option<u32>,
        owner: Option<String>,
    ) -> Result<Vec<String>, AskError> {
        let request = Request::LayOver { from: from.to_owned(), to: to.to_owned(), mode, owner };
        ask!(self, request, Reply::Paths(paths) => paths)
    }

    /// Removes files and trees; tells what was removed.
    pub async fn remove(&self, paths: Vec<String>) -> Result<Vec<String>, AskError> {
        ask!(self, Request::Remove { paths }, Reply::Paths(paths) => paths)
    }

    /// Keeps a copy of these paths to go back to.
    pub async fn keep(&self, name: &str, paths: Vec<String>) -> Result<(), AskError> {
        let request = Request::Keep { name: name.to_owned(), paths };
        ask!(self, request, Reply::Done => ())
    }

    /// Puts a kept copy back; tells what was changed.
    pub async fn restore(&self, name: &str) -> Result<Vec<String>, AskError> {
        let request = Request::Restore { name: name.to_owned() };
        ask!(self, request, Reply::Paths(paths) => paths)
    }

    /// What the sandbox has used.
    pub async fn usage(&self) -> Result<Usage, AskError> {
        ask!(self, Request::Usage, Reply::Usage(usage) => usage)
    }
}

/// The first word of a reply, for an error's text.
fn kind_of(reply: &Reply) -> String {
    let text = format!("{reply:?}");
    let word = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    format!("the answer is `{word}`")
}
