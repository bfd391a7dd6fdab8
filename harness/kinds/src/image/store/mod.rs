//! The store of images, layers and fetched packages under the cache directory: content-addressed, read-only once
//! published by rename, safe for several processes, every user's own (mode 0700).
//!
//! ```text
//! images/<digest>/{root/, meta.json}    root file systems
//! layers/<digest>/{root/, meta.json}    what changes left on top of one
//! packages/<digest>/{root/, meta.json}  packages and trees that changes bring
//! kept/<name>/{root/, meta.json}       what attempts left on their disks, for a day
//! seen/<digest>                         which content a folder or tarball had when it was last read
//! locks/<digest>                        flock: exclusive while made or removed, shared while used
//! tmp/<random>/                         drafts, locked by who makes them; what is not locked is swept
//! ```

mod adopt;
mod draft;
mod entries;
mod kept;
mod lock;

pub(crate) use draft::Draft;
pub(crate) use entries::detail;
pub use entries::{Entry, Made, Meta, Shelf, Store, StoreError};
pub use kept::Disk;
pub use lock::Hold;
pub(crate) use lock::Place;
