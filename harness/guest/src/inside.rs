//! Opening inside a root, out of which no link leads.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

/// How often the kernel is asked again. Each time takes a microsecond.
const TRIES: u32 = 1000;

/// Opens a path as if the root were `/`; links are followed there, but not those of `/proc`.
pub(crate) fn open(root: impl AsFd, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let mut tries = TRIES;
    loop {
        match openat2(&root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            // While a `..` was walked, something was renamed or mounted, anywhere: the kernel cannot tell whether it led
            // out, and wants to be asked again.
            Err(Errno::AGAIN | Errno::INTR) if tries > 0 => tries -= 1,
            opened => return opened,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn renames_meanwhile_do_no_harm() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("root/a/b")).expect("folders");
        std::fs::write(path("root/found"), "").expect("a file");
        let root: OwnedFd = std::fs::File::open(path("root")).expect("the root").into();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::fs::create_dir(path("one")).expect("a folder");
                while !over.load(Ordering::Relaxed) {
                    std::fs::rename(path("one"), path("other")).expect("renamed");
                    std::fs::rename(path("other"), path("one")).expect("renamed back");
                }
            });
            let all_opened = (0..20_000).all(|_| open(&root, b"a/../a/b/../../found", OFlags::RDONLY).is_ok());
            over.store(true, Ordering::Relaxed);
            assert!(all_opened);
        });
    }
}
