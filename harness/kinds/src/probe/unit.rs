//! `unit`: a systemd unit.

use patchbed_model::{Health, Key, Reading};

use super::systemd::{failed, units};
use super::{Look, Probe, ProbeError};
use crate::document::OneOrMany;

crate::document! {
    /// Systemd units.
    pub struct Unit, "names, or a mapping" {
        /// The units; that of the probe's service when not given.
        names: Option<OneOrMany<String>>, optional;
    }
    short names;
    check {
        names => word,
    }
}

impl Probe for Unit {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let own = look.service.and_then(|service| service.unit.clone());
        let names = self.names.as_ref().map_or_else(|| Vec::from_iter(own), |names| names.0.clone());
        if names.is_empty() {
            return failed_units(look, &look.prefix, &[]).await;
        }
        let mut readings = Vec::new();
        for unit in units(look, &names).await? {
            let key = look.key(&unit.name);
            readings.push((key.child("state"), unit.reading()));
            if unit.result != "success" && !unit.result.is_empty() {
                readings.push((key.child("result"), Reading::state(unit.result.as_str(), Health::Bad)));
            }
            readings.push((key.child("restarts"), restarts(unit.restarts)));
        }
        Ok(readings)
    }
}

/// Whether systemd had to start a unit again: how often is evidence, because a unit that flaps does so in its own time.
pub(super) fn restarts(count: u64) -> Reading {
    if count == 0 {
        return Reading::state("none", Health::Good);
    }
    Reading::state("by itself", Health::Bad).because([format!("{count} times so far")])
}

/// Every failed unit of the machine as a state, but those that are told elsewhere; one good state when there is none.
pub(super) async fn failed_units(
    look: &Look<'_>,
    prefix: &Key,
    elsewhere: &[&str],
) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let mut names = failed(look).await?;
    names.retain(|name| !elsewhere.contains(&name.as_str()));
    let all = if names.is_empty() {
        Reading::state("none", Health::Good)
    } else {
        Reading::state("some", Health::Bad).because(names.clone())
    };
    let each = names.iter().map(|name| (prefix.child(name), Reading::state("failed", Health::Bad)));
    Ok(each.chain([(prefix.child("failed"), all)]).collect())
}
