//! `package`: versions and states of packages.

use std::collections::BTreeMap;

use patchbed_model::{Health, Key, Reading};
use patchbed_sandbox::message;

use super::{Look, Probe, ProbeError};
use crate::document::OneOrMany;

crate::document! {
    /// Installed packages.
    pub struct Package, "names, or a mapping" {
        /// The packages; all when not given.
        names: Option<OneOrMany<String>>, optional;
    }
    short names;
    check {
        names => package,
    }
}

impl Probe for Package {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let installed = installed(look).await?;
        let Some(names) = &self.names else {
            return Ok(installed.iter().flat_map(|(name, package)| readings(&look.prefix, name, package)).collect());
        };
        let gone = |name: &str| vec![(look.key(name).child("state"), Reading::state("gone", Health::Bad))];
        let of = |name: &String| {
            let found = installed.get(name).or_else(|| installed.values().find(|package| package.name == *name));
            found.map_or_else(|| gone(name), |package| readings(&look.prefix, name, package))
        };
        Ok(names.0.iter().flat_map(of).collect())
    }
}

/// The packages that are there at least in part, under their names; `name:architecture` where there are several of one
/// name.
pub(super) async fn installed(look: &Look<'_>) -> Result<BTreeMap<String, message::Package>, ProbeError> {
    let mut packages = look.sandbox.packages().await?;
    packages.retain(|package| !matches!(package.state.as_str(), "config-files" | "not-installed"));
    if packages.is_empty() {
        return Err(ProbeError::Blind("list packages: none is told".to_owned()));
    }
    packages.sort();
    let mut named: BTreeMap<String, message::Package> = BTreeMap::new();
    for package in packages {
        let name = if named.contains_key(&package.name) {
            format!("{}:{}", package.name, package.architecture)
        } else {
            package.name.clone()
        };
        named.insert(name, package);
    }
    Ok(named)
}

/// Its version as a fact, its state, and every dependency that is not met.
pub(super) fn readings(prefix: &Key, name: &str, package: &message::Package) -> Vec<(Key, Reading)> {
    let key = prefix.child(name);
    let health = if package.state == "installed" { Health::Good } else { Health::Bad };
    let mut readings = vec![
        (key.child("version"), Reading::fact(package.version.as_str())),
        (key.child("state"), Reading::state(package.state.as_str(), health)),
    ];
    for dependency in &package.unmet {
        readings.push((key.child(&format!("needs {dependency}")), Reading::state("not met", Health::Bad)));
    }
    readings
}
