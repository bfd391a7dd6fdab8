//! `log`: new kinds of log lines.

use crate::document::OneOrMany;

crate::document! {
    /// Log lines of files, the journal or a service's output.
    pub struct Log, "files, or a mapping" {
        /// Files, by glob.
        files: Option<OneOrMany<String>>, optional;
        /// Units whose journal is read.
        journal: Option<OneOrMany<String>>, optional;
    }
    short files;
}
