//! One message about a file a person wrote: what is wrong, where, and what to do.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is run.
    Error,
    /// It runs, but a person should know. `check --strict` makes an error of it.
    Warning,
}

macro_rules! codes {
    ($($(#[$doc:meta])+ $name:ident = $text:literal,)+) => {
        /// Every diagnostic has one of these. `patchbed explain CODE` tells more.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Code { $($(#[$doc])+ $name,)+ }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

codes! {
    /// The file could not be read.
    UnreadableFile = "unreadable-file",
    /// Over 1 MiB.
    FileTooLarge = "file-too-large",
    /// Not UTF-8.
    NotUtf8 = "not-utf8",
    /// The YAML itself is broken.
    InvalidYaml = "invalid-yaml",
    /// Nested deeper than 32.
    TooDeep = "too-deep",
    /// An anchor, an alias or a merge key.
    Alias = "alias",
    /// A YAML tag.
    Tag = "tag",
    /// One key twice in one mapping.
    DuplicateKey = "duplicate-key",
    /// No document, or one that is not a mapping.
    NotAScenario = "not-a-scenario",
    /// More than one document.
    SeveralDocuments = "several-documents",
    /// A key nobody knows.
    UnknownKey = "unknown-key",
    /// A key that must be there is not.
    MissingKey = "missing-key",
    /// Another type was wanted.
    WrongType = "wrong-type",
    /// The right type, but a value that cannot be.
    InvalidValue = "invalid-value",
    /// A duration that cannot be read.
    InvalidDuration = "invalid-duration",
    /// A number where a version is wanted.
    UnquotedVersion = "unquoted-version",
    /// Control characters in a text.
    ControlCharacter = "control-character",
    /// Two things of one kind with one name.
    DuplicateName = "duplicate-name",
    /// No service of that name.
    UnknownService = "unknown-service",
    /// No image, patch, product or scenario of that name.
    UnknownName = "unknown-name",
    /// A kind nobody knows.
    UnknownKind = "unknown-kind",
    /// No kind where one is wanted.
    MissingKind = "missing-kind",
    /// Two kinds where one is wanted.
    TwoKinds = "two-kinds",
    /// `after` goes round in a circle.
    Cycle = "cycle",
    /// A file that the scenario names is not there.
    MissingFile = "missing-file",
    /// `${name}` has no value.
    UnknownVariable = "unknown-variable",
    /// More cells than can be run.
    TooManyCells = "too-many-cells",
    /// Two keys that exclude each other.
    Conflict = "conflict",
    /// Part of the language that this version does not have yet.
    Unsupported = "unsupported",
    /// A rule that silences without saying why, or without owner and end.
    UnexplainedRule = "unexplained-rule",
    /// A rule that silences every reading.
    RuleHidesAll = "rule-hides-all",
    /// A rule or an acceptance whose last day is over.
    Expired = "expired",
    /// Nothing would be looked at.
    NothingObserved = "nothing-observed",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place in a file, and what is said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Label {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is said about the place; may be empty.
    pub text: String,
}

/// One message about one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// Which message it is.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong, in lower case, without a full stop.
    pub message: String,
    /// The file as the user named it.
    pub file: String,
    /// Where: the first label is the place itself, the others explain.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Vec<String>,
}
