//! Time, from outside: nothing in the engine asks the system for it.

use std::fmt::Debug;
use std::time::Duration;

use jiff::Timestamp;
use patchbed_sandbox::BoxFuture;

/// Where time comes from.
pub trait Clock: Debug + Send + Sync {
    /// The time of day, for the record.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment. Never goes back, whatever happens to the time of day.
    fn elapsed(&self) -> Duration;

    /// Waits.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The system's time. Waiting and [`Clock::elapsed`] follow tokio's clock, which a test can pause.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: tokio::time::Instant,
}

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: tokio::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
