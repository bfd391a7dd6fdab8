//! The numbers that attempts measured, as both arms show them: what a metric was judged by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Key;
use crate::reading::Better;

/// A metric in all attempts of both arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// The reading.
    pub key: Key,
    /// Its unit, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The wanted direction.
    pub better: Better,
    /// What the attempts without the patch measured, in their order.
    pub control: Vec<f64>,
    /// What the attempts with the patch measured, in their order.
    pub patched: Vec<f64>,
    /// How far apart the arms must lie before that means something.
    pub margin: f64,
}
