//! A sandbox as an ordered list of steps: what the runner is given, what `patchbed plan` prints, what is interpreted.
//!
//! The list is made by the crate `sandbox` from a spec and from what the host can do. It knows no scenario.

use serde::{Deserialize, Serialize};

/// What process 1 of the sandbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InitKind {
    /// The guest.
    Guest,
    /// The image's own systemd, the guest beside it.
    Systemd,
}
