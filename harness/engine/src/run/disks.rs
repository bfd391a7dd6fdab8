//! Disks of attempts that are kept, so that a person can look at what an attempt left behind.

use std::sync::Arc;

use patchbed_kinds::image::{Disk, Store, StoreError};
use patchbed_model::id::Hasher;
use patchbed_model::{Arm, AttemptId, CellId, Digest, Exit, Record, RunId};

use super::harness::Keep;
use super::prepare::Ground;
use crate::plan::PlanCell;

/// What keeps the disks of a run: of each arm of a cell that of the last attempt.
#[derive(Clone, Debug)]
pub(super) struct Disks {
    store: Arc<Store>,
    run: RunId,
}

impl Disks {
    /// What keeps the disks of a run; `None` when none are wanted.
    pub(super) fn of(keep: Keep, store: &Arc<Store>, run: RunId) -> Option<Self> {
        match keep {
            Keep::Never => None,
            Keep::Failed | Keep::All => Some(Self { store: Arc::clone(store), run }),
        }
    }

    /// A disk for an attempt of this cell. Where there is none, the note says why.
    pub(super) fn disk(&self, cell: &PlanCell, ground: &Ground) -> Result<Disk, String> {
        if cell.reboots() {
            return Err("no disk is kept of a machine that is started again".to_owned());
        }
        match self.store.disk(&ground.image) {
            Ok(Some(disk)) => Ok(disk),
            Ok(None) => {
                Err("no disk is kept on this machine's own root: the kernel takes none from within that root; \
                             set XDG_CACHE_HOME to a folder on another file system"
                    .to_owned())
            }
            Err(error) => Err(not_kept(&error)),
        }
    }

    /// Keeps the disk of an attempt whose sandbox is closed; gives a note when that fails.
    pub(super) async fn keep(&self, disk: Disk, attempt: &AttemptId, ground: &Ground) -> Option<String> {
        let source = format!("{} {} {} of run {}", attempt.cell, attempt.arm, attempt.number, self.run);
        let name = name(&self.run, &attempt.cell, attempt.arm);
        self.store.keep(disk, &name, (source, &ground.image)).await.err().map(|error| not_kept(&error))
    }
}

/// Removes the disks of cells that are fine, where only those of the others are wanted.
pub(super) fn forget_fine(store: &Store, record: &Record) -> Result<(), StoreError> {
    let cells = record.scenarios.iter().flat_map(|scenario| &scenario.cells);
    let fine = cells.filter(|cell| cell.verdict.exit() == Exit::Ok);
    let names = fine.flat_map(|cell| [Arm::Control, Arm::Patched].map(|arm| name(&record.run, &cell.id, arm)));
    names.into_iter().try_for_each(|name| store.forget(&name))
}

/// The name under which the disk of an arm is kept.
pub(super) fn name(run: &RunId, cell: &CellId, arm: Arm) -> Digest {
    Hasher::new().part("kept 1").part(&run.0).part(&cell.0).part(arm.to_string()).finish()
}

fn not_kept(error: &StoreError) -> String {
    format!("the disk is not kept: {}", error.text())
}
