//! `debian`: a Debian root made with mmdebstrap.

use super::{Image, ImageError, Source, Workshop};
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

impl Source for Debian {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        self.keyring.iter().map(|keyring| ("keyring", keyring.as_str())).collect()
    }

    async fn make(&self, _: &Workshop<'_>) -> Result<Image, ImageError> {
        Err(ImageError::Unavailable("not yet".to_owned()))
    }
}
