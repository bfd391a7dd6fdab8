//! The lanes that are idle, and new ones as they are needed.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use patchbed_guest::descriptors;
use patchbed_guest::plan::Plan;

use super::groups::{Groups, LaneGroups};
use super::host::Host;
use super::runner::Runner;
use crate::OpenError;
use crate::spec::Limits;

/// A lane of the runner: makes one sandbox at a time, in control groups of its own.
#[derive(Debug)]
pub(super) struct Lane {
    number: u32,
    socket: OwnedFd,
    groups: LaneGroups,
}

/// All lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    // In the order of their end: the lanes, the runner, and only then the groups that they stood in.
    state: Mutex<State>,
    runner: Runner,
    groups: Groups,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Lane>,
    made: u32,
}

impl Lanes {
    pub(super) fn new(runner: Runner, groups: Groups) -> Self {
        Self { runner, groups, state: Mutex::default() }
    }

    /// An idle lane, or a new one.
    pub(super) fn take(self: &Arc<Self>) -> Result<Lane, OpenError> {
        let number = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(lane) = state.idle.pop() {
                return Ok(lane);
            }
            state.made += 1;
            state.made - 1
        };
        let groups = self.groups.for_lane(number);
        let socket = self.runner.lane(groups.entrances())?;
        Ok(Lane { number, socket, groups })
    }

    /// The folder below which systemd gets a group of its own.
    pub(super) fn for_units(&self) -> Option<&Path> {
        self.groups.for_units()
    }

    /// Takes back a lane whose sandbox is gone.
    pub(super) fn give_back(&self, lane: Lane) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).idle.push(lane);
    }
}

impl Lane {
    /// Sets the limits of the lane's groups; tells what cannot be limited.
    pub(super) fn limit(&mut self, limits: &Limits) -> Vec<String> {
        self.groups.limit(limits)
    }

    /// The groups of a sandbox on this lane whose processes move into another group of version 2.
    pub(super) fn groups_for(&self, folder: &Path) -> LaneGroups {
        self.groups.moved_to(folder)
    }

    /// What steps of a sandbox on this lane are made from.
    pub(super) fn host(&self, host: &Host) -> Host {
        host.on_lane(self.number, self.groups.limits_memory(), self.groups.meters())
    }

    /// Has a sandbox made; everything else comes over `control`.
    pub(super) fn open(&self, plan: &Plan, control: &OwnedFd) -> Result<(), OpenError> {
        let plan = serde_json::to_vec(plan).map_err(|error| OpenError::Runner(error.to_string()))?;
        descriptors::send(&self.socket, &plan, &[control.as_fd()])
            .map_err(|error| OpenError::Runner(format!("send a plan: {error}")))
    }
}
