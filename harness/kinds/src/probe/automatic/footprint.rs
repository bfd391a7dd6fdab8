//! What one change wrote: the drift after it that was not there before.
//!
//! For a change that cannot say itself which paths it touches, such as a command of a patch.

use std::collections::{BTreeMap, BTreeSet};

use patchbed_sandbox::message::{FailureKind, FileFact};
use patchbed_sandbox::{AskError, Sandbox};

use super::paths::IGNORED;

/// The most drifted files that are remembered.
const LIMIT: usize = 50_000;

/// How the root differs from the image at one moment.
#[derive(Clone, Debug, Default)]
pub struct Footprint(BTreeMap<String, FileFact>);

impl Footprint {
    /// Looks now. Without a layer of changes it is empty.
    ///
    /// # Errors
    /// The guest could not look.
    pub async fn take(sandbox: &dyn Sandbox) -> Result<Self, AskError> {
        let ignored = IGNORED.iter().map(|&glob| glob.to_owned()).collect();
        match sandbox.drift(ignored, LIMIT).await {
            Ok(facts) => Ok(Self(facts.into_iter().map(|fact| (fact.path.clone(), fact)).collect())),
            Err(AskError::Failed(failure)) if failure.kind == FailureKind::Unsupported => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// The paths that were written, removed or went back to what the image has since `before`, in order. A folder
    /// counts only when nothing below it does: a path of [`super::DriftScope`] stands for its whole tree.
    #[must_use]
    pub fn since(&self, before: &Self) -> Vec<String> {
        let written = self.0.iter().filter(|(path, fact)| before.0.get(*path) != Some(fact)).map(|(path, _)| path);
        let restored = before.0.keys().filter(|path| !self.0.contains_key(*path));
        let paths: BTreeSet<String> = written.chain(restored).cloned().collect();
        let holds_others = |path: &String| {
            let below = format!("{path}/");
            paths.range(below.clone()..).next().is_some_and(|next| next.starts_with(&below))
        };
        paths.iter().filter(|path| !holds_others(path)).cloned().collect()
    }
}
