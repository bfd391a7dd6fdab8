//! `process`: processes of a service or by name.

use patchbed_model::{Health, Key, Reading, Value};
use patchbed_sandbox::message::{End, Process as Living, ServiceState, signal_name};

use super::automatic::state;
use super::canonical::canonical;
use super::members::{Members, all_processes, members};
use super::{Look, Probe, ProbeError};

crate::document! {
    /// Processes.
    pub struct Process, "a name, or a mapping" {
        /// The process name; those of the probe's service when not given.
        name: Option<String>, optional;
    }
    short name;
    check {
        name => filled,
    }
}

impl Probe for Process {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let mut members = match (&self.name, look.service) {
            (None, None) => {
                return Err(ProbeError::Blind("look at processes: neither a name nor a service is given".to_owned()));
            }
            (_, Some(service)) => members(look, service).await?,
            (Some(_), None) => Members { units: Vec::new(), state: None, processes: all_processes(look).await? },
        };
        if let Some(name) = &self.name {
            members.processes.retain(|process| is_named(process, name));
        }
        let mut readings = Vec::new();
        let by_name = self.name.is_some();
        readings.push((look.key("state"), if by_name { living(&members) } else { state(&members) }));
        if let Some(state) = members.state.as_ref().filter(|_| !by_name) {
            readings.extend(ended(look, state));
        }
        if !members.processes.is_empty() {
            readings.push((look.key("children"), Reading::content(kinds(&members.processes))));
            readings.extend(resources(&look.prefix, &members.processes));
        }
        Ok(readings)
    }
}

/// The kernel's name for it, which is cut after 15 bytes, or the last part of the file it runs.
fn is_named(process: &Living, name: &str) -> bool {
    let file = process.program.rsplit('/').next().unwrap_or_default();
    process.state != 'Z' && (process.name == name || file == name)
}

fn living(members: &Members) -> Reading {
    if members.processes.is_empty() {
        Reading::state("not running", Health::Bad)
    } else {
        Reading::state("running", Health::Good)
    }
}

/// How the first process of a service ended, and how often it was started.
fn ended(look: &Look<'_>, state: &ServiceState) -> Vec<(Key, Reading)> {
    let mut readings = vec![(look.key("restarts"), Reading::fact(state.starts.saturating_sub(1).to_string()))];
    match state.end {
        Some(End::Exited(status)) => readings.push((look.key("exit"), Reading::content(status.to_string()))),
        Some(End::Killed { signal, .. }) => {
            readings.push((look.key("signal"), Reading::state(signal_name(signal), Health::Bad)));
        }
        Some(End::TimedOut) | None => {}
    }
    readings
}

/// The kinds of processes: names with users, each once, in order. How many there are of a kind is a matter of load.
fn kinds(processes: &[Living]) -> Value {
    let mut kinds: Vec<String> =
        processes.iter().map(|process| format!("{} of {}", canonical(&process.name), process.user)).collect();
    kinds.sort();
    kinds.dedup();
    Value::List(kinds)
}

/// What processes use together.
#[expect(clippy::cast_precision_loss, reason = "counts and bytes of a machine fit into 52 bits")]
pub(super) fn resources(prefix: &Key, processes: &[Living]) -> Vec<(Key, Reading)> {
    let sum = |of: fn(&Living) -> u64| processes.iter().map(of).sum::<u64>() as f64;
    vec![
        (prefix.child("memory.rss"), Reading::metric(sum(|process| process.memory), "bytes")),
        (prefix.child("threads"), Reading::metric(sum(|process| process.threads), "threads")),
        (prefix.child("descriptors"), Reading::metric(sum(|process| process.descriptors), "descriptors")),
    ]
}
