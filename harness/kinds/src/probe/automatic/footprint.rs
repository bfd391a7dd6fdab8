//! What one change wrote: the drift after it that was not there before.
//!
//! For a change that cannot say itself which paths it touches, such as a command of a patch.

use std::collections::{BTreeMap, BTreeSet};

use patchbed_sandbox::message::{FailureKind, FileFact};
use patchbed_sandbox::{AskError, Sandbox};

use super::drift::LIMIT;
use super::paths::IGNORED;

/// How the root differs from the image at one moment.
#[derive(Clone, Debug, Default)]
pub struct Footprint {
    files: BTreeMap<String, FileFact>,
    /// Whether more differed than could be told.
    is_cut: bool,
}

impl Footprint {
    /// Looks now. Without a layer of changes it is empty.
    ///
    /// # Errors
    /// The guest could not look.
    pub async fn take(sandbox: &dyn Sandbox) -> Result<Self, AskError> {
        let ignored = IGNORED.iter().map(|&glob| glob.to_owned()).collect();
        let facts = match sandbox.drift(ignored, LIMIT).await {
            Ok(facts) if facts.len() < LIMIT => facts,
            Ok(_) => return Ok(Self { is_cut: true, ..Self::default() }),
            Err(AskError::Failed(failure)) => match failure.kind {
                FailureKind::Limit => return Ok(Self { is_cut: true, ..Self::default() }),
                FailureKind::Unsupported => return Ok(Self::default()),
                FailureKind::NotFound | FailureKind::Refused | FailureKind::System => return Err(failure.into()),
            },
            Err(error @ AskError::Link(_)) => return Err(error),
        };
        Ok(Self { files: facts.into_iter().map(|fact| (fact.path.clone(), fact)).collect(), is_cut: false })
    }

    /// Why nothing can be said of what came between this and an earlier one; `None` when it can.
    #[must_use]
    pub fn cut(&self, before: &Self) -> Option<String> {
        let text = || format!("which files it wrote cannot be told: {LIMIT} or more differ from the image");
        (self.is_cut || before.is_cut).then(text)
    }

    /// The paths that were written, removed or went back to what the image has since `before`, in order. A folder
    /// counts only when nothing below it does: a path of [`super::DriftScope`] stands for its whole tree. None where
    /// either is cut: a part would look like the whole.
    #[must_use]
    pub fn since(&self, before: &Self) -> Vec<String> {
        if self.is_cut || before.is_cut {
            return Vec::new();
        }
        let (now, before) = (&self.files, &before.files);
        let written = now.iter().filter(|(path, fact)| before.get(*path) != Some(fact)).map(|(path, _)| path);
        let restored = before.keys().filter(|path| !now.contains_key(*path));
        let paths: BTreeSet<String> = written.chain(restored).cloned().collect();
        let holds_others = |path: &String| {
            let below = format!("{path}/");
            paths.range(below.clone()..).next().is_some_and(|next| next.starts_with(&below))
        };
        paths.iter().filter(|path| !holds_others(path)).cloned().collect()
    }
}
