//! A sandbox as an ordered list of steps: what the runner is given, what `patchbed plan` prints, what is interpreted.
//!
//! The list is made by the crate `sandbox` from a spec and from what the host can do. It knows no scenario.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Everything that the runner needs to make one sandbox, and the guest to serve it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What is done, in order.
    pub steps: Vec<SetupStep>,
    /// The environment of every program started inside.
    pub environment: BTreeMap<String, String>,
    /// What could not be set up as asked, to be told in [`crate::message::Message::Ready`].
    pub notes: Vec<String>,
    /// How many processes the sandbox may hold, to tell when the limit is reached.
    pub processes: u32,
}

/// What process 1 of the sandbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InitKind {
    /// The guest.
    Guest,
    /// The image's own systemd, the guest beside it.
    Systemd,
}

/// One step of making a sandbox. Steps before [`SetupStep::Enter`] are done by the runner outside, the others inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SetupStep {
    /// A process in new namespaces of these kinds, with these ids.
    Clone {
        /// The namespaces made at once.
        namespaces: Vec<Namespace>,
        /// Which ids inside are which outside.
        ids: Vec<IdRange>,
    },
    /// A mount of a host folder or file, not yet placed anywhere.
    Tree {
        /// Its name among the steps.
        name: String,
        /// On the host.
        from: String,
        /// Whether it can be written.
        access: Access,
        /// Whose ids its files carry.
        ids: Ids,
        /// Whether what is mounted below comes along.
        depth: Depth,
    },
    /// A counter of a control group, kept open to tell when a limit was reached.
    Meter {
        /// Which limit: `memory` or `processes`.
        limit: String,
        /// The file.
        file: String,
        /// The word before the number; the whole file is the number when empty.
        key: String,
    },
    /// From here on, inside: the new process takes over as root of its user namespace.
    Enter,
    /// Further namespaces.
    Unshare(Vec<Namespace>),
    /// Mounts no longer propagate in either direction.
    Private,
    /// A file system in memory for the writable layer and the mount points.
    Stage {
        /// Its size in bytes; none for the stage of a layer that lies in a folder.
        size: Option<u64>,
    },
    /// A tree becomes a part of the stage: `upper` or a number for a read-only layer.
    Place {
        /// Which tree.
        tree: String,
        /// Where on the stage.
        at: String,
    },
    /// The root: an overlay of the layers.
    Overlay {
        /// Read-only layers on the stage, the topmost first.
        lowers: Vec<String>,
        /// Where on the stage the upper and the work folder are.
        upper: String,
        /// Whether nothing is ever synced.
        volatile: bool,
    },
    /// A file system inside the root.
    Mount {
        /// Its kind.
        system: String,
        /// Inside the root.
        at: String,
        /// Its options.
        options: Vec<(String, String)>,
        /// Mount flags.
        flags: Vec<MountFlag>,
    },
    /// Device files, bound from the host.
    Devices(Vec<String>),
    /// A symbolic link inside the root.
    Link {
        /// Where it is.
        at: String,
        /// Where it points.
        to: String,
    },
    /// A folder inside the root.
    Folder {
        /// Where.
        at: String,
        /// Its mode.
        mode: u32,
    },
    /// A file inside the root in the place of another one, whose mode and owner it takes.
    File {
        /// Where.
        at: String,
        /// What is in it.
        text: String,
    },
    /// A tree becomes visible inside the root.
    Bind {
        /// Which tree.
        tree: String,
        /// Inside the root.
        at: String,
    },
    /// These can no longer be written, mounts below included.
    Seal(Vec<String>),
    /// What is there is covered by something empty that cannot be written; nothing happens where nothing is.
    Hide(Vec<String>),
    /// The same with folders of the same mode and owner that can be written.
    Empty {
        /// What is covered.
        paths: Vec<String>,
        /// The size of each in bytes.
        size: u64,
    },
    /// No more than so many process ids.
    Processes(u32),
    /// The root becomes `/`, everything else goes out of sight.
    Pivot,
    /// The loopback interface comes up.
    Loopback,
    /// The host name.
    HostName(String),
    /// A limit of the kernel on every process.
    Resource {
        /// `core`, `data` or `files`.
        name: String,
        /// Its value.
        limit: u64,
    },
    /// A control group for process 1 and one for the guest, the root of what is visible inside.
    Group {
        /// The group's tree.
        tree: String,
    },
    /// These capabilities stay for programs; the guest keeps what it needs to watch them.
    Capabilities(Vec<String>),
    /// System calls that are refused.
    Filter {
        /// Their names, for people.
        refused: Vec<String>,
        /// The program, one instruction per number.
        program: Vec<u64>,
    },
    /// Process 1 goes to work.
    Start(InitKind),
}

/// A kind of namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each kind is its own word")]
pub enum Namespace {
    User,
    Pid,
    Mount,
    Net,
    Ipc,
    Uts,
    Cgroup,
}

/// A run of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRange {
    /// The first id inside.
    pub inside: u32,
    /// The first id outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

/// Whether a tree can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// Whose ids the files of a tree carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ids {
    /// Those on the disk are those inside.
    Shifted,
    /// Those on the disk are those outside.
    Kept,
    /// Shifted where the file system can, else kept.
    ShiftedIfPossible,
}

/// Whether what is mounted below comes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Depth {
    /// Only the one mount.
    One,
    /// Everything below.
    All,
}

/// A flag of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is its own word")]
pub enum MountFlag {
    ReadOnly,
    NoSuid,
    NoDev,
    NoExec,
}

impl fmt::Display for SetupStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clone { namespaces, ids } => {
                write!(f, "clone {}", words(namespaces))?;
                ids.iter().try_for_each(|id| write!(f, ", {id}"))
            }
            Self::Tree { name, from, access, ids, depth } => {
                write!(f, "tree {name} from {from}, {}", access_word(*access))?;
                match ids {
                    Ids::Shifted => f.write_str(", ids shifted")?,
                    Ids::ShiftedIfPossible => f.write_str(", ids shifted where possible")?,
                    Ids::Kept => {}
                }
                match depth {
                    Depth::One => Ok(()),
                    Depth::All => f.write_str(", with what is mounted below"),
                }
            }
            Self::Meter { limit, file, .. } => write!(f, "meter {limit} from {file}"),
            Self::Enter => f.write_str("enter"),
            Self::Unshare(namespaces) => write!(f, "unshare {}", words(namespaces)),
            Self::Private => f.write_str("private"),
            Self::Stage { size: Some(size) } => write!(f, "stage of {size} bytes"),
            Self::Stage { size: None } => f.write_str("stage"),
            Self::Place { tree, at } => write!(f, "place {tree} as {at}"),
            Self::Overlay { lowers, upper, volatile } => {
                write!(f, "overlay of {} under {upper}", lowers.join(":"))?;
                f.write_str(if *volatile { ", volatile" } else { "" })
            }
            Self::Mount { system, at, options, flags } => {
                write!(f, "mount {system} at {at}")?;
                for (key, value) in options {
                    write!(f, ", {key}={value}")?;
                }
                flags.iter().try_for_each(|flag| write!(f, ", {}", debug_word(flag)))
            }
            Self::Devices(names) => write!(f, "devices {}", names.join(" ")),
            Self::Link { at, to } => write!(f, "link {at} to {to}"),
            Self::Folder { at, mode } => write!(f, "folder {at}, mode {mode:04o}"),
            Self::File { at, text } => write!(f, "file {at} of {} bytes", text.len()),
            Self::Bind { tree, at } => write!(f, "bind {tree} at {at}"),
            Self::Seal(paths) => write!(f, "seal {}", paths.join(" ")),
            Self::Hide(paths) => write!(f, "hide {}", paths.join(" ")),
            Self::Empty { paths, .. } => write!(f, "empty {}", paths.join(" ")),
            Self::Processes(count) => write!(f, "process ids up to {count}"),
            Self::Pivot => f.write_str("pivot"),
            Self::Loopback => f.write_str("loopback up"),
            Self::HostName(name) => write!(f, "host name {name}"),
            Self::Resource { name, limit } => write!(f, "limit {name} to {limit}"),
            Self::Group { tree } => write!(f, "control group {tree}"),
            Self::Capabilities(names) => write!(f, "capabilities {}", names.join(" ")),
            Self::Filter { refused, .. } => write!(f, "refuse {}", refused.join(" ")),
            Self::Start(kind) => write!(f, "start {}", debug_word(kind)),
        }
    }
}

impl fmt::Display for IdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inside, outside, count } = self;
        write!(f, "{count} ids from {inside} are {outside} outside")
    }
}

fn words(namespaces: &[Namespace]) -> String {
    let words: Vec<String> = namespaces.iter().map(debug_word).collect();
    words.join(" ")
}

fn debug_word(value: &impl fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

fn access_word(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "read-only",
        Access::ReadWrite => "writable",
    }
}
