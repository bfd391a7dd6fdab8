//! All services: starting, stopping, asking.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, open};

use super::keeper::{Keeper, Report};
use super::record::Record;
use crate::context::Services;
use crate::drain::ended;
use crate::failure::{failed, not_found};
use crate::family::{self, Family};
use crate::guest::Guest;
use crate::message::{Failure, FailureKind, ServiceState, Start};
use crate::program::Prepared;
use crate::reaper::{Child, Wake, lock};
use crate::sys;

/// How often a service that is being stopped is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// How long a service has when it is started again without having been stopped.
const RESTART: Duration = Duration::from_secs(5);

/// How long killed processes may take to be gone.
const STUCK: Duration = Duration::from_secs(5);

/// How long the last reports and outputs of a service may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How often a service that is ending by itself is looked at.
const MOMENT: Duration = Duration::from_millis(1);

/// All services, by name.
#[derive(Debug, Default)]
pub(crate) struct ServiceTable {
    own: i32,
    services: Mutex<BTreeMap<String, Arc<Service>>>,
}

#[derive(Debug)]
struct Service {
    name: String,
    record: Mutex<Record>,
    told: Condvar,
}

impl ServiceTable {
    /// The table of the guest with this process id.
    pub(crate) fn new(own: i32) -> Self {
        Self { own, services: Mutex::default() }
    }

    /// Starts a service; one that still runs is stopped first.
    pub(crate) fn start(&self, guest: &Arc<Guest>, start: &Start) -> Result<ServiceState, Failure> {
        let settings = &guest.settings;
        let program = Prepared::new(&start.program, &settings.environment, &settings.dropped)?;
        let service = self.service(&start.name);
        service.stop(libc::SIGTERM, RESTART);
        service.begin(guest, &program).inspect_err(|failure| guest.note_limit(failure))?;
        Ok(service.state())
    }

    /// Stops a service and everything that belongs to it.
    pub(crate) fn stop(&self, name: &str, signal: i32, within: Duration) -> Result<ServiceState, Failure> {
        let service =
            self.find(name).ok_or_else(|| not_found(format!("stop the service `{name}`: it was never started")))?;
        if service.stop(signal, within) {
            return Ok(service.state());
        }
        Err(Failure {
            kind: FailureKind::System,
            text: format!("stop the service `{name}`: processes of it survive KILL"),
        })
    }

    /// The state of every service.
    pub(crate) fn states(&self) -> Vec<ServiceState> {
        self.all().iter().map(|service| service.state()).collect()
    }

    fn service(&self, name: &str) -> Arc<Service> {
        let mut services = lock(&self.services);
        let service = services.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(Service { name: name.to_owned(), record: Mutex::new(Record::new()), told: Condvar::new() })
        });
        Arc::clone(service)
    }

    fn find(&self, name: &str) -> Option<Arc<Service>> {
        lock(&self.services).get(name).map(Arc::clone)
    }

    fn all(&self) -> Vec<Arc<Service>> {
        lock(&self.services).values().map(Arc::clone).collect()
    }
}

impl Services for Arc<ServiceTable> {
    fn names(&self) -> Vec<String> {
        lock(&self.services).keys().cloned().collect()
    }

    fn service_of(&self, pid: i32) -> Option<String> {
        let keepers: Vec<(i32, Arc<Service>)> =
            self.all().into_iter().filter_map(|service| Some((service.keeper()?.pid, service))).collect();
        let parent = |pid: &i32| family::member(*pid).map(|member| member.parent);
        let line = std::iter::successors(Some(pid), parent).take_while(|pid| *pid > 1).take(1024);
        let find = |pid: i32| keepers.iter().find(|(keeper, _)| *keeper == pid);
        let (_, service) = line.skip(1).find_map(find)?;
        Some(service.name.clone())
    }

    fn processes_of(&self, service: &str) -> Vec<i32> {
        self.find(service).map(|service| service.processes()).unwrap_or_default()
    }

    fn is_own(&self, pid: i32) -> bool {
        let keeps = |service: &Arc<Service>| service.keeper().is_some_and(|keeper| keeper.pid == pid);
        pid == self.own || self.all().iter().any(keeps)
    }

    fn printed(&self, service: &str) -> Option<u64> {
        Some(self.find(service)?.caught_up().capture.total())
    }

    fn printed_since(&self, service: &str, position: u64) -> Option<Vec<u8>> {
        Some(self.find(service)?.caught_up().printed_since(position))
    }
}

impl Service {
    /// The keeper, while it lives.
    fn keeper(&self) -> Option<Arc<Child>> {
        lock(&self.record).keeper.clone().filter(|keeper| keeper.end().is_none())
    }

    /// The record with everything that was printed until now.
    fn caught_up(&self) -> MutexGuard<'_, Record> {
        let mut record = lock(&self.record);
        record.catch_up();
        record
    }

    fn processes(&self) -> Vec<i32> {
        self.keeper().map(|keeper| Family::now().below(keeper.pid)).unwrap_or_default()
    }

    fn state(&self) -> ServiceState {
        let until = Instant::now() + LAST_WORDS;
        while lock(&self.record).is_ending(&Family::now()) && Instant::now() < until {
            drop(self.told.wait_timeout(lock(&self.record), MOMENT));
        }
        let processes = self.processes();
        let record = self.caught_up();
        ServiceState {
            name: self.name.clone(),
            pid: record.pid,
            end: record.end,
            processes,
            starts: record.starts,
            deaths: record.deaths.clone(),
            output: record.capture.output(),
        }
    }

    fn begin(self: &Arc<Self>, guest: &Arc<Guest>, program: &Prepared) -> Result<(), Failure> {
        let fault = |error: std::io::Error| failed("start the service", &self.name, &error);
        let (output, their_output) = crate::run::pipe().map_err(fault)?;
        let (reports, their_reports) = crate::run::pipe().map_err(fault)?;
        crate::run::unblock(&output).map_err(fault)?;
        let input =
            open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(|error| fault(error.into()))?;
        let wake = Arc::new(Wake::new().map_err(fault)?);
        let ends = Keeper { program, input, output: their_output, reports: their_reports };
        let mut ends = Some(ends);
        let keeper = guest
            .reaper
            .fork(Arc::clone(&wake), || {
                if let Some(ends) = ends.take() {
                    ends.work();
                }
            })
            .map_err(fault)?;
        // The keeper's ends are its own from here on.
        drop(ends);
        let output = Arc::new(output);
        match Report::read(&reports).map_err(fault)? {
            Some(Report::Started(pid)) => lock(&self.record).begin(pid, keeper, Arc::clone(&output)),
            Some(Report::Failed(error)) => return Err(program.explain(error)),
            Some(Report::Ended { .. }) | None => {
                return Err(fault(std::io::Error::other("its keeper has ended")));
            }
        }
        let (service, guest) = (Arc::clone(self), Arc::clone(guest));
        std::thread::Builder::new()
            .name("service".into())
            .stack_size(128 << 10)
            .spawn(move || service.follow(&guest, output, reports))
            .map(drop)
            .map_err(fault)
    }

    /// Takes output and reports until both have ended.
    fn follow(&self, guest: &Guest, output: Arc<OwnedFd>, reports: OwnedFd) {
        let (mut output, mut reports) = (Some(output), Some(reports));
        while output.is_some() || reports.is_some() {
            let pipes = [output.as_ref().map(|pipe| pipe.as_fd()), reports.as_ref().map(|pipe| pipe.as_fd())];
            let mut polled: Vec<PollFd<'_>> =
                pipes.iter().flatten().map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
            let _ = poll(&mut polled, None);
            let mut ready = polled.iter().map(|one| !one.revents().is_empty()).collect::<Vec<_>>().into_iter();
            let output_ready = output.is_some() && ready.next() == Some(true);
            let reports_ready = reports.is_some() && ready.next() == Some(true);
            output = output.filter(|pipe| !output_ready || self.take_output(pipe));
            reports = reports.filter(|pipe| !reports_ready || self.take_report(guest, pipe));
        }
        lock(&self.record).told = true;
        self.told.notify_all();
    }

    /// Takes a piece of output; tells whether more may come.
    fn take_output(&self, pipe: &Arc<OwnedFd>) -> bool {
        let mut record = lock(&self.record);
        let more = !ended(record.read(pipe));
        if !more {
            record.close(pipe);
        }
        more
    }

    /// Takes a report; tells whether more may come.
    fn take_report(&self, guest: &Guest, pipe: &OwnedFd) -> bool {
        let Ok(Some(report)) = Report::read(pipe) else { return false };
        // Both lists are told of a death under one lock: who has seen it in one finds it in the other.
        let mut record = lock(&self.record);
        if let Some(death) = record.report(&self.name, report) {
            guest.reaper.remember(death);
        }
        true
    }

    /// Signals, waits, kills; tells whether all is gone.
    fn stop(&self, signal: i32, within: Duration) -> bool {
        let Some(keeper) = self.keeper() else { return true };
        lock(&self.record).stopping = true;
        let gone = Self::ask(&keeper, signal, Instant::now() + within) || Self::kill(&keeper);
        let record = lock(&self.record);
        // A process that outlived its keeper may hold the pipe; its words are then not the last ones.
        let waited = self.told.wait_timeout_while(record, LAST_WORDS, |record| !record.told);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        gone
    }

    /// Signals the tops of the service's trees, also those that become tops by the death of others.
    fn ask(keeper: &Child, signal: i32, until: Instant) -> bool {
        let mut asked = BTreeSet::new();
        while Instant::now() < until {
            let family = Family::now();
            let tops = family.all().filter(|(_, one)| one.parent == keeper.pid && !one.zombie);
            for (pid, _) in tops {
                if asked.insert(pid) {
                    let _ = sys::kill(pid, signal);
                }
            }
            if keeper.wait(LOOK).is_some() {
                return true;
            }
        }
        keeper.end().is_some()
    }

    fn kill(keeper: &Child) -> bool {
        let until = Instant::now() + STUCK;
        while Instant::now() < until {
            for pid in Family::now().below(keeper.pid) {
                let _ = sys::kill(pid, libc::SIGKILL);
            }
            if keeper.wait(LOOK).is_some() {
                return true;
            }
        }
        false
    }
}
