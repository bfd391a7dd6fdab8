//! `diff`: applies a unified diff.

crate::document! {
    /// A unified diff, from a file or written in place.
    pub struct Diff, "a file, or a mapping with `file` or `text`" {
        /// The file that holds the diff.
        file: Option<String>, optional;
        /// The diff itself.
        text: Option<String>, optional;
        /// The folder inside the environment to which its paths belong; `/` when not given.
        directory: Option<String>, optional;
        /// How many leading parts of the paths are dropped; 1 when not given.
        strip: Option<u32>, optional;
    }
    short file;
}
