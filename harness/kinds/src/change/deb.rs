//! `deb`: installs or updates Debian packages.

use crate::document::OneOrMany;

crate::document! {
    /// Debian packages, by name or as files.
    pub struct Deb, "packages, or a mapping with `packages` or `files`" {
        /// Package names, `name=version` allowed, from the image's own sources or from the folder `from`.
        packages: Option<OneOrMany<String>>, optional;
        /// A folder of .deb files that stands in for the image's sources.
        from: Option<String>, optional;
        /// .deb files to install as they are.
        files: Option<OneOrMany<String>>, optional;
    }
    short packages;
}
