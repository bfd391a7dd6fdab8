//! `debian`: a Debian root made with mmdebstrap.

use crate::document::OneOrMany;

crate::document! {
    /// A Debian root made with mmdebstrap and kept by digest.
    pub struct Debian, "a suite, or a mapping with `suite`" {
        /// The suite, such as `bookworm`.
        suite: String, required;
        /// mmdebstrap's variant; `minbase` when not given.
        variant: Option<String>, optional;
        /// Packages besides those of the variant.
        packages: Option<OneOrMany<String>>, optional;
        /// The mirror; this machine's own sources when not given.
        mirror: Option<String>, optional;
        /// The keyring file that signs the mirror.
        keyring: Option<String>, optional;
    }
    short suite;
}
