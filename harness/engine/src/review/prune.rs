//! Taking out acceptances that no longer occur.

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::record::CellRecord;
use patchbed_model::{Acceptance, Key, RunId};

use super::{ReviewError, in_scope};
use crate::store::{Committed, State};

/// Takes out the acceptances that speak of cells of a run and that nothing in it showed. A cell without a result shows
/// nothing and takes nothing away. Gives back the files that were written, with the readings that are no longer accepted.
///
/// # Errors
/// See [`ReviewError`].
pub fn prune(state: &State, run: &RunId, snapshots: &Utf8Path) -> Result<Vec<(Utf8PathBuf, Vec<Key>)>, ReviewError> {
    let committed = Committed::at(snapshots);
    let mut written = Vec::new();
    for scenario in state.record(run)?.scenarios {
        let accepted = committed.accepted(&scenario.id)?;
        let (kept, gone): (Vec<_>, Vec<_>) = accepted.into_iter().partition(|one| is_needed(one, &scenario.cells));
        if !gone.is_empty() {
            let file = committed.write_accepted(&scenario.id, kept)?;
            written.push((file, gone.into_iter().map(|one| one.key).collect()));
        }
    }
    Ok(written)
}

fn is_needed(acceptance: &Acceptance, cells: &[CellRecord]) -> bool {
    let mut spoken_of = cells.iter().filter(|cell| in_scope(acceptance, cell)).peekable();
    let shows = |cell: &CellRecord| {
        cell.verdict.undecided() || cell.differences.iter().chain(&cell.silenced).any(|one| acceptance.covers(one))
    };
    spoken_of.peek().is_none() || spoken_of.any(shows)
}
