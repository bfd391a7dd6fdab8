//! Files that are whole or not there: written beside, synced, renamed.

use std::fs::File;
use std::io::{self, Write as _};

use camino::Utf8Path;

use super::state::StateError;

/// Writes a file so that a reader, a crash or a power cut sees the old one or the new one.
pub(crate) fn write(path: &Utf8Path, bytes: &[u8]) -> Result<(), StateError> {
    try_write(path, bytes).map_err(|source| StateError::io("write", path, source))
}

fn try_write(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Utf8Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".patchbed-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}

/// Makes the entries of a folder durable.
pub(super) fn sync_folder(folder: &Utf8Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
