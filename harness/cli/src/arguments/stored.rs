//! Arguments of the commands that work on what is stored: runs, images, decisions.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;

/// `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The run, then the cell; either may be missing [default: the last run, all cells]
    #[arg(value_name = "[RUN] [CELL]", num_args = 0..=2)]
    pub(crate) what: Vec<String>,
    /// Print the record as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print every difference in full
    #[arg(long, conflicts_with = "json")]
    pub(crate) diff: bool,
    /// Print the readings and evidence whose key contains NAME
    #[arg(long, value_name = "NAME", conflicts_with_all = ["json", "diff"])]
    pub(crate) log: Option<String>,
}

/// `shell`.
#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal this is a session; elsewhere standard input, output and error are passed through. The exit status is
that of the command, 128 and the number of a signal that ended it.

  patchbed shell c7f2                    look around with the patch in
  patchbed shell --control c7f2          the same without the patch
  patchbed shell --reverted c7f2         after the patch was applied and taken back
  patchbed shell --kept c7f2             on the disk that the last attempt left
  patchbed shell c7f2 -c 'systemctl --failed'
  patchbed shell host -- /bin/true       on this machine's own root, copy-on-write")]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command line")]
pub(crate) struct ShellArguments {
    /// A cell of the last run, an image by name or path, or `host`
    #[arg(value_name = "CELL|IMAGE")]
    pub(crate) target: String,
    /// Without the patch
    #[arg(long, conflicts_with_all = ["patched", "reverted"])]
    pub(crate) control: bool,
    /// With the patch; what is meant when nothing is said
    #[arg(long, conflicts_with = "reverted")]
    pub(crate) patched: bool,
    /// After the patch was applied and taken back
    #[arg(long)]
    pub(crate) reverted: bool,
    /// On the disk that the last attempt left, which `run --keep` kept; nothing runs there
    #[arg(long, conflicts_with = "reverted")]
    pub(crate) kept: bool,
    /// Run this text with /bin/sh
    #[arg(short = 'c', long = "command", value_name = "TEXT", conflicts_with = "argv")]
    pub(crate) command: Option<String>,
    /// Run this program
    #[arg(last = true, value_name = "CMD")]
    pub(crate) argv: Vec<String>,
}

impl ShellArguments {
    /// A shell in this cell, with the patch in.
    pub(crate) fn patched(cell: String) -> Self {
        Self {
            target: cell,
            control: false,
            patched: true,
            reverted: false,
            kept: false,
            command: None,
            argv: Vec::new(),
        }
    }
}

/// Which waiting differences.
#[derive(Clone, Debug, Args)]
pub(crate) struct Waiting {
    /// Cells, by any unique beginning of their ids [default: all of the run]
    #[arg(value_name = "CELL")]
    pub(crate) cells: Vec<String>,
    /// The run [default: the last one]
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Only readings whose key matches, `*` stands for anything
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) key: Vec<String>,
}

/// `review`.
#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal this goes through what waits: `a` accepts a difference and asks why, `k` lives with a regression until a \
day, `r` rejects, `s` skips, `d` and `l` show more, `?` tells all keys. Every decision is written at once, as `accept` \
and `reject` write it. Elsewhere, in CI and with --no-input it lists what waits, with the commands that decide.")]
pub(crate) struct ReviewArguments {
    #[command(flatten)]
    pub(crate) waiting: Waiting,
    /// Print them as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `accept`.
#[derive(Debug, Args)]
pub(crate) struct AcceptArguments {
    #[command(flatten)]
    pub(crate) waiting: Waiting,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) because: Option<String>,
    /// The last day on which the acceptance holds
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) until: Option<Date>,
    /// Live with a regression for a while; needs --because and --until
    #[arg(long, requires = "because", requires = "until")]
    pub(crate) known_issue: bool,
    /// Instead take out what is accepted and did not occur in the run
    #[arg(long, conflicts_with_all = ["because", "until", "known_issue", "cells", "key"])]
    pub(crate) prune: bool,
}

/// `reject`.
#[derive(Debug, Args)]
pub(crate) struct RejectArguments {
    #[command(flatten)]
    pub(crate) waiting: Waiting,
}

/// `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The run [default: the last one]
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// The format: terminal, json, junit, tap, ctrf, markdown, github, html
    #[arg(long, value_name = "KIND", default_value = "terminal")]
    pub(crate) format: String,
    /// The file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<Utf8PathBuf>,
}

/// `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
A cell is the same in both runs where scenario, image, patches and products have the same names; one cell of other \
patches in each run is the same too. Exit codes: 0 nothing is worse than it was, 1 something is worse or a new cell is \
regressed, 3 something differs that did not, 4 no cell is in both runs, 5 a cell has no result now, 6 the environment \
of one is ill without the patch. What was bad and is as bad, and what is gone, is told and does not count.")]
pub(crate) struct CompareArguments {
    /// The earlier run, by any unique beginning of its id
    #[arg(value_name = "RUN")]
    pub(crate) earlier: String,
    /// The later run [default: the last one]
    #[arg(value_name = "RUN")]
    pub(crate) later: Option<String>,
    /// Print the comparison as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `images`.
#[derive(Debug, Args)]
pub(crate) struct ImagesArguments {
    #[command(subcommand)]
    pub(crate) word: ImagesWord,
}

/// What is done with images.
#[derive(Debug, Subcommand)]
pub(crate) enum ImagesWord {
    /// List the images of this project and those in the store
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make an image that the project describes, so that runs find it made
    Build {
        /// A name under `scenarios/images/`, or a path to an image file
        name: String,
        /// Fetch nothing
        #[arg(long)]
        offline: bool,
    },
    /// Take a tarball or a folder in as an image
    Import {
        /// The tarball (plain, .gz, .zst, .xz) or the folder
        #[arg(value_name = "TAR|DIR")]
        from: Utf8PathBuf,
        /// Also write an image file of this name under `scenarios/images/`
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Say what an image holds
    Inspect {
        /// A name, a path, a digest, or `host`
        name: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say in which packages and files two images differ
    Compare {
        /// A name, a path, or `host`
        #[arg(value_name = "A")]
        one: String,
        /// Another one
        #[arg(value_name = "B")]
        other: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove an image from the store
    Remove {
        /// A name, a path or a digest
        name: String,
    },
}

/// `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Print it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `clean`.
#[derive(Debug, Args)]
pub(crate) struct CleanArguments {
    /// Only what was not used for this long, such as 7d
    #[arg(long, value_name = "TIME", value_parser = super::read::duration)]
    pub(crate) older: Option<std::time::Duration>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// What is printed: a message's code, a verdict, an exit code, a rule, a kind; all of them when missing
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Cells and runs, scenario files, images, fields of `-k` and codes are offered too. Take it into the shell at each start:

  bash   echo 'source <(patchbed completions bash)' >> ~/.bashrc
  zsh    echo 'source <(patchbed completions zsh)' >> ~/.zshrc
  fish   echo 'patchbed completions fish | source' >> ~/.config/fish/config.fish")]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// A shell that completes command lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// GNU bash.
    Bash,
    /// The Z shell.
    Zsh,
    /// fish.
    Fish,
}

impl Shell {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }
}

/// `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
  patchbed man | man -l -                read it
  patchbed man images list               the page of one command
  patchbed man --out ~/.local/share/man/man1")]
pub(crate) struct ManArguments {
    /// The command [default: the page about all of them]
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    pub(crate) words: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<Utf8PathBuf>,
}

/// `schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArguments {
    /// Of which format
    #[arg(long, value_name = "FORMAT", default_value = "scenario")]
    pub(crate) of: SchemaOf,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// A scenario, as people write it.
    Scenario,
    /// A file under `images/`.
    Image,
    /// A file under `patches/`.
    Patch,
    /// A file under `software/`.
    Software,
    /// What is kept of a run.
    Record,
    /// What differs between two runs.
    Comparison,
}
