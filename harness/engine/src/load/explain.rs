//! The long text of each code, for `patchbed explain CODE`.

use patchbed_model::Code;

macro_rules! pages {
    ($($code:ident = $file:literal,)+) => {
        /// What a code means, with an example and what to do.
        #[must_use]
        pub fn explain(code: Code) -> &'static str {
            match code { $(Code::$code => include_str!(concat!("../../explain/", $file, ".md")),)+ }
        }
    };
}

pages! {
    UnreadableFile = "unreadable-file",
    FileTooLarge = "file-too-large",
    NotUtf8 = "not-utf8",
    InvalidYaml = "invalid-yaml",
    TooDeep = "too-deep",
    Alias = "alias",
    Tag = "tag",
    DuplicateKey = "duplicate-key",
    NotAScenario = "not-a-scenario",
    SeveralDocuments = "several-documents",
    UnknownKey = "unknown-key",
    MissingKey = "missing-key",
    WrongType = "wrong-type",
    InvalidValue = "invalid-value",
    InvalidDuration = "invalid-duration",
    UnquotedVersion = "unquoted-version",
    ControlCharacter = "control-character",
    DuplicateName = "duplicate-name",
    UnknownService = "unknown-service",
    UnknownName = "unknown-name",
    UnknownKind = "unknown-kind",
    MissingKind = "missing-kind",
    TwoKinds = "two-kinds",
    Cycle = "cycle",
    MissingFile = "missing-file",
    UnknownVariable = "unknown-variable",
    TooManyCells = "too-many-cells",
    Conflict = "conflict",
    Unsupported = "unsupported",
    UnexplainedRule = "unexplained-rule",
    RuleHidesAll = "rule-hides-all",
    Expired = "expired",
    NothingObserved = "nothing-observed",
}
