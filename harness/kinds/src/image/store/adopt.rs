//! Entries that came into the store as copies, such as from the cache of an engine for continuous integration.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use camino::Utf8Path;
use patchbed_model::Digest;

use super::entries::{META, Shelf, Stamp, Store, StoreError, names, read_stamp};

impl Store {
    /// Takes in the entries that were copied here whole. A copy is not what was published, so that without this it is
    /// removed; whoever calls this vouches for it. Owners and attributes are as the copy has them. Tells how many.
    ///
    /// # Errors
    /// When a folder cannot be read, or a stamp cannot be written.
    pub fn adopt(&self) -> Result<usize, StoreError> {
        let mut adopted = 0;
        for shelf in Shelf::ALL {
            for name in names(&self.root.join(shelf.folder()))? {
                let Some(digest) = Digest::parse(&format!("sha256:{name}")) else { continue };
                let Some(_lock) = self.try_lock(&digest)? else { continue };
                adopted += usize::from(adopt_entry(&self.place(shelf, &digest), &digest)?);
            }
        }
        Ok(adopted)
    }
}

/// Writes the stamp of a copy anew; tells `false` of what is no copy, or not whole.
fn adopt_entry(place: &Utf8Path, digest: &Digest) -> Result<bool, StoreError> {
    let Some((mut stamp, tree)) = read_stamp(place, digest) else { return Ok(false) };
    if stamp.inode == tree.ino() {
        return Ok(false);
    }
    stamp.inode = tree.ino();
    write_stamp(place, &stamp).map_err(|error| StoreError::io("write the stamp of", place, error))?;
    Ok(true)
}

fn write_stamp(place: &Utf8Path, stamp: &Stamp) -> io::Result<()> {
    let beside = place.join("meta.json.new");
    fs::write(&beside, serde_json::to_vec_pretty(stamp)?)?;
    fs::rename(beside, place.join(META))
}
