//! Finding and ending everything that a program has started, however it tried to get away.

use std::collections::BTreeSet;

use crate::context::Services as _;
use crate::family::Family;
use crate::guest::Guest;
use crate::sys;

/// The descendants of one run.
///
/// A child that changed its session and lost its parent has fallen to us. It is told apart by exclusion: it stands
/// below the guest, began after the run did, and belongs to no service and to no other run.
pub(crate) struct Hunt<'a> {
    guest: &'a Guest,
    id: u64,
    pid: i32,
    since: u64,
}

impl<'a> Hunt<'a> {
    pub(crate) fn new(guest: &'a Guest, id: u64, pid: i32) -> Self {
        let since = crate::family::member(pid).map_or(u64::MAX, |member| member.started);
        Self { guest, id, pid, since }
    }

    /// Sends a signal to all of them; tells whether there were any.
    pub(crate) fn signal(&self, signal: i32) -> bool {
        let found = self.find();
        if !found.is_empty() {
            // The group first: it also reaches children that are being forked right now.
            let _ = sys::kill(-self.pid, signal);
        }
        for pid in &found {
            let _ = sys::kill(*pid, signal);
        }
        !found.is_empty()
    }

    /// The living processes of the run.
    pub(crate) fn find(&self) -> Vec<i32> {
        let family = Family::now();
        let own = self.guest.pid;
        let others = self.guest.runs.others(self.id);
        let services = &self.guest.services;
        let served: BTreeSet<i32> = services.names().iter().flat_map(|name| services.processes_of(name)).collect();
        let mut found: Vec<i32> = family
            .all()
            .filter(|(pid, member)| {
                if member.zombie || *pid == own {
                    return false;
                }
                if family.descends(*pid, self.pid) || member.session == self.pid {
                    return true;
                }
                member.started >= self.since
                    && family.descends(*pid, own)
                    && !others.iter().any(|other| family.descends(*pid, *other))
                    && !others.contains(&member.session)
                    && !services.is_own(*pid)
                    && !served.contains(pid)
            })
            .map(|(pid, _)| pid)
            .collect();
        found.sort_unstable();
        found
    }
}
