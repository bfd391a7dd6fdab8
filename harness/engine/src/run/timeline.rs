//! What an attempt does, stage by stage. Both arms follow the same timeline but for the patch.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use patchbed_kinds::change::{NewVersion, WayBack};
use patchbed_kinds::probe::Service as WatchedService;
use patchbed_kinds::probe::automatic::{DriftScope, LOG_FILES};
use patchbed_kinds::probe::canonical::canonical_reading;
use patchbed_model::text::{one_line, shorten};
use patchbed_model::{Arm, Blame, Cause, CauseKind, Health, Key, Reading, Snapshot, Stage};
use patchbed_sandbox::Sandbox;

use super::clock::Clock;
use super::cut::Cut;
use super::data::Remembered;
use super::delivery::{Part, parts};
use super::drop_in;
use super::halt::{Halt, Place};
use super::look::Sight;
use super::pace::Pace;
use super::patch::{Done, Patching};
use super::prepare::Ground;
use super::service::{NotReady, Services};
use super::unit;
use super::workload::{self, Exercise};
use crate::judge::versions::{ARROW, VERSION};
use crate::plan::PlanCell;
use crate::scenario::{Degraded, Service, ServiceRun, When, key_part};

/// The marks since which log lines count.
pub(super) const PATCHED: &str = "patch";
pub(super) const REVERTED: &str = "revert";

/// The future's result, or `None` when the time is over first.
pub(super) async fn until<T>(clock: &dyn Clock, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = clock.sleep(limit) => None,
    }
}

/// The services of a cell as probes see them, in the order in which they start.
#[derive(Debug)]
pub(super) struct Watched<'a> {
    services: Vec<&'a Service>,
    pub(super) list: Vec<WatchedService>,
}

impl<'a> Watched<'a> {
    pub(super) fn of(cell: &'a PlanCell) -> Self {
        let services = cell.services();
        let watched = |service: &&Service| WatchedService {
            name: service.name.clone(),
            unit: match &service.run {
                ServiceRun::Unit(unit) => Some(unit.clone()),
                ServiceRun::Program { .. } => None,
            },
        };
        Self { list: services.iter().map(watched).collect(), services }
    }

    /// The services in a sandbox.
    pub(super) fn inside<'s>(
        &'s self,
        cell: &PlanCell,
        sandbox: &'s dyn Sandbox,
        clock: &'s dyn Clock,
    ) -> Services<'s> {
        Services { sandbox, clock, list: &self.services, watched: &self.list, systemd: cell.image().systemd }
    }
}

/// One attempt under way.
#[derive(Debug)]
pub(super) struct Timeline<'s, 'a> {
    pub(super) sandbox: &'s dyn Sandbox,
    pub(super) clock: &'a dyn Clock,
    pub(super) pace: &'a Pace,
    pub(super) cell: &'a PlanCell,
    pub(super) ground: &'a Ground,
    pub(super) arm: Arm,
    pub(super) watched: &'a Watched<'a>,
    /// Whether the patches will be taken back.
    pub(super) way_back: WayBack,
    /// When the time of the attempt is over.
    pub(super) ends: Duration,
}

/// What was seen at the end, and what is to be noted.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) snapshot: Snapshot,
    pub(super) notes: Vec<String>,
}

impl<'a> Timeline<'_, 'a> {
    /// Up to the patch: services are started, data are there. Gives what must survive.
    pub(super) async fn before(&self) -> Result<Remembered<'a>, Halt> {
        self.pace.stage(Stage::Start, self.start()).await?;
        self.pace.stage(Stage::Exercise, self.exercise()).await
    }

    /// Starts what the scenario names after the machine was started again. What is not ready now is something seen, in
    /// both arms alike.
    pub(super) async fn start_again(&self) -> Result<BTreeMap<Key, Reading>, Halt> {
        let services = self.services();
        let mut standing = BTreeMap::new();
        if services.systemd {
            let booted = unit::booted(self.sandbox, self.clock).await?;
            let set = drop_in::write(self.sandbox, &self.watched.services).await?;
            standing.insert("systemd".to_owned(), booted.and(set));
        }
        for service in &self.watched.services {
            standing.insert(service.name.clone(), services.start(service).await?);
        }
        Ok(readiness(standing))
    }

    async fn start(&self) -> Result<(), Halt> {
        let services = self.services();
        if services.systemd {
            let booted = unit::booted(self.sandbox, self.clock).await?;
            booted.map_err(|not| self.not_ready("systemd", &not, Blame::Scenario))?;
            let set = drop_in::write(self.sandbox, &self.watched.services).await?;
            set.map_err(|not| self.not_ready("systemd", &not, Blame::Scenario))?;
        }
        for service in &self.watched.services {
            match services.start(service).await? {
                Err(not) if !service.optional => {
                    return Err(self.not_ready(&service.name, &not, self.blame_of(service)));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    async fn exercise(&self) -> Result<Remembered<'a>, Halt> {
        for one in self.exercises(When::Before) {
            one.run(self.sandbox).await?.map_err(|failed| {
                let place = Place { arm: self.arm, stage: Stage::Exercise };
                let text = format!("workload {} failed before the patch: {}", one.workload.name, failed.text);
                let cause = place.because(CauseKind::WorkloadFailed, one.blame, &one.workload.name, text);
                Halt::from(Cause { evidence: failed.evidence, ..cause })
            })?;
        }
        let (services, scope) = (self.services(), DriftScope::default());
        let nothing = Remembered::default();
        let sight = Sight {
            services: &services,
            remembered: &nothing,
            probes: &[],
            products: &[],
            automatic: false,
            programs: &self.ground.programs,
            scope: &scope,
            since: PATCHED,
        };
        Ok(Remembered::of(self.cell.data(), &sight).await?)
    }

    /// Applies the patches, or nothing, while workloads of that time run.
    pub(super) async fn apply(&self) -> Result<(Done, BTreeMap<Key, Reading>), Halt> {
        self.mark(PATCHED).await?;
        let during = self.exercises(When::During);
        tokio::try_join!(self.patch(), workload::readings(self.sandbox, &during))
    }

    async fn patch(&self) -> Result<Done, Halt> {
        match self.arm {
            Arm::Control => Ok(Done::default()),
            Arm::Patched => {
                let services = self.services();
                let before = services.runs().await?;
                let mut done = self.patching().apply(&self.parts()?).await?;
                let after = services.runs().await?;
                let anew = after.into_iter().filter(|(name, run)| before.get(name) != Some(run)).map(|(name, _)| name);
                let anew: Vec<String> = anew.collect();
                if !anew.is_empty() {
                    done.notes.push(format!("started anew while it was patched: {}", anew.join(", ")));
                }
                Ok(done)
            }
        }
    }

    /// Applies the patches, or nothing, up to the point at which what does it is killed. Tells where that was.
    pub(super) async fn cut_off(&self, cut: &Cut<'_>) -> Result<String, Halt> {
        let point = cut.of(&self.parts()?)?;
        let patched = async {
            self.patch().await?;
            Ok("after the last step".to_owned())
        };
        let reached = async { Ok(point.reached(self.sandbox, self.clock).await?) };
        tokio::select! {
            biased;
            reached = reached => reached,
            done = patched => done,
        }
    }

    /// Mends what was left behind.
    pub(super) async fn repair(&self) -> Result<Done, Halt> {
        match self.arm {
            Arm::Control => Ok(Done::default()),
            Arm::Patched => {
                let is_together = true;
                self.patching().repair(&self.parts_given(is_together)?).await
            }
        }
    }

    /// From now on lines of logs are new.
    pub(super) async fn mark(&self, mark: &str) -> Result<(), Halt> {
        Ok(self.sandbox.mark(mark, self.log_files()).await?)
    }

    /// Takes the patches back.
    pub(super) async fn revert(&self) -> Result<(), Halt> {
        self.mark(REVERTED).await?;
        self.patching().revert(&self.parts()?).await
    }

    /// From the restart to the look. `changed` is what was seen while it was patched and restarted.
    pub(super) async fn after(
        &self,
        changed: BTreeMap<Key, Reading>,
        remembered: &Remembered<'_>,
        (scope, since): (&DriftScope, &str),
    ) -> Result<Snapshot, Halt> {
        let exercises = self.exercises(When::After);
        let worked = workload::readings(self.sandbox, &exercises).await?;
        self.clock.sleep(self.cell.scenario.watch).await;
        let mut snapshot = self.pace.stage(Stage::Observe, self.observe(remembered, scope, since)).await?;
        snapshot.readings.extend(changed);
        snapshot.readings.extend(worked);
        Ok(snapshot)
    }

    /// Stops services in order, as before the machine is started again.
    pub(super) async fn stop(&self) -> Result<(), Halt> {
        Ok(self.services().stop_all().await?)
    }

    /// Restarts services. From here on one that is not ready is something seen, in both arms alike.
    pub(super) async fn restart(&self) -> Result<BTreeMap<Key, Reading>, Halt> {
        Ok(readiness(self.services().restart(|service| self.cell.restarts(service)).await?))
    }

    /// Whether workloads run after the patch.
    pub(super) fn works_after(&self) -> bool {
        !self.exercises(When::After).is_empty()
    }

    async fn observe(&self, remembered: &Remembered<'_>, scope: &DriftScope, since: &str) -> Result<Snapshot, Halt> {
        let services = self.services();
        let probes: Vec<_> = self.cell.probes().collect();
        let automatic = self.cell.scenario.automatic;
        let products: Vec<_> = self.cell.software().collect();
        let sight = Sight {
            services: &services,
            remembered,
            probes: &probes,
            products: &products,
            automatic,
            programs: &self.ground.programs,
            scope,
            since,
        };
        Ok(sight.look().await?)
    }

    fn services(&self) -> Services<'_> {
        self.watched.inside(self.cell, self.sandbox, self.clock)
    }

    fn patching(&self) -> Patching<'_> {
        Patching {
            sandbox: self.sandbox,
            systemd: self.systemd(),
            way_back: self.way_back,
            clock: self.clock,
            limit: self.cell.scenario.limits.time,
            ends: self.ends,
        }
    }

    /// The patches with what was prepared for them, as they are given; or why they cannot be applied at all.
    fn parts(&self) -> Result<Vec<Part<'a>>, Halt> {
        self.parts_given(self.cell.is_together())
    }

    fn parts_given(&self, is_together: bool) -> Result<Vec<Part<'a>>, Halt> {
        match &self.ground.patches {
            Ok(prepared) => Ok(parts(self.cell.patches().zip(prepared), is_together)),
            Err(cause) => Err(Halt::from(cause.clone())),
        }
    }

    fn exercises(&self, when: When) -> Vec<Exercise<'a>> {
        let own = self.cell.scenario.workloads.iter().map(|workload| Exercise { workload, blame: Blame::Scenario });
        let products = self.cell.software().flat_map(|product| &product.workloads);
        let products = products.map(|workload| Exercise { workload, blame: Blame::Software });
        own.chain(products).filter(|one| one.workload.when == when).collect()
    }

    /// The files of which only what is new counts.
    fn log_files(&self) -> Vec<String> {
        let usual = LOG_FILES.iter().map(|&glob| glob.to_owned());
        let of_products = self.cell.software().filter_map(|product| match product.degraded.as_ref()? {
            Degraded::Line { files, .. } => Some(files.clone()),
            Degraded::Program(_) => None,
        });
        usual.chain(of_products.flatten()).collect()
    }

    fn systemd(&self) -> bool {
        self.cell.image().systemd
    }

    fn blame_of(&self, service: &Service) -> Blame {
        let of_product =
            self.cell.software().any(|product| product.services.iter().any(|one| one.name == service.name));
        if of_product { Blame::Software } else { Blame::Scenario }
    }

    fn not_ready(&self, name: &str, not: &NotReady, blame: Blame) -> Halt {
        let place = Place { arm: self.arm, stage: Stage::Start };
        let text = format!("service {name} is not ready before the patch: {}", shorten(&one_line(&not.text), 200));
        let cause = place.because(CauseKind::ServiceNotReady, blame, name, text);
        Halt::from(Cause { evidence: not.evidence.clone(), ..cause })
    }
}

/// How services came up again.
fn readiness(standing: BTreeMap<String, Result<(), NotReady>>) -> BTreeMap<Key, Reading> {
    let reading = |(name, ready): (String, Result<(), NotReady>)| {
        let reading = match ready {
            Ok(()) => Reading::state("ready", Health::Good),
            Err(not) => Reading::state("not ready", Health::Bad).because(lines(not)),
        };
        (Key::from(name.as_str()).child("ready"), canonical_reading(reading))
    };
    standing.into_iter().map(reading).collect()
}

/// What a patch brought, as a fact of the attempt.
pub(super) fn version(new: &NewVersion) -> (Key, Reading) {
    let key = Key::new(format!("{VERSION}{}", key_part(&new.package)));
    (key, Reading::fact(format!("{}{ARROW}{}", new.was, new.now)))
}

fn lines(not: NotReady) -> Vec<String> {
    std::iter::once(not.text).chain(not.evidence).collect()
}
