//! `latency`: how long a request or a command takes.

use std::time::Duration;

use patchbed_model::{Better, Key, Reading};

use super::command::Command;
use super::http::Http;
use super::repeated::{Times, Until, Work};
use super::{Look, Probe, ProbeError};

crate::document! {
    /// A request or a command that is repeated one after another, and how long it takes.
    pub struct Latency, "a mapping with `http` or `command`" {
        /// The request. It fails when it is not answered as it expects, or with a status of 400 or more.
        http: Option<Http>, optional;
        /// The command. It fails when it does not exit with 0.
        command: Option<Command>, optional;
        /// How many times it is measured; 100 when not given.
        requests: Times, default Times(100);
    }
    exactly_one [http, command];
}

impl Probe for Latency {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let work = Work::of(self.http.as_ref(), self.command.as_ref())?;
        let series = work.repeated(look, Until::Times(self.requests.0)).await?;
        let mut readings = series.states(look);
        for (part, percent) in [("median", 50), ("p95", 95)] {
            if let Some(took) = share(&series.took, percent) {
                let milliseconds = took.as_secs_f64() * 1e3;
                readings.push((look.key(part), Reading::measured(milliseconds, "ms", Better::Lower)));
            }
        }
        Ok(readings)
    }
}

/// The least of the sorted durations that so many percent of them do not exceed.
fn share(sorted: &[Duration], percent: usize) -> Option<Duration> {
    sorted.get((sorted.len() * percent).div_ceil(100).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_one_of_the_durations() {
        let of = |count: u64, percent| share(&(1..=count).map(Duration::from_secs).collect::<Vec<_>>(), percent);
        assert_eq!(of(0, 50), None);
        assert_eq!([of(1, 50), of(1, 95)], [Some(Duration::from_secs(1)); 2]);
        assert_eq!((of(100, 50), of(100, 95)), (Some(Duration::from_secs(50)), Some(Duration::from_secs(95))));
    }
}
