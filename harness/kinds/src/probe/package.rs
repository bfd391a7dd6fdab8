//! `package`: versions and states of packages.

use crate::document::OneOrMany;

crate::document! {
    /// Installed packages.
    pub struct Package, "names, or a mapping" {
        /// The packages; all when not given.
        names: Option<OneOrMany<String>>, optional;
    }
    short names;
}
