//! Where an attempt is, and how long its stages take.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use patchbed_model::{AttemptId, Event, Stage};
use tokio::sync::mpsc::UnboundedSender;

use super::clock::Clock;

/// The stage of an attempt, told to the run as it ends.
#[derive(Debug)]
pub(super) struct Pace {
    attempt: AttemptId,
    clock: Arc<dyn Clock>,
    events: UnboundedSender<Event>,
    now: Mutex<Stage>,
}

impl Pace {
    pub(super) fn new(attempt: AttemptId, clock: Arc<dyn Clock>, events: UnboundedSender<Event>) -> Self {
        Self { attempt, clock, events, now: Mutex::new(Stage::Open) }
    }

    /// The stage that runs, or that ran last.
    pub(super) fn current(&self) -> Stage {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the run something about the attempt. Nobody listens any more when the run was left in haste.
    pub(super) fn tell(&self, event: impl FnOnce(AttemptId) -> Event) {
        let _ = self.events.send(event(self.attempt.clone()));
    }

    /// Does the work of a stage. The time is told also when it fails.
    pub(super) async fn stage<T>(&self, stage: Stage, work: impl Future<Output = T>) -> T {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        let start = self.clock.elapsed();
        let done = work.await;
        let milliseconds = milliseconds(self.clock.elapsed().saturating_sub(start));
        self.tell(|attempt| Event::StageFinished { attempt, stage, milliseconds });
        done
    }
}

/// Whole milliseconds, for records.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
