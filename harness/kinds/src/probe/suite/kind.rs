//! The `suite` probe: what can be written, and how the suite is run.

use patchbed_model::{Code, Key, Reading};
use patchbed_sandbox::AskError;
use patchbed_sandbox::message::{End, FailureKind, Output, Ran, Run};
use serde_json::Value as Json;

use super::autopkgtest::Tree;
use super::report::Report;
use super::{cargo, go_json, junit, tap};
use crate::document::{Argv, At, Node, Pairs, Problems, Read, at_least_one, choice, choice_schema};
use crate::probe::outputs::is_cut;
use crate::probe::program::{exit, last_words, program, signal};
use crate::probe::{Look, Probe, ProbeError};

crate::document! {
    /// An existing test suite, read test by test. One look takes as long as the suite, so `within` belongs beside it. A
    /// test that fails without the patch too leaves the run open, until a rule allows it to fail.
    pub struct Suite, "a mapping with `run` and `format`" {
        /// The command line; not with `autopkgtest`, which runs what stands in `debian/tests/control`.
        run: Option<Argv>, optional;
        /// What it prints: `tap`, `junit`, `cargo` (of `cargo test`), `go-json` (of `go test -json`), or `exit` where only
        /// the exit status counts. With `autopkgtest`, the tests of a Debian source tree in `directory`.
        format: Format, required;
        /// The file that it writes its JUnit report to; standard output when not given. An earlier one is removed first.
        file: Option<String>, optional;
        /// Its user; root when not given. With `autopkgtest`, the user of tests that need not be root; `nobody` when not
        /// given.
        user: Option<String>, optional;
        /// Its environment.
        environment: Option<Pairs>, optional;
        /// Its working folder.
        directory: Option<String>, optional;
    }
    check {
        file => inside_path,
        user => user,
        directory => inside_path,
    }
    together check_together;
}

/// How a suite tells of its tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The Test Anything Protocol.
    Tap,
    /// XML as JUnit writes it.
    Junit,
    /// By its exit status alone.
    Exit,
    /// Lines of Rust's test programs.
    Cargo,
    /// Events of `go test -json`.
    GoJson,
    /// The tests of a Debian source tree.
    Autopkgtest,
}

impl Format {
    const WORDS: &[(&str, Self)] = &[
        ("tap", Self::Tap),
        ("junit", Self::Junit),
        ("exit", Self::Exit),
        ("cargo", Self::Cargo),
        ("go-json", Self::GoJson),
        ("autopkgtest", Self::Autopkgtest),
    ];

    /// What a text in this format tells; nothing where there is none.
    pub(super) fn read(self, text: &str) -> Report {
        match self {
            Self::Tap => tap::read(text),
            Self::Junit => junit::read(text),
            Self::Cargo => cargo::read(text),
            Self::GoJson => go_json::read(text),
            Self::Exit | Self::Autopkgtest => Report::default(),
        }
    }
}

impl Read for Format {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        choice(node, Self::WORDS, "a format", problems)
    }

    fn schema() -> Json {
        choice_schema(Self::WORDS)
    }
}

fn check_together(node: &Node, problems: &mut Problems) {
    let Some(format) = node.get("format").and_then(Node::as_text) else { return };
    if let Some(file) = node.get("file").filter(|_| format != "junit") {
        problems
            .error(Code::Conflict, file.place, At::Key, format!("`{format}` writes no file that is read"))
            .help("take `file` out, or write `format: junit`");
    }
    let needed = if format == "autopkgtest" { "directory" } else { "run" };
    at_least_one(node, &[needed], problems);
    if let Some(run) = node.get("run").filter(|_| format == "autopkgtest") {
        problems
            .error(Code::Conflict, run.place, At::Key, "`autopkgtest` runs what stands in `debian/tests/control`")
            .help("take `run` out, or write the format of what it prints");
    }
}

/// How many bytes of a report are read: what thousands of tests print.
const KEEP: usize = 8 << 20;

impl Probe for Suite {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let Some(run) = &self.run else {
            return Ok(self.tree()?.report(look).await?.readings(look, None, Vec::new()));
        };
        if let Some(file) = &self.file {
            look.sandbox.remove(vec![file.clone()]).await?;
        }
        let program = program(run, self.user.as_ref(), self.environment.as_ref(), self.directory.as_ref());
        let run = Run { program, within: look.milliseconds(), keep: KEEP, ..Run::default() };
        let ran = match look.ended(run).await? {
            Ok(ran) => ran,
            Err(why) => return Ok(vec![(look.key(self.own_key()), why)]),
        };
        if self.format == Format::Exit {
            return Ok(vec![(look.key("exit"), exit(look, &ran)), (look.key("signal"), signal(&ran))]);
        }
        Ok(self.report(look, &ran).await?.readings(look, bad_end(look, &ran), last_words(&ran)))
    }
}

impl Suite {
    /// Where the tests of a package are; the reader has seen to it that it says so.
    fn tree(&self) -> Result<Tree<'_>, ProbeError> {
        let nothing = || ProbeError::Blind("run a suite: neither a command nor a folder is given".to_owned());
        let folder = self.directory.as_deref().ok_or_else(nothing)?.trim_end_matches('/');
        let environment = self.environment.as_ref();
        Ok(Tree { folder, user: self.user.as_deref().unwrap_or("nobody"), environment })
    }

    fn own_key(&self) -> &'static str {
        if self.format == Format::Exit { "exit" } else { "suite" }
    }

    async fn report(&self, look: &Look<'_>, ran: &Ran) -> Result<Report, ProbeError> {
        let Some(file) = &self.file else {
            return Ok(self.format.read(whole(&ran.output)?));
        };
        match look.sandbox.read_file(file, KEEP as u64).await {
            Ok(bytes) => Ok(self.format.read(&String::from_utf8_lossy(&bytes))),
            Err(AskError::Failed(failure)) if failure.kind == FailureKind::NotFound => {
                Ok(Report { trouble: Some("wrote no report".to_owned()), ..Report::default() })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Of a report that was cut, tests would seem to be gone.
fn whole(output: &Output) -> Result<&str, ProbeError> {
    if is_cut(output, KEEP) {
        let text =
            format!("read the tests: {} bytes were printed, which is more than {} MiB", output.total, KEEP >> 20);
        return Err(ProbeError::Blind(text));
    }
    Ok(&output.text)
}

/// What is wrong with how a suite ended.
fn bad_end(look: &Look<'_>, ran: &Ran) -> Option<String> {
    match ran.end {
        End::Exited(0) => None,
        End::Exited(status) => Some(format!("exits with {status}, and no test failed")),
        End::Killed { .. } => Some(format!("killed by {}", signal(ran).value)),
        End::TimedOut => Some(exit(look, ran).value.to_string()),
    }
}
