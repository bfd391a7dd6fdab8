//! Listening sockets: who waits for connections or messages, and where.
//!
//! The addresses come from the kernel's tables in `/proc/net`, the processes from the descriptors in `/proc/PID/fd`.
//! Where these can not be read, the socket is told without its process.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::BorrowedFd;

use rustix::fs::OFlags;

use super::failure::Result;
use super::proc::Proc;
use super::processes::Surroundings;
use super::{names, root};
use crate::message::Socket;

/// A line of one of the kernel's tables.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    protocol: &'static str,
    address: String,
    port: u16,
    inode: u64,
    owner: Owner,
}

/// Who made a socket, as far as the table says.
#[derive(Debug, PartialEq, Eq)]
enum Owner {
    /// This user.
    User(u32),
    /// Whoever owns this file.
    File(Vec<u8>),
    /// It does not say.
    Unknown,
}

/// A process that holds a socket.
struct Holder {
    pid: i32,
    name: String,
    user: u32,
    is_own: bool,
}

/// Tells all listening sockets of TCP and UDP, and those of Unix that have a name.
pub(crate) fn sockets(surroundings: &Surroundings<'_>) -> Result<Vec<Socket>> {
    let proc = Proc::open(surroundings.root)?;
    let mut lines = Vec::new();
    for (protocol, file) in [("tcp", "tcp"), ("tcp", "tcp6"), ("udp", "udp"), ("udp", "udp6")] {
        // A kernel without IPv6 has no such table.
        let table = if file.ends_with('6') {
            proc.read(&format!("self/net/{file}")).unwrap_or_default()
        } else {
            proc.read(&format!("self/net/{file}"))?
        };
        lines.extend(internet(protocol, &table));
    }
    lines.extend(unix(&proc.read("self/net/unix").unwrap_or_default()));
    let holders = holders(&proc, surroundings)?;
    let told = lines.into_iter().filter_map(|line| tell(line, &holders, surroundings));
    let mut sockets: Vec<_> = told.collect();
    sockets.sort();
    sockets.dedup();
    Ok(sockets)
}

fn tell(line: Line, holders: &BTreeMap<u64, Holder>, surroundings: &Surroundings<'_>) -> Option<Socket> {
    let holder = holders.get(&line.inode);
    if holder.is_some_and(|holder| holder.is_own) {
        return None;
    }
    let user = match &line.owner {
        Owner::User(uid) => Some(*uid),
        Owner::File(path) => owner_of(surroundings.root, path).or(holder.map(|holder| holder.user)),
        Owner::Unknown => holder.map(|holder| holder.user),
    };
    Some(Socket {
        protocol: line.protocol.into(),
        address: line.address,
        port: line.port,
        pid: holder.map(|holder| holder.pid),
        process: holder.map(|holder| holder.name.clone()),
        service: holder.and_then(|holder| surroundings.services.service_of(holder.pid)),
        user: user.map_or_else(String::new, |uid| surroundings.users.user(uid)),
    })
}

fn owner_of(image: BorrowedFd<'_>, path: &[u8]) -> Option<u32> {
    let file = root::open(image, path, OFlags::PATH | OFlags::NOFOLLOW).ok()?;
    rustix::fs::fstat(file).ok().map(|stat| stat.st_uid)
}

/// Who holds each socket. Of several processes the one that started first counts, usually the parent of the others;
/// process 1 only when it is the only one: systemd keeps the sockets that it hands to services.
fn holders(proc: &Proc, surroundings: &Surroundings<'_>) -> Result<BTreeMap<u64, Holder>> {
    let mut processes: Vec<_> =
        proc.processes()?.into_iter().filter_map(|folder| Some((folder.stat()?, folder))).collect();
    processes.sort_by_key(|(stat, folder)| (folder.pid == 1, stat.started, folder.pid));
    let mut holders = BTreeMap::new();
    for (stat, folder) in &processes {
        for inode in folder.sockets() {
            holders.entry(inode).or_insert_with(|| Holder {
                pid: folder.pid,
                name: stat.name.clone(),
                user: folder.status().map_or(0, |status| status.uid),
                is_own: surroundings.services.is_own(folder.pid),
            });
        }
    }
    Ok(holders)
}

/// The sockets of `tcp`, `tcp6`, `udp` or `udp6` that listen, or are not connected.
fn internet(protocol: &'static str, table: &[u8]) -> Vec<Line> {
    let listening = if protocol == "tcp" { "0A" } else { "07" };
    let text = String::from_utf8_lossy(table);
    let lines = text.lines().skip(1).filter_map(|line| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let [_, local, _, state, _, _, _, uid, _, inode, ..] = fields[..] else { return None };
        if state != listening {
            return None;
        }
        let (address, port) = local.split_once(':')?;
        Some(Line {
            protocol,
            address: address_of(address)?.to_string(),
            port: u16::from_str_radix(port, 16).ok()?,
            inode: inode.parse().ok()?,
            owner: Owner::User(uid.parse().ok()?),
        })
    });
    lines.collect()
}

/// An address as the kernel writes it: words of 32 bits in hexadecimal, each in the order of the machine.
fn address_of(text: &str) -> Option<IpAddr> {
    let words: Option<Vec<_>> = text
        .as_bytes()
        .chunks(8)
        .map(|word| {
            let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
            Some(word.to_ne_bytes())
        })
        .collect();
    let bytes = words?.concat();
    let v4 = <[u8; 4]>::try_from(&bytes[..]).map(|bytes| Ipv4Addr::from(bytes).into());
    v4.or_else(|_| <[u8; 16]>::try_from(&bytes[..]).map(|bytes| Ipv6Addr::from(bytes).into())).ok()
}

/// The sockets of `unix` with a name that accept connections or take messages; whether the latter are connected can not
/// be told from the table. Names that the kernel chose (five hexadecimal digits) are not told: they belong to clients
/// and change from run to run.
fn unix(table: &[u8]) -> Vec<Line> {
    let lines = table.split(|byte| *byte == b'\n').skip(1).filter_map(|line| {
        let mut fields = line.splitn(8, |byte| *byte == b' ').map(<[u8]>::trim_ascii);
        let mut text = || fields.next().and_then(|field| std::str::from_utf8(field).ok());
        let (_, _, _, flags, kind) = (text()?.strip_suffix(':')?, text()?, text()?, text()?, text()?);
        let rest = line.splitn(7, |byte| *byte == b' ').nth(6)?.trim_ascii_start();
        let (inode, path) = rest.split_at(rest.iter().position(|byte| *byte == b' ')?);
        let (path, accepts) = (&path[1..], u32::from_str_radix(flags, 16).ok()? & 0x0001_0000 != 0);
        let takes_messages = kind == "0002";
        if !accepts && !takes_messages || is_chosen_by_kernel(path) {
            return None;
        }
        let owner = if path.starts_with(b"/") { Owner::File(path.to_vec()) } else { Owner::Unknown };
        let inode = std::str::from_utf8(inode).ok()?.parse().ok()?;
        Some(Line { protocol: "unix", address: names::text(path), port: 0, inode, owner })
    });
    lines.collect()
}

fn is_chosen_by_kernel(path: &[u8]) -> bool {
    path.strip_prefix(b"@").is_some_and(|name| name.len() == 5 && name.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &[u8] = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
        0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   106        0 20771 1 0000000000000000 100 0 0 10 0\n   \
        1: 0100007F:1538 0100007F:C350 01 00000000:00000000 00:00000000 00000000   106        0 20772 1 0000000000000000 100 0 0 10 0\n";
    const TCP6: &[u8] = b"  sl  local_address                         remote_address                        st ...\n   \
        0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1 0\n   \
        1: 00000000000000000000000001000000:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 8 1 0\n";
    const UDP: &[u8] = b"   sl  local_address rem_address   st ...\n  \
        44: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 9 2 0 0\n";
    const UNIX: &[u8] = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
        ffff8f1a: 00000002 00000000 00010000 0001 01 16543 /run/my app/a b.sock\n\
        ffff8f1b: 00000003 00000000 00000000 0001 03 16544 /run/app.sock\n\
        ffff8f1c: 00000002 00000000 00000000 0002 03   977 /run/systemd/notify\n\
        ffff8f1d: 00000002 00000000 00010000 0005 01 1234567 @abstract\n\
        ffff8f1e: 00000002 00000000 00000000 0002 01 16547 @00a1f\n\
        ffff8f1f: 00000003 00000000 00000000 0001 03 16548\n\
        garbage with /path\n";

    #[cfg(target_endian = "little")]
    #[test]
    fn tables_of_the_internet_are_read() {
        let told = |protocol, table| {
            let tell = |line: Line| format!("{}:{} {} {:?}", line.address, line.port, line.inode, line.owner);
            internet(protocol, table).into_iter().map(tell).collect::<Vec<_>>()
        };
        assert_eq!(told("tcp", TCP), ["127.0.0.1:5432 20771 User(106)"]);
        assert_eq!(told("tcp", TCP6), [":::80 7 User(0)", "::1:25 8 User(0)"]);
        assert_eq!(told("udp", UDP), ["0.0.0.0:68 9 User(0)"]);
    }

    #[test]
    fn the_table_of_unix_is_read_with_odd_paths() {
        let told: Vec<_> = unix(UNIX).into_iter().map(|line| format!("{} {}", line.address, line.inode)).collect();
        assert_eq!(told, ["/run/my app/a b.sock 16543", "/run/systemd/notify 977", "@abstract 1234567"]);
    }

    #[test]
    fn own_listeners_are_found_with_their_process() {
        use std::os::fd::AsFd;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new\nline.sock");
        let _unix = std::os::unix::net::UnixListener::bind(folder.path().join("a b.sock")).unwrap();
        let _odd = std::os::unix::net::UnixListener::bind(path).unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let image = std::fs::File::open("/").unwrap();
        let users = super::super::users::Users::read(&image);
        let surroundings = Surroundings {
            root: image.as_fd(),
            users: &users,
            services: &super::super::tests::NoServices,
            init: crate::plan::InitKind::Guest,
            opened: std::time::Duration::ZERO,
        };
        let all = sockets(&surroundings).unwrap();
        let pid = Some(std::process::id().cast_signed());
        assert!(all.iter().any(|socket| socket.port == port && socket.pid == pid && socket.address == "127.0.0.1"));
        let path = folder.path().join("a b.sock").display().to_string();
        assert!(all.iter().any(|socket| socket.address == path && socket.pid == pid && !socket.user.is_empty()));
        assert!(all.is_sorted());
    }
}
