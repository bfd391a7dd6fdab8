//! Asks a service for its front page, where it may speak HTTP: a service that runs and answers every request with an
//! error is not well, and nothing else that is watched shows it.

use std::collections::BTreeMap;

use patchbed_model::{Key, Reading};
use patchbed_sandbox::message::{Http, Socket};

use super::super::canonical::CHOSEN_BY_KERNEL;
use super::super::members::members;
use super::super::outputs::text_of;
use super::super::{Look, ProbeError};

/// Ports that other protocols are registered for. Their servers write complaints into logs, or wait for more.
const OTHER_PROTOCOLS: &[u16] = &[
    21, 22, 23, 25, 53, 88, 110, 111, 119, 139, 143, 179, 389, 443, 445, 465, 514, 587, 631, 636, 853, 873, 989, 990,
    993, 995, 1433, 1521, 1883, 2049, 2181, 3306, 3389, 4369, 5060, 5222, 5432, 5433, 5671, 5672, 6379, 6380, 6443,
    6667, 8443, 8883, 9042, 9092, 9443, 11211, 26379, 27017,
];

/// The most ports of one service that are asked.
const MOST_PORTS: usize = 4;

/// How long an answer may take, in milliseconds. A server of another protocol may wait for more as long.
const WITHIN: u64 = 2000;

/// How much of a page is read, in bytes.
const KEEP: usize = 64 << 10;

/// The status with which each listening port of the look's service answers `GET /`, as `answer.<port>`, and its page, as
/// `page.<port>`; nothing for one that gives no answer in HTTP. Neither is said to be good or bad, because nobody said
/// what it should be.
///
/// # Errors
/// [`ProbeError::Blind`] when the look names no service, or the guest could not look.
pub async fn visit_service(look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let service =
        look.service.ok_or_else(|| ProbeError::Blind(format!("visit `{}`: no service of that name", look.prefix)))?;
    let mut sockets = look.sandbox.sockets().await?;
    if !sockets.iter().any(|socket| host(socket).is_some()) {
        return Ok(Vec::new());
    }
    let members = members(look, service).await?;
    sockets.retain(|socket| members.holds(service, socket));
    let hosts: BTreeMap<u16, String> = sockets.iter().filter_map(|socket| Some((socket.port, host(socket)?))).collect();
    let mut readings = Vec::new();
    for (port, host) in hosts.into_iter().take(MOST_PORTS) {
        let url = format!("http://{host}:{port}/");
        let question = Http {
            url,
            method: "GET".to_owned(),
            headers: BTreeMap::new(),
            body: None,
            follow: false,
            within: WITHIN,
            keep: KEEP,
        };
        if let Ok(answer) = look.sandbox.http(question).await? {
            readings.push((look.key(&format!("answer.{port}")), Reading::content(answer.status.to_string())));
            readings.push((look.key(&format!("page.{port}")), Reading::content(text_of(&answer.body))));
        }
    }
    Ok(readings)
}

/// Where a socket that may speak HTTP is reached from inside.
fn host(socket: &Socket) -> Option<String> {
    let is_asked =
        socket.protocol == "tcp" && !CHOSEN_BY_KERNEL.contains(&socket.port) && !OTHER_PROTOCOLS.contains(&socket.port);
    is_asked.then(|| match socket.address.as_str() {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        address if address.contains(':') => format!("[{address}]"),
        address => address.to_owned(),
    })
}
