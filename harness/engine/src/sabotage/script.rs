//! The shell scripts that make faults, and the line of shell behind which programs run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use patchbed_kinds::change::AnyChange;
use patchbed_kinds::change::command::Command;
use patchbed_kinds::document::Argv;

/// What stands before every script.
const COMMON: &str = include_str!("scripts/common.sh");

/// What scripts are told, each with nothing in it where it does not matter.
const TOLD: [&str; 8] = ["name", "unit", "given", "host", "port", "store", "database", "table"];

/// Tells where the program is, takes up what a script left for it, and becomes the program. `$0` is the service's name.
const SHIM: &str =
    r#"echo $$ 2>/dev/null >"/tmp/.patchbed-$0"; [ ! -r "/run/patchbed-$0" ] || . "/run/patchbed-$0"; exec "$@""#;

/// A script with what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    text: &'static str,
    told: BTreeMap<&'static str, String>,
}

pub(super) const NOTHING: &str = include_str!("scripts/nothing.sh");
pub(super) const STOP_SERVICE: &str = include_str!("scripts/stop-service.sh");
pub(super) const CLOSE_PORT: &str = include_str!("scripts/close-port.sh");
pub(super) const WRONG_MODE: &str = include_str!("scripts/wrong-mode.sh");
pub(super) const HIDE_CONTENT: &str = include_str!("scripts/hide-content.sh");
pub(super) const BARE_KEY: &str = include_str!("scripts/bare-key.sh");
pub(super) const DROP_ROW: &str = include_str!("scripts/drop-row.sh");
pub(super) const CORRUPT_CONFIG: &str = include_str!("scripts/corrupt-config.sh");
pub(super) const DELAY: &str = include_str!("scripts/delay.sh");
pub(super) const LEAK_DESCRIPTORS: &str = include_str!("scripts/leak-descriptors.sh");
pub(super) const RETURN_500: &str = include_str!("scripts/return-500.sh");
pub(super) const REMOVE_FILE: &str = include_str!("scripts/remove-file.sh");
pub(super) const REMOVE_LIBRARY: &str = include_str!("scripts/remove-library.sh");

impl Script {
    /// A script that is told nothing yet.
    pub(super) const fn of(text: &'static str) -> Self {
        Self { text, told: BTreeMap::new() }
    }

    /// The same, told one thing more.
    pub(super) fn told(mut self, name: &'static str, value: &str) -> Self {
        debug_assert!(TOLD.contains(&name), "scripts know no `{name}`");
        self.told.insert(name, value.to_owned());
        self
    }

    /// The whole text. Writing to a string cannot fail.
    fn whole(&self) -> String {
        let mut text = String::new();
        for name in TOLD {
            let _ = writeln!(text, "{name}={}", quoted(self.told.get(name).map(String::as_str).unwrap_or_default()));
        }
        text + COMMON + self.text
    }

    /// The change that runs it.
    pub(super) fn change(&self) -> AnyChange {
        let run = Argv(vec!["/bin/sh".to_owned(), "-c".to_owned(), self.whole()]);
        AnyChange::Command(Command { run, environment: None, user: None, directory: None, within: None, revert: None })
    }
}

/// The command line of a program, so that a fault can be put before it.
pub(super) fn behind_shell(name: &str, argv: Vec<String>) -> Vec<String> {
    ["/bin/sh", "-c", SHIM, name].map(str::to_owned).into_iter().chain(argv).collect()
}

/// One word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
