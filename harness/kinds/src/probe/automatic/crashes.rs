//! Processes that crashed and limits that were reached, wherever in the environment.

use std::collections::BTreeMap;

use patchbed_model::{Health, Key, Reading};
use patchbed_sandbox::message::{End, is_crash};

use super::super::canonical::canonical;
use super::super::members::all_processes;
use super::super::{Look, ProbeError};
use super::service::stale_code;

/// The limits that the guest can see being reached.
const LIMITS: &[&str] = &["disk", "files", "memory", "processes"];

/// Crashes of processes that belong to no service of the scenario: `crashes.NAME`. Services have theirs with them.
pub(super) async fn crashes(look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let key = Key::from("crashes");
    let mut crashed: BTreeMap<String, String> = BTreeMap::new();
    for death in look.sandbox.deaths().await? {
        let End::Killed { signal, core } = death.end else { continue };
        if (core || is_crash(signal)) && !death.service.as_deref().is_some_and(|name| watched(look, name)) {
            crashed.insert(canonical(&death.name), death.end.to_string());
        }
    }
    let all =
        if crashed.is_empty() { Reading::state("none", Health::Good) } else { Reading::state("some", Health::Bad) };
    let each = crashed.into_iter().map(|(name, end)| (key.child(&name), Reading::state(end, Health::Bad)));
    Ok(each.chain([(key.child("any"), all)]).collect())
}

fn watched(look: &Look<'_>, name: &str) -> bool {
    look.services.iter().any(|service| service.name == name || service.unit.as_deref() == Some(name))
}

/// Whether a limit of the sandbox was reached, such as its memory: then somebody was killed or refused.
pub(super) async fn limits(look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let usage = look.sandbox.usage().await?;
    let reading = |limit: &str| {
        if usage.reached.iter().any(|reached| reached == limit) {
            Reading::state("reached", Health::Bad)
        } else {
            Reading::state("kept", Health::Good)
        }
    };
    Ok(LIMITS.iter().map(|limit| (Key::from("limits").child(limit), reading(limit))).collect())
}

/// Programs of no service that still run old code. Facts: an update of a common library leaves many, and a restart of
/// the machine takes care of them.
pub(super) async fn stale(look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let processes = all_processes(look).await?;
    let mut stale: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for process in &processes {
        let of_service = process.service.iter().chain(&process.unit).any(|name| watched(look, name));
        let code = stale_code(std::iter::once(process));
        if !of_service && !code.is_empty() {
            stale.entry(canonical(&process.name)).or_default().extend(code);
        }
    }
    let fact = |mut files: Vec<String>| {
        files.sort();
        files.dedup();
        Reading::fact(files.join(", "))
    };
    Ok(stale.into_iter().map(|(name, files)| (Key::from("stale").child(&name), fact(files))).collect())
}
