//! A request or a command that is done again and again, one after another, and how long each took inside the sandbox.

use std::time::{Duration, Instant};

use patchbed_model::{Code, Health, Key, Reading, text};
use patchbed_sandbox::message::End;
use serde_json::{Value as Json, json};

use super::command::Command;
use super::http::Http;
use super::program::{exit, last_words};
use super::{Look, ProbeError};
use crate::document::{At, Node, Problems, Read};

/// How often something is done; more than no times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Times(pub u32);

/// More take longer than any look may.
const MOST_TIMES: u32 = 1_000_000;

impl Read for Times {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let times = u32::read(node, problems)?;
        if (1..=MOST_TIMES).contains(&times) {
            return Some(Self(times));
        }
        let message = format!("expected a number from 1 to {MOST_TIMES}, this is `{times}`");
        problems.error(Code::InvalidValue, node.place, At::Value, message);
        None
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": 1, "maximum": MOST_TIMES })
    }
}

/// What is done again and again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work<'a> {
    /// A request; it fails when what it expects is not met.
    Http(&'a Http),
    /// A command; it fails when it does not exit with 0.
    Command(&'a Command),
}

/// When it is enough.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// After so many times.
    Times(u32),
    /// After so long.
    Over(Duration),
}

/// How it went.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// How long each took that was well.
    pub(super) took: Vec<Duration>,
    /// Why others failed.
    failures: Vec<String>,
    /// Whether the look's limit ended it before it was enough.
    is_cut: bool,
}

impl<'a> Work<'a> {
    /// The one that is given; the reader has seen to it that there is one.
    pub(super) fn of(http: Option<&'a Http>, command: Option<&'a Command>) -> Result<Self, ProbeError> {
        match (http, command) {
            (Some(http), _) => Ok(Self::Http(http)),
            (None, Some(command)) => Ok(Self::Command(command)),
            (None, None) => Err(ProbeError::Blind("measure: neither a request nor a command is given".to_owned())),
        }
    }

    /// Does it until it is enough, after some times that are not counted: what is done first fills caches.
    pub(super) async fn repeated(self, look: &Look<'_>, until: Until) -> Result<Series, ProbeError> {
        let begun = Instant::now();
        let warm_up = match until {
            Until::Times(times) => times.div_ceil(10).min(10),
            Until::Over(_) => 10,
        };
        for _ in 0..warm_up {
            let Some(left) = left(look, begun) else { break };
            // One that hangs or fails shows again when it counts.
            let _ = self.once(&left).await?;
        }
        let (counted, mut series) = (Instant::now(), Series::default());
        while !until.is_over(series.count(), counted.elapsed()) {
            let Some(left) = left(look, begun) else {
                series.is_cut = true;
                break;
            };
            match self.once(&left).await? {
                Ok(took) => series.took.push(took),
                Err(why) => series.failures.push(why),
            }
        }
        series.took.sort();
        Ok(series)
    }

    async fn once(self, look: &Look<'_>) -> Result<Result<Duration, String>, ProbeError> {
        match self {
            Self::Http(http) => http.timed(look).await,
            Self::Command(command) => Ok(match look.ran(command.program(), command.input.clone()).await? {
                Ok(ran) if ran.end == End::Exited(0) => Ok(Duration::from_micros(ran.microseconds)),
                Ok(ran) => Err(last_words(&ran).pop().unwrap_or_else(|| exit(look, &ran).value.to_string())),
                Err(why) => Err(why.evidence.first().cloned().unwrap_or_else(|| why.value.to_string())),
            }),
        }
    }
}

impl Until {
    fn is_over(self, count: usize, elapsed: Duration) -> bool {
        match self {
            Self::Times(times) => count >= usize::try_from(times).unwrap_or(usize::MAX),
            Self::Over(time) => elapsed >= time,
        }
    }
}

impl Series {
    fn count(&self) -> usize {
        self.took.len() + self.failures.len()
    }

    /// Whether all were well, and whether there was time for all.
    pub(super) fn states(&self, look: &Look<'_>) -> Vec<(Key, Reading)> {
        let errors = match self.failures.as_slice() {
            [] => Reading::state("none", Health::Good),
            [first, ..] => {
                let text = format!("{} of {}", self.failures.len(), self.count());
                Reading::state(text, Health::Bad).because([text::one_line(first)])
            }
        };
        let done = if self.is_cut {
            let text = format!("not done within {}", crate::change::seconds(look.within));
            let told = format!("{} were done; give the probe a longer `within`, or do fewer", self.count());
            Reading::state(text, Health::Bad).because([told])
        } else {
            Reading::state("done", Health::Good)
        };
        vec![(look.key("errors"), errors), (look.key("state"), done)]
    }
}

/// The look with the time that is left of it.
pub(super) fn left<'a>(look: &Look<'a>, begun: Instant) -> Option<Look<'a>> {
    let within = look.within.checked_sub(begun.elapsed()).filter(|left| left.as_millis() > 0)?;
    Some(Look { prefix: look.prefix.clone(), within, ..*look })
}
