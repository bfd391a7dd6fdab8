//! Arguments of the commands that read scenario files.

use camino::Utf8PathBuf;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use patchbed_engine::plan::Shard;
use patchbed_engine::sabotage::FaultKind;

/// Which files.
#[derive(Clone, Debug, Args)]
pub(crate) struct Files {
    /// Scenario files; a folder means all scenarios in it [default: scenarios]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<Utf8PathBuf>,
    /// Give a variable of the scenarios a value
    #[arg(long, value_name = "NAME=VALUE", value_delimiter = ',', help_heading = "Which")]
    pub(crate) set: Vec<String>,
}

/// Which cells of the files.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Which")]
pub(crate) struct Selection {
    /// Only cells for which this holds, such as 'image~debian & software!=scanner'
    ///
    /// Fields: scenario, image, patch, software, id. `=` is equal, `~` contains, `!=` and `!~` are their opposites;
    /// `&`, `|`, `!` and parentheses join. A bare word is looked for in all fields.
    #[arg(short = 'k', long = "select", value_name = "EXPR")]
    pub(crate) select: Option<String>,
    /// Only this cell, by any unique beginning of its id
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(crate) cell: Vec<String>,
    /// Only cells that were not fine in the last run
    #[arg(long)]
    pub(crate) last_failed: bool,
}

/// `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// An image of the project, a folder, a tarball, or `host` for this machine's own root
    #[arg(value_name = "IMAGE", default_value = "host")]
    pub(crate) image: String,
    /// How long what was started is watched before it is looked at
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = super::read::duration)]
    pub(crate) watch: std::time::Duration,
    /// Start nothing: look at files and packages alone
    #[arg(long)]
    pub(crate) no_start: bool,
    #[command(flatten)]
    pub(crate) means: Means,
    /// Print the scenario instead of writing `scenarios/IMAGE.yaml`
    #[arg(long)]
    pub(crate) stdout: bool,
    /// Write over a scenario that is there
    #[arg(long, conflicts_with = "stdout")]
    pub(crate) force: bool,
}

/// `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) files: Files,
    /// Take warnings for errors, and ask for owner and end of every silencing rule
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print the messages as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) files: Files,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Print the plan as JSON
    #[arg(long, conflicts_with = "count")]
    pub(crate) json: bool,
    /// Print only the number of cells
    #[arg(long)]
    pub(crate) count: bool,
    /// Only cells without a result among the records in this folder, or in this record
    #[arg(long, value_name = "DIR", help_heading = "Which")]
    pub(crate) missing: Option<Utf8PathBuf>,
    /// Write the plan as JSON for other hosts, with nothing in it that is this host's
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "count"])]
    pub(crate) out: Option<Utf8PathBuf>,
}

/// `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) files: Files,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Go on with the last run, which was cut off: finished attempts are kept
    #[arg(long, conflicts_with_all = ["files", "last_failed"], help_heading = "Which")]
    pub(crate) last: bool,
    #[command(flatten)]
    pub(crate) share: Share,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) result: Outputs,
    /// The most trials of parts of a bundle, when it was asked for a search.
    #[arg(skip)]
    pub(crate) budget: Option<usize>,
}

/// What this machine does of a run that several machines share.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Which")]
pub(crate) struct Share {
    /// Only part I of N, cut by how long cells are thought to take; `auto` asks the engine's variables
    ///
    /// Every machine cuts alike. `auto` knows `CI_NODE_INDEX` and `CI_NODE_TOTAL` (GitLab), `BUILDKITE_PARALLEL_JOB` and
    /// `BUILDKITE_PARALLEL_JOB_COUNT`, `SYSTEM_JOBPOSITIONINPHASE` and `SYSTEM_TOTALJOBSINPHASE` (Azure).
    #[arg(long, value_name = "I/N", value_parser = super::read::shard, conflicts_with = "last")]
    pub(crate) shard: Option<WhichShard>,
    /// Only the cells of this plan, which `patchbed plan --out` wrote, with its estimates
    #[arg(long, value_name = "FILE", conflicts_with = "last")]
    pub(crate) plan: Option<Utf8PathBuf>,
    /// Only the cell of this index in the plan
    #[arg(long, value_name = "N", requires = "plan", conflicts_with_all = ["last", "shard"])]
    pub(crate) cell_index: Option<usize>,
    /// Write the record of the one cell into this folder, whole or not at all, and keep no run here
    #[arg(long, value_name = "DIR", requires = "cell_index", help_heading = "Output")]
    pub(crate) blob: Option<Utf8PathBuf>,
}

/// Which of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhichShard {
    /// The one of which the engine's variables tell.
    Auto,
    /// This one.
    Given(Shard),
}

/// `bisect`.
#[derive(Debug, Args)]
pub(crate) struct BisectArguments {
    /// The cell, by any unique beginning of its id
    #[arg(value_name = "CELL")]
    pub(crate) cell: String,
    #[command(flatten)]
    pub(crate) files: Files,
    /// The most attempts with parts of the bundle
    #[arg(
        long,
        value_name = "N",
        default_value = "200",
        value_parser = clap::value_parser!(u32).range(1..=10_000),
        help_heading = "How"
    )]
    pub(crate) budget: u32,
    #[command(flatten)]
    pub(crate) means: Means,
    /// How progress is shown
    #[arg(long, value_name = "HOW", default_value = "auto", help_heading = "Output")]
    pub(crate) progress: Progress,
    /// Print the record as JSON instead of the screen
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

impl From<BisectArguments> for RunArguments {
    fn from(asked: BisectArguments) -> Self {
        Self {
            files: asked.files,
            selection: Selection { select: None, cell: vec![asked.cell], last_failed: false },
            last: false,
            share: Share::default(),
            how: How {
                means: asked.means,
                exit_first: false,
                attempts: None,
                baseline: Baseline::Both,
                cached: false,
                no_cache: false,
                keep: Keep::Never,
                shell_fail: false,
                dry_run: false,
            },
            result: Outputs::plain(asked.progress, asked.json),
            budget: usize::try_from(asked.budget).ok(),
        }
    }
}

/// `noise`.
#[derive(Debug, Args)]
pub(crate) struct NoiseArguments {
    #[command(flatten)]
    pub(crate) files: Files,
    /// Only cells for which this holds, such as 'image~debian & software!=scanner'
    #[arg(short = 'k', long = "select", value_name = "EXPR", help_heading = "Which")]
    pub(crate) select: Option<String>,
    /// Attempts of each environment
    #[arg(
        long,
        value_name = "N",
        default_value = "5",
        value_parser = clap::value_parser!(u32).range(2..=1000),
        help_heading = "How"
    )]
    pub(crate) attempts: u32,
    #[command(flatten)]
    pub(crate) means: Means,
    /// How progress is shown
    #[arg(long, value_name = "HOW", default_value = "auto", help_heading = "Output")]
    pub(crate) progress: Progress,
    /// Print what moves as JSON
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

/// `sabotage`.
#[derive(Debug, Args)]
pub(crate) struct SabotageArguments {
    #[command(flatten)]
    pub(crate) files: Files,
    /// Only faults of this kind
    #[arg(
        long,
        value_name = "KIND",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(FaultKind::ALL.map(FaultKind::name)),
        help_heading = "Which"
    )]
    pub(crate) fault: Vec<String>,
    /// Only cells for which this holds, such as 'image~debian & software!=scanner'
    #[arg(short = 'k', long = "select", value_name = "EXPR", help_heading = "Which")]
    pub(crate) select: Option<String>,
    #[command(flatten)]
    pub(crate) means: Means,
    /// How progress is shown
    #[arg(long, value_name = "HOW", default_value = "auto", help_heading = "Output")]
    pub(crate) progress: Progress,
    /// Print what was noticed as JSON
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

/// What attempts may take of this machine.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How")]
pub(crate) struct Means {
    /// How many attempts run at one time [default: one for each processor, as memory allows]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Fetch nothing
    #[arg(long)]
    pub(crate) offline: bool,
    /// Limit of one attempt, such as 10min, instead of what the scenario says
    #[arg(long, value_name = "TIME", value_parser = super::read::duration)]
    pub(crate) timeout: Option<std::time::Duration>,
    /// How much images, layers and packages may take on disk once it is over; what was used longest ago is removed
    #[arg(long, value_name = "SIZE", default_value = "32GiB", value_parser = super::read::size)]
    pub(crate) cache_size: u64,
}

/// How a run is made.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command line")]
#[command(next_help_heading = "How")]
pub(crate) struct How {
    #[command(flatten)]
    pub(crate) means: Means,
    /// Start no more cells once one has regressed
    #[arg(short = 'x', long)]
    pub(crate) exit_first: bool,
    /// Attempts of each arm, instead of what the scenario says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) attempts: Option<u32>,
    /// What to compare with
    #[arg(long, value_name = "WHAT", default_value = "both")]
    pub(crate) baseline: Baseline,
    /// Make everything anew: no layer and no image is taken from the cache
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Take the attempts of earlier runs for cells in which nothing has changed since
    #[arg(long)]
    pub(crate) cached: bool,
    /// Whose disks are kept for a day, for `shell --kept`; attempts are slower, because they write to a disk
    #[arg(long, value_name = "WHOSE", default_value = "never", conflicts_with = "no_cache")]
    pub(crate) keep: Keep,
    /// Once the run is over, open a shell in the first cell that got worse, with the patch in
    #[arg(long)]
    pub(crate) shell_fail: bool,
    /// Show what would be run, and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What a run gives back.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Outputs {
    /// From which verdict on the command fails
    #[arg(long, value_name = "VERDICT", default_value = "changed")]
    pub(crate) fail_on: FailOn,
    /// Also make reports: terminal, json, junit, tap, ctrf, markdown, github, html; without a path, into the run's folder
    #[arg(long, value_name = "KIND[=PATH]", value_delimiter = ',')]
    pub(crate) report: Vec<String>,
    /// How progress is shown
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub(crate) progress: Progress,
    /// Print the record as JSON instead of the screen
    #[arg(long)]
    pub(crate) json: bool,
    /// Write what happens, one JSON line each; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<Utf8PathBuf>,
}

impl Outputs {
    /// The screen or the JSON alone, with this progress.
    pub(crate) const fn plain(progress: Progress, json: bool) -> Self {
        Self { fail_on: FailOn::Changed, report: Vec::new(), progress, json, events: None }
    }
}

/// What to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Baseline {
    /// The control arm of this run.
    Control,
    /// The accepted baseline under `snapshots/`.
    Stored,
    /// The control arm with the accepted baseline. A fresh one stands for the control arm while nothing differs from it.
    Both,
}

/// Whose disks are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keep {
    /// Those of cells that are not fine: of each arm that of the last attempt.
    Failed,
    /// Those of all cells.
    All,
    /// None.
    Never,
}

/// From which verdict on the command fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Only when something is worse.
    Regressed,
    /// Also when something differs that nobody has looked at.
    Changed,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// A region on a terminal, lines elsewhere.
    Auto,
    /// A region of running attempts.
    Bar,
    /// One line per finished attempt.
    Lines,
    /// Nothing.
    None,
}
