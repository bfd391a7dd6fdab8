//! Waits until nothing moves any more: looks at states until they stay the same for a moment. Bounded.

use std::time::Duration;

use patchbed_sandbox::{AskError, LinkError};

use super::service::Services;
use super::unit;
use crate::scenario::{Service, ServiceRun};

/// How long states must stay the same. A service without a `ready` probe only says that it lives, so that one that
/// dies after its start is given time to.
const QUIET: Duration = Duration::from_millis(60);
const QUIET_UNASKED: Duration = Duration::from_millis(200);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// What moves longer than this is looked at as it moves. Systemd gives up a unit that crashes again and again after five
/// starts, which takes some seconds where each leaves a core dump.
const LONGEST: Duration = Duration::from_secs(15);

/// Waits until processes, services and sockets are the same for a moment, or the longest time is over.
pub(super) async fn settle(services: &Services<'_>) -> Result<(), LinkError> {
    if services.list.is_empty() {
        return Ok(());
    }
    let quiet = if services.list.iter().any(|service| is_unasked(service)) { QUIET_UNASKED } else { QUIET };
    let start = services.clock.elapsed();
    let mut last = states(services).await?;
    let mut since = start;
    loop {
        services.clock.sleep(PAUSE).await;
        let now = states(services).await?;
        let time = services.clock.elapsed();
        if now != last {
            (last, since) = (now, time);
        }
        if time.saturating_sub(since) >= quiet || time.saturating_sub(start) >= LONGEST {
            return Ok(());
        }
    }
}

/// Whether nothing but its living says that a service is ready.
fn is_unasked(service: &Service) -> bool {
    match service.run {
        ServiceRun::Unit(_) => false,
        ServiceRun::Program { .. } => service.ready.is_none(),
    }
}

/// All that should stand still.
async fn states(services: &Services<'_>) -> Result<Vec<String>, LinkError> {
    let mut all = Vec::new();
    let units: Vec<&str> = services.watched.iter().filter_map(|service| service.unit.as_deref()).collect();
    if !units.is_empty() {
        all.push(unit::states(services.sandbox, &units).await?);
    }
    if units.len() < services.list.len() {
        let states = told(services.sandbox.services().await)?;
        all.extend(states.iter().map(|one| format!("{} {:?} {} {:?}", one.name, one.end, one.starts, one.processes)));
    }
    let sockets = told(services.sandbox.sockets().await)?;
    let mut sockets: Vec<String> =
        sockets.iter().map(|socket| format!("{} {}:{}", socket.protocol, socket.address, socket.port)).collect();
    sockets.sort();
    all.extend(sockets);
    Ok(all)
}

/// What the guest cannot tell cannot move.
fn told<T>(answer: Result<Vec<T>, AskError>) -> Result<Vec<T>, LinkError> {
    match answer {
        Ok(list) => Ok(list),
        Err(AskError::Failed(_)) => Ok(Vec::new()),
        Err(AskError::Link(link)) => Err(link),
    }
}
