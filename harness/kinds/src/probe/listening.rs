//! `listening`: sockets that wait for connections.

use std::collections::BTreeMap;

use patchbed_model::{Health, Key, Reading};
use patchbed_sandbox::message::Socket;

use super::canonical::{CHOSEN_BY_KERNEL, canonical};
use super::members::members;
use super::{Look, Probe, ProbeError};
use crate::document::OneOrMany;

crate::document! {
    /// Listening sockets.
    pub struct Listening, "ports, or a mapping" {
        /// `port`, `tcp/port` or `udp/port`: these must be open. All sockets are read when not given.
        ports: Option<OneOrMany<String>>, optional;
    }
    short ports;
    check {
        ports => port,
    }
}

impl Probe for Listening {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let mut sockets = look.sandbox.sockets().await?;
        if let Some(service) = look.service {
            let members = members(look, service).await?;
            sockets.retain(|socket| members.holds(service, socket));
        }
        let Some(ports) = &self.ports else {
            return Ok(roles(&sockets).into_iter().map(|(place, reading)| (look.key(&place), reading)).collect());
        };
        ports.0.iter().map(|port| asked(look, port, &sockets)).collect()
    }
}

/// Every socket as a state under `tcp/0.0.0.0:80` whose value is the name of the process that holds it. Ports that
/// the kernel chose are one state for each address; those of UDP come and go with every question and are not told.
pub(super) fn roles(sockets: &[Socket]) -> BTreeMap<String, Reading> {
    let told = sockets.iter().filter_map(|socket| Some((place(socket)?, owner(socket))));
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (place, owner) in told {
        owners.entry(place).or_default().push(owner);
    }
    let state = |mut owners: Vec<String>| {
        owners.sort();
        owners.dedup();
        Reading::state(owners.join(", "), Health::Good)
    };
    owners.into_iter().map(|(place, owners)| (place, state(owners))).collect()
}

fn place(socket: &Socket) -> Option<String> {
    if socket.protocol == "unix" {
        return socket.address.starts_with('/').then(|| format!("unix/{}", canonical(&socket.address)));
    }
    let address = if socket.address.contains(':') { format!("[{}]", socket.address) } else { socket.address.clone() };
    if !CHOSEN_BY_KERNEL.contains(&socket.port) {
        return Some(format!("{}/{address}:{}", socket.protocol, socket.port));
    }
    (socket.protocol != "udp").then(|| format!("{}/{address}:⟨port⟩", socket.protocol))
}

fn owner(socket: &Socket) -> String {
    let known = socket.process.as_ref().or(socket.service.as_ref());
    known.map_or_else(|| format!("a process of {}", socket.user), |name| canonical(name))
}

/// Whether a port that was asked for is open, by anyone on any address.
fn asked(look: &Look<'_>, port: &str, sockets: &[Socket]) -> Result<(Key, Reading), ProbeError> {
    let (protocol, number) = port.split_once('/').unwrap_or(("tcp", port));
    let number: u16 = number
        .parse()
        .map_err(|_| ProbeError::Blind(format!("look for `{port}`: this is no `port`, `tcp/port` or `udp/port`")))?;
    let held: Vec<Socket> =
        sockets.iter().filter(|socket| socket.protocol == protocol && socket.port == number).cloned().collect();
    let reading = if held.is_empty() {
        Reading::state("closed", Health::Bad)
    } else {
        let holders = roles(&held).into_iter().map(|(place, owner)| format!("{place} {}", owner.value));
        Reading::state("open", Health::Good).because(holders)
    };
    Ok((look.key(&format!("{protocol}/{number}")), reading))
}
