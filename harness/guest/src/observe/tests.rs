//! What several tests need: trees that are too deep to be made or removed by path, a port on which nobody listens, and a
//! sandbox without services.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

use crate::context::Services;

/// Makes a chain of folders `d` inside a new folder, each beside an empty file `e`.
pub(super) fn make_chain(top: &Path, depth: usize) {
    fs::create_dir_all(top).unwrap();
    let mut here: OwnedFd = fs::File::open(top).unwrap().into();
    for _ in 0..depth {
        rustix::fs::mkdirat(&here, "d", Mode::RWXU).unwrap();
        rustix::fs::openat(&here, "e", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap();
        here = rustix::fs::openat(&here, "d", OFlags::RDONLY, Mode::empty()).unwrap();
    }
}

/// Removes such a chain level by level, always near the top.
pub(super) fn remove_chain(top: &Path) {
    let (first, second, rest) = (top.join("d"), top.join("d/d"), top.join("rest"));
    while fs::rename(&second, &rest).is_ok() {
        fs::remove_dir_all(&first).unwrap();
        fs::rename(&rest, &first).unwrap();
    }
}

/// A port of this machine on which nobody listens, and the socket that keeps others from it.
pub(super) fn closed_port() -> (OwnedFd, u16) {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = SocketAddrV4::try_from(getsockname(&socket).unwrap()).unwrap();
    (socket, address.port())
}

/// No service was ever started.
pub(super) struct NoServices;

impl Services for NoServices {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn service_of(&self, _: i32) -> Option<String> {
        None
    }

    fn processes_of(&self, _: &str) -> Vec<i32> {
        Vec::new()
    }

    fn is_own(&self, _: i32) -> bool {
        false
    }

    fn printed(&self, _: &str) -> Option<u64> {
        None
    }

    fn printed_since(&self, _: &str, _: u64) -> Option<Vec<u8>> {
        None
    }
}
