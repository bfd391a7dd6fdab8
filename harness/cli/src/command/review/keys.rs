//! What a person is asked and types: single keys, and lines. Where the terminal gives no single keys, a letter and Enter.

use std::collections::VecDeque;
use std::io;

use patchbed_model::Exit;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::command::terminal::Mode;
use crate::output::Output;

/// Ctrl-D where keys are read one by one.
const END: u8 = 4;
/// With it begins what an arrow or function key sends.
const ESCAPE: u8 = 0x1b;

/// Why nothing more is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The person has had enough, or the terminal is gone.
    Quit,
    /// A signal came: it says how the program ends.
    Signal(Exit),
}

/// The keyboard, until it is dropped.
pub(super) struct Keys<'a> {
    output: &'a Output,
    mode: Option<Mode>,
    typed: VecDeque<u8>,
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl<'a> Keys<'a> {
    /// Listens to single keys, unless the terminal is `dumb` or refuses.
    pub(super) fn listen(output: &'a Output, dumb: bool) -> io::Result<Self> {
        Ok(Self {
            output,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            mode: if dumb { None } else { Mode::keys().ok() },
            typed: VecDeque::new(),
        })
    }

    /// Asks for one key. One that is no letter of ours is given back as it is.
    pub(super) async fn key(&mut self, question: &str) -> Result<char, Stop> {
        if self.mode.is_none() {
            return Ok(self.line(question).await?.trim().chars().next().unwrap_or('\n'));
        }
        self.output.result(question.as_bytes());
        let key = loop {
            match self.byte().await? {
                END => return Err(self.stop(Stop::Quit)),
                b'\n' | b'\r' => {}
                key => break key,
            }
        };
        if key == ESCAPE {
            // The rest of its sequence may hold letters that nobody pressed.
            self.typed.clear();
        }
        let shown = if key.is_ascii_graphic() { char::from(key).to_string() } else { String::new() };
        self.output.line(&shown);
        Ok(char::from(key))
    }

    /// Asks for a line. It is given back without its end.
    pub(super) async fn line(&mut self, question: &str) -> Result<String, Stop> {
        let _lines = self.mode.as_ref().and_then(|_| Mode::lines().ok());
        self.output.result(question.as_bytes());
        let mut line = Vec::new();
        loop {
            match self.byte().await? {
                b'\n' | b'\r' => return Ok(String::from_utf8_lossy(&line).into_owned()),
                byte => line.push(byte),
            }
        }
    }

    async fn byte(&mut self) -> Result<u8, Stop> {
        loop {
            match self.typed.pop_front() {
                Some(byte) => return Ok(byte),
                None => self.read().await?,
            }
        }
    }

    /// Waits for what is typed next, or for a signal. The thread of a read that a signal overtakes ends with the program.
    async fn read(&mut self) -> Result<(), Stop> {
        let (send, receive) = oneshot::channel();
        std::thread::spawn(move || send.send(typed()));
        let bytes = tokio::select! {
            bytes = receive => bytes.unwrap_or_default(),
            _ = self.interrupt.recv() => return Err(self.stop(Stop::Signal(Exit::Interrupted))),
            _ = self.terminate.recv() => return Err(self.stop(Stop::Signal(Exit::Terminated))),
            _ = self.hangup.recv() => return Err(self.stop(Stop::Signal(Exit::Terminated))),
        };
        if bytes.is_empty() {
            return Err(self.stop(Stop::Quit));
        }
        self.typed.extend(bytes);
        Ok(())
    }

    /// Leaves the line of the question.
    fn stop(&self, why: Stop) -> Stop {
        self.output.line("");
        why
    }
}

/// What was typed; nothing when the terminal is at its end or gone.
fn typed() -> Vec<u8> {
    let mut buffer = [0; 256];
    let read = rustix::io::retry_on_intr(|| rustix::io::read(rustix::stdio::stdin(), &mut buffer));
    buffer[..read.unwrap_or(0)].to_vec()
}
