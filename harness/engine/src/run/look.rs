//! Observing: written probes first, then what is watched without asking, so that what dies meanwhile is still seen.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use patchbed_kinds::change::seconds;
use patchbed_kinds::probe::automatic::{
    DriftScope, Programs, run_jobs, visit_service, watch_environment, watch_imports, watch_service,
};
use patchbed_kinds::probe::canonical::canonical_reading;
use patchbed_kinds::probe::{Look, Probe as _, ProbeError, Service as Watched};
use patchbed_model::text::{one_line, shorten};
use patchbed_model::{Health, Key, Reading, Snapshot, Value};
use patchbed_sandbox::LinkError;

use super::data::Remembered;
use super::halt::of_probe;
use super::owner;
use super::service::Services;
use super::settle::{settle, states};
use crate::scenario::{Probe, Software};

/// How long one automatic look may take.
const AUTOMATIC: Duration = Duration::from_mins(2);

/// How long services are watched at least, while they are looked at and after: one that dies of its first request does
/// so some moments later.
const WATCH: Duration = Duration::from_millis(300);

/// How often services that move while they are looked at are looked at again.
const MORE_LOOKS: u32 = 2;

/// What a probe's own limit is exceeded by before the engine gives it up.
const GRACE: Duration = Duration::from_secs(5);

/// What is looked at.
#[derive(Debug)]
pub(super) struct Sight<'a> {
    pub(super) services: &'a Services<'a>,
    /// What was there before the patch.
    pub(super) remembered: &'a Remembered<'a>,
    pub(super) probes: &'a [&'a Probe],
    /// The products, some of which say whether they protect.
    pub(super) products: &'a [&'a Software],
    pub(super) automatic: bool,
    /// What may be programs that are looked at or run.
    pub(super) programs: &'a Programs,
    /// What the patch explains.
    pub(super) scope: &'a DriftScope,
    /// The mark since which log lines count.
    pub(super) since: &'a str,
}

pub(super) type Readings = Vec<(Key, Reading)>;

impl Sight<'_> {
    /// One look at everything, once the services stand. A written probe is asked once, because it may change what it
    /// looks at; what is watched without asking is looked at again when a service went another way meanwhile.
    pub(super) async fn look(&self) -> Result<Snapshot, LinkError> {
        let start = self.services.clock.elapsed();
        let mut before = settle(self.services).await?;
        // Probes may write; what must have survived is looked at before.
        let mut all = self.kept().await?;
        for probe in self.probes {
            all.extend(self.written(probe).await?);
        }
        all.extend(self.degraded().await?);
        if self.automatic {
            all.extend(self.visited().await?);
            let mut watched = self.watched().await?;
            self.watch(start + WATCH).await;
            for _ in 0..MORE_LOOKS {
                if !before.moved_to(&states(self.services).await?) {
                    break;
                }
                before = settle(self.services).await?;
                watched = self.watched().await?;
            }
            all.extend(watched);
            all.extend(self.programs().await?);
        }
        Ok(all.into_iter().map(|(key, reading)| (key, canonical_reading(reading))).collect())
    }

    /// Waits until then, when there are services to be watched.
    async fn watch(&self, until: Duration) {
        if !self.services.list.is_empty() {
            self.services.clock.sleep(until.saturating_sub(self.services.clock.elapsed())).await;
        }
    }

    /// What services answer to a visitor. Once, and before they are watched: what a visit does to them is then seen.
    async fn visited(&self) -> Result<Readings, LinkError> {
        let mut all = Vec::new();
        for watched in self.services.watched {
            let look = Look { service: Some(watched), ..self.at(Key::from(watched.name.as_str()), AUTOMATIC) };
            all.extend(self.limited(&look, visit_service(&look)).await?);
        }
        Ok(all)
    }

    /// What is watched without asking.
    async fn watched(&self) -> Result<Readings, LinkError> {
        let mut all = Vec::new();
        for watched in self.services.watched {
            let look = Look { service: Some(watched), ..self.at(Key::from(watched.name.as_str()), AUTOMATIC) };
            all.extend(self.limited(&look, watch_service(&look)).await?);
        }
        let look = self.at(Key::from("environment"), AUTOMATIC);
        let environment = self.limited(&look, watch_environment(&look, self.scope)).await?;
        all.extend(environment.into_iter().map(|seen| owner::named(self.products, seen)));
        Ok(all)
    }

    /// What programs import, and what scripts do. It comes last: whatever is run may leave something behind.
    async fn programs(&self) -> Result<Readings, LinkError> {
        let look = self.at(Key::from("imports"), AUTOMATIC);
        let mut all = self.limited(&look, watch_imports(&look, self.scope, self.programs)).await?;
        let look = self.at(Key::from("jobs"), AUTOMATIC);
        all.extend(self.limited(&look, run_jobs(&look, self.scope, self.programs)).await?);
        Ok(all)
    }

    /// A written probe, as often as it says.
    pub(super) async fn written(&self, probe: &Probe) -> Result<Readings, LinkError> {
        let service = self.watched_as(probe.service.as_ref());
        let look = Look { service, ..self.at(probe.prefix(), probe.within) };
        let mut looks = Vec::new();
        for _ in 0..probe.repeat.max(1) {
            looks.push(self.limited(&look, probe.kind.observe(&look)).await?);
        }
        Ok(if looks.len() == 1 { looks.remove(0) } else { merged(looks) })
    }

    /// A look within its limit. What cannot be seen is a bad state of its own and never an absence.
    pub(super) async fn limited(
        &self,
        look: &Look<'_>,
        observed: impl Future<Output = Result<Readings, ProbeError>>,
    ) -> Result<Readings, LinkError> {
        let limit = self.services.clock.sleep(look.within + GRACE);
        let blind = tokio::select! {
            observed = observed => match observed {
                Ok(readings) => return Ok(readings),
                Err(error) => of_probe(error)?,
            },
            () = limit => format!("no answer within {}", seconds(look.within)),
        };
        let value = format!("cannot look: {}", shorten(&one_line(&blind), 200));
        Ok(vec![(look.prefix.child("look"), Reading::state(value, Health::Bad))])
    }

    /// The service of this name.
    pub(super) fn watched_as(&self, name: Option<&String>) -> Option<&Watched> {
        name.and_then(|name| self.services.watched.iter().find(|watched| watched.name == *name))
    }

    pub(super) fn at(&self, prefix: Key, within: Duration) -> Look<'_> {
        Look {
            sandbox: self.services.sandbox,
            prefix,
            services: self.services.watched,
            service: None,
            since: Some(self.since),
            within,
            systemd: self.services.systemd,
        }
    }
}

/// Several looks as one: of states the worst, of numbers the middle one, of contents that differ only that they do.
fn merged(looks: Vec<Readings>) -> Readings {
    let count = looks.len();
    let mut by_key: BTreeMap<Key, Vec<Reading>> = BTreeMap::new();
    for (key, reading) in looks.into_iter().flatten() {
        by_key.entry(key).or_default().push(canonical_reading(reading));
    }
    by_key.into_iter().filter_map(|(key, readings)| Some((key, one_of(readings, count)?))).collect()
}

fn one_of(mut readings: Vec<Reading>, looks: usize) -> Option<Reading> {
    let first = readings.first()?.clone();
    if readings.len() == looks && readings.iter().all(|one| one.value == first.value && one.health == first.health) {
        return Some(first);
    }
    if let Some(bad) = readings.iter().find(|one| one.health == Some(Health::Bad)) {
        let times = readings.iter().filter(|one| one.health == Some(Health::Bad)).count();
        return Some(bad.clone().because([format!("in {times} of {looks} looks")]));
    }
    let number = |one: &Reading| match one.value {
        Value::Number(number) => Some(number),
        Value::Text(_) | Value::List(_) => None,
    };
    if readings.iter().all(|one| number(one).is_some()) {
        readings.sort_by(|one, other| number(one).unwrap_or_default().total_cmp(&number(other).unwrap_or_default()));
        return readings.into_iter().nth(looks / 2).or(Some(first));
    }
    let seen = readings.iter().map(|one| shorten(&one_line(&one.value.to_string()), 120));
    let evidence: Vec<String> = seen.collect();
    Some(Reading { value: Value::from("⟨several values⟩"), evidence, ..first })
}
