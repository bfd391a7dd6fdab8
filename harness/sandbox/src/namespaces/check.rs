//! What a host lacks, found by asking the kernel, and how to mend it.

use patchbed_guest::message::SetupError;

use crate::OpenError;

/// Turns a failed step into what it says about the host.
pub(super) fn explain(error: SetupError) -> OpenError {
    OpenError::Setup(error)
}
