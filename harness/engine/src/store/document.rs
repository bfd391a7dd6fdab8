//! Documents of other machines: JSON that says in `schema` what it is.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::plan::{self, PlanDocument};

/// Why a document is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It could not be read.
    #[error("read `{path}`")]
    Unreadable {
        /// The file.
        path: Utf8PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is not whole, or no JSON.
    #[error("read `{path}`")]
    Broken {
        /// The file.
        path: Utf8PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// It is something else.
    #[error("`{path}` is no {wanted}{}", .found.as_deref().map(|found| format!(": its schema is `{found}`")).unwrap_or_default())]
    Other {
        /// The file.
        path: Utf8PathBuf,
        /// What was looked for: `record`, `plan`.
        wanted: &'static str,
        /// What it says it is.
        found: Option<String>,
    },
    /// It was written by a version that this one does not know.
    #[error("`{path}` was made by another version of patchbed: its schema is `{found}`, this one knows `{known}`")]
    Version {
        /// The file.
        path: Utf8PathBuf,
        /// What it says.
        found: String,
        /// What is known.
        known: &'static str,
    },
}

impl DocumentError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "name a file that is there and may be read",
            Self::Broken { source, .. } if source.is_eof() => {
                "it ends too early: copy it again, or make it again where it was made"
            }
            Self::Broken { .. } => "make it again where it was made",
            Self::Other { wanted: "plan", .. } => "`patchbed plan --out FILE` writes one",
            Self::Other { .. } => "`patchbed run --report json=FILE` writes one",
            Self::Version { .. } => "use one version of patchbed on all machines",
        }
    }
}

/// What every document says of itself.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: Option<String>,
}

/// Reads a plan that `patchbed plan --out` wrote.
///
/// # Errors
/// See [`DocumentError`].
pub fn read_plan(path: &Utf8Path) -> Result<PlanDocument, DocumentError> {
    read(path, ("plan", plan::SCHEMA))
}

/// Reads a document of this kind and version.
pub(super) fn read<T: DeserializeOwned>(
    path: &Utf8Path,
    (wanted, known): (&'static str, &'static str),
) -> Result<T, DocumentError> {
    let path = || path.to_owned();
    let bytes = std::fs::read(path()).map_err(|source| DocumentError::Unreadable { path: path(), source })?;
    let broken = |source| DocumentError::Broken { path: path(), source };
    let document: serde_json::Value = serde_json::from_slice(&bytes).map_err(broken)?;
    let found = Head::deserialize(&document).ok().and_then(|head| head.schema);
    let family = known.trim_end_matches(|c: char| c.is_ascii_digit());
    match found {
        Some(found) if found == known => serde_json::from_slice(&bytes).map_err(broken),
        Some(found) if found.starts_with(family) => Err(DocumentError::Version { path: path(), found, known }),
        found => Err(DocumentError::Other { path: path(), wanted, found }),
    }
}
