//! Arguments of the commands for continuous integration.

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use super::run::FailOn;

/// Stands in a pipeline until somebody says where patchbed comes from.
pub(crate) const NOWHERE: &str = "https://git.example.org/patchbed.git";

/// `merge`.
#[derive(Debug, Args)]
#[command(after_help = "\
The result is a run like any other: `show` and `report` work on it. Results of one cell that disagree are undecided; \
with `--plan`, so is a cell without a result.")]
pub(crate) struct MergeArguments {
    /// Records that `run --report json=FILE` wrote, folders that hold them, or folders of runs
    #[arg(value_name = "DIR|RECORD", required = true)]
    pub(crate) results: Vec<Utf8PathBuf>,
    /// The plan of which these are results, as `patchbed plan --out` wrote it
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<Utf8PathBuf>,
    /// From which verdict on the command fails
    #[arg(long, value_name = "VERDICT", default_value = "changed", help_heading = "Output")]
    pub(crate) fail_on: FailOn,
    /// Also make reports: terminal, json, junit, tap, ctrf, markdown, github, html; without a path, into the run's folder
    #[arg(long, value_name = "KIND[=PATH]", value_delimiter = ',', help_heading = "Output")]
    pub(crate) report: Vec<String>,
    /// Print the record as JSON instead of the screen
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

/// `ci`.
#[derive(Debug, Args)]
pub(crate) struct CiArguments {
    /// The engine
    #[arg(value_name = "ENGINE")]
    pub(crate) engine: Engine,
    /// How many machines share the cells
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) shards: u16,
    /// The folder of the scenarios, or a file
    #[arg(long, value_name = "DIR", default_value = "scenarios")]
    pub(crate) scenarios: Utf8PathBuf,
    /// Where patchbed comes from: a path to the program on the runners, or the address of its repository, ending in `.git`
    #[arg(long, value_name = "PATH|ADDRESS", default_value = NOWHERE)]
    pub(crate) from: String,
    /// From which verdict on the result is not fine; `changed` alone is a warning
    #[arg(long, value_name = "VERDICT", default_value = "changed")]
    pub(crate) fail_on: FailOn,
}

/// An engine that runs pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// GitHub Actions: `.github/workflows/patchbed.yml`.
    Github,
    /// GitLab: `.gitlab-ci.yml`.
    Gitlab,
    /// Buildkite: `.buildkite/pipeline.yml`.
    Buildkite,
    /// Jenkins: `Jenkinsfile`.
    Jenkins,
    /// Azure Pipelines: `azure-pipelines.yml`.
    Azure,
}
