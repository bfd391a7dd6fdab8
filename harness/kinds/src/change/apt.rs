//! Runs the image's own apt and dpkg inside a sandbox, without ever asking anybody anything.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbed_guest::message::{End, Files, Package, Privileges, Program, Ran, WriteFile};
use patchbed_sandbox::{AskError, Sandbox};

use super::tool::{evidence, run};
use super::{ChangeError, Site};

/// Debian's own way to say that no service may be started now.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Where apt notes which packages were taken along for others: it forgets that of what it is told to install.
pub(crate) const TAKEN_ALONG: &str = "/var/lib/apt/extended_states";

/// What every run of apt is told: changed configuration files stay as they are, nothing is asked, no terminal.
/// No source is asked: a package that is missing is missing at once, and not after a vain download.
const OPTIONS: [&str; 14] = [
    "-q",
    "-y",
    "-o",
    "APT::Sandbox::User=root",
    "-o",
    "Dpkg::Use-Pty=0",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "Dir::Etc::SourceList=/dev/null",
    "-o",
    "Dir::Etc::SourceParts=-",
];

/// A program of the package tools.
pub(crate) fn program(argv: Vec<String>, environment: BTreeMap<String, String>) -> Program {
    let mut all = environment;
    for (name, value) in [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("DEBIAN_PRIORITY", "critical"),
        ("APT_LISTCHANGES_FRONTEND", "none"),
        ("NEEDRESTART_SUSPEND", "1"),
        ("LC_ALL", "C"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ] {
        all.insert(name.to_owned(), value.to_owned());
    }
    Program { argv, environment: all, user: None, directory: None, privileges: Privileges::Ordinary }
}

/// The installed packages, by name and architecture.
pub(crate) async fn installed(sandbox: &dyn Sandbox) -> Result<BTreeMap<(String, String), Package>, ChangeError> {
    let packages = sandbox.packages().await?;
    Ok(packages.into_iter().map(|package| ((package.name.clone(), package.architecture.clone()), package)).collect())
}

/// The command line that installs these package files, with apt where the image has it.
pub(crate) async fn install(sandbox: &dyn Sandbox, files: &[String], again: bool) -> Result<Vec<String>, ChangeError> {
    let asked = Files { paths: vec!["/usr/bin/apt-get".to_owned()], exclude: Vec::new(), text_up_to: 0, limit: 1 };
    if sandbox.files(asked).await?.is_empty() {
        return Ok(install_as_they_are(files));
    }
    let mut argv = vec!["apt-get".to_owned()];
    argv.extend(OPTIONS.map(String::from));
    argv.extend(["--no-install-recommends", "--allow-downgrades", "--allow-change-held-packages"].map(String::from));
    if again {
        argv.push("--reinstall".to_owned());
    }
    argv.push("install".to_owned());
    argv.extend_from_slice(files);
    Ok(argv)
}

/// The command line that installs these package files with dpkg alone, which also takes what is half installed.
pub(crate) fn install_as_they_are(files: &[String]) -> Vec<String> {
    let mut argv: Vec<String> = ["dpkg", "--force-confdef", "--force-confold", "--install"].map(String::from).into();
    argv.extend_from_slice(files);
    argv
}

/// The command line that removes packages and their configuration.
pub(crate) fn purge(names: &[String]) -> Vec<String> {
    let mut argv: Vec<String> = ["dpkg", "--purge"].map(String::from).into();
    argv.extend_from_slice(names);
    argv
}

/// The command line that finishes what was unpacked.
pub(crate) fn configure() -> Vec<String> {
    ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"].map(String::from).into()
}

/// The packages that are neither there nor away.
pub(crate) fn halfway<'a>(packages: impl IntoIterator<Item = &'a Package>) -> Vec<&'a Package> {
    let is_whole =
        |package: &&Package| matches!(package.state.as_str(), "installed" | "config-files" | "not-installed");
    packages.into_iter().filter(|package| !is_whole(package)).collect()
}

/// Puts back what [`change`] had covered when it was cut off.
pub(crate) async fn bring_policy_back(site: &Site<'_>) -> Result<(), ChangeError> {
    match site.sandbox.restore(&policy(site)).await {
        // It was not covered yet.
        Ok(_) | Err(AskError::Failed(_)) => Ok(()),
        Err(AskError::Link(link)) => Err(link.into()),
    }
}

/// Under which name what keeps services from being started is kept.
fn policy(site: &Site<'_>) -> String {
    format!("{}-policy", site.name)
}

/// The command line that has dpkg hold packages.
pub(crate) fn hold(names: &[String]) -> Vec<String> {
    let script = "printf '%s hold\\n' \"$@\" | dpkg --set-selections";
    let mut argv: Vec<String> = ["/bin/sh", "-c", script, "dpkg"].map(String::from).into();
    argv.extend_from_slice(names);
    argv
}

/// Runs the package tools. Without systemd, maintainer scripts are kept from starting services for as long as it runs.
pub(crate) async fn change(site: &Site<'_>, argv: Vec<String>, within: Duration) -> Result<Ran, ChangeError> {
    let policy = policy(site);
    if !site.systemd {
        site.sandbox.keep(&policy, vec![POLICY.to_owned()]).await?;
        let data = STANDARD.encode("#!/bin/sh\nexit 101\n");
        let file = WriteFile { path: POLICY.to_owned(), data, mode: Some(0o755), owner: Some("root:root".to_owned()) };
        site.sandbox.write_files(vec![file]).await?;
    }
    let tool = argv.first().cloned().unwrap_or_default();
    let ran = run(site.sandbox, program(argv, BTreeMap::new()), within).await;
    if !site.systemd {
        site.sandbox.restore(&policy).await?;
    }
    let ran = ran?;
    match ran.end {
        End::Exited(0) => Ok(ran),
        End::TimedOut => Err(ChangeError::TimedOut { within, evidence: evidence(&ran) }),
        End::Exited(_) | End::Killed { .. } => Err(failed(site.sandbox, &tool, &ran).await),
    }
}

/// What went wrong, with the packages that are left halfway.
async fn failed(sandbox: &dyn Sandbox, tool: &str, ran: &Ran) -> ChangeError {
    let mut text = format!("{tool} {}", ran.end);
    // The package database may be gone after such a failure; then the tool's own lines must do.
    let packages = sandbox.packages().await.unwrap_or_default();
    let halfway: Vec<String> =
        halfway(&packages).iter().map(|package| format!("{} is {}", package.name, package.state)).collect();
    if !halfway.is_empty() {
        text.push_str(": ");
        text.push_str(&halfway.join(", "));
    }
    ChangeError::Refused { text, evidence: evidence(ran) }
}
