//! The tasks that come with this crate: removing and copying trees.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use patchbed_guest::trees;
use serde::Deserialize;

use crate::face::Task;

/// All of them.
pub(crate) const BUILT_IN: &[Task] = &[Task { name: "remove", run: remove }, Task { name: "copy", run: copy }];

#[derive(Deserialize)]
struct Copy {
    from: String,
    to: String,
}

fn remove(argument: &str, _input: &mut dyn Read) -> Result<String, String> {
    let paths: Vec<String> = serde_json::from_str(argument).map_err(|error| error.to_string())?;
    for path in &paths {
        remove_tree(Path::new(path)).map_err(|error| format!("remove `{path}`: {error}"))?;
    }
    Ok("null".into())
}

/// Removes a tree of which this process may act for all owners.
pub(crate) fn remove_tree(path: &Path) -> io::Result<u64> {
    let (parent, name) = split(path)?;
    // Folders that only their owner may enter stand in nobody's way here; a parent that is gone took the tree along.
    match File::open(parent) {
        Ok(parent) => trees::remove(parent.as_fd(), &name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

fn copy(argument: &str, _input: &mut dyn Read) -> Result<String, String> {
    let Copy { from, to } = serde_json::from_str(argument).map_err(|error| error.to_string())?;
    copy_tree(Path::new(&from), Path::new(&to)).map_err(|error| format!("copy `{from}` to `{to}`: {error}"))?;
    Ok("null".into())
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    let (from_parent, from_name) = split(from)?;
    let (to_parent, to_name) = split(to)?;
    let (from, to) = (File::open(from_parent)?, File::open(to_parent)?);
    trees::Copier::default().tree((from.as_fd(), &from_name), (to.as_fd(), &to_name))
}

fn split(path: &Path) -> io::Result<(&Path, CString)> {
    let wrong = || io::Error::from(io::ErrorKind::InvalidInput);
    let parent = path.parent().filter(|path| !path.as_os_str().is_empty());
    let name = path.file_name().ok_or_else(wrong)?;
    let name = CString::new(name.as_bytes()).map_err(|_| wrong())?;
    Ok((parent.unwrap_or(Path::new(".")), name))
}
