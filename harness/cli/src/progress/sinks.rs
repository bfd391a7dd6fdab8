//! Where events go: to the progress and to `--events`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::sync::Arc;
use std::time::Instant;

use patchbed_engine::run::EventSink;
use patchbed_engine::store::State;
use patchbed_model::{Event, Exit};

use super::board::Board;
use super::draw::{Drawer, Manner};
use super::tick::Tick;
use crate::arguments::{Outputs, Progress};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

/// All that hears events.
#[derive(Debug)]
pub(crate) struct Sinks {
    output: Arc<Output>,
    drawer: Option<Drawer>,
    events: Option<Events>,
}

#[derive(Debug)]
enum Events {
    Output,
    File(BufWriter<File>),
}

impl Sinks {
    /// What the arguments ask for. The file of `--events` is opened here, so that a wrong path fails at once.
    pub(crate) fn new(context: &Context, arguments: &Outputs, state: &State) -> Result<Self, Failure> {
        let events = match arguments.events.as_deref() {
            None => None,
            Some(path) if path == "-" => Some(Events::Output),
            Some(path) => {
                let file = File::create(path).map_err(|error| {
                    Failure::new(Exit::Usage, anyhow::Error::new(error).context(format!("write `{path}`")))
                })?;
                Some(Events::File(BufWriter::new(file)))
            }
        };
        let drawer = match manner(context, arguments.progress) {
            None => None,
            Some(manner) => {
                let board = Board::new(context.output.speech_look().clone(), state.durations(), Instant::now());
                Some(Drawer::start(Arc::clone(&context.output), manner, board)?)
            }
        };
        Ok(Self { output: Arc::clone(&context.output), drawer, events })
    }

    /// Shows and writes what is left.
    pub(crate) fn finish(&mut self) {
        if let Some(mut drawer) = self.drawer.take() {
            drawer.finish();
        }
        if let Some(Events::File(mut file)) = self.events.take()
            && let Err(error) = file.flush()
        {
            self.output.warn(&format!("the events are not complete: {error}"));
        }
    }

    fn write(&mut self, event: &Event) {
        let mut line = Vec::new();
        if patchbed_report::write_json_line(event, &mut line).is_err() {
            return;
        }
        match &mut self.events {
            None => {}
            Some(Events::Output) => self.output.document(&line),
            Some(Events::File(file)) => {
                if let Err(error) = file.write_all(&line) {
                    self.output.warn(&format!("no more events are written: {error}"));
                    self.events = None;
                }
            }
        }
    }
}

impl EventSink for Sinks {
    fn event(&mut self, event: &Event) {
        if let Event::StageFinished { attempt, stage, milliseconds } = event {
            tracing::info!(cell = %attempt.cell, arm = %attempt.arm, number = attempt.number, %stage, milliseconds);
        }
        if self.events.is_some() {
            self.write(event);
        }
        if let (Some(drawer), Some(tick)) = (&self.drawer, Tick::of(event)) {
            drawer.tick(tick);
        }
    }
}

/// A region is for a terminal that can move back; elsewhere it would show nothing at all.
fn manner(context: &Context, wanted: Progress) -> Option<Manner> {
    let terminal = console::Term::stderr().is_term() && !console::is_dumb();
    match wanted {
        Progress::None => None,
        _ if !context.output.talks() => None,
        Progress::Bar if terminal => Some(Manner::Region),
        Progress::Auto if terminal && !context.environment.ci => Some(Manner::Region),
        Progress::Auto | Progress::Bar | Progress::Lines => Some(Manner::Lines),
    }
}
