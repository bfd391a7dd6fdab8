//! What every part of the guest may know about the sandbox it runs in: its roots, its services, its start.
//!
//! It holds no state of its own. The services are asked through [`Services`], so that observing needs to know
//! nothing about how they are supervised.

use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::plan::InitKind;

/// The folders that the guest holds open, whatever happens to the paths.
pub(crate) struct Roots {
    /// The root folder, `O_PATH`.
    pub(crate) root: OwnedFd,
    /// The overlay's upper folder, `O_PATH`.
    pub(crate) upper: Option<OwnedFd>,
    /// A folder beside the upper one, out of sight, for kept copies.
    pub(crate) scratch: Option<OwnedFd>,
    /// The roots of the read-only layers, the topmost first, `O_PATH`.
    pub(crate) lowers: Vec<OwnedFd>,
}

/// The sandbox, as the guest sees it.
pub(crate) struct Context {
    /// The root folder, `O_PATH`.
    pub(crate) root: OwnedFd,
    /// The overlay's upper folder, `O_PATH`; `None` where there is no overlay.
    pub(crate) upper: Option<OwnedFd>,
    /// The roots of the overlay's read-only layers, the topmost first, `O_PATH`.
    pub(crate) lowers: Vec<OwnedFd>,
    /// `CLOCK_BOOTTIME` when the sandbox opened: the clock of process start times.
    pub(crate) opened: Duration,
    /// What process 1 is.
    pub(crate) init: InitKind,
    /// The supervised services.
    pub(crate) services: Box<dyn Services>,
}

/// What can be asked about supervised services.
pub(crate) trait Services: Send + Sync {
    /// The names of all services that were ever started, in order.
    fn names(&self) -> Vec<String>;

    /// The service that a process belongs to, double-forked ones included.
    fn service_of(&self, pid: i32) -> Option<String>;

    /// The living processes of a service.
    fn processes_of(&self, service: &str) -> Vec<i32>;

    /// Whether a process is the harness's own (the guest, or one that keeps watch over a service): such processes are
    /// not told in any answer.
    fn is_own(&self, pid: i32) -> bool;

    /// How many bytes a service has printed so far, over all its starts; `None` for an unknown service.
    fn printed(&self, service: &str) -> Option<u64>;

    /// What a service has printed since that many bytes, both outputs in the order of their arrival. Bounded: where
    /// the beginning was dropped, the first line says so.
    fn printed_since(&self, service: &str, position: u64) -> Option<Vec<u8>>;
}
