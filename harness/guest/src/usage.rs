//! What the sandbox has used, and which limits it has reached.

use std::os::fd::AsFd;

use rustix::fs::fstatvfs;

use crate::family::Family;
use crate::guest::Guest;
use crate::message::Usage;
use crate::meter::Meter;
use crate::reaper::lock;
use crate::sys;

/// The kernel's clock ticks of `/proc`, which are the same everywhere.
const TICKS: u64 = 100;

/// Looks now.
pub(crate) fn usage(guest: &Guest) -> Usage {
    let family = Family::now();
    let own = guest.pid;
    let page = rustix::param::page_size() as u64;
    let memory = family.all().map(|(_, member)| member.pages).sum::<u64>() * page;
    let living: u64 = family.all().map(|(_, member)| member.ticks).sum();
    // Under systemd not everything that has ended was reaped by us.
    let processor = (own == 1).then(|| living * (1000 / TICKS) + sys::processor_of_children());
    let mut reached = lock(&guest.reached).clone();
    reached.extend(guest.meters.iter().filter_map(Meter::reached).map(str::to_owned));
    if family.all().count() >= guest.settings.processes as usize {
        reached.insert("processes".into());
    }
    let upper = guest.context.upper.as_ref().map_or(guest.context.root.as_fd(), AsFd::as_fd);
    let (mut disk, mut disk_free) = (0, 0);
    if let Ok(space) = fstatvfs(upper) {
        disk_free = space.f_bavail * space.f_frsize;
        disk = (space.f_blocks - space.f_bfree) * space.f_frsize;
        if space.f_bavail == 0 {
            reached.insert("disk".into());
        }
        if space.f_files > 0 && space.f_favail == 0 {
            reached.insert("files".into());
        }
    }
    Usage { memory, processor, disk, disk_free, reached: reached.into_iter().collect() }
}
