//! Where things are kept: beside the project, in the cache, in the user's state.

use std::ffi::OsString;
use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};

/// The folders of this invocation.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// The project: the folder that holds `scenarios/`. Always `.`, since the command begins there.
    pub(crate) project: Utf8PathBuf,
    /// `.patchbed` beside it: runs, `last`, kept sandboxes.
    pub(crate) kept: Utf8PathBuf,
    /// Images and layers, shared by all projects of this user.
    pub(crate) cache: Utf8PathBuf,
    /// What the sandboxes of this user must keep on disk while they live.
    pub(crate) sandboxes: Utf8PathBuf,
}

impl Folders {
    /// Finds them from the environment; makes none.
    pub(crate) fn find() -> Self {
        let cache = home("XDG_CACHE_HOME", ".cache").and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
        let state = state_home().and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
        Self {
            project: Utf8PathBuf::from("."),
            kept: Utf8PathBuf::from(".patchbed"),
            cache: cache.unwrap_or_else(own_temporary),
            sandboxes: state.unwrap_or_else(own_temporary).join("sandboxes"),
        }
    }

    /// A path below `.patchbed`.
    pub(crate) fn kept(&self, name: impl AsRef<Utf8Path>) -> Utf8PathBuf {
        self.kept.join(name.as_ref())
    }
}

/// The folder for what outlives a run and belongs to no project, such as reports of defects.
pub(crate) fn state_home() -> Option<PathBuf> {
    home("XDG_STATE_HOME", ".local/state")
}

/// `$variable/patchbed`, else `~/fallback/patchbed`. The specification of these variables asks for absolute paths only.
fn home(variable: &str, fallback: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").filter(|home: &OsString| !home.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(home()?.join(fallback))).map(|path| path.join("patchbed"))
}

/// Where there is no home: a folder of this user's own.
fn own_temporary() -> Utf8PathBuf {
    Utf8PathBuf::from(format!("/var/tmp/patchbed-{}", rustix::process::getuid().as_raw()))
}
