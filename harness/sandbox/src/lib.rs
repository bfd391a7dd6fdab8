//! A place to run things, and how it is torn down: backends, setup steps as data, limits, and the link to the guest.
//!
//! A [`SandboxSpec`] goes in; an open [`Sandbox`] that answers the guest's [`Request`]s comes out. Nothing here knows
//! scenarios, probes or verdicts.

mod ask;
mod face;
pub mod fake;
mod holder;
mod namespaces;
pub mod spec;
mod subordinate;
mod sys;
mod tasks;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use patchbed_guest::message::{Reply, Request, Run, SetupError, Stream};
use tokio::sync::mpsc;

pub use ask::AskError;
pub use face::{Task, faces, faces_with};
pub use fake::FakeBackend;
pub use holder::{Holder, TaskError};
pub use namespaces::{Host, NamespacesBackend, Place, sweep};
pub use patchbed_guest::message;
pub use patchbed_guest::plan::SetupStep;
pub use spec::{Bind, BindMode, Init, Limits, Network, SandboxSpec, Upper};

/// A future in a box, as trait objects need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A way to make sandboxes.
pub trait Backend: Debug + Send + Sync {
    /// Its name, as in `backend:` of a scenario.
    fn name(&self) -> &'static str;

    /// What this host lacks for it; empty when it works in full.
    fn check(&self) -> Vec<Lack>;

    /// Makes a sandbox.
    ///
    /// # Errors
    /// See [`OpenError`].
    fn open<'a>(&'a self, spec: &'a SandboxSpec) -> BoxFuture<'a, Result<Box<dyn Sandbox>, OpenError>>;
}

/// An open sandbox. Dropping it kills everything inside; [`Sandbox::close`] also reports.
pub trait Sandbox: Debug + Send + Sync {
    /// Asks the guest and waits for the answer. The guest's own failures are [`Reply::Failed`].
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Reply, LinkError>>;

    /// Runs a program whose output comes piece by piece while it runs, and whose input comes from a channel
    /// (closed at its end). The answer is [`Reply::Ran`].
    fn stream(
        &self,
        run: Run,
        output: mpsc::Sender<(Stream, Vec<u8>)>,
        input: mpsc::Receiver<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Reply, LinkError>>;

    /// What could not be limited or set up as asked, for the report.
    fn notes(&self) -> Vec<String>;

    /// Kills everything inside at once, as a power cut does, and starts the same disk again: memory, `/run` and `/tmp` are
    /// empty then, and the guest remembers nothing. Needs [`Upper::Disk`].
    ///
    /// # Errors
    /// As [`Backend::open`]; the sandbox is then gone.
    fn reboot(&mut self) -> BoxFuture<'_, Result<(), OpenError>>;

    /// Ends everything inside and takes the sandbox down. With [`Upper::Folder`] the writable layer stays where the
    /// spec put it, complete and synced.
    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), CloseError>>;
}

/// Something that the host lacks, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Lack {
    /// What is missing, such as `user namespaces`.
    pub what: String,
    /// Why we think so: the call and its error, or the setting and its value.
    pub because: String,
    /// The command or setting that mends it.
    pub remedy: String,
    /// Whether sandboxes work without it.
    pub weight: LackWeight,
}

/// How much a lack matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LackWeight {
    /// No sandbox can be made.
    Fatal,
    /// Scenarios that name units cannot run.
    NoUnits,
    /// A limit cannot be enforced, or something is slower.
    Degraded,
}

/// Why a sandbox did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The host lacks something (exit 77).
    #[error("this host cannot make the sandbox: {} ({})", .0.what, .0.because)]
    Lacking(Lack),
    /// A setup step failed.
    #[error("set up the sandbox: {}", .0.step)]
    Setup(#[source] SetupError),
    /// No space, memory, processes or descriptors left on the host: a second try may help (exit 75).
    #[error("the host has no {what} left for a sandbox")]
    Exhausted {
        /// What ran out.
        what: String,
        /// The call that said so.
        #[source]
        source: std::io::Error,
    },
    /// The runner went away or spoke nonsense.
    #[error("reach the runner: {0}")]
    Runner(String),
}

/// Why the guest did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is gone: killed, out of memory, or crashed.
    #[error("the guest is gone: {0}")]
    Gone(String),
    /// It answered something else than what was asked.
    #[error("the guest answered out of turn: {0}")]
    Protocol(String),
}

/// What went wrong while a sandbox was taken down.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// Processes of it still live after they were killed.
    #[error("processes of the sandbox still live: {0}")]
    Alive(String),
    /// Something of it could not be removed.
    #[error("remove `{path}`")]
    Remove {
        /// What stays.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
