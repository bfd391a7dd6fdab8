//! Watches from before the patch until after the restart when services could not be reached, and tells during which steps.
//! Both arms are watched alike, so that only what the patch adds counts.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbed_kinds::probe::automatic::faces;
use patchbed_kinds::probe::{Look, ProbeError};
use patchbed_model::outage::{Closed, Outage, Outages, Step};
use patchbed_model::{Event, Key, Reading, Stage};
use patchbed_sandbox::message::{Watch as Question, Watched};

use super::halt::Halt;
use super::patch::Done;
use super::timeline::{Timeline, until};
use super::transaction::{LOG, steps};
use crate::scenario::outage_key;

/// How often is looked whether ports are open. A port that others open counts once it is seen twice, so that this is less
/// than the least outage that is worth telling; one look takes 0.1 ms.
const EVERY: Duration = Duration::from_millis(20);

/// How long one service may take to be asked where it listens.
const WITHIN: Duration = Duration::from_secs(20);

/// How long is waited after the restart for ports that are still closed: a service may be ready, for all that can be told,
/// before it listens.
const STILL: Duration = Duration::from_secs(5);

/// How many times at which a service was closed explain its reading.
const LINES: usize = 8;

/// A service, and the addresses and ports on which it listens.
type Faces<'a> = (&'a str, Vec<(String, u16)>);

/// A watch over the services of an attempt.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    timeline: &'a Timeline<'a, 'a>,
    services: Vec<Faces<'a>>,
    /// What was seen when the patch was in.
    applied: Option<Watched>,
    /// Why nothing is watched, where something should be.
    pub(super) note: Option<String>,
}

impl<'a> Watch<'a> {
    /// Applies the patch, or nothing, and goes on watching.
    pub(super) async fn over_patch(
        timeline: &'a Timeline<'a, 'a>,
    ) -> Result<(Self, (Done, BTreeMap<Key, Reading>)), Halt> {
        let mut watch = Self::begin(timeline).await?;
        let applied = timeline.apply().await;
        watch.applied().await;
        Ok((watch, applied?))
    }

    /// Begins to watch every service that listens on a TCP port now.
    async fn begin(timeline: &'a Timeline<'a, 'a>) -> Result<Self, Halt> {
        let mut watch = Self { timeline, services: Vec::new(), applied: None, note: None };
        if !timeline.cell.scenario.automatic {
            return Ok(watch);
        }
        for service in &timeline.watched.list {
            let look = Look {
                sandbox: timeline.sandbox,
                prefix: Key::from(service.name.as_str()),
                services: &timeline.watched.list,
                service: Some(service),
                since: None,
                within: WITHIN,
                systemd: timeline.cell.image().systemd,
            };
            match until(timeline.clock, WITHIN, faces(&look)).await {
                Some(Ok(faces)) if !faces.is_empty() => watch.services.push((&service.name, faces)),
                Some(Err(ProbeError::Link(link))) => return Err(link.into()),
                Some(Ok(_) | Err(ProbeError::Blind(_))) | None => {}
            }
        }
        watch.ask().await;
        Ok(watch)
    }

    async fn ask(&mut self) {
        if self.services.is_empty() {
            return;
        }
        let ports = self.services.iter().flat_map(|(_, faces)| faces.clone()).collect();
        let every = u64::try_from(EVERY.as_millis()).unwrap_or(u64::MAX);
        if let Err(error) = self.timeline.sandbox.watch(Question { every, ports, log: LOG.to_owned() }).await {
            self.note = Some(format!("outages are not watched: {error}"));
            self.services.clear();
        }
    }

    /// The patch is in, or failed: what was seen until now is told in any case.
    async fn applied(&mut self) {
        if self.services.is_empty() {
            return;
        }
        if let Ok(seen) = self.timeline.sandbox.watched().await {
            self.tell(&seen);
            self.applied = Some(seen);
        }
    }

    /// Services were restarted: ends the watch, and gives for how long each service could not be reached.
    pub(super) async fn end(mut self) -> Vec<(Key, Reading)> {
        if self.services.is_empty() {
            return Vec::new();
        }
        self.open_again().await;
        if let Ok(seen) = self.timeline.sandbox.unwatch().await {
            self.applied.get_or_insert_with(|| seen.clone());
            return self.readings(&seen);
        }
        self.until_now()
    }

    /// For how long each service could not be reached until the patch was in.
    pub(super) fn until_now(&self) -> Vec<(Key, Reading)> {
        self.applied.as_ref().map(|seen| self.readings(seen)).unwrap_or_default()
    }

    fn readings(&self, seen: &Watched) -> Vec<(Key, Reading)> {
        let outages = self.tell(seen);
        outages.services.iter().map(|outage| (outage_key(&outage.service), reading(outage))).collect()
    }

    /// Waits until all ports are open, but not for ever.
    async fn open_again(&self) {
        let end = self.timeline.clock.elapsed() + STILL;
        while self.timeline.clock.elapsed() < end {
            match self.timeline.sandbox.watched().await {
                Ok(seen) if seen.ports.iter().any(|port| is_closed_at(&port.closed, seen.milliseconds)) => {}
                Ok(_) | Err(_) => return,
            }
            self.timeline.clock.sleep(EVERY).await;
        }
    }

    /// Tells what was seen.
    fn tell(&self, seen: &Watched) -> Outages {
        let applied = self.applied.as_ref().map_or(seen.milliseconds, |seen| seen.milliseconds);
        let outages = folded(&self.services, seen, applied);
        self.timeline.pace.tell(|attempt| Event::OutagesSeen { attempt, outages: Box::new(outages.clone()) });
        outages
    }
}

fn is_closed_at(closed: &[(u64, u64)], now: u64) -> bool {
    closed.last().is_some_and(|(_, to)| *to == now)
}

/// What was seen of all services, where the patch was in at `applied`.
fn folded(services: &[Faces<'_>], seen: &Watched, applied: u64) -> Outages {
    let steps = timeline(&seen.lines, applied, seen.milliseconds);
    let mut ports = seen.ports.iter();
    let services = services.iter().map(|(service, faces)| {
        let mine: Vec<_> = ports.by_ref().take(faces.len()).collect();
        let closed = joined(mine.iter().flat_map(|port| port.closed.iter().copied()).collect());
        let closed = closed.into_iter().map(|(from, to)| Closed { from, to, during: during(&steps, from, to) });
        Outage {
            service: (*service).to_owned(),
            addresses: faces.iter().map(address).collect(),
            closed: closed.collect(),
            restarts: mine.iter().map(|port| port.reopened).max().unwrap_or_default(),
        }
    });
    Outages { services: services.collect(), milliseconds: seen.milliseconds, steps }
}

/// The stages of the attempt, and within them the steps of packages.
fn timeline(lines: &[(u64, String)], applied: u64, end: u64) -> Vec<Step> {
    let mut all = vec![Step { from: 0, to: applied, what: Stage::Apply.to_string() }];
    all.extend(steps(lines, applied));
    if end > applied {
        all.push(Step { from: applied, to: end, what: Stage::Restart.to_string() });
    }
    all
}

/// Times that overlap or touch as one.
fn joined(mut times: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    times.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (from, to) in times {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            Some(_) | None => joined.push((from, to)),
        }
    }
    joined
}

/// The steps that were done at some time between these: the stage of the patch only where no step within it is known.
fn during(steps: &[Step], from: u64, to: u64) -> Vec<String> {
    let (apply, restart) = (Stage::Apply.to_string(), Stage::Restart.to_string());
    let meets = |step: &&Step| step.from < to && step.to.max(step.from + 1) > from;
    let mut all: Vec<String> = steps.iter().filter(meets).map(|step| step.what.clone()).collect();
    if all.iter().any(|what| *what != apply && *what != restart) {
        all.retain(|what| *what != apply);
    }
    all.dedup();
    all
}

fn address((address, port): &(String, u16)) -> String {
    if address.contains(':') { format!("tcp/[{address}]:{port}") } else { format!("tcp/{address}:{port}") }
}

/// For how many seconds a service could not be reached, with the times at which that was.
#[expect(clippy::cast_precision_loss, reason = "no attempt lasts for as long as 52 bits of milliseconds")]
fn reading(outage: &Outage) -> Reading {
    let seconds = |milliseconds: u64| (milliseconds as f64 / 10.0).round() / 100.0;
    let line = |closed: &Closed| {
        let (from, to) = (seconds(closed.from), seconds(closed.to));
        format!("closed from {from:.2} s to {to:.2} s: {}", closed.during.join(", "))
    };
    Reading::metric(seconds(outage.milliseconds()), "s").because(outage.closed.iter().take(LINES).map(line))
}

#[cfg(test)]
mod tests {
    use patchbed_sandbox::message::WatchedPort;

    use super::*;

    fn port(closed: &[(u64, u64)], reopened: u32) -> WatchedPort {
        WatchedPort { closed: closed.to_vec(), reopened }
    }

    fn line(at: u64, text: &str) -> (u64, String) {
        (at, format!("2024-05-01 10:00:00 {text}"))
    }

    /// Two services, the first of which listens on two ports; the patch is in after a second.
    fn seen(ports: &[WatchedPort; 3], lines: Vec<(u64, String)>) -> Vec<String> {
        let at = |port| ("0.0.0.0".to_owned(), port);
        let services = [("web", vec![at(80), at(443)]), ("cache", vec![("::1".to_owned(), 6379)])];
        let watched = Watched { milliseconds: 1500, ports: ports.to_vec(), lines };
        let told = |outage: &Outage| {
            let closed = |one: &Closed| format!(" {}-{} {}", one.from, one.to, one.during.join(", "));
            let closed: String = outage.closed.iter().map(closed).collect();
            format!("{} {}x{closed}", outage.addresses.join(" "), outage.restarts)
        };
        folded(&services, &watched, 1000).services.iter().map(told).collect()
    }

    #[test]
    fn a_service_is_closed_while_any_of_its_ports_is() {
        let ports = [port(&[(100, 200), (1100, 1150)], 2), port(&[(150, 300)], 1), port(&[], 0)];
        assert_eq!(
            seen(&ports, Vec::new()),
            ["tcp/0.0.0.0:80 tcp/0.0.0.0:443 2x 100-300 apply 1100-1150 restart", "tcp/[::1]:6379 0x"]
        );
    }

    #[test]
    fn a_time_is_told_with_the_steps_that_it_meets() {
        let lines = vec![
            line(100, "upgrade web:amd64 1 2"),
            line(100, "status half-configured web:amd64 1"),
            line(200, "status half-installed web:amd64 1"),
            line(400, "configure web:amd64 2 <none>"),
            line(600, "configure other:amd64 2 <none>"),
            line(800, "status installed other:amd64 2"),
        ];
        // What begins in the very look in which a step does is not of the step before.
        let ports = [port(&[(100, 600)], 1), port(&[], 0), port(&[(600, 650), (900, 1200)], 0)];
        assert_eq!(
            seen(&ports, lines),
            [
                "tcp/0.0.0.0:80 tcp/0.0.0.0:443 1x 100-600 prerm of web, unpack of web, configure of web",
                "tcp/[::1]:6379 0x 600-650 configure of other 900-1200 apply, restart",
            ]
        );
    }
}
