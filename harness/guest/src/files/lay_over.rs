//! Laying a tree over another, as `cp -a FROM/. TO` would, without a program of the image.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, statat};

use super::place::{Missing, Place, open_folder};
use super::write::owner;
use crate::failure::failed;
use crate::message::Failure;
use crate::trees::Copier;

/// Lays a tree (or one file) over another; tells what was written.
pub(super) fn lay_over(
    from: &str,
    to: &str,
    mode: Option<u32>,
    owned_by: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let owner = owned_by.map(owner).transpose()?;
    let mut copier = Copier::over(mode, owner);
    go(&mut copier, from, to).map_err(|error| failed(&format!("lay `{from}` over"), to, &error))?;
    let top = to.trim_end_matches('/');
    Ok(copier.written.iter().map(|path| format!("{top}/{path}")).collect())
}

fn go(copier: &mut Copier, from: &str, to: &str) -> io::Result<()> {
    let source = Place::of(from, Missing::Error)?;
    let stat = statat(&source.folder, &source.name, AtFlags::SYMLINK_NOFOLLOW)?;
    let target = open_folder(to, Missing::Made)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        let source = open_folder(from, Missing::Error)?;
        return copier.contents(source.as_fd(), target.as_fd());
    }
    copier.one(source.folder.as_fd(), &source.name, target.as_fd())
}
