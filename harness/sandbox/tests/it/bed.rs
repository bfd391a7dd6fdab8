//! A small image made of this host's own programs, and sandboxes on it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_guest::message::{Program, Ran, Run, Start};
use patchbed_sandbox::{Backend, Limits, NamespacesBackend, Sandbox, SandboxSpec};

/// The programs of the image.
const PROGRAMS: [&str; 30] = [
    "sh", "bash", "true", "false", "sleep", "cat", "ls", "id", "env", "dd", "head", "mkdir", "ln", "chmod", "chown",
    "touch", "stat", "mkfifo", "setsid", "timeout", "seq", "rm", "mv", "readlink", "sync", "wc", "yes", "nice", "tty",
    "unshare",
];

/// What the guest gives a program between TERM and KILL.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// What the guest gives killed processes to be gone.
pub(crate) const STUCK: Duration = Duration::from_secs(5);

/// What the harness gives a sandbox to be gone.
pub(crate) const GONE: Duration = Duration::from_secs(20);

/// A bed for one test: a backend and a state folder of its own.
pub(crate) struct Bed {
    pub(crate) backend: NamespacesBackend,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) spec: SandboxSpec,
}

impl Bed {
    pub(crate) fn new() -> Self {
        patchbed_testkit::face::linked();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = Utf8Path::from_path(folder.path()).expect("a path in UTF-8").join("state");
        Self { backend: NamespacesBackend::new(&state), folder, spec: spec(image()) }
    }

    pub(crate) fn path(&self, name: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.folder.path()).expect("a path in UTF-8").join(name)
    }

    pub(crate) async fn open(&self) -> Box<dyn Sandbox> {
        self.backend.open(&self.spec).await.expect("the sandbox opens")
    }
}

/// A spec on a root.
pub(crate) fn spec(root: &Utf8Path) -> SandboxSpec {
    SandboxSpec {
        limits: Limits { time: Duration::from_mins(2), memory: 256 << 20, disk: 64 << 20, processes: 200 },
        hostname: "bed".into(),
        environment: BTreeMap::from([("BED".to_owned(), "yes".to_owned())]),
        ..SandboxSpec::on("test", vec![root.to_owned()])
    }
}

/// A shell program.
pub(crate) fn shell(text: &str) -> Program {
    Program { argv: ["/bin/sh", "-c", text].map(str::to_owned).to_vec(), ..Program::default() }
}

/// A run of a shell program with bounds that no test should meet.
pub(crate) fn script(text: &str) -> Run {
    Run { program: shell(text), within: 60_000, keep: 64 << 10, ..Run::default() }
}

/// Runs a shell program.
pub(crate) async fn run(sandbox: &dyn Sandbox, text: &str) -> Ran {
    sandbox.run(script(text)).await.expect("the guest runs it")
}

/// A service from a shell program.
pub(crate) fn service(name: &str, text: &str) -> Start {
    Start { name: name.into(), program: shell(text) }
}

/// The image, made once and kept among the build's files until it would be made of something else.
pub(crate) fn image() -> &'static Utf8Path {
    static IMAGE: OnceLock<Utf8PathBuf> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let folder = std::env::var("PATCHBED_TEST_IMAGES").unwrap_or_else(|_| env!("CARGO_TARGET_TMPDIR").to_owned());
        let copies = copies();
        let image = Utf8PathBuf::from(folder).join(format!("small-image-{}", digest(&copies)));
        if !image.exists() {
            let partial = image.with_extension(std::process::id().to_string());
            make_image_of(&partial, &copies);
            // Another test program may have been faster.
            if std::fs::rename(&partial, &image).is_err() {
                let _ = std::fs::remove_dir_all(&partial);
            }
        }
        image
    })
}

/// The files of the host that the image is made of, and where they go to: the programs and their libraries.
fn copies() -> BTreeMap<Utf8PathBuf, String> {
    let find = |program: &&str| {
        let places = ["/usr/bin", "/bin"].map(|folder| Utf8Path::new(folder).join(program));
        places.into_iter().find(|path| path.exists())
    };
    let programs: Vec<Utf8PathBuf> = PROGRAMS.iter().filter_map(find).collect();
    let listed = Command::new("ldd").args(&programs).output().expect("ldd runs").stdout;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    // Each program's own name ends with a colon there.
    let libraries = listed.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':'));
    let mut copies: BTreeMap<_, _> =
        libraries.map(|path| (path.into(), path.trim_start_matches('/').to_owned())).collect();
    for program in programs {
        let name = format!("usr/bin/{}", program.file_name().expect("a program has a name"));
        copies.insert(program, name);
    }
    copies
}

/// What tells these files from others: their paths, sizes and times. Reading them all would take longer.
fn digest(copies: &BTreeMap<Utf8PathBuf, String>) -> String {
    let mut hasher = DefaultHasher::new();
    for (from, to) in copies {
        let metadata = std::fs::metadata(from).expect("a file of the host");
        (from, to, metadata.len(), metadata.mtime()).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// Copies programs with their libraries, and writes the few files that programs expect.
pub(crate) fn make_image(root: &Utf8Path) {
    make_image_of(root, &copies());
}

fn make_image_of(root: &Utf8Path, copies: &BTreeMap<Utf8PathBuf, String>) {
    for folder in ["usr/bin", "etc", "var/log", "root", "home"] {
        std::fs::create_dir_all(root.join(folder)).expect("make a folder");
    }
    for link in ["bin", "lib", "lib64", "sbin"] {
        let target = if link == "sbin" { "usr/bin".to_owned() } else { format!("usr/{link}") };
        std::fs::create_dir_all(root.join(&target)).expect("make a folder");
        symlink(&target, root.join(link)).expect("link");
    }
    for (from, to) in copies {
        let target = root.join(to);
        std::fs::create_dir_all(target.parent().expect("a parent")).expect("make a folder");
        std::fs::copy(from, target).expect("copy a file");
    }
    let passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33:web:/home:/bin/sh\n";
    std::fs::write(root.join("etc/passwd"), passwd).expect("write");
    std::fs::write(root.join("etc/group"), "root:x:0:\nweb:x:33:\nextra:x:44:web\n").expect("write");
    std::fs::write(root.join("etc/conf"), "original\n").expect("write");
}

/// For tests of what does not open.
pub(crate) trait OpenFails {
    async fn open_error(&self, spec: &SandboxSpec) -> patchbed_sandbox::OpenError;
}

impl OpenFails for NamespacesBackend {
    async fn open_error(&self, spec: &SandboxSpec) -> patchbed_sandbox::OpenError {
        self.open(spec).await.expect_err("the sandbox does not open")
    }
}
