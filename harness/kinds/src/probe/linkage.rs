//! `linkage`: unresolved libraries and symbols.

use crate::document::OneOrMany;

crate::document! {
    /// Executables and libraries whose needs are checked without running them.
    pub struct Linkage, "paths, or a mapping" {
        /// Executables and libraries, globs allowed; those of the probe's service when not given.
        paths: Option<OneOrMany<String>>, optional;
    }
    short paths;
}
