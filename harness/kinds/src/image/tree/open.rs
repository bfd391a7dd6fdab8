//! Opening a file that a person named: never blocking, and only a regular file.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;

use camino::Utf8Path;
use rustix::fs::OFlags;

use super::TreeError;

/// Opens a regular file for reading. A FIFO or device of that name is refused at once.
pub(crate) fn open_file(path: &Utf8Path) -> Result<File, TreeError> {
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let unfit = |why: String| TreeError::Unfit(format!("open `{path}`: {why}"));
    let file = File::options()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)
        .map_err(|error| unfit(error.to_string()))?;
    let metadata = file.metadata().map_err(|error| unfit(error.to_string()))?;
    if metadata.is_dir() {
        return Err(unfit("it is a folder".to_owned()));
    }
    if !metadata.is_file() {
        return Err(unfit("it is no regular file".to_owned()));
    }
    Ok(file)
}
