//! What every run gets without asking: packages, failed units, drift, security, crashes, limits, errors in logs.

use std::collections::BTreeSet;

use patchbed_model::{Health, Key, Reading};
use patchbed_sandbox::AskError;
use patchbed_sandbox::message::{FailureKind, FileFact, Package};

use super::super::package::{installed, readings};
use super::super::unit::failed_units;
use super::super::{Look, ProbeError};
use super::drift::Drifted;
use super::{DriftScope, crashes, drift, logs, security};

/// What every run gets without asking. The same scope must not be given to an arm that did not apply the patch: there
/// nothing is explained.
///
/// # Errors
/// [`ProbeError::Blind`] when nothing could be collected, which must never look like an empty, fine snapshot.
pub async fn watch_environment(look: &Look<'_>, scope: &DriftScope) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let (files, accounts, crashes, limits, stale, logs, units) = tokio::try_join!(
        files_and_packages(look, scope),
        security::accounts(look),
        crashes::crashes(look),
        crashes::limits(look),
        crashes::stale(look),
        logs::logs(look),
        units(look),
    )?;
    let parts = [files, vec![accounts], crashes, limits, stale, logs, units];
    Ok(parts.into_iter().flatten().collect())
}

/// A look at files that our own limit cuts short says nothing about the patch, and must not hide the rest.
async fn files_and_packages(look: &Look<'_>, scope: &DriftScope) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let facts = match drift::collect(look, scope).await? {
        Drifted::Files(facts) => facts,
        Drifted::TooMany => {
            let mut found = packages(look, scope, &[]).await?;
            let text = format!("cannot look: {} files or more differ from the image", drift::LIMIT);
            found.push((Key::from("files.look"), Reading::unseen(text)));
            return Ok(found);
        }
        Drifted::Untold => {
            let mut found = packages(look, scope, &[]).await?;
            found.push((Key::from("files.drift"), Reading::fact("cannot be told: there is no layer of changes here")));
            return Ok(found);
        }
    };
    let mut found = packages(look, scope, &facts).await?;
    let explained = drift::Explained::by(look, scope).await?;
    found.extend(drift::readings(look, &facts, &explained).await?);
    found.extend(security::readings(&facts, &explained));
    Ok(found)
}

/// Failed units. Those of the scenario's services are told with them.
async fn units(look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
    if !look.systemd {
        return Ok(Vec::new());
    }
    let services: Vec<&str> = look.services.iter().filter_map(|service| service.unit.as_deref()).collect();
    failed_units(look, &Key::from("units"), &services).await
}

/// Every package. One that the patch brought and that was not there before is only a fact: it is what the patch is for.
async fn packages(look: &Look<'_>, scope: &DriftScope, facts: &[FileFact]) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let key = Key::from("packages");
    let installed = match installed(look).await {
        Ok(installed) => installed,
        Err(ProbeError::Blind(text)) if no_database(look).await? => {
            return Ok(vec![(key.child("database"), Reading::fact(text))]);
        }
        Err(error) => return Err(error),
    };
    let new = drift::new_packages(facts);
    let brought: BTreeSet<&str> =
        scope.packages.iter().map(String::as_str).filter(|name| new.contains(bare(name))).map(bare).collect();
    let of = |(name, package): (&String, &Package)| {
        let mut all = readings(&key, name, package);
        if brought.contains(bare(name)) {
            all.retain(|(_, reading)| reading.health != Some(Health::Good));
        }
        all
    };
    Ok(installed.iter().flat_map(of).collect())
}

/// The name without its architecture.
fn bare(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// Whether the image has no package database at all, which is different from one that cannot be read.
async fn no_database(look: &Look<'_>) -> Result<bool, ProbeError> {
    match look.sandbox.packages().await {
        Err(AskError::Failed(failure)) => Ok(matches!(failure.kind, FailureKind::NotFound | FailureKind::Unsupported)),
        Ok(_) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
