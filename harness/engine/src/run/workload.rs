//! Workloads: run to their end against the services.

use std::collections::BTreeMap;

use patchbed_kinds::probe::canonical::canonical_reading;
use patchbed_model::text::last_lines;
use patchbed_model::{Blame, Health, Key, Reading};
use patchbed_sandbox::message::{End, Program, Run};
use patchbed_sandbox::{AskError, LinkError, Sandbox};

use super::halt::Halt;
use super::pace::milliseconds;
use crate::scenario::Workload;

/// How many bytes of its output are kept.
const KEEP: usize = 64 << 10;

/// A workload, and whose fault it is when it fails before the patch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exercise<'a> {
    pub(super) workload: &'a Workload,
    pub(super) blame: Blame,
}

/// How a workload failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) text: String,
    pub(super) evidence: Vec<String>,
}

impl Exercise<'_> {
    /// Runs it. A status other than 0 is a failure.
    pub(super) async fn run(&self, sandbox: &dyn Sandbox) -> Result<Result<(), Failed>, LinkError> {
        let workload = self.workload;
        let program = Program {
            argv: workload.argv.clone(),
            user: workload.user.clone(),
            directory: workload.directory.clone(),
            environment: workload.environment.clone(),
            ..Program::default()
        };
        let run = Run { program, within: milliseconds(workload.within), keep: KEEP, ..Run::default() };
        match sandbox.run(run).await {
            Ok(ran) if ran.end == End::Exited(0) => Ok(Ok(())),
            Ok(ran) => {
                let mut evidence = last_lines(&ran.output.text, 5);
                evidence.extend(last_lines(&ran.errors.text, 10));
                Ok(Err(Failed { text: ran.end.to_string(), evidence }))
            }
            Err(AskError::Failed(failure)) => Ok(Err(Failed { text: failure.text, evidence: Vec::new() })),
            Err(AskError::Link(link)) => Err(link),
        }
    }
}

/// Runs workloads one after the other; how each ended is a reading: `workload.NAME.exit`.
pub(super) async fn readings(
    sandbox: &dyn Sandbox,
    exercises: &[Exercise<'_>],
) -> Result<BTreeMap<Key, Reading>, Halt> {
    let mut readings = BTreeMap::new();
    for one in exercises {
        let reading = match one.run(sandbox).await? {
            Ok(()) => Reading::state(End::Exited(0).to_string(), Health::Good),
            Err(failed) => Reading::state(failed.text, Health::Bad).because(failed.evidence),
        };
        readings.insert(one.workload.key(), canonical_reading(reading));
    }
    Ok(readings)
}
