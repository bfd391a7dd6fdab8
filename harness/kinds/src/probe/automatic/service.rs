//! What every service gets without asking: its state, its deaths, old code, sockets, errors, libraries, resources.

use patchbed_model::{Health, Key, Reading, Value, text};
use patchbed_sandbox::message::{Death, End, Process, ServiceState, is_crash};

use super::super::canonical::canonical;
use super::super::linkage::unresolved;
use super::super::listening::roles;
use super::super::log::{Lines, Warnings, of_service};
use super::super::members::{Members, members};
use super::super::process::resources;
use super::super::unit::restarts;
use super::super::{Look, ProbeError, Service};

/// How many lines of its output explain a service that is not well.
const LAST_LINES: usize = 10;

/// What every service gets without asking. The look names the service; its prefix is the service's name.
///
/// # Errors
/// [`ProbeError::Blind`] when the look names no service or the guest could not look.
pub async fn watch_service(look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let service =
        look.service.ok_or_else(|| ProbeError::Blind(format!("watch `{}`: no service of that name", look.prefix)))?;
    let members = members(look, service).await?;
    let (lines, deaths, sockets, linkage) = tokio::try_join!(
        of_service(look, service, &members.units),
        deaths(look, service, &members),
        sockets(look, service, &members),
        linkage(look, &members),
    )?;
    let key = look.key("process");
    let mut readings = states(&key, &members, &lines);
    readings.push((key.child("deaths"), crashes(&members, &deaths)));
    readings.extend(exits(&members, &deaths).map(|exits| (key.child("exits"), exits)));
    readings.push((key.child("stale"), stale(&members.processes)));
    if !members.processes.is_empty() {
        readings.extend(resources(&look.prefix, &members.processes));
    }
    readings.extend(sockets);
    readings.extend(lines.readings(&look.key("log"), Warnings::Shown));
    readings.extend(linkage);
    Ok(readings)
}

/// Whether it runs: `running`, `exited 3`, `killed by SIGSEGV`; for a unit what systemd says.
pub(in super::super) fn state(members: &Members) -> Reading {
    if let Some(unit) = members.units.first() {
        return unit.reading();
    }
    let Some(state) = &members.state else {
        return Reading::state("never started", Health::Bad);
    };
    match state.end {
        None => Reading::state("running", Health::Good),
        // A daemon's first process ends well and leaves the others.
        Some(End::Exited(0)) if !members.processes.is_empty() => Reading::state("running", Health::Good),
        Some(end) => Reading::state(end.to_string(), Health::Bad),
    }
}

fn states(key: &Key, members: &Members, lines: &Lines) -> Vec<(Key, Reading)> {
    let explained = |reading: Reading| {
        if reading.health == Some(Health::Good) {
            return reading;
        }
        let output = members.state.as_ref().map(|state| text::last_lines(&state.output.text, LAST_LINES));
        reading.because(output.filter(|lines| !lines.is_empty()).unwrap_or_else(|| lines.last(LAST_LINES)))
    };
    let mut readings = vec![(key.child("state"), explained(state(members)))];
    for unit in members.units.iter().skip(1) {
        readings.push((key.child(&unit.name).child("state"), explained(unit.reading())));
    }
    readings.push((key.child("restarts"), restarted(members)));
    readings
}

/// Systemd starts units again by itself; under the guest only the harness does, which is no news.
fn restarted(members: &Members) -> Reading {
    if let Some(most) = members.units.iter().map(|unit| unit.restarts).max() {
        return restarts(most);
    }
    let starts = members.state.as_ref().map_or(0, |state| state.starts);
    Reading::fact(starts.saturating_sub(1).to_string())
}

/// Every process of it that ended badly.
async fn deaths(look: &Look<'_>, service: &Service, members: &Members) -> Result<Vec<Death>, ProbeError> {
    if let Some(ServiceState { deaths, pid, end, .. }) = &members.state {
        // How the first process ended is the service's state already.
        return Ok(deaths.iter().filter(|death| end.is_none() || death.pid != *pid).cloned().collect());
    }
    let mut deaths = look.sandbox.deaths().await?;
    let mine = |name: &String| *name == service.name || members.units.iter().any(|unit| unit.name == *name);
    deaths.retain(|death| death.service.as_ref().is_some_and(mine));
    Ok(deaths)
}

/// Crashes. Under systemd KILL is how a stop that takes too long ends, so there it says nothing.
fn crashes(members: &Members, deaths: &[Death]) -> Reading {
    let supervised = members.units.is_empty();
    let crashed = |death: &&Death| match death.end {
        End::Killed { signal, core } => core || is_crash(signal) || (supervised && signal == 9),
        End::Exited(_) | End::TimedOut => false,
    };
    let list = distinct(deaths.iter().filter(crashed));
    if list.is_empty() { Reading::state("none", Health::Good) } else { Reading::state(list.join(", "), Health::Bad) }
}

/// Processes of a supervised service that ended with a status other than 0. Scripts do so in everyday life, so only
/// a change of what is seen counts.
fn exits(members: &Members, deaths: &[Death]) -> Option<Reading> {
    let exited = |death: &&Death| matches!(death.end, End::Exited(status) if status != 0);
    let list = distinct(deaths.iter().filter(exited));
    (members.units.is_empty() && !list.is_empty()).then(|| Reading::content(Value::List(list)))
}

fn distinct<'a>(deaths: impl Iterator<Item = &'a Death>) -> Vec<String> {
    let mut list: Vec<String> = deaths.map(|death| format!("{} {}", canonical(&death.name), death.end)).collect();
    list.sort();
    list.dedup();
    list
}

/// Old code: programs and libraries that were replaced since a process mapped them.
fn stale(processes: &[Process]) -> Reading {
    let files = stale_code(processes.iter());
    if files.is_empty() {
        return Reading::state("none", Health::Good);
    }
    Reading::state(files.join(", "), Health::Bad)
}

/// Replaced files that are code. What lies in memory, under `/tmp`, `/run` and `/var` is data, and replaced by itself.
pub(super) fn stale_code<'a>(processes: impl Iterator<Item = &'a Process>) -> Vec<String> {
    const DATA: &[&str] = &["/dev/", "/memfd:", "/SYSV", "/tmp/", "/run/", "/var/", "/proc/", "/anon_hugepage"];
    let code = |path: &&String| path.starts_with('/') && !DATA.iter().any(|prefix| path.starts_with(prefix));
    let trimmed = |path: &String| canonical(path.strip_suffix(" (deleted)").unwrap_or(path));
    let mut files: Vec<String> = processes.flat_map(|process| &process.stale).filter(code).map(trimmed).collect();
    files.sort();
    files.dedup();
    files
}

async fn sockets(look: &Look<'_>, service: &Service, members: &Members) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let mut sockets = look.sandbox.sockets().await?;
    sockets.retain(|socket| members.holds(service, socket));
    let key = look.key("listening");
    Ok(roles(&sockets).into_iter().map(|(place, reading)| (key.child(&place), reading)).collect())
}

/// What its programs need and do not get; nothing where none is known, which its state says.
async fn linkage(look: &Look<'_>, members: &Members) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let programs = members.programs();
    if programs.is_empty() {
        return Ok(Vec::new());
    }
    unresolved(look, &look.key("linkage"), programs).await
}
