//! `tar`: a tarball of a root file system.

crate::document! {
    /// A tarball: plain, gzip, zstd or xz.
    pub struct Tar, "a path, or a mapping with `path`" {
        /// The file.
        path: String, required;
        /// The SHA-256 of the file in hexadecimal, checked when given.
        sha256: Option<String>, optional;
    }
    short path;
}
