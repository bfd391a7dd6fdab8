//! `host`: this machine's own root, copy-on-write underneath.

use crate::document::OneOrMany;

crate::document! {
    /// This machine's own root.
    pub struct Host, "a mapping" {
        /// Paths that are hidden besides the secrets that always are.
        exclude: Option<OneOrMany<String>>, optional;
        /// Secret paths that are shown after all.
        include: Option<OneOrMany<String>>, optional;
    }
}
