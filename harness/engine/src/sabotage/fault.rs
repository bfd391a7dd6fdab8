//! What a fault is, and what a scenario that misses one lacks.

use serde::{Serialize, Serializer};

use super::script::Script;

/// A fault that is injected into the patched arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind it is.
    pub kind: FaultKind,
    /// What it is done to: a service, a file, what must survive.
    pub subject: String,
    /// What does it.
    pub(super) script: Script,
}

impl Fault {
    /// Its name, as that of the patch which stands for it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.kind.name(), self.subject)
    }
}

/// What kind a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A service does not run any more.
    StopService,
    /// A service lives, and nobody reaches its ports.
    ClosePort,
    /// A file of a service has a mode that is wrong.
    WrongMode,
    /// One row of a store is gone.
    DropRow,
    /// What configures a service holds a line that means nothing.
    CorruptConfig,
    /// A service takes longer.
    Delay,
    /// A service holds 200 files open.
    LeakDescriptors,
    /// A web server answers 500.
    Return500,
    /// A service of a product does not run any more.
    KillHelper,
    /// A file of a product is gone.
    RemoveFile,
    /// A library of a service cannot be loaded.
    RemoveLibrary,
}

impl FaultKind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 11] = [
        Self::StopService,
        Self::ClosePort,
        Self::WrongMode,
        Self::DropRow,
        Self::CorruptConfig,
        Self::Delay,
        Self::LeakDescriptors,
        Self::Return500,
        Self::KillHelper,
        Self::RemoveFile,
        Self::RemoveLibrary,
    ];

    /// The word of the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StopService => "stop-service",
            Self::ClosePort => "close-port",
            Self::WrongMode => "wrong-mode",
            Self::DropRow => "drop-row",
            Self::CorruptConfig => "corrupt-config",
            Self::Delay => "delay",
            Self::LeakDescriptors => "leak-descriptors",
            Self::Return500 => "return-500",
            Self::KillHelper => "kill-helper",
            Self::RemoveFile => "remove-file",
            Self::RemoveLibrary => "remove-library",
        }
    }

    /// What it does.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::StopService => "A service does not run any more.",
            Self::ClosePort => "A service lives, and listens on other ports: nobody reaches it where it was.",
            Self::WrongMode => "A file of a service has a mode that is wrong: private keys that everybody may read.",
            Self::DropRow => "One row of a store is gone.",
            Self::CorruptConfig => "What configures a service holds a line that means nothing.",
            Self::Delay => "A service is halted for a fifth of all time, so that it answers later.",
            Self::LeakDescriptors => "A service holds 200 files open that nobody closes.",
            Self::Return500 => "A web server answers 500 whatever it is asked.",
            Self::KillHelper => "A service of a product does not run any more.",
            Self::RemoveFile => "A file of a product is gone.",
            Self::RemoveLibrary => "A library that a service has loaded is empty, so that it cannot be loaded again.",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a scenario needs to notice it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::StopService | Self::KillHelper => "a probe that asks the service for what it is there for",
            Self::ClosePort => "a `listening:` probe of the port, or a `tcp:` probe",
            Self::WrongMode => "a `files:` probe of the path, which reads mode and owner",
            Self::DropRow => "`data:` with `rows:` and a query of all that must survive",
            Self::CorruptConfig => "a probe that shows what the file configures",
            Self::Delay => "a `latency:` probe of what must stay fast",
            Self::LeakDescriptors => "a `process:` probe, and no rule that silences its `descriptors`",
            Self::Return500 => "an `http:` probe with `expect: 200`",
            Self::RemoveFile => "a probe that uses the file, or a `files:` probe of the path",
            Self::RemoveLibrary => "a `linkage:` probe, or a probe that uses what needs the library",
        }
    }
}

impl Serialize for FaultKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
