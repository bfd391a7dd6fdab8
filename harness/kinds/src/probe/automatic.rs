//! What is watched without asking: every service, and the environment as a whole.

use patchbed_model::{Key, Reading};

use super::{Look, ProbeError};

/// What the patch under test brought: drift in it is explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriftScope {
    /// Packages that the patch brought or replaced.
    pub packages: Vec<String>,
    /// Paths that it wrote or removed by itself, trees included.
    pub paths: Vec<String>,
}

/// Log files whose new lines are read; to be given to the mark that is set before services are restarted.
pub const LOG_FILES: &[&str] = &["/var/log/**"];

/// What every service gets without asking. The look names the service; its prefix is the service's name.
///
/// # Errors
/// [`ProbeError::Blind`] when the look names no service or the guest could not look.
#[expect(clippy::unused_async, reason = "the guest is asked soon")]
pub async fn watch_service(look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
    Err(ProbeError::Blind(format!("watch `{}`: not there yet", look.prefix)))
}

/// What every run gets without asking: packages, drift of files, security, crashes, limits.
///
/// # Errors
/// [`ProbeError::Blind`] when nothing could be collected, which must never look like an empty, fine snapshot.
#[expect(clippy::unused_async, reason = "the guest is asked soon")]
pub async fn watch_environment(look: &Look<'_>, scope: &DriftScope) -> Result<Vec<(Key, Reading)>, ProbeError> {
    Err(ProbeError::Blind(format!("watch `{}` without {} packages: not there yet", look.prefix, scope.packages.len())))
}
