//! Which units and processes make up a service.

use patchbed_sandbox::message::{Process, ServiceState, Socket};

use super::systemd::{self, UnitState};
use super::{Look, ProbeError, Service};

/// A service and what lives of it.
#[derive(Debug)]
pub(super) struct Members {
    /// Its units: its own, then those that are started and stopped with it. Empty for a supervised service.
    pub(super) units: Vec<UnitState>,
    /// What the guest knows of a supervised service; `None` for a unit, and when it was never started.
    pub(super) state: Option<ServiceState>,
    /// Its living processes, zombies left out.
    pub(super) processes: Vec<Process>,
}

/// Looks at a service.
pub(super) async fn members(look: &Look<'_>, service: &Service) -> Result<Members, ProbeError> {
    let Some(unit) = &service.unit else {
        // The guest tells a service once what is ending has ended, so the processes are those that are left.
        let states = look.sandbox.services().await?;
        let state = states.into_iter().find(|state| state.name == service.name);
        let all = all_processes(look).await?;
        let mine = |process: &Process| {
            process.service.as_ref() == Some(&service.name)
                || state.as_ref().is_some_and(|state| state.processes.contains(&process.pid))
        };
        let processes = living(all, mine);
        return Ok(Members { units: Vec::new(), state, processes });
    };
    let mut units = systemd::units(look, std::slice::from_ref(unit)).await?;
    let others: Vec<String> = units.iter().flat_map(|unit| unit.consists_of.clone()).collect();
    units.extend(systemd::units(look, &others).await?);
    let all = all_processes(look).await?;
    let names: Vec<&str> = units.iter().map(|unit| unit.name.as_str()).collect();
    let processes = living(all, |process| process.unit.as_deref().is_some_and(|unit| names.contains(&unit)));
    Ok(Members { units, state: None, processes })
}

/// All processes. None at all is an answer only where nothing can live: all services ended, and no systemd.
pub(super) async fn all_processes(look: &Look<'_>) -> Result<Vec<Process>, ProbeError> {
    let processes = look.sandbox.processes().await?;
    if !processes.is_empty() {
        return Ok(processes);
    }
    let alive = look.sandbox.services().await?.iter().any(|state| !state.processes.is_empty());
    if look.systemd || alive {
        return Err(ProbeError::Blind("list processes: none is told, and some live".to_owned()));
    }
    Ok(processes)
}

fn living(processes: Vec<Process>, mine: impl Fn(&Process) -> bool) -> Vec<Process> {
    processes.into_iter().filter(|process| process.state != 'Z' && mine(process)).collect()
}

impl Members {
    /// Whether a socket is held by one of the processes.
    pub(super) fn holds(&self, service: &Service, socket: &Socket) -> bool {
        socket.service.as_ref() == Some(&service.name)
            || socket.pid.is_some_and(|pid| self.processes.iter().any(|process| process.pid == pid))
    }

    /// The files that its processes run, each once, in order, as paths and not as globs. Where none runs, those that
    /// its units would start: what they lack may be why.
    pub(super) fn programs(&self) -> Vec<String> {
        let mut programs: Vec<String> = self.processes.iter().map(|process| process.program.clone()).collect();
        programs.retain(|program| program.starts_with('/'));
        for program in &mut programs {
            if let Some(path) = program.strip_suffix(" (deleted)") {
                *program = path.to_owned();
            }
        }
        if programs.is_empty() {
            programs = self.units.iter().flat_map(|unit| unit.programs.clone()).collect();
        }
        programs.sort();
        programs.dedup();
        programs.iter().map(|program| globset::escape(program)).collect()
    }
}
