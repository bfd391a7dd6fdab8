//! Opens sandboxes: asks a lane, waits for the guest.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Blocking;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_guest::message::{Message, SetupError};
use patchbed_guest::plan::Plan;
use patchbed_guest::{descriptors, runner};
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::groups::{Groups, no_units};
use super::host::Host;
use super::lanes::Lanes;
use super::layer::{Fate, Layer};
use super::link::{Frame, Link, read_frame};
use super::owner::Owner;
use super::runner::{Runner, exhausted};
use super::session::{Session, Standing, watch};
use super::trial::trial;
use super::units::UnitGroup;
use crate::{Backend, BoxFuture, Holder, Init, Lack, LackWeight, OpenError, Sandbox, SandboxSpec, Upper};

/// How long a sandbox may take to stand. Making one takes milliseconds; a machine under load is given its time.
const OPEN: Duration = Duration::from_mins(1);

/// Sandboxes from kernel namespaces. Needs no daemon and no root, given subordinate ids.
#[derive(Debug)]
pub struct NamespacesBackend {
    state: Utf8PathBuf,
    ready: Mutex<Option<Arc<Ready>>>,
}

/// What is needed to open sandboxes, once it is there.
#[derive(Debug)]
pub(super) struct Ready {
    host: Host,
    holder: Holder,
    lanes: Arc<Lanes>,
    // After the lanes, which have things written down.
    owner: Owner,
}

impl NamespacesBackend {
    /// A backend that keeps what it must keep on disk (unfinished layers, control groups' names) under this folder.
    /// Starts nothing yet.
    #[must_use]
    pub fn new(state: &Utf8Path) -> Self {
        Self { state: state.to_owned(), ready: Mutex::default() }
    }

    /// Starts the runner now, from a program that is still small; otherwise the first sandbox does.
    ///
    /// # Errors
    /// As [`Backend::open`].
    pub fn warm(&self) -> Result<(), OpenError> {
        self.ready().map(drop)
    }

    fn ready(&self) -> Result<Arc<Ready>, OpenError> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = &*ready {
            return Ok(Arc::clone(ready));
        }
        let holder = Holder::find().map_err(OpenError::Lacking)?;
        for line in super::sweep(&self.state).unwrap_or_default() {
            tracing::info!("{line}");
        }
        let runner = Runner::start(holder.ids().cloned())?;
        let owner = Owner::register(&self.state).map_err(|error| unprepared(&self.state, &error))?;
        let lanes = Arc::new(Lanes::new(runner, Groups::make(&owner)));
        let made = Arc::new(Ready { host: Host::find(), holder, lanes, owner });
        *ready = Some(Arc::clone(&made));
        Ok(made)
    }
}

impl Backend for NamespacesBackend {
    fn name(&self) -> &'static str {
        "namespaces"
    }

    fn check(&self) -> Vec<Lack> {
        let fatal = |error: OpenError| match error {
            OpenError::Lacking(lack) => vec![lack],
            other @ (OpenError::Setup(_) | OpenError::Exhausted { .. } | OpenError::Runner(_)) => vec![Lack {
                what: "a working sandbox".into(),
                because: chain(&other),
                remedy: "see the cause; `strace -f` shows more".into(),
                weight: LackWeight::Fatal,
            }],
        };
        let ready = match self.ready() {
            Ok(ready) => ready,
            Err(error) => return fatal(error),
        };
        let mut lacks = match trial(&ready.lanes, &ready.host) {
            Ok(lacks) => lacks,
            Err(error) => return fatal(error),
        };
        if ready.units(&ready.host).is_err() {
            lacks.push(no_units());
        }
        lacks
    }

    fn open<'a>(&'a self, spec: &'a SandboxSpec) -> BoxFuture<'a, Result<Box<dyn Sandbox>, OpenError>> {
        Box::pin(async move {
            let ready = self.ready()?;
            let layer = ready.layer(spec)?;
            let mut spec = spec.clone();
            if let Some(layer) = &layer {
                spec.upper = Upper::Folder(layer.place().to_owned());
            }
            let standing = ready.stand_up(&spec).await?;
            Ok(Box::new(Session { spec, standing, layer, ready }) as Box<dyn Sandbox>)
        })
    }
}

impl Ready {
    /// The folder of the writable layer. Where layers cannot be kept in memory, one that nobody keeps stands in.
    fn layer(&self, spec: &SandboxSpec) -> Result<Option<Layer>, OpenError> {
        let (folder, fate) = match &spec.upper {
            Upper::Folder(folder) => (folder.clone(), Fate::Published),
            Upper::Memory if self.host.memory_layers => return Ok(None),
            Upper::Memory | Upper::Disk => (self.owner.throwaway(), Fate::Removed),
        };
        let layer = Layer::begin(&folder, fate, self.holder.clone(), &self.owner);
        layer.map(Some).map_err(|error| unprepared(&folder, &error))
    }

    fn units(&self, host: &Host) -> Result<UnitGroup, OpenError> {
        let lacking = || OpenError::Lacking(no_units());
        let parent = self.lanes.for_units().ok_or_else(lacking)?;
        UnitGroup::make(parent, host).map_err(|_| lacking())
    }

    /// Starts a sandbox, within a time limit.
    pub(super) async fn stand_up(&self, spec: &SandboxSpec) -> Result<Standing, OpenError> {
        let standing = tokio::time::timeout(OPEN, self.start(spec)).await;
        standing.map_err(|_| OpenError::Runner("the guest says nothing".into()))?
    }

    async fn start(&self, spec: &SandboxSpec) -> Result<Standing, OpenError> {
        let mut lane = self.lanes.take()?;
        let mut notes = lane.limit(&spec.limits);
        let mut host = lane.host(&self.host);
        let units = match spec.init {
            Init::Guest => None,
            Init::Systemd => Some(self.units(&host)?),
        };
        if let Some(units) = &units {
            let mut groups = lane.groups_for(units.folder());
            notes = groups.limit(&spec.limits);
            host.meters = groups.meters();
            host.group = Some(units.folder().display().to_string());
        }
        notes.extend(spec.missed(&host.submounts));
        let plan = Plan {
            steps: spec.steps(&host),
            environment: host.environment(spec),
            notes,
            processes: spec.limits.processes,
        };
        let (ours, theirs) = Blocking::pair().map_err(exhausted("descriptors"))?;
        lane.open(&plan, &OwnedFd::from(theirs))?;
        ours.set_nonblocking(true).map_err(exhausted("descriptors"))?;
        let mut socket = UnixStream::from_std(ours).map_err(exhausted("descriptors"))?;
        let (process, notes) = stand(&mut socket).await?;
        let process = Arc::new(process);
        let link = Arc::new(Link::new(socket));
        let (tell, ended) = watch::channel(false);
        let lanes = Arc::clone(&self.lanes);
        let time = spec.limits.time;
        tokio::spawn(watch(Arc::clone(&process), time, Arc::clone(&link), lanes, lane, tell));
        Ok(Standing { link, process, ended, notes, units })
    }
}

/// Waits until the sandbox stands: its process's descriptor, then the guest's hello.
async fn stand(socket: &mut UnixStream) -> Result<(OwnedFd, Vec<String>), OpenError> {
    let (byte, process) = first(socket).await.map_err(|error| OpenError::Runner(error.to_string()))?;
    let frame = if process.is_some() {
        read_frame(socket).await
    } else {
        // No process: the byte already belongs to the message that says why.
        read_frame(&mut io::Cursor::new(byte).chain(socket)).await
    };
    match (frame, process) {
        (Ok(Some(Frame::Message(Message::Ready { notes, .. }))), Some(process)) => Ok((process, notes)),
        (Ok(Some(Frame::Message(Message::SetupFailed(error)))), _) => Err(super::check::explain(error)),
        (Ok(_), _) => Err(OpenError::Runner("the sandbox ended before it stood".into())),
        (Err(error), _) => Err(OpenError::Runner(error.to_string())),
    }
}

/// The first byte, with the process's descriptor when there is a process.
async fn first(socket: &UnixStream) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    loop {
        socket.readable().await?;
        let mut byte = [0];
        let received = socket.try_io(Interest::READABLE, || descriptors::receive(socket, &mut byte));
        match received {
            Ok((0, _)) => return Err(io::Error::other("the lane has ended")),
            Ok((_, mut descriptors)) => {
                let process = descriptors.pop().filter(|_| byte[0] == runner::BORN);
                return Ok((byte.to_vec(), process));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// The folder of the writable layer cannot be used.
fn unprepared(folder: &Utf8Path, error: &io::Error) -> OpenError {
    OpenError::Setup(SetupError {
        step: "layer".into(),
        call: "prepare".into(),
        target: folder.to_string(),
        errno: error.raw_os_error().unwrap_or(libc::EIO),
    })
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
