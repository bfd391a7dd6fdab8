//! Names of hosts as addresses: literals, `localhost`, and the image's `/etc/hosts`. Nothing else.
//!
//! The guest is linked statically and a sandbox has no network, so neither the C library's name service nor a server is
//! ever asked; what is not known here is not known.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;

use super::root;

/// The names of `/etc/hosts`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    lines: Vec<(IpAddr, Vec<String>)>,
}

impl Hosts {
    /// Reads them from the image; without the file there are none.
    pub(crate) fn read(image: impl AsFd) -> Self {
        Self::parse(&root::read(image, b"/etc/hosts", 1 << 20).unwrap_or_default())
    }

    /// Reads them from the file's content; lines that make no sense are passed over.
    pub(crate) fn parse(content: &[u8]) -> Self {
        let content = String::from_utf8_lossy(content);
        let lines = content.lines().filter_map(|line| {
            let mut words = line.split('#').next().unwrap_or("").split_whitespace();
            let address = words.next()?.split('%').next()?.parse().ok()?;
            Some((address, words.map(str::to_ascii_lowercase).collect()))
        });
        Self { lines: lines.collect() }
    }

    /// The addresses of a host, IPv4 first, each once; empty for a name that is not known.
    pub(crate) fn addresses(&self, host: &str) -> Vec<IpAddr> {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = host.parse() {
            return vec![address];
        }
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let named = self.lines.iter().filter(|(_, names)| names.contains(&name));
        let mut addresses: Vec<_> = named.map(|(address, _)| *address).collect();
        if addresses.is_empty() && (name == "localhost" || name.ends_with(".localhost")) {
            addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        addresses.sort_by_key(IpAddr::is_ipv6);
        let mut told = Vec::new();
        addresses.retain(|address| {
            let is_first = !told.contains(address);
            told.push(*address);
            is_first
        });
        addresses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: &[u8] = b"127.0.0.1 localhost\n::1 localhost ip6-localhost # both\n10.0.0.7\tshop.bank.example Shop\n\
        10.0.0.8 shop\nnonsense\n10.0.0.9\nfe80::1%eth0 linked\n";

    fn addresses(host: &str) -> Vec<String> {
        Hosts::parse(HOSTS).addresses(host).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_of_the_file_are_known_whatever_their_case() {
        assert_eq!(addresses("SHOP"), ["10.0.0.7", "10.0.0.8"]);
        assert_eq!(addresses("shop.bank.example."), ["10.0.0.7"]);
        assert_eq!(addresses("linked"), ["fe80::1"]);
        assert_eq!(addresses("elsewhere"), [""; 0]);
    }

    #[test]
    fn literals_and_localhost_need_no_file() {
        assert_eq!(addresses("192.0.2.1"), ["192.0.2.1"]);
        assert_eq!(addresses("[::1]"), ["::1"]);
        assert_eq!(addresses("localhost"), ["127.0.0.1", "::1"]);
        assert_eq!(Hosts::default().addresses("db.localhost").len(), 2);
    }
}
