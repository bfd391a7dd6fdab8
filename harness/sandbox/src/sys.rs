//! What needs `unsafe` in this crate.
#![expect(unsafe_code, reason = "registering a descriptor with tokio; the block says why it is sound")]

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::unix::AsyncFd;

/// Has tokio watch a descriptor.
///
/// # Errors
/// As the kernel's; outside of a runtime it panics.
pub(crate) fn watched(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` stands for one open descriptor as long as it lives, and `AsyncFd` owns it.
    unsafe { AsyncFd::register(descriptor) }.map_err(Into::into)
}
