//! Whether products themselves say that they run without protecting.

use patchbed_kinds::document::OneOrMany;
use patchbed_kinds::probe::log::Log;
use patchbed_kinds::probe::{Look, ProbeError};
use patchbed_model::text::{last_lines, shorten, visible};
use patchbed_model::{Health, Key, Reading};
use patchbed_sandbox::message::{End, Program, Ran, Run};
use patchbed_sandbox::{AskError, LinkError};
use regex::Regex;

use super::look::{Readings, Sight};
use super::pace::milliseconds;
use crate::expression::somewhere;
use crate::scenario::{Degraded, Software};

/// How long one answer may take.
const WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// How many bytes of an output are kept.
const KEEP: usize = 64 << 10;

/// How many lines that say so are shown.
const MOST_LINES: usize = 5;

/// The status with which a shell ends when it could not start what it was told to.
const NOT_STARTED: [i32; 2] = [126, 127];

impl Sight<'_> {
    /// What each product that can be asked says.
    pub(super) async fn degraded(&self) -> Result<Readings, LinkError> {
        let mut all = Vec::new();
        for product in self.products {
            if let Some(degraded) = &product.degraded {
                all.extend(self.asked(product, degraded).await?);
            }
        }
        Ok(all)
    }

    async fn asked(&self, product: &Software, degraded: &Degraded) -> Result<Readings, LinkError> {
        let key = product.degraded_key();
        let look = self.at(key.clone(), WITHIN);
        let answer = async {
            let reading = match degraded {
                Degraded::Program(argv) => by_program(&look, argv).await?,
                Degraded::Line { pattern, services, files } => self.by_line(&look, pattern, (services, files)).await?,
            };
            Ok(vec![(key.clone(), reading)])
        };
        let answer = self.limited(&look, answer).await?;
        // What could not be seen stands under the key of a look.
        Ok(answer.into_iter().map(|(at, reading)| told(&key, at, reading)).collect())
    }

    async fn by_line(
        &self,
        look: &Look<'_>,
        pattern: &str,
        (services, files): (&[String], &[String]),
    ) -> Result<Reading, ProbeError> {
        let regex = somewhere(pattern).map_err(|error| ProbeError::Blind(error.to_string()))?;
        let mut lines = Vec::new();
        for name in services {
            let look = Look { service: self.watched_as(Some(name)), ..self.at(look.prefix.clone(), look.within) };
            lines.extend(Log { files: None, journal: None }.said(&look).await?);
        }
        if !files.is_empty() {
            lines.extend(Log { files: Some(OneOrMany(files.to_vec())), journal: None }.said(look).await?);
        }
        Ok(said(&regex, &lines))
    }
}

fn told(key: &Key, at: Key, reading: Reading) -> (Key, Reading) {
    if at == *key {
        return (at, reading);
    }
    (key.clone(), cannot_ask(vec![reading.value.to_string()]))
}

async fn by_program(look: &Look<'_>, argv: &[String]) -> Result<Reading, ProbeError> {
    let program = Program { argv: argv.to_vec(), ..Program::default() };
    let run = Run { program, within: milliseconds(look.within), keep: KEEP, ..Run::default() };
    match look.sandbox.run(run).await {
        Ok(ran) => Ok(of_end(&ran)),
        Err(AskError::Failed(failure)) => Ok(cannot_ask(vec![visible(&failure.text)])),
        Err(error @ AskError::Link(_)) => Err(error.into()),
    }
}

fn of_end(ran: &Ran) -> Reading {
    let mut words = last_lines(&ran.output.text, 5);
    words.extend(last_lines(&ran.errors.text, 10));
    match ran.end {
        End::Exited(0) => Reading::state("degraded", Health::Bad).because(words),
        End::Exited(status) if !NOT_STARTED.contains(&status) => protecting(),
        End::Exited(_) | End::Killed { .. } | End::TimedOut => {
            words.insert(0, ran.end.to_string());
            cannot_ask(words)
        }
    }
}

fn said(regex: &Regex, lines: &[String]) -> Reading {
    let mut found = lines.iter().filter(|line| regex.is_match(line)).peekable();
    if found.peek().is_none() {
        return protecting();
    }
    let shown = found.take(MOST_LINES).map(|line| shorten(&visible(line), 300));
    Reading::state("degraded", Health::Bad).because(shown)
}

fn protecting() -> Reading {
    Reading::state("protecting", Health::Good)
}

fn cannot_ask(why: Vec<String>) -> Reading {
    Reading::state("cannot ask", Health::Bad).because(why)
}
