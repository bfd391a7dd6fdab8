//! The tests that a Debian source package brings for its installed packages, run as `autopkgtest` would on a machine
//! that is there already: nothing is built, installed or started anew.

use std::collections::BTreeSet;
use std::time::Instant;

use patchbed_sandbox::AskError;
use patchbed_sandbox::message::{End, FailureKind, Ran, Run};

use super::control::{Case, cases};
use super::report::{Outcome, Report, Test};
use crate::document::{Argv, Pairs};
use crate::probe::look::KEEP;
use crate::probe::package::installed;
use crate::probe::program::{exit, last_words, program};
use crate::probe::repeated::left;
use crate::probe::{Look, ProbeError};

/// Where and as whom the tests are run.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    /// The folder that holds `debian/tests/control`.
    pub(super) folder: &'a str,
    /// The user of tests that need not be root.
    pub(super) user: &'a str,
    /// What is set as well.
    pub(super) environment: Option<&'a Pairs>,
}

/// Restrictions that can be kept here, or that need nothing. All others skip a test, as `autopkgtest` itself does with
/// those that it does not know.
const KEPT: [&str; 10] = [
    "allow-stderr",
    "flaky",
    "isolation-container",
    "needs-recommends",
    "needs-root",
    "rw-build-tree",
    "skip-foreign-architecture",
    "skip-not-installable",
    "skippable",
    "superficial",
];

/// Gives a test the folders that it may write to.
const RUN: &str = r#"
AUTOPKGTEST_TMP=$(mktemp -d) || exit
trap 'rm -rf "$AUTOPKGTEST_TMP"' EXIT
AUTOPKGTEST_ARTIFACTS=$AUTOPKGTEST_TMP/artifacts
mkdir "$AUTOPKGTEST_ARTIFACTS"
[ -w "$HOME" ] || HOME=$AUTOPKGTEST_TMP
export AUTOPKGTEST_TMP AUTOPKGTEST_ARTIFACTS HOME
"$@"
"#;

impl Tree<'_> {
    /// Runs all tests one after another within the look's limit.
    pub(super) async fn report(&self, look: &Look<'_>) -> Result<Report, ProbeError> {
        let begun = Instant::now();
        let path = format!("{}/debian/tests/control", self.folder);
        let control = match look.sandbox.read_file(&path, KEEP as u64).await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(AskError::Failed(failure)) if failure.kind == FailureKind::NotFound => {
                return Ok(Report { trouble: Some(format!("no {path}")), ..Report::default() });
            }
            Err(error) => return Err(error.into()),
        };
        let there: BTreeSet<String> = installed(look).await?.into_values().map(|package| package.name).collect();
        let mut report = Report::default();
        for case in cases(&control) {
            let Some(left) = left(look, begun) else {
                report.trouble = Some(format!("not ended within {}", crate::change::seconds(look.within)));
                break;
            };
            let missing = case.missing(&there);
            let test = match case.obstacle() {
                Some(why) => Test::new(case.name, Outcome::Skipped).because([why]),
                None => self.test(&left, &case).await?,
            };
            report.tests.push(test.because(missing));
        }
        Ok(report)
    }

    async fn test(&self, look: &Look<'_>, case: &Case) -> Result<Test, ProbeError> {
        if case.argv.len() == 1 {
            // Source packages lose the mode of files. One that is not there is told when it is run.
            look.tool(&["chmod", "+x", "--", &format!("{}/{}", self.folder, case.argv[0])]).await?;
        }
        let mut argv = ["/bin/sh", "-c", RUN, "autopkgtest"].map(str::to_owned).to_vec();
        argv.extend(case.argv.iter().cloned());
        let user = (!case.is("needs-root")).then(|| self.user.to_owned());
        let program = program(&Argv(argv), user.as_ref(), self.environment, Some(&self.folder.to_owned()));
        let run = Run { program, within: look.milliseconds(), keep: KEEP, ..Run::default() };
        let (outcome, why) = match look.ended(run).await? {
            Ok(ran) => case.outcome(look, &ran),
            Err(why) => (Outcome::Failed, why.evidence),
        };
        Ok(Test::new(case.name.clone(), outcome).because(why))
    }
}

impl Case {
    fn is(&self, restriction: &str) -> bool {
        self.restrictions.iter().any(|one| one == restriction)
    }

    /// Why it cannot be run here.
    fn obstacle(&self) -> Option<String> {
        if self.is("rw-build-tree") && !self.is("needs-root") {
            return Some("only root can write to the tree".to_owned());
        }
        let other = self.restrictions.iter().find(|one| !KEPT.contains(&one.as_str()))?;
        Some(format!("`{other}` cannot be kept here"))
    }

    /// What it needs and is not there.
    fn missing(&self, there: &BTreeSet<String>) -> Option<String> {
        let missing = self.depends.iter().filter(|names| !names.iter().any(|name| there.contains(name)));
        let missing: Vec<String> = missing.map(|names| names.join(" or ")).collect();
        (!missing.is_empty()).then(|| format!("not installed: {}", missing.join(", ")))
    }

    fn outcome(&self, look: &Look<'_>, ran: &Ran) -> (Outcome, Vec<String>) {
        let mut why = last_words(ran);
        let talks = ran.errors.total > 0 && !self.is("allow-stderr");
        match ran.end {
            End::Exited(0) if !talks => return (Outcome::Ok, Vec::new()),
            End::Exited(0) => why.push("it writes to standard error".to_owned()),
            End::Exited(77) if self.is("skippable") => return (Outcome::Skipped, why),
            End::Exited(_) | End::Killed { .. } | End::TimedOut => why.push(format!("exit: {}", exit(look, ran).value)),
        }
        (if self.is("flaky") { Outcome::Skipped } else { Outcome::Failed }, why)
    }
}
