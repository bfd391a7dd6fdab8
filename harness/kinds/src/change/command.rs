//! `command`: runs a program.

use patchbed_guest::message::{Privileges, Program};
use patchbed_model::text::{first_line, one_line, shorten};
use patchbed_sandbox::{AskError, Sandbox};

use super::tool::{digest, must_run};
use super::{Applied, Change, ChangeError, Prepared, Site};
use crate::document::{Argv, Pairs, Span};
use crate::image::Workshop;
use crate::probe::automatic::Footprint;

crate::document! {
    /// A program that changes the environment.
    pub struct Command, "a command, or a mapping with `run`" {
        /// The command line.
        run: Argv, required;
        /// Its environment.
        environment: Option<Pairs>, optional;
        /// Its user; root when not given.
        user: Option<String>, optional;
        /// Its working folder.
        directory: Option<String>, optional;
        /// How long it may take.
        within: Option<Span>, optional;
        /// The command line that takes it back.
        revert: Option<Argv>, optional;
    }
    short run;
    check {
        user => user,
        directory => inside_path,
    }
}

impl Command {
    fn program(&self, argv: &Argv) -> Program {
        Program {
            argv: argv.0.clone(),
            environment: self.environment.clone().unwrap_or_default().0,
            user: self.user.clone(),
            directory: self.directory.clone(),
            privileges: Privileges::Ordinary,
        }
    }

    async fn run(&self, site: &Site<'_>, argv: &Argv) -> Result<(), ChangeError> {
        let within = self.within.map_or(site.within, |span| span.0);
        let what = format!("`{}`", shown(argv));
        must_run(site.sandbox, &what, self.program(argv), within).await.map(|_| ())
    }
}

impl Change for Command {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    async fn prepare(&self, _: &Workshop<'_>) -> Result<Prepared, ChangeError> {
        Ok(Prepared { digest: digest(self, "command")?, binds: Vec::new() })
    }

    async fn apply(&self, site: &Site<'_>) -> Result<Applied, ChangeError> {
        let before = footprint(site.sandbox).await?;
        self.run(site, &self.run).await?;
        let after = footprint(site.sandbox).await?;
        let notes = after.cut(&before).into_iter().collect();
        Ok(Applied { notes, paths: after.since(&before), ..Applied::default() })
    }

    async fn revert(&self, site: &Site<'_>) -> Result<(), ChangeError> {
        let Some(argv) = &self.revert else {
            let what = shown(&self.run);
            let text = format!("`{what}` has no way back: the command has no `revert`");
            return Err(ChangeError::Refused { text, evidence: Vec::new() });
        };
        self.run(site, argv).await
    }
}

/// A command cannot say which files it writes, so what differs after it from before is what it wrote.
async fn footprint(sandbox: &dyn Sandbox) -> Result<Footprint, ChangeError> {
    Footprint::take(sandbox).await.map_err(|error| match error {
        AskError::Link(link) => ChangeError::Link(link),
        AskError::Failed(failure) => ChangeError::Unavailable(format!("see what a command wrote: {failure}")),
    })
}

/// The command line on one short line.
fn shown(argv: &Argv) -> String {
    shorten(&one_line(&first_line(&words(argv))), 80)
}

/// The command line as people wrote it.
fn words(argv: &Argv) -> String {
    match &argv.0[..] {
        [shell, flag, text] if shell == "/bin/sh" && flag == "-c" => text.clone(),
        words => words.join(" "),
    }
}
