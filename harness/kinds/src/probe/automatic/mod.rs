//! What is watched without asking: every service, and the environment as a whole.
//!
//! Nothing here is named in a scenario. What could not be looked at is an error and never an empty answer: a snapshot
//! without packages or processes would be equal to every other such snapshot, and pass.

mod crashes;
mod drift;
mod environment;
mod faces;
mod footprint;
mod imports;
mod jobs;
mod logs;
mod paths;
mod programs;
mod security;
mod service;
#[cfg(test)]
mod tests;
mod visit;

pub use environment::watch_environment;
pub use faces::faces;
pub use footprint::Footprint;
pub use imports::watch_imports;
pub use jobs::run_jobs;
pub use logs::LOG_FILES;
pub use programs::Programs;
pub(super) use service::state;
pub use service::watch_service;
pub use visit::visit_service;

/// What the patch under test brought: drift in it is explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriftScope {
    /// Packages that the patch brought or replaced.
    pub packages: Vec<String>,
    /// Paths that it wrote or removed by itself, trees included.
    pub paths: Vec<String>,
    /// Files that its packages owned before and do not own any more.
    pub dropped: Vec<String>,
}
