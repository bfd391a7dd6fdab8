//! Who listens on TCP ports, asked of the kernel by its socket diagnosis. The tables in `/proc/net` say the same, but take
//! a hundred times as long, because the kernel looks through all places for connections.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};

use super::super::failure::{self, Result};

/// `SOCK_DIAG_BY_FAMILY` of `linux/sock_diag.h`.
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST` and `NLM_F_DUMP` of `linux/netlink.h`.
const DUMP: u16 = 0x301;
/// `NLMSG_ERROR` and `NLMSG_DONE` of `linux/netlink.h`.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// The length of a message's header.
const HEADER: usize = 16;
/// `IPPROTO_TCP`, and the bit of `TCP_LISTEN`.
const TCP: u8 = 6;
const LISTENING: u32 = 1 << 10;

/// How long the kernel may take to answer.
const WITHIN: Duration = Duration::from_secs(1);

/// A socket that listens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listener {
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) inode: u32,
}

/// The way to ask.
pub(super) struct Listeners(OwnedFd);

impl Listeners {
    pub(super) fn new() -> Result<Self> {
        let (family, kind, flags) = (AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC);
        let socket = rustix::net::socket_with(family, kind, flags, Some(netlink::SOCK_DIAG)).map_err(failed)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(WITHIN)).map_err(failed)?;
        Ok(Self(socket))
    }

    /// All sockets that listen now.
    pub(super) fn all(&self) -> Result<Vec<Listener>> {
        let mut all = Vec::new();
        for family in [AddressFamily::INET, AddressFamily::INET6] {
            self.of_family(family, &mut all).map_err(failed)?;
        }
        Ok(all)
    }

    fn of_family(&self, family: AddressFamily, all: &mut Vec<Listener>) -> std::result::Result<(), Errno> {
        rustix::net::send(&self.0, &question(family), SendFlags::empty())?;
        let mut piece = vec![0; 32 << 10];
        loop {
            let (count, _) = rustix::net::recv(&self.0, piece.as_mut_slice(), RecvFlags::empty())?;
            if read(&piece[..count], all)? == Answer::Whole {
                return Ok(());
            }
        }
    }
}

fn failed(errno: Errno) -> crate::message::Failure {
    failure::system("ask for", "listening sockets", errno)
}

/// A header, and `inet_diag_req_v2` of `linux/inet_diag.h`.
fn question(family: AddressFamily) -> Vec<u8> {
    let length = HEADER + 56;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(u32::try_from(length).unwrap_or(0).to_ne_bytes());
    bytes.extend(BY_FAMILY.to_ne_bytes());
    bytes.extend(DUMP.to_ne_bytes());
    bytes.resize(HEADER, 0);
    bytes.extend([u8::try_from(family.as_raw()).unwrap_or(0), TCP, 0, 0]);
    bytes.extend(LISTENING.to_ne_bytes());
    bytes.resize(length, 0);
    bytes
}

/// Whether more is to come.
#[derive(PartialEq, Eq)]
enum Answer {
    More,
    Whole,
}

/// Reads the messages of one piece.
fn read(mut piece: &[u8], all: &mut Vec<Listener>) -> std::result::Result<Answer, Errno> {
    while let Some((length, kind)) = header(piece) {
        let (message, rest) = piece.split_at(length);
        match kind {
            DONE => return Ok(Answer::Whole),
            ERROR => return Err(Errno::from_raw_os_error(-number(message, HEADER).map_or(-5, u32::cast_signed))),
            _ => all.extend(listener(&message[HEADER..])),
        }
        // Messages begin at multiples of four.
        piece = rest.get(length.next_multiple_of(4) - length..).unwrap_or_default();
    }
    Ok(Answer::More)
}

/// The length of the first message and its kind; `None` where no whole message is left.
fn header(piece: &[u8]) -> Option<(usize, u16)> {
    let length = usize::try_from(number(piece, 0)?).ok()?;
    let kind = piece.get(4..6)?.try_into().ok().map(u16::from_ne_bytes)?;
    (HEADER..=piece.len()).contains(&length).then_some((length, kind))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

/// `inet_diag_msg` of `linux/inet_diag.h`.
fn listener(message: &[u8]) -> Option<Listener> {
    let address = if u16::from(*message.first()?) == AddressFamily::INET.as_raw() {
        <[u8; 4]>::try_from(message.get(8..12)?).ok().map(|bytes| Ipv4Addr::from(bytes).into())?
    } else {
        <[u8; 16]>::try_from(message.get(8..24)?).ok().map(|bytes| Ipv6Addr::from(bytes).into())?
    };
    let port = message.get(4..6)?.try_into().ok().map(u16::from_be_bytes)?;
    Some(Listener { address: IpAddr::to_canonical(&address), port, inode: number(message, 68)? })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn own_listeners_are_among_them_and_connections_are_not() {
        let (one, other) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("[::1]:0").unwrap());
        let connection = std::net::TcpStream::connect(one.local_addr().unwrap()).unwrap();
        let all = Listeners::new().unwrap().all().unwrap();
        let is_there = |address: std::net::SocketAddr| {
            all.iter().any(|one| one.inode > 0 && (one.address, one.port) == (address.ip(), address.port()))
        };
        assert!(is_there(one.local_addr().unwrap()) && is_there(other.local_addr().unwrap()));
        assert!(!is_there(connection.local_addr().unwrap()));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(piece in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&piece, &mut Vec::new());
        }
    }
}
