//! What happens, in order: into the journal first, then into the record, then to whoever listens.

use patchbed_model::{Event, Record, RunId};

use super::harness::EventSink;
use crate::store::{Fold, Journal, StateError, masked_event};

/// Keeps and tells what happens.
pub(super) struct Chronicle<'a> {
    journal: Journal,
    fold: Fold,
    sink: &'a mut dyn EventSink,
}

impl<'a> Chronicle<'a> {
    pub(super) fn new(journal: Journal, sink: &'a mut dyn EventSink) -> Self {
        Self { journal, fold: Fold::default(), sink }
    }

    /// Takes in what was in the journal before the run was cut off. It was told then.
    pub(super) fn remember(&mut self, event: &Event) {
        self.fold.take(event);
    }

    /// Tells what is in the journal already.
    pub(super) fn written(&mut self, event: &Event) {
        self.fold.take(event);
        self.sink.event(event);
    }

    /// Something happened. A result is durable before it is told.
    pub(super) fn tell(&mut self, event: Event) -> Result<(), StateError> {
        let event = masked_event(event);
        self.journal.append(&event)?;
        if is_result(&event) {
            self.journal.sync()?;
        }
        self.written(&event);
        Ok(())
    }

    /// Something happened in another run, whose journal has it already.
    pub(super) fn repeat(&mut self, event: &Event) -> Result<(), StateError> {
        self.journal.append(event)?;
        self.written(event);
        Ok(())
    }

    /// The run's id.
    pub(super) fn run(&self) -> RunId {
        self.fold.run()
    }

    /// The record as it is now.
    pub(super) fn record(&self) -> Record {
        self.fold.clone().record()
    }
}

/// Whether somebody may act on the event, so that a power cut must not take it back.
const fn is_result(event: &Event) -> bool {
    match event {
        Event::RunStarted { .. }
        | Event::AttemptFinished { .. }
        | Event::CellJudged { .. }
        | Event::Searched { .. }
        | Event::CellMerged { .. }
        | Event::RunFinished { .. } => true,
        Event::CellPlanned(_)
        | Event::CellPrepared { .. }
        | Event::LayerMade { .. }
        | Event::AttemptStarted { .. }
        | Event::StageFinished { .. }
        | Event::OutagesSeen { .. }
        | Event::RunMerged { .. }
        | Event::Note { .. }
        | Event::RunResumed { .. } => false,
    }
}
