//! The words of the command line: global flags and commands.

use camino::Utf8PathBuf;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::engines::{CiArguments, MergeArguments};
use super::run::{
    BisectArguments, CheckArguments, InitArguments, NoiseArguments, PlanArguments, RunArguments, SabotageArguments,
};
use super::stored::{
    AcceptArguments, CleanArguments, CompareArguments, CompletionsArguments, DoctorArguments, ExplainArguments,
    ImagesArguments, ManArguments, RejectArguments, ReportArguments, ReviewArguments, SchemaArguments, ShellArguments,
    ShowArguments,
};

const AFTER: &str = "\
First steps:
  patchbed doctor                        can this machine make sandboxes?
  patchbed init                          write a scenario for this machine, or for an image
  patchbed check scenarios/web.yaml      is the scenario right?
  patchbed run scenarios/web.yaml        is the patch harmless?

Every long flag is also an environment variable: `--jobs 4` is PATCHBED_JOBS=4. A flag is stronger than its variable, a \
variable stronger than the scenario. `patchbed explain CODE` tells more about every message, verdict and exit code.";

/// Tests patches for regressions: runs an environment without the patch and with it, each time in a fresh sandbox, and
/// says what broke, since which patch, and how sure it is.
#[derive(Debug, Parser)]
#[command(name = "patchbed", version, after_help = AFTER, propagate_version = false, max_term_width = 100)]
pub(crate) struct Low {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) word: Word,
}

/// Flags that every command has.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global")]
pub(crate) struct Global {
    /// Begin in this folder: the one that holds `scenarios/`
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub(crate) directory: Option<Utf8PathBuf>,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(crate) color: When,
    /// Never ask anything
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// Say only the result; twice, only errors and what is asked for by name, such as JSON
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(crate) quiet: u8,
    /// Log what is done to standard error; twice, in detail
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Word {
    /// Look at an image while it runs, and write a scenario for what is seen
    Init(InitArguments),
    /// Say every problem of scenario files at once, with places and remedies; run nothing
    Check(CheckArguments),
    /// Show what would be run: cells, attempts, steps
    Plan(PlanArguments),
    /// Run scenarios and judge them
    Run(RunArguments),
    /// Search a cell's bundle for its smallest guilty part, and for the largest that is safe to ship
    Bisect(BisectArguments),
    /// Run scenarios without their patches, and say how much each moves by itself
    Noise(NoiseArguments),
    /// Put known faults in place of the patches, and say which the scenario notices
    Sabotage(SabotageArguments),
    /// Explain a result again, from its record
    Show(ShowArguments),
    /// A shell in the environment of a cell, or on an image
    Shell(ShellArguments),
    /// Decide on the differences that wait, one key each; without a terminal, list them
    Review(ReviewArguments),
    /// Accept differences: they are silent from now on, and counted
    Accept(AcceptArguments),
    /// Reject differences: the baseline stays as it is
    Reject(RejectArguments),
    /// Make reports of a stored run again
    Report(ReportArguments),
    /// Lay a run beside an earlier one: what is worse, better, new, gone
    Compare(CompareArguments),
    /// Put the results of several machines together, and judge them as one run
    Merge(MergeArguments),
    /// Print a ready pipeline for a continuous integration engine
    Ci(CiArguments),
    /// List, build, import, inspect, compare and remove images
    Images(ImagesArguments),
    /// What this machine lacks, how to mend it, and which limits hold
    Doctor(DoctorArguments),
    /// Remove kept sandboxes, old runs, unused layers, and what killed runs left behind
    Clean(CleanArguments),
    /// The long text of a message, a verdict, an exit code, a rule or a kind
    Explain(ExplainArguments),
    /// Print the JSON Schema of a format
    Schema(SchemaArguments),
    /// Print the script by which a shell completes command lines
    Completions(CompletionsArguments),
    /// Print a page for `man`, or write all of them
    Man(ManArguments),
}
