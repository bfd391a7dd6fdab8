//! Services: started in order, watched until ready, restarted. Waits look at the state, and every wait has a limit.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbed_kinds::change::seconds;
use patchbed_kinds::probe::{AnyProbe, Look, Probe as _, Service as Watched};
use patchbed_model::text::last_lines;
use patchbed_model::{Health, Key};
use patchbed_sandbox::message::{Program, ServiceState, Start};
use patchbed_sandbox::{AskError, LinkError, Sandbox};

use super::clock::Clock;
use super::halt::of_probe;
use super::pace::milliseconds;
use super::unit::{self, Unit};
use crate::scenario::{Service, ServiceRun};

/// The longest pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// The first pause between two looks; each is twice as long as the one before, up to [`PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// How long a program must have lived to be ready, where nothing else tells: one that cannot work at all mostly ends at
/// once.
const LIVES: Duration = Duration::from_millis(100);

/// How many lines of a service's output are evidence.
const LINES: usize = 12;

/// The services of an attempt.
#[derive(Debug)]
pub(super) struct Services<'a> {
    pub(super) sandbox: &'a dyn Sandbox,
    pub(super) clock: &'a dyn Clock,
    pub(super) list: &'a [&'a Service],
    pub(super) watched: &'a [Watched],
    pub(super) systemd: bool,
}

/// Why a service is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotReady {
    /// What was wrong when it was given up.
    pub(crate) text: String,
    /// The end of its output.
    pub(crate) evidence: Vec<String>,
}

/// What a look at a service says.
enum Standing {
    Up,
    Coming(String),
    Down(NotReady),
}

impl Services<'_> {
    /// Starts a service and waits until it is ready.
    pub(super) async fn start(&self, service: &Service) -> Result<Result<(), NotReady>, LinkError> {
        let started = match &service.run {
            // A unit that the boot has started already takes its settings up by a restart.
            ServiceRun::Unit(name) if service.settings.is_some() => {
                unit::control(self.sandbox, "restart", name, service.within).await?
            }
            ServiceRun::Unit(name) => unit::control(self.sandbox, "start", name, service.within).await?,
            ServiceRun::Program { .. } => self.launch(service).await?,
        };
        match started {
            Ok(()) => self.ready(service).await,
            Err(not) => Ok(Err(not)),
        }
    }

    /// Stops those that are restarted, the last first, and starts them again in order. What does not become ready is told.
    pub(super) async fn restart(
        &self,
        wanted: impl Fn(&Service) -> bool,
    ) -> Result<BTreeMap<String, Result<(), NotReady>>, LinkError> {
        let mut result = BTreeMap::new();
        for service in self.list.iter().rev().filter(|service| wanted(service)) {
            self.stop(service).await?;
        }
        for service in self.list.iter().filter(|service| wanted(service)) {
            result.insert(service.name.clone(), self.again(service).await?);
        }
        Ok(result)
    }

    /// By what one run of each service is told from the next one. Of one that cannot be asked nothing is said.
    pub(super) async fn runs(&self) -> Result<BTreeMap<String, String>, LinkError> {
        let units = self.watched.iter().filter_map(|service| Some((service.name.clone(), service.unit.as_deref()?)));
        let (names, units): (Vec<String>, Vec<&str>) = units.unzip();
        let mut runs: BTreeMap<String, String> =
            names.into_iter().zip(unit::invocations(self.sandbox, &units).await?).collect();
        if units.len() < self.watched.len() {
            match self.sandbox.services().await {
                Ok(states) => runs.extend(states.into_iter().map(|state| (state.name, state.starts.to_string()))),
                Err(AskError::Failed(_)) => {}
                Err(AskError::Link(link)) => return Err(link),
            }
        }
        Ok(runs)
    }

    /// Stops all of them, the last first. One that does not stop is left as it is.
    pub(super) async fn stop_all(&self) -> Result<(), LinkError> {
        for service in self.list.iter().rev() {
            if let ServiceRun::Unit(name) = &service.run {
                let _ = unit::control(self.sandbox, "stop", name, service.stop_within).await?;
            }
            self.stop(service).await?;
        }
        Ok(())
    }

    async fn again(&self, service: &Service) -> Result<Result<(), NotReady>, LinkError> {
        let ServiceRun::Unit(name) = &service.run else {
            return self.start(service).await;
        };
        match unit::control(self.sandbox, "restart", name, service.within).await? {
            Ok(()) => self.ready(service).await,
            Err(not) => Ok(Err(not)),
        }
    }

    /// Units are stopped by their restart: systemd knows what hangs together.
    async fn stop(&self, service: &Service) -> Result<(), LinkError> {
        match &service.run {
            ServiceRun::Unit(_) => Ok(()),
            ServiceRun::Program { .. } => {
                let within = milliseconds(service.stop_within);
                match self.sandbox.stop(&service.name, service.stop_signal, within).await {
                    // One that cannot be stopped shows when it is started again.
                    Ok(_) | Err(AskError::Failed(_)) => Ok(()),
                    Err(AskError::Link(link)) => Err(link),
                }
            }
        }
    }

    async fn launch(&self, service: &Service) -> Result<Result<(), NotReady>, LinkError> {
        let ServiceRun::Program { argv, user, directory, environment } = &service.run else {
            return Ok(Ok(()));
        };
        let program = Program {
            argv: argv.clone(),
            user: user.clone(),
            directory: directory.clone(),
            environment: environment.clone(),
            ..Program::default()
        };
        match self.sandbox.start(Start { name: service.name.clone(), program }).await {
            Ok(_) => Ok(Ok(())),
            Err(AskError::Failed(failure)) => Ok(Err(NotReady { text: failure.text, evidence: Vec::new() })),
            Err(AskError::Link(link)) => Err(link),
        }
    }

    /// Waits until the service is ready, says that it never will be, or its time is over.
    pub(super) async fn ready(&self, service: &Service) -> Result<Result<(), NotReady>, LinkError> {
        let start = self.clock.elapsed();
        let mut pause = FIRST_PAUSE;
        loop {
            let standing = self.standing(service).await?;
            let lived = self.clock.elapsed().saturating_sub(start);
            let missing = match standing {
                Standing::Up if lived >= LIVES || !is_unasked(service) => return Ok(Ok(())),
                Standing::Up => "it was started a moment ago".to_owned(),
                Standing::Down(not) => return Ok(Err(not)),
                Standing::Coming(missing) => missing,
            };
            let left = service.within.saturating_sub(lived);
            if left.is_zero() {
                let text = format!("not ready within {}: {missing}", seconds(service.within));
                return Ok(Err(NotReady { text, evidence: self.evidence(service).await? }));
            }
            self.clock.sleep(pause.min(left)).await;
            pause = (pause * 2).min(PAUSE);
        }
    }

    async fn standing(&self, service: &Service) -> Result<Standing, LinkError> {
        let alive = match &service.run {
            ServiceRun::Unit(name) => match unit::look(self.sandbox, name).await? {
                Unit::Up => None,
                Unit::Coming(text) => Some(Standing::Coming(text)),
                Unit::Down(text) => {
                    let evidence = self.evidence(service).await?;
                    Some(Standing::Down(NotReady { text, evidence }))
                }
            },
            ServiceRun::Program { .. } => of_program(self.state(service).await?.as_ref()),
        };
        match (alive, &service.ready) {
            (Some(not), _) => Ok(not),
            (None, None) => Ok(Standing::Up),
            (None, Some(probe)) => self.asked(service, probe).await,
        }
    }

    /// What the `ready` probe says: ready when no state that it reads is bad.
    async fn asked(&self, service: &Service, probe: &AnyProbe) -> Result<Standing, LinkError> {
        let look = Look {
            sandbox: self.sandbox,
            prefix: Key::from(service.name.as_str()),
            services: self.watched,
            service: self.watched.iter().find(|watched| watched.name == service.name),
            since: None,
            within: service.within,
            systemd: self.systemd,
        };
        let readings = match probe.observe(&look).await {
            Ok(readings) => readings,
            Err(error) => return of_probe(error).map(Standing::Coming),
        };
        let bad = readings.into_iter().find(|(_, reading)| reading.health == Some(Health::Bad));
        Ok(bad.map_or(Standing::Up, |(key, reading)| Standing::Coming(format!("{key} is {}", reading.value))))
    }

    async fn state(&self, service: &Service) -> Result<Option<ServiceState>, LinkError> {
        match self.sandbox.services().await {
            Ok(states) => Ok(states.into_iter().find(|state| state.name == service.name)),
            Err(AskError::Failed(_)) => Ok(None),
            Err(AskError::Link(link)) => Err(link),
        }
    }

    /// The last lines that the service wrote.
    async fn evidence(&self, service: &Service) -> Result<Vec<String>, LinkError> {
        match &service.run {
            ServiceRun::Unit(name) => unit::evidence(self.sandbox, name, LINES).await,
            ServiceRun::Program { .. } => {
                let state = self.state(service).await?;
                Ok(state.map(|state| last_lines(&state.output.text, LINES)).unwrap_or_default())
            }
        }
    }
}

/// Whether nothing but its living says that a service is ready.
pub(super) fn is_unasked(service: &Service) -> bool {
    service.ready.is_none()
}

/// A program lives as long as any of its processes does: a daemon's first one ends early.
fn of_program(state: Option<&ServiceState>) -> Option<Standing> {
    let Some(state) = state else {
        return Some(Standing::Coming("not started".to_owned()));
    };
    if state.end.is_none() || !state.processes.is_empty() {
        return None;
    }
    let text = state.end.map(|end| end.to_string()).unwrap_or_default();
    Some(Standing::Down(NotReady { text, evidence: last_lines(&state.output.text, LINES) }))
}
