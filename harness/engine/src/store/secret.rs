//! Values that look like secrets are masked before anything is written or shown. The mask holds four digits of the
//! value's digest, so that a changed secret is still a changed reading.

use std::sync::LazyLock;

use patchbed_model::{Cause, Digest, Event, Outcome, Reading, Value};
use regex::{Captures, Regex};

/// What the mask of a value begins with.
const MASK: &str = "⟨masked";

/// What looks like a secret. The group `value` is masked; without it the whole match is.
static SECRETS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // name = value, name: value, "name": "value", --name value
        r#"(?i)(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)["']?\s*[=:]\s*["']?(?P<value>[^\s"',;&]{4,})"#,
        r"(?i)--(?:password|secret|token|api-key)[ =](?P<value>[^\s]{4,})",
        r"(?i)\b(?:bearer|basic)\s+(?P<value>[A-Za-z0-9._~+/=-]{8,})",
        // user:password@ in addresses
        r"://[^/\s:@]{1,64}:(?P<value>[^/\s@]{1,256})@",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"\bgh[pousr]_[A-Za-z0-9]{20,}\b",
        r"\bglpat-[A-Za-z0-9_-]{20,}",
        r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
        r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<value>[^-]+)-----END",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// The text with what looks like a secret masked.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut text = text.to_owned();
    for pattern in SECRETS.iter() {
        if pattern.is_match(&text) {
            text = pattern.replace_all(&text, mask).into_owned();
        }
    }
    text
}

fn mask(found: &Captures<'_>) -> String {
    let whole = found.get_match();
    let value = found.name("value").unwrap_or(whole);
    if value.as_str().starts_with(MASK) {
        return whole.as_str().to_owned();
    }
    let token = format!("{MASK} {}⟩", &Digest::of(value.as_str().as_bytes()).short()[..4]);
    // The name of a secret may be the secret itself, so that the place decides and not the text.
    let (before, after) = (value.start() - whole.start(), value.end() - whole.start());
    format!("{}{token}{}", &whole.as_str()[..before], &whole.as_str()[after..])
}

/// Whether something in the text was masked.
#[must_use]
pub fn is_masked(text: &str) -> bool {
    text.contains(MASK)
}

/// The outcome with all its texts masked.
#[must_use]
pub fn masked_outcome(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Observed(mut snapshot) => {
            snapshot.readings.values_mut().for_each(mask_reading);
            Outcome::Observed(snapshot)
        }
        Outcome::Stopped(cause) => Outcome::Stopped(masked_cause(cause)),
    }
}

/// The event with the texts in it masked that come from inside a sandbox or from the command line.
#[must_use]
pub fn masked_event(event: Event) -> Event {
    match event {
        Event::RunStarted { run, at, version, sources, arguments, host } => {
            let arguments = arguments.iter().map(|word| masked(word)).collect();
            Event::RunStarted { run, at, version, sources, arguments, host }
        }
        Event::AttemptFinished { attempt, outcome, milliseconds, notes } => Event::AttemptFinished {
            attempt,
            outcome: Box::new(masked_outcome(*outcome)),
            milliseconds,
            notes: notes.iter().map(|note| masked(note)).collect(),
        },
        Event::OutagesSeen { attempt, mut outages } => {
            let closed = outages.services.iter_mut().flat_map(|outage| &mut outage.closed);
            let during = closed.flat_map(|closed| &mut closed.during);
            outages.steps.iter_mut().map(|step| &mut step.what).chain(during).for_each(|text| *text = masked(text));
            Event::OutagesSeen { attempt, outages }
        }
        Event::LayerMade { cell, layer, source, milliseconds } => {
            Event::LayerMade { cell, layer, source: masked(&source), milliseconds }
        }
        Event::Note { cell, text } => Event::Note { cell, text: masked(&text) },
        // A judgement is made of outcomes that were masked before.
        other @ (Event::CellPlanned(_)
        | Event::CellPrepared { .. }
        | Event::AttemptStarted { .. }
        | Event::StageFinished { .. }
        | Event::CellJudged { .. }
        | Event::Searched { .. }
        | Event::RunMerged { .. }
        | Event::CellMerged { .. }
        | Event::RunResumed { .. }
        | Event::RunFinished { .. }) => other,
    }
}

fn masked_cause(mut cause: Cause) -> Cause {
    cause.text = masked(&cause.text);
    cause.evidence.iter_mut().for_each(|line| *line = masked(line));
    cause
}

fn mask_reading(reading: &mut Reading) {
    match &mut reading.value {
        Value::Text(text) => *text = masked(text),
        Value::List(items) => items.iter_mut().for_each(|item| *item = masked(item)),
        Value::Number(_) => {}
    }
    reading.evidence.iter_mut().for_each(|line| *line = masked(line));
}
