//! The guest as a whole: what all its answers share.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, OnceLock};

use crate::context::Context;
use crate::drain::Drain;
use crate::files::Kept;
use crate::link::{self, Piece};
use crate::message::{Failure, FailureKind, Message};
use crate::meter::Meter;
use crate::plan::InitKind;
use crate::reaper::{Reaper, lock};
use crate::run::Runs;
use crate::service::ServiceTable;

/// What the guest is told about the sandbox it serves.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The environment of every program.
    pub(crate) environment: BTreeMap<String, String>,
    /// What could not be set up as asked.
    pub(crate) notes: Vec<String>,
    /// How many processes there may be.
    pub(crate) processes: u32,
    /// Capabilities that no program gets, by number.
    pub(crate) dropped: Vec<u8>,
    /// What process 1 is.
    pub(crate) init: InitKind,
}

/// The guest.
pub(crate) struct Guest {
    /// Its process id.
    pub(crate) pid: i32,
    pub(crate) settings: Settings,
    pub(crate) reaper: Arc<Reaper>,
    pub(crate) runs: Runs,
    pub(crate) services: Arc<ServiceTable>,
    pub(crate) context: Context,
    pub(crate) kept: Kept,
    pub(crate) meters: Vec<Meter>,
    pub(crate) writer: Mutex<UnixStream>,
    /// Limits that were seen to be reached.
    pub(crate) reached: Mutex<BTreeSet<String>>,
    pub(crate) drain: OnceLock<Option<Arc<Drain>>>,
}

impl Guest {
    /// Sends a message. A harness that is gone is seen by the reader, which then ends the guest.
    pub(crate) fn send(&self, message: &Message) {
        let frame = link::frame(message).or_else(|error| {
            // Too long for a frame: the caller learns that instead.
            let Message::Reply { id, .. } = message else { return Err(error) };
            let failure = Failure { kind: FailureKind::Limit, text: format!("answer: {error}") };
            link::frame(&Message::Reply { id: *id, reply: crate::message::Reply::Failed(failure) })
        });
        if let Ok(frame) = frame {
            let _ = lock(&self.writer).write_all(&frame);
        }
    }

    /// Sends a piece of output.
    pub(crate) fn pass_on(&self, piece: Piece<'_>) {
        let _ = piece.write(&mut *lock(&self.writer));
    }

    /// Reads a pipe empty for ever.
    pub(crate) fn drain(&self, pipe: OwnedFd) {
        if let Some(drain) = self.drain.get_or_init(|| Drain::start().ok()) {
            drain.add(pipe);
        }
    }

    /// Remembers that no process could be made.
    pub(crate) fn note_limit(&self, failure: &Failure) {
        if failure.kind == FailureKind::Limit {
            lock(&self.reached).insert("processes".into());
        }
    }
}
