//! The image's own apt in a sandbox that may reach its archives: lists, new packages, earlier versions.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbed_guest::message::{End, Ran, WriteFile};
use patchbed_sandbox::Sandbox;

use super::ChangeError;
use super::apt::program;
use super::tool::{evidence, run};
use crate::image::apt;

/// Where the sandboxes that fetch see the draft.
pub(super) const OUT: &str = "/run/patchbed/out";
/// How long one step of fetching may take.
pub(super) const WITHIN: Duration = Duration::from_mins(15);

/// What apt says when the sources were read and do not have what is wanted: another try would hear the same.
const REFUSALS: [&str; 3] = ["Unable to locate package", "was not found", "have unmet dependencies"];

/// The image's own package tools, in a sandbox that may reach its archives.
pub(super) struct Tools<'a> {
    pub(super) sandbox: &'a dyn Sandbox,
    pub(super) options: &'a [String],
}

impl Tools<'_> {
    /// Tells apt how this machine reaches archives.
    pub(super) async fn configure(&self) -> Result<(), ChangeError> {
        let data = STANDARD.encode(apt::settings());
        let path = "/run/patchbed/apt.conf".to_owned();
        Ok(self.sandbox.write_files(vec![WriteFile { path, data, mode: Some(0o644), owner: None }]).await?)
    }

    async fn apt(&self, arguments: &[&str], names: &[String]) -> Result<Ran, ChangeError> {
        let mut argv = vec!["apt-get".to_owned(), "-q".to_owned(), "-y".to_owned()];
        for option in self.options {
            argv.extend(["-o".to_owned(), option.clone()]);
        }
        argv.extend(arguments.iter().map(|word| (*word).to_owned()));
        argv.extend_from_slice(names);
        let mut environment: BTreeMap<String, String> =
            std::env::vars().filter(|(name, _)| name.to_ascii_lowercase().ends_with("_proxy")).collect();
        environment.insert("APT_CONFIG".to_owned(), "/run/patchbed/apt.conf".to_owned());
        let mut program = program(argv, environment);
        program.directory = Some(format!("{OUT}/old"));
        let ran = run(self.sandbox, program, WITHIN).await?;
        match ran.end {
            End::Exited(0) => Ok(ran),
            End::Exited(_) | End::Killed { .. } | End::TimedOut => {
                let lines = evidence(&ran);
                let what = format!("`apt-get {}` {}", arguments.last().unwrap_or(&""), ran.end);
                if lines.iter().any(|line| REFUSALS.iter().any(|words| line.contains(words))) {
                    return Err(ChangeError::Refused { text: what, evidence: lines });
                }
                Err(ChangeError::Unavailable(format!("{what}: {}", lines.join("; "))))
            }
        }
    }

    pub(super) async fn update(&self) -> Result<(), ChangeError> {
        self.configure().await?;
        self.apt(&["-o", "APT::Update::Error-Mode=any", "update"], &[]).await.map(|_| ())
    }

    pub(super) async fn download_new(&self, names: &[String]) -> Result<(), ChangeError> {
        let cache = format!("Dir::Cache::archives={OUT}/new");
        let arguments = [
            "-o",
            &cache,
            "-o",
            "DPkg::Post-Invoke::=",
            "-o",
            "APT::Keep-Downloaded-Packages=true",
            "--no-install-recommends",
            "--allow-downgrades",
            "--allow-change-held-packages",
            "--download-only",
            "install",
        ];
        self.apt(&arguments, names).await.map(|_| ())
    }

    /// Earlier versions, one by one where not all can be had at once.
    pub(super) async fn download_old(&self, lost: &[(String, String)]) -> Result<(), ChangeError> {
        let names: Vec<String> = lost.iter().map(|(name, version)| format!("{name}={version}")).collect();
        if self.apt(&["download"], &names).await.is_ok() {
            return Ok(());
        }
        for name in names {
            match self.apt(&["download"], &[name]).await {
                Ok(_) | Err(ChangeError::Unavailable(_) | ChangeError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
