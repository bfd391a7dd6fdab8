//! Removing what killed harnesses left.

use camino::Utf8Path;

use super::groups;
use super::owner::{Kind, orphaned};
use crate::Holder;

/// Removes what killed harnesses left under this folder: unfinished layers and control groups. Says what, one line each.
///
/// # Errors
/// When the folder cannot be read; what cannot be removed is said in the lines and tried again next time.
pub fn sweep(state: &Utf8Path) -> std::io::Result<Vec<String>> {
    let mut said = Vec::new();
    for owner in orphaned(state)? {
        let mut left = false;
        for (kind, path, entry) in owner.things()? {
            let shown = path.display();
            let removed = match kind {
                Kind::Group => groups::remove(&path).map_err(|error| error.to_string()),
                Kind::Tree => match Holder::find() {
                    Ok(holder) => holder.remove(&path).map_err(|error| error.to_string()),
                    Err(lack) => Err(format!("{}: {}", lack.what, lack.because)),
                },
            };
            match removed {
                Ok(()) => {
                    let _ = std::fs::remove_file(entry);
                    said.push(format!("removed `{shown}`, left by a run that was killed"));
                }
                Err(why) => {
                    left = true;
                    said.push(format!("cannot remove `{shown}`, left by a run that was killed: {why}"));
                }
            }
        }
        if !left {
            owner.forget();
        }
    }
    Ok(said)
}
