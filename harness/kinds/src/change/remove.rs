//! `remove`: removes files and trees.

use crate::document::OneOrMany;

crate::document! {
    /// Files and trees to remove.
    pub struct Remove, "paths" {
        /// Absolute paths; globs are not followed.
        paths: OneOrMany<String>, required;
    }
    short paths;
}
