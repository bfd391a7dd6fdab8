//! One port that is watched.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::listeners::Listener;
use crate::message::WatchedPort;

/// The most times of which it is kept that a port was closed. What comes after these is not told.
const MOST: usize = 4096;

/// A port with what was seen of it.
pub(super) struct Port {
    address: IpAddr,
    number: u16,
    /// The sockets that were last seen to listen on it.
    sockets: BTreeSet<u32>,
    /// Since when it is closed.
    since: Option<u64>,
    /// Since when other sockets listen on it. They count once they are seen twice: a test of the configuration opens ports
    /// as well, for a moment.
    fresh: Option<(u64, BTreeSet<u32>)>,
    told: WatchedPort,
}

impl Port {
    /// A port, by the address on which somebody listens, and who listens now; `None` when that is no address.
    pub(super) fn new(address: &str, number: u16, listeners: &[Listener]) -> Option<Self> {
        let address = match address.parse::<IpAddr>().ok()? {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            other @ (IpAddr::V4(_) | IpAddr::V6(_)) => other.to_canonical(),
        };
        let told = WatchedPort::default();
        let mut port = Self { address, number, sockets: BTreeSet::new(), since: None, fresh: None, told };
        port.sockets = port.among(listeners);
        port.since = port.sockets.is_empty().then_some(0);
        Some(port)
    }

    /// Takes in who listens at this time.
    pub(super) fn look(&mut self, listeners: &[Listener], now: u64) {
        let sockets = self.among(listeners);
        if self.since.is_none() && !self.sockets.is_disjoint(&sockets) {
            (self.sockets, self.fresh) = (sockets, None);
            return;
        }
        let before = self.fresh.take();
        if let Some((at, fresh)) = &before
            && !fresh.is_disjoint(&sockets)
        {
            self.told = self.opened(*at);
            (self.sockets, self.since) = (sockets, None);
            return;
        }
        if before.is_some() || sockets.is_empty() {
            self.since.get_or_insert(before.map_or(now, |(at, _)| at));
        }
        self.fresh = (!sockets.is_empty()).then_some((now, sockets));
    }

    /// What was seen of it until this time.
    pub(super) fn told(&self, now: u64) -> WatchedPort {
        match (&self.fresh, self.since) {
            (Some((at, _)), _) => self.opened(*at),
            (None, Some(since)) => self.and_closed(since, now),
            (None, None) => self.told.clone(),
        }
    }

    /// What was seen of it, where other sockets stand since then.
    fn opened(&self, at: u64) -> WatchedPort {
        let told = self.since.map_or_else(|| self.told.clone(), |since| self.and_closed(since, at));
        WatchedPort { reopened: told.reopened + 1, ..told }
    }

    fn and_closed(&self, from: u64, to: u64) -> WatchedPort {
        let mut told = self.told.clone();
        if told.closed.len() < MOST {
            told.closed.push((from, to));
        }
        told
    }

    /// The sockets that take clients of the port.
    fn among(&self, listeners: &[Listener]) -> BTreeSet<u32> {
        let mine = |one: &&Listener| one.port == self.number && self.is_reached(one.address);
        listeners.iter().filter(mine).map(|listener| listener.inode).collect()
    }

    /// Whether a client of the watched address comes to a socket that listens on this one.
    fn is_reached(&self, listening: IpAddr) -> bool {
        let of_all = match listening {
            IpAddr::V4(_) => listening.is_unspecified() && self.address.is_ipv4(),
            IpAddr::V6(_) => listening.is_unspecified(),
        };
        of_all || listening == self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(address: &str, inode: u32) -> Listener {
        Listener { address: address.parse().unwrap(), port: 80, inode }
    }

    /// What is told of a port after looks each of which found these sockets, 50 ms apart.
    fn seen(address: &str, looks: &[&[(&str, u32)]]) -> WatchedPort {
        let listeners =
            |look: &[(&str, u32)]| look.iter().map(|(at, inode)| listener(at, *inode)).collect::<Vec<Listener>>();
        let mut port = Port::new(address, 80, &listeners(looks[0])).unwrap();
        for (at, look) in looks.iter().enumerate().skip(1) {
            port.look(&listeners(look), at as u64 * 50);
        }
        port.told(looks.len() as u64 * 50)
    }

    #[test]
    fn a_port_is_closed_while_no_socket_takes_its_clients() {
        let looks: [&[_]; 6] = [&[("0.0.0.0", 1)], &[("10.0.0.1", 2)], &[], &[("::", 3)], &[("::", 3)], &[]];
        let closed = vec![(50, 150), (250, 300)];
        assert_eq!(seen("0.0.0.0", &looks), WatchedPort { closed, reopened: 1 });
        // Clients of the fourth version of the protocol alone come to such a socket.
        assert_eq!(seen("::", &[&[("::", 1)], &[("0.0.0.0", 2)]]).closed, [(50, 100)]);
    }

    #[test]
    fn a_restart_between_two_looks_is_told_by_the_socket() {
        // Of several sockets one that stays is enough: workers come and go.
        let looks: [&[_]; 5] =
            [&[("::1", 1), ("::1", 2)], &[("::1", 2), ("::1", 3)], &[("::1", 3)], &[("::1", 4)], &[("::1", 4)]];
        assert_eq!(seen("::1", &looks), WatchedPort { closed: Vec::new(), reopened: 1 });
    }

    #[test]
    fn a_port_that_is_opened_for_a_moment_is_closed() {
        let open: &[_] = &[("127.0.0.1", 1)];
        let looks: [&[_]; 6] = [open, &[], &[("127.0.0.1", 2)], &[], &[("127.0.0.1", 3)], &[("127.0.0.1", 3)]];
        assert_eq!(seen("127.0.0.1", &looks), WatchedPort { closed: vec![(50, 200)], reopened: 1 });
        let looks: [&[_]; 5] = [open, &[("127.0.0.1", 2)], &[("127.0.0.1", 3)], &[("127.0.0.1", 3)], &[]];
        assert_eq!(seen("127.0.0.1", &looks), WatchedPort { closed: vec![(50, 100), (200, 250)], reopened: 1 });
    }
}
