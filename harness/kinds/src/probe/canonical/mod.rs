//! Canonical forms: what moves by itself between two runs becomes a typed token.
//!
//! Two readings are compared in this form, and whatever a person reads has it too. Text goes in, text comes out;
//! nothing here knows where the text came from. The table of what moves is in [`passes`].

mod passes;
#[cfg(test)]
mod tests;

use patchbed_model::{Class, Reading, Value};

pub(super) use passes::CHOSEN_BY_KERNEL;

/// The text with process ids, times, ids, temporary names and the like replaced by tokens such as `⟨time⟩`.
///
/// It is idempotent, and linear in the length of the text. Versions, digests, error codes, whole durations that nobody
/// says were measured and ports that a kernel does not choose stay: when they move all the same, two looks without the
/// patch show it.
#[must_use]
pub fn canonical(text: &str) -> String {
    let mut now = text.to_owned();
    // What one round replaced can complete what another pass looks for. Three rounds have been enough for all that
    // was tried; the bound keeps the work linear whatever a program prints.
    for _ in 0..6 {
        let Some(next) = passes::round(&now) else { break };
        now = next;
    }
    now
}

/// The reading with its value and its evidence in canonical form. Facts and metrics keep their value.
#[must_use]
pub fn canonical_reading(mut reading: Reading) -> Reading {
    reading.evidence = reading.evidence.iter().map(|line| canonical(line)).collect();
    reading.value = match (reading.class, reading.value) {
        (Class::Fact | Class::Metric, value) | (_, value @ Value::Number(_)) => value,
        (Class::State | Class::Content, Value::Text(text)) => Value::Text(canonical(&text)),
        (Class::State | Class::Content, Value::List(items)) => {
            Value::List(items.iter().map(|item| canonical(item)).collect())
        }
    };
    reading
}
