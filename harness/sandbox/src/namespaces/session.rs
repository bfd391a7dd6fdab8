//! One open sandbox: its link, its process, its end.

use std::convert::Infallible;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use patchbed_guest::message::{Reply, Request, Run, Stream};
use rustix::process::{Signal, pidfd_send_signal};

use tokio::sync::{mpsc, watch};

use super::backend::Ready;
use super::lanes::{Lane, Lanes};
use super::layer::Layer;
use super::link::Link;
use super::units::UnitGroup;
use crate::{BoxFuture, CloseError, LinkError, OpenError, Sandbox, SandboxSpec, sys};

/// How long killed processes may take to be gone.
const GONE: Duration = Duration::from_secs(20);

/// An open sandbox.
#[derive(Debug)]
pub(super) struct Session {
    /// What it is made of, with the place of its writable layer.
    pub(super) spec: SandboxSpec,
    pub(super) standing: Standing,
    pub(super) layer: Option<Layer>,
    pub(super) ready: Arc<Ready>,
}

/// What lives from one start of a sandbox to its end.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) link: Arc<Link>,
    pub(super) process: Arc<OwnedFd>,
    pub(super) ended: watch::Receiver<bool>,
    pub(super) notes: Vec<String>,
    pub(super) units: Option<UnitGroup>,
}

/// Waits for a sandbox's end or for its time to be over, and gives its lane back.
pub(super) async fn watch(
    process: Arc<OwnedFd>,
    time: Duration,
    link: Arc<Link>,
    lanes: Arc<Lanes>,
    lane: Lane,
    ended: watch::Sender<bool>,
) {
    let Ok(readable) = process.try_clone().and_then(sys::watched) else {
        // Without a way to see the end, the lane is not used again.
        let _ = pidfd_send_signal(&*process, Signal::KILL);
        return;
    };
    if tokio::time::timeout(time, readable.readable()).await.is_err() {
        link.gone(&format!("the sandbox's time of {} s is over", time.as_secs()));
        let _ = pidfd_send_signal(&*process, Signal::KILL);
        let _ = readable.readable().await;
    }
    lanes.give_back(lane);
    let _ = ended.send(true);
}

impl Standing {
    fn kill(&self) {
        // One that is gone already needs no killing.
        let _ = pidfd_send_signal(&*self.process, Signal::KILL);
    }

    /// Kills everything inside and waits until it is gone. Tells whether it is.
    async fn end(&mut self, why: &str) -> bool {
        self.link.gone(why);
        self.kill();
        let gone = tokio::time::timeout(GONE, self.ended.wait_for(|ended| *ended)).await;
        let is_gone = matches!(gone, Ok(Ok(_)));
        if is_gone {
            self.units = None;
        }
        is_gone
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Sandbox for Session {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Reply, LinkError>> {
        Box::pin(async move { self.standing.link.ask(request, None)?.answer().await })
    }

    fn stream(
        &self,
        run: Run,
        output: mpsc::Sender<(Stream, Vec<u8>)>,
        mut input: mpsc::Receiver<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Reply, LinkError>> {
        Box::pin(async move {
            use base64::Engine as _;
            let question = self.standing.link.ask(Request::Run(Run { stream: true, ..run }), Some(output))?;
            let id = question.id();
            let feed = async {
                while let Some(bytes) = input.recv().await {
                    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
                    self.standing.link.order(Request::Input { run: id, data: Some(data) });
                }
                self.standing.link.order(Request::Input { run: id, data: None });
                std::future::pending::<Infallible>().await
            };
            tokio::select! {
                reply = question.answer() => reply,
                never = feed => match never {},
            }
        })
    }

    fn notes(&self) -> Vec<String> {
        self.standing.notes.clone()
    }

    fn reboot(&mut self) -> BoxFuture<'_, Result<(), OpenError>> {
        Box::pin(async move {
            let Some(layer) = &self.layer else {
                return Err(OpenError::Runner("a sandbox in memory cannot start again".into()));
            };
            if !self.standing.end("the sandbox starts again").await {
                return Err(OpenError::Runner(CloseError::Alive(self.spec.name.clone()).to_string()));
            }
            layer.mount_again().await.map_err(|error| OpenError::Runner(error.to_string()))?;
            self.standing = self.ready.stand_up(&self.spec).await?;
            Ok(())
        })
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, Result<(), CloseError>> {
        Box::pin(async move {
            if !self.standing.end("the sandbox is closed").await {
                return Err(CloseError::Alive(self.spec.name.clone()));
            }
            match self.layer.take() {
                Some(layer) => layer.finish().await,
                None => Ok(()),
            }
        })
    }
}
