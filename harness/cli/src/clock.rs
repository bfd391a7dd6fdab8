//! A clock whose day is given by `SOURCE_DATE_EPOCH`: the same run says the same times, whenever it is made.

use std::time::Duration;

use jiff::Timestamp;
use patchbed_engine::run::{Clock, SystemClock};

/// The time of day begins at the epoch; time goes on as ever.
#[derive(Debug)]
pub(crate) struct EpochClock {
    epoch: Timestamp,
    clock: SystemClock,
}

impl EpochClock {
    /// A clock that begins at the epoch now.
    pub(crate) fn new(epoch: Timestamp) -> Self {
        Self { epoch, clock: SystemClock::new() }
    }
}

impl Clock for EpochClock {
    fn now(&self) -> Timestamp {
        self.epoch
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn sleep(&self, duration: Duration) -> patchbed_sandbox::BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }
}
