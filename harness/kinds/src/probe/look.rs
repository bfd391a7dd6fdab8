//! What every look needs: its keys, its limit in the guest's unit, a program run to its end.

use patchbed_model::Key;
use patchbed_sandbox::message::{Program, Ran, Run};

use super::{Look, ProbeError};

/// How many bytes of a program's output are kept.
pub(super) const KEEP: usize = 1 << 20;

impl Look<'_> {
    /// The key of `part` below the look's prefix.
    pub(super) fn key(&self, part: &str) -> Key {
        self.prefix.child(part)
    }

    /// The limit in milliseconds.
    pub(super) fn milliseconds(&self) -> u64 {
        u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX)
    }

    /// Runs a tool of the image whose answer is read, such as `systemctl`.
    pub(super) async fn tool(&self, argv: &[&str]) -> Result<Ran, ProbeError> {
        let argv = argv.iter().map(|&word| word.to_owned()).collect();
        let program =
            Program { argv, environment: [("LC_ALL".to_owned(), "C".to_owned())].into(), ..Program::default() };
        let run = Run { program, within: self.milliseconds(), keep: KEEP, ..Run::default() };
        Ok(self.sandbox.run(run).await?)
    }
}
