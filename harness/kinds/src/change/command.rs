//! `command`: runs a program.

use std::collections::BTreeMap;

use crate::document::{Argv, Span};

crate::document! {
    /// A program that changes the environment.
    pub struct Command, "a command, or a mapping with `run`" {
        /// The command line.
        run: Argv, required;
        /// Its environment.
        environment: Option<BTreeMap<String, String>>, optional;
        /// Its user; root when not given.
        user: Option<String>, optional;
        /// Its working folder.
        directory: Option<String>, optional;
        /// How long it may take.
        within: Option<Span>, optional;
        /// The command line that takes it back.
        revert: Option<Argv>, optional;
    }
    short run;
}
