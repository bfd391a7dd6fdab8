//! The entries of a folder.

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::Dir;

/// All names in a folder but `.` and `..`, sorted.
pub(crate) fn names(folder: impl AsFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
