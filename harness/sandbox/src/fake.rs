//! A backend without a kernel: the caller's closure answers every request. For tests of what uses sandboxes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use patchbed_guest::message::{Reply, Request, Run, Stream};
use tokio::sync::mpsc;

use crate::{Backend, BoxFuture, CloseError, Lack, LinkError, OpenError, Sandbox, SandboxSpec};

/// What a fake guest does with a request.
#[derive(Debug)]
pub enum Answer {
    /// Answers at once.
    Now(Reply),
    /// Answers after a while (of tokio's clock, which a test can pause).
    After(Duration, Reply),
    /// Never answers.
    Never,
    /// The link breaks.
    Broken(LinkError),
}

/// What a fake guest is asked: which sandbox, made of what, and the request.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The number of the sandbox, counted from 0 in the order of opening.
    pub sandbox: usize,
    /// What it was made of.
    pub spec: &'a SandboxSpec,
    /// The request.
    pub request: &'a Request,
    /// How many requests this sandbox had before.
    pub before: usize,
}

type Answerer = dyn Fn(&Asked<'_>) -> Answer + Send + Sync;
type Opener = dyn Fn(usize, &SandboxSpec) -> Result<(), OpenError> + Send + Sync;
type Closer = dyn Fn(usize) -> Result<(), CloseError> + Send + Sync;

/// What happened to a fake backend, in order.
#[derive(Clone, Debug)]
pub enum Happened {
    /// A sandbox was opened.
    Opened(usize, SandboxSpec),
    /// A request came.
    Called(usize, Request),
    /// A sandbox was started again.
    Rebooted(usize),
    /// A sandbox was closed in order.
    Closed(usize),
    /// A sandbox was dropped without being closed.
    Dropped(usize),
}

/// A scripted backend.
#[derive(Clone)]
pub struct FakeBackend(Arc<Shared>);

struct Shared {
    answer: Box<Answerer>,
    open: Box<Opener>,
    close: Box<Closer>,
    lacks: Vec<Lack>,
    notes: Vec<String>,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    opened: usize,
    happened: Vec<Happened>,
}

impl FakeBackend {
    /// A backend whose sandboxes always open and answer with what the closure says.
    pub fn new(answer: impl Fn(&Asked<'_>) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            answer: Box::new(answer),
            open: Box::new(|_, _| Ok(())),
            close: Box::new(|_| Ok(())),
            lacks: Vec::new(),
            notes: Vec::new(),
            log: Mutex::default(),
        }))
    }

    /// The same, where the closure also decides whether a sandbox opens.
    #[must_use]
    pub fn opening(self, open: impl Fn(usize, &SandboxSpec) -> Result<(), OpenError> + Send + Sync + 'static) -> Self {
        self.with(|shared| shared.open = Box::new(open))
    }

    /// The same, where the closure also decides how closing ends.
    #[must_use]
    pub fn closing(self, close: impl Fn(usize) -> Result<(), CloseError> + Send + Sync + 'static) -> Self {
        self.with(|shared| shared.close = Box::new(close))
    }

    /// The same, on a host that lacks something.
    #[must_use]
    pub fn lacking(self, lacks: Vec<Lack>) -> Self {
        self.with(|shared| shared.lacks = lacks)
    }

    /// The same, whose sandboxes carry these notes.
    #[must_use]
    pub fn noting(self, notes: Vec<String>) -> Self {
        self.with(|shared| shared.notes = notes)
    }

    /// What happened so far, in order.
    #[must_use]
    pub fn happened(&self) -> Vec<Happened> {
        self.0.log().happened.clone()
    }

    /// How many sandboxes are open now.
    #[must_use]
    pub fn open_now(&self) -> usize {
        let log = self.0.log();
        let gone = log.happened.iter().filter(|h| matches!(h, Happened::Closed(_) | Happened::Dropped(_))).count();
        log.opened - gone
    }

    fn with(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Arc::into_inner(self.0).expect("a fake is built before it is shared");
        change(&mut shared);
        Self(Arc::new(shared))
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FakeBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeBackend")
    }
}

impl Backend for FakeBackend {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn check(&self) -> Vec<Lack> {
        self.0.lacks.clone()
    }

    fn open<'a>(&'a self, spec: &'a SandboxSpec) -> BoxFuture<'a, Result<Box<dyn Sandbox>, OpenError>> {
        Box::pin(async move {
            let number = {
                let mut log = self.0.log();
                let number = log.opened;
                log.opened += 1;
                log.happened.push(Happened::Opened(number, spec.clone()));
                number
            };
            if let Err(error) = (self.0.open)(number, spec) {
                self.0.log().happened.push(Happened::Dropped(number));
                return Err(error);
            }
            let sandbox = FakeSandbox { number, spec: spec.clone(), shared: Arc::clone(&self.0), closed: false };
            Ok(Box::new(sandbox) as Box<dyn Sandbox>)
        })
    }
}

struct FakeSandbox {
    number: usize,
    spec: SandboxSpec,
    shared: Arc<Shared>,
    closed: bool,
}

impl fmt::Debug for FakeSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeSandbox({})", self.number)
    }
}

impl FakeSandbox {
    fn answer(&self, request: &Request) -> Answer {
        let before = {
            let mut log = self.shared.log();
            let mine = |h: &&Happened| matches!(h, Happened::Called(n, _) if *n == self.number);
            let before = log.happened.iter().filter(mine).count();
            log.happened.push(Happened::Called(self.number, request.clone()));
            before
        };
        (self.shared.answer)(&Asked { sandbox: self.number, spec: &self.spec, request, before })
    }
}

impl Sandbox for FakeSandbox {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Reply, LinkError>> {
        Box::pin(async move {
            match self.answer(&request) {
                Answer::Now(reply) => Ok(reply),
                Answer::After(time, reply) => {
                    tokio::time::sleep(time).await;
                    Ok(reply)
                }
                Answer::Never => std::future::pending().await,
                Answer::Broken(error) => Err(error),
            }
        })
    }

    fn stream(
        &self,
        run: Run,
        output: mpsc::Sender<(Stream, Vec<u8>)>,
        input: mpsc::Receiver<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Reply, LinkError>> {
        drop(input);
        Box::pin(async move {
            let reply = self.call(Request::Run(run)).await?;
            if let Reply::Ran(ran) = &reply {
                let pieces = [(Stream::Out, &ran.output.text), (Stream::Error, &ran.errors.text)];
                for (stream, text) in pieces {
                    if !text.is_empty() {
                        // A reader that went away does not matter to a fake.
                        let _ = output.send((stream, text.clone().into_bytes())).await;
                    }
                }
            }
            Ok(reply)
        })
    }

    fn notes(&self) -> Vec<String> {
        self.shared.notes.clone()
    }

    fn reboot(&mut self) -> BoxFuture<'_, Result<(), OpenError>> {
        Box::pin(async move {
            self.shared.log().happened.push(Happened::Rebooted(self.number));
            Ok(())
        })
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, Result<(), CloseError>> {
        Box::pin(async move {
            self.closed = true;
            self.shared.log().happened.push(Happened::Closed(self.number));
            (self.shared.close)(self.number)
        })
    }
}

impl Drop for FakeSandbox {
    fn drop(&mut self) {
        if !self.closed {
            self.shared.log().happened.push(Happened::Dropped(self.number));
        }
    }
}
