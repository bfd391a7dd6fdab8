//! The thread that shows the progress.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::board::Board;
use super::region::Region;
use super::tick::Tick;
use crate::output::Output;

/// How often a region is drawn at least: the elapsed times go on.
const FRAME: Duration = Duration::from_millis(200);
/// How often a log without a region hears what runs.
const HEARTBEAT: Duration = Duration::from_mins(1);
/// How long the end of the run waits for the last lines. A reader that takes nothing must not hold it up.
const PATIENCE: Duration = Duration::from_secs(2);

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// A region on a terminal.
    Region,
    /// One line per finished attempt.
    Lines,
}

/// The thread, and the way to it.
#[derive(Debug)]
pub(super) struct Drawer {
    ticks: Option<Sender<Tick>>,
    done: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Drawer {
    /// Starts the thread.
    pub(super) fn start(output: Arc<Output>, manner: Manner, board: Board) -> std::io::Result<Self> {
        let (ticks, received) = channel();
        let (finished, done) = channel();
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(move || {
            match manner {
                Manner::Region => in_region(&output, board, &received),
                Manner::Lines => in_lines(&output, board, &received),
            }
            // Whoever waited too long has gone on.
            let _ = finished.send(());
        })?;
        Ok(Self { ticks: Some(ticks), done, thread: Some(thread) })
    }

    /// Hands a tick over.
    pub(super) fn tick(&self, tick: Tick) {
        if let Some(ticks) = &self.ticks {
            // The thread only ends when this end does.
            let _ = ticks.send(tick);
        }
    }

    /// Shows what is left and ends, unless the terminal takes nothing any more.
    pub(super) fn finish(&mut self) {
        drop(self.ticks.take());
        if self.done.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout)
            && let Some(thread) = self.thread.take()
        {
            // A panic there was told by the hook.
            let _ = thread.join();
        }
    }
}

fn in_region(output: &Output, mut board: Board, ticks: &Receiver<Tick>) {
    let mut region = Region::new();
    output.write_above(Some(region.lines()));
    let mut drawn: Option<Instant> = None;
    loop {
        let wait = drawn.map_or(Duration::ZERO, |drawn| FRAME.saturating_sub(drawn.elapsed()));
        match ticks.recv_timeout(wait) {
            Ok(tick) => {
                let note = matches!(tick, Tick::Note(_));
                if let (Some(line), true) = (board.take(tick, Instant::now()), note) {
                    output.say(&line);
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                region.draw(&board, Instant::now());
                drawn = Some(Instant::now());
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    output.write_above(None);
    region.clear();
}

fn in_lines(output: &Output, mut board: Board, ticks: &Receiver<Tick>) {
    let mut said = Instant::now();
    loop {
        let wait = HEARTBEAT.saturating_sub(said.elapsed());
        match ticks.recv_timeout(wait) {
            Ok(tick) => {
                if let Some(line) = board.take(tick, Instant::now()) {
                    output.say(&line);
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                said = Instant::now();
                if let Some(line) = board.heartbeat(said) {
                    output.say(&line);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
