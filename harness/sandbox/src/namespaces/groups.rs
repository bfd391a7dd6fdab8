//! Control groups of lanes: limits on memory and on processes, where this host lets us set them.

use patchbed_guest::plan::SetupStep;

use crate::spec::Limits;

/// Where groups can be made.
#[derive(Debug, Default)]
pub(super) struct Groups {}

/// The groups of one lane.
#[derive(Debug, Default)]
pub(super) struct LaneGroups {}

impl Groups {
    /// The groups of a new lane.
    pub(super) fn for_lane(&self, _number: u32) -> LaneGroups {
        LaneGroups {}
    }
}

impl LaneGroups {
    /// The files that take a process in.
    pub(super) fn entrances(&self) -> Vec<String> {
        Vec::new()
    }

    /// Sets limits; tells what cannot be limited.
    pub(super) fn limit(&mut self, _limits: &Limits) -> Vec<String> {
        Vec::new()
    }

    /// Counters of reached limits.
    pub(super) fn meters(&self) -> Vec<SetupStep> {
        Vec::new()
    }
}
