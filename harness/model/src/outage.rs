//! When services could not be reached while the patch was applied and services were restarted, and during which steps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one attempt saw from before the patch until after the restart. Times are milliseconds since it began to watch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outages {
    /// For how long it watched.
    pub milliseconds: u64,
    /// What was done meanwhile, in order: steps of the package manager, and the stages of the attempt.
    pub steps: Vec<Step>,
    /// The services that listened on a TCP port before the patch, in the order of the scenario.
    pub services: Vec<Outage>,
}

/// One step of what was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// When it began.
    pub from: u64,
    /// When it ended.
    pub to: u64,
    /// What it was: `configure of nginx`, `restart`.
    pub what: String,
}

/// When one service could not be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outage {
    /// The service.
    pub service: String,
    /// Where it listened before the patch: `tcp/0.0.0.0:80`.
    pub addresses: Vec<String>,
    /// When at least one of these was closed, in order.
    pub closed: Vec<Closed>,
    /// How often it opened a port anew: a restart that no look caught with its port closed counts as well.
    pub restarts: u32,
}

/// A time during which a service could not be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Closed {
    /// When the first address was seen to be closed.
    pub from: u64,
    /// When all were seen to be open again, or nobody watched any more.
    pub to: u64,
    /// The steps that were done meanwhile.
    pub during: Vec<String>,
}

impl Outage {
    /// For how long it could not be reached in all, in milliseconds.
    #[must_use]
    pub fn milliseconds(&self) -> u64 {
        self.closed.iter().map(|closed| closed.to.saturating_sub(closed.from)).sum()
    }
}
