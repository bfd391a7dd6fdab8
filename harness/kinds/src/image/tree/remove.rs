//! Removes trees of any mode and depth, by descriptor and without recursion.

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, IFlags, Mode, OFlags, RawDir, ioctl_getflags, ioctl_setflags, openat, renameat, unlinkat,
};
use rustix::io::Errno;

/// Below this depth a folder is moved up before it is emptied, so that few descriptors are open at once.
const DEPTH: usize = 48;

/// How often folders that are not empty after all are looked through again.
const AGAIN: u32 = 100;

/// A folder that is being emptied.
struct Frame {
    folder: OwnedFd,
    name: CString,
    folders: Vec<CString>,
}

/// Removes a file or a whole tree; nothing there is fine. Symbolic links are removed, never followed.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    let told =
        |error: Errno| io::Error::new(io::Error::from(error).kind(), format!("remove `{}`: {error}", path.display()));
    match unlinkat(CWD, path, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(told(error)),
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(told(Errno::BUSY)) };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let above = openat(CWD, parent, flags, Mode::empty()).map_err(told)?;
    let name = CString::new(std::os::unix::ffi::OsStrExt::as_bytes(name)).map_err(|_| told(Errno::INVAL))?;
    empty(&above, name).map_err(told)
}

fn empty(above: &OwnedFd, name: CString) -> Result<(), Errno> {
    let (mut moved, mut again) = (0_u64, 0_u32);
    let mut frames = vec![enter(above, name)?];
    while let Some(frame) = frames.last_mut() {
        if let Some(name) = frame.folders.pop() {
            if frames.len() < DEPTH {
                let frame = enter(&frames[frames.len() - 1].folder, name)?;
                frames.push(frame);
                continue;
            }
            moved += 1;
            let new = CString::new(format!(".patchbed-moved-{moved}")).map_err(|_| Errno::INVAL)?;
            let deep = &frames[frames.len() - 1].folder;
            if renameat(deep, &name, &frames[0].folder, &new).is_err() {
                open_up(deep, &name)?;
                renameat(deep, &name, &frames[0].folder, &new)?;
            }
            frames[0].folders.push(new);
            continue;
        }
        let Some(done) = frames.pop() else { break };
        let parent = frames.last().map_or(above, |frame| &frame.folder);
        match unlinkat(parent, &done.name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => {}
            // A file system may skip entries while others are removed: look again, a few times.
            Err(Errno::NOTEMPTY) if again < AGAIN => {
                again += 1;
                let frame = enter(parent, done.name)?;
                frames.push(frame);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Opens a folder, removes its files, and lists its folders.
fn enter(parent: &OwnedFd, name: CString) -> Result<Frame, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match openat(parent, &name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            open_up(parent, &name)?;
            openat(parent, &name, flags, Mode::empty())?
        }
        other => other?,
    };
    let mut folders = Vec::new();
    let mut buffer = Vec::with_capacity(32 << 10);
    let mut entries = RawDir::new(&folder, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match unlink(&folder, name) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR) => folders.push(name.to_owned()),
            Err(error) => return Err(error),
        }
    }
    Ok(Frame { folder, name, folders })
}

/// Removes one file; once more with the folder writable and no immutable mark in the way.
fn unlink(folder: &OwnedFd, name: &std::ffi::CStr) -> Result<(), Errno> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::ACCESS) => {
            rustix::fs::fchmod(folder, Mode::RWXU)?;
            unlinkat(folder, name, AtFlags::empty())
        }
        Err(Errno::PERM) => {
            unmark(folder);
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            if let Ok(file) = openat(folder, name, flags, Mode::empty()) {
                unmark(&file);
            }
            unlinkat(folder, name, AtFlags::empty())
        }
        other => other,
    }
}

/// Takes the immutable and append-only marks away, as far as that is allowed.
fn unmark(file: &OwnedFd) {
    if let Ok(marks) = ioctl_getflags(file) {
        let _ = ioctl_setflags(file, marks - (IFlags::IMMUTABLE | IFlags::APPEND));
    }
}

/// Makes a folder of one's own accessible. It is held by an `O_PATH` descriptor, so no link can be put in its place.
fn open_up(parent: &OwnedFd, name: &std::ffi::CStr) -> Result<(), Errno> {
    use std::os::fd::AsRawFd as _;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(parent, name, flags, Mode::empty())?;
    rustix::fs::chmod(format!("/proc/self/fd/{}", folder.as_raw_fd()), Mode::RWXU)
}
