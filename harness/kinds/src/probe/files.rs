//! `files`: what files are.

use crate::document::OneOrMany;

crate::document! {
    /// Files by glob.
    pub struct Files, "globs, or a mapping with `paths`" {
        /// Globs; `**` crosses folders.
        paths: OneOrMany<String>, required;
        /// Globs of what is left out.
        exclude: Option<OneOrMany<String>>, optional;
        /// Whether texts are compared as text rather than by digest.
        text: bool, default false;
    }
    short paths;
}
