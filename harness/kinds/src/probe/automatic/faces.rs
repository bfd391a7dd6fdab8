//! Where a service is reached from outside, so that others can watch whether it is.

use super::super::canonical::CHOSEN_BY_KERNEL;
use super::super::members::members;
use super::super::{Look, ProbeError};

/// The most addresses of one service that are told.
const MOST: usize = 16;

/// The addresses and TCP ports on which the look's service listens. Ports that the kernel chose are left out: after a
/// restart they are others.
///
/// # Errors
/// [`ProbeError::Blind`] when the look names no service, or the guest could not look.
pub async fn faces(look: &Look<'_>) -> Result<Vec<(String, u16)>, ProbeError> {
    let service =
        look.service.ok_or_else(|| ProbeError::Blind(format!("watch `{}`: no service of that name", look.prefix)))?;
    let mut sockets = look.sandbox.sockets().await?;
    sockets.retain(|socket| socket.protocol == "tcp" && !CHOSEN_BY_KERNEL.contains(&socket.port));
    if sockets.is_empty() {
        return Ok(Vec::new());
    }
    let members = members(look, service).await?;
    sockets.retain(|socket| members.holds(service, socket));
    let mut faces: Vec<(String, u16)> = sockets.into_iter().map(|socket| (socket.address, socket.port)).collect();
    faces.sort();
    faces.dedup();
    faces.truncate(MOST);
    Ok(faces)
}
