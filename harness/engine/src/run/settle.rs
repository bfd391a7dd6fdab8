//! Waits until nothing moves any more: looks at states until they stay the same for a moment. Bounded.

use std::time::Duration;

use patchbed_sandbox::{AskError, LinkError};

use super::service::{Services, is_unasked};
use super::unit;

/// How long states must stay the same. A service without a `ready` probe only says that it lives, so that one that
/// dies after its start is given time to.
const QUIET: Duration = Duration::from_millis(60);
const QUIET_UNASKED: Duration = Duration::from_secs(1);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// What moves longer than this is looked at as it moves. Systemd gives up a unit that crashes again and again after five
/// starts, which takes some seconds where each leaves a core dump.
const LONGEST: Duration = Duration::from_secs(15);

/// The same for processes and sockets that come and go while the services stand: that may be their work.
const LONGEST_AT_WORK: Duration = Duration::from_secs(2);

/// What should stand still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct States {
    /// Units, ends and starts of services.
    services: Vec<String>,
    /// Processes of services and sockets.
    work: Vec<String>,
}

impl States {
    /// Whether a service went another way since.
    pub(super) fn moved_to(&self, now: &Self) -> bool {
        self.services != now.services
    }
}

/// Waits until processes, services and sockets are the same for a moment, or the longest time is over.
pub(super) async fn settle(services: &Services<'_>) -> Result<States, LinkError> {
    let quiet = if services.list.iter().any(|service| is_unasked(service)) { QUIET_UNASKED } else { QUIET };
    let start = services.clock.elapsed();
    let mut last = states(services).await?;
    let (mut stand, mut still) = (start, start);
    loop {
        if services.list.is_empty() {
            return Ok(last);
        }
        services.clock.sleep(PAUSE).await;
        let now = states(services).await?;
        let time = services.clock.elapsed();
        if last.moved_to(&now) {
            stand = time;
        }
        if now != last {
            (last, still) = (now, time);
        }
        let since = |moment: Duration| time.saturating_sub(moment);
        let at_work = since(stand) >= quiet && since(start) >= LONGEST_AT_WORK;
        if since(still) >= quiet || at_work || since(start) >= LONGEST {
            return Ok(last);
        }
    }
}

/// How everything stands.
pub(super) async fn states(services: &Services<'_>) -> Result<States, LinkError> {
    let mut all = States { services: Vec::new(), work: Vec::new() };
    let units: Vec<&str> = services.watched.iter().filter_map(|service| service.unit.as_deref()).collect();
    if !units.is_empty() {
        all.services.push(unit::states(services.sandbox, &units).await?);
    }
    if units.len() < services.list.len() {
        for one in told(services.sandbox.services().await)? {
            let deaths = one.deaths.len();
            all.services.push(format!("{} {:?} {} {deaths}", one.name, one.end, one.starts));
            all.work.push(format!("{} {:?}", one.name, one.processes));
        }
    }
    let sockets = told(services.sandbox.sockets().await)?;
    let mut sockets: Vec<String> =
        sockets.iter().map(|socket| format!("{} {}:{}", socket.protocol, socket.address, socket.port)).collect();
    sockets.sort();
    all.work.extend(sockets);
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
