//! `throughput`: how many requests or commands are done in a second.

use std::time::Duration;

use patchbed_model::{Better, Key, Reading};

use super::command::Command;
use super::http::Http;
use super::repeated::{Series, Times, Until, Work};
use super::{Look, Probe, ProbeError};
use crate::document::Span;

crate::document! {
    /// A request or a command that one client repeats one after another, and how many are well in a second.
    pub struct Throughput, "a mapping with `http` or `command`" {
        /// The request. It fails when it is not answered as it expects, or with a status of 400 or more.
        http: Option<Http>, optional;
        /// The command. It fails when it does not exit with 0.
        command: Option<Command>, optional;
        /// How many times it is done; 100 when neither this nor `during` is given.
        requests: Option<Times>, optional;
        /// For how long it is repeated, instead of a number of times.
        during: Option<Span>, optional;
    }
    exactly_one [http, command];
}

impl Probe for Throughput {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let work = Work::of(self.http.as_ref(), self.command.as_ref())?;
        let until = match (self.requests, self.during) {
            (Some(times), _) => Until::Times(times.0),
            (None, Some(time)) => Until::Over(time.0),
            (None, None) => Until::Times(100),
        };
        let series = work.repeated(look, until).await?;
        let mut readings = series.states(look);
        let rate = rate(&series).map(|rate| Reading::measured(rate, "per second", Better::Higher));
        readings.extend(rate.map(|reading| (look.key("rate"), reading)));
        Ok(readings)
    }
}

/// How many were well in each second that they took, the way to the sandbox and back left out.
fn rate(series: &Series) -> Option<f64> {
    let seconds = series.took.iter().sum::<Duration>().as_secs_f64();
    let count = u32::try_from(series.took.len()).ok()?;
    (seconds > 0.0).then(|| f64::from(count) / seconds)
}
