//! What a sandbox is made of, as plain data.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

/// Everything that makes one sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxSpec {
    /// What it is for, for people and logs.
    pub name: String,
    /// The read-only layers, the topmost first. The last one is the image, or `/` for the `host` image.
    pub lowers: Vec<Utf8PathBuf>,
    /// Whether the lowest layer is this machine's own root: its submounts and secrets are then hidden.
    pub host_root: bool,
    /// Where changes go.
    pub upper: Upper,
    /// Host folders and files shown inside.
    pub binds: Vec<Bind>,
    /// Paths inside that are covered by an empty folder or file.
    pub hidden: Vec<String>,
    /// The network.
    pub network: Network,
    /// What may be used.
    pub limits: Limits,
    /// What process 1 is.
    pub init: Init,
    /// The host name inside.
    pub hostname: String,
    /// The environment of every program started inside, beside the small fixed one.
    pub environment: BTreeMap<String, String>,
}

impl SandboxSpec {
    /// A sandbox on a root (its layers, the topmost first) with nothing special: changes in memory, a loopback network,
    /// the default limits, the guest as process 1.
    #[must_use]
    pub fn on(name: &str, lowers: Vec<Utf8PathBuf>) -> Self {
        Self {
            name: name.to_owned(),
            host_root: lowers.last().is_some_and(|lowest| lowest == "/"),
            lowers,
            upper: Upper::Memory,
            binds: Vec::new(),
            hidden: Vec::new(),
            network: Network::Loopback,
            limits: Limits::default(),
            init: Init::Guest,
            hostname: "patchbed".to_owned(),
            environment: BTreeMap::new(),
        }
    }

    /// The folder of the writable layer, when it is not in memory.
    pub(crate) fn folder(&self) -> Option<&str> {
        match &self.upper {
            Upper::Memory => None,
            Upper::Disk => Some("disk"),
            Upper::Folder(folder) => Some(folder.as_str()),
        }
    }
}

/// Where the changes of a sandbox go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Upper {
    /// Into memory, gone with the sandbox; the size is [`Limits::disk`].
    Memory,
    /// Onto a disk of the sandbox's own, gone with it as well; it outlives a [`crate::Sandbox::reboot`]. Its size is not
    /// limited.
    Disk,
    /// Into a folder of the layer store. It must be free or empty, on a file system that overlay can write to; the
    /// layer appears there whole and synced when the sandbox is closed, and never otherwise.
    Folder(Utf8PathBuf),
}

/// A folder or file of the host shown inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// On the host.
    pub from: Utf8PathBuf,
    /// Inside; made when missing, never through a symbolic link.
    pub to: String,
    /// Whether it can be written.
    pub mode: BindMode,
}

/// Whether a bind can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BindMode {
    /// It cannot.
    ReadOnly,
    /// It can.
    ReadWrite,
}

/// The network of a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// A private one with a loopback interface only.
    Loopback,
    /// The host's: for fetching packages, never for an attempt. `/etc/resolv.conf`, `/etc/hosts` and the package
    /// clients' certificates and proxy settings of the host are shown inside.
    Host,
}

/// What a sandbox may use. What the host cannot enforce is told in [`crate::Sandbox::notes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The whole life of the sandbox.
    pub time: Duration,
    /// Memory of all processes together, in bytes.
    pub memory: u64,
    /// Space in the writable layer, in bytes.
    pub disk: u64,
    /// Processes and threads at one time.
    pub processes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_mins(10), memory: 2 << 30, disk: 4 << 30, processes: 512 }
    }
}

/// What process 1 of the sandbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Init {
    /// The guest.
    Guest,
    /// The image's own systemd, the guest beside it in a control group of its own.
    Systemd,
}
