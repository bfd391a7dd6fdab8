//! The control group of a sandbox whose process 1 is systemd.

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::groups;
use super::host::{Host, Place};

/// Numbers the groups of this harness.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A group with two children: `payload`, which is systemd's own, and `guest`. Dropping it kills what is left in it.
#[derive(Debug)]
pub(super) struct UnitGroup {
    folder: PathBuf,
}

impl UnitGroup {
    /// Makes the group and gives the payload to the sandbox's root.
    pub(super) fn make(parent: &Path, host: &Host) -> io::Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let group = Self { folder: parent.join(format!("units-{number}")) };
        fs::create_dir(&group.folder)?;
        let payload = group.folder.join("payload");
        fs::create_dir(&payload)?;
        fs::create_dir(group.folder.join("guest"))?;
        if let Place::Root { base } = host.place {
            let files = ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"];
            for path in files.map(|file| payload.join(file)).iter().chain([&payload]) {
                chown(path, Some(base), Some(base))?;
            }
        }
        Ok(group)
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for UnitGroup {
    fn drop(&mut self) {
        if let Err(error) = groups::remove(&self.folder) {
            // Its parent is written down and swept as a whole.
            tracing::debug!(folder = %self.folder.display(), %error, "a unit group stays");
        }
    }
}
