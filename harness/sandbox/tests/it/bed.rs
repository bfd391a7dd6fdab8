//! A small image made of this host's own programs, and sandboxes on it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use std::path::Path;
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

/// The image, made once and kept among the build's files.
pub(crate) fn image() -> &'static Utf8Path {
    static IMAGE: OnceLock<Utf8PathBuf> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let folder = std::env::var("PATCHBED_TEST_IMAGES").unwrap_or_else(|_| env!("CARGO_TARGET_TMPDIR").to_owned());
        let image = Utf8PathBuf::from(folder).join("small-image");
        if !image.exists() {
            let partial = image.with_extension(std::process::id().to_string());
            make_image(&partial);
            // Another test program may have been faster.
            if std::fs::rename(&partial, &image).is_err() {
                let _ = std::fs::remove_dir_all(&partial);
            }
        }
        image
    })
}

/// Copies programs with their libraries, and writes the few files that programs expect.
pub(crate) fn make_image(root: &Utf8Path) {
    for folder in ["usr/bin", "etc", "var/log", "root", "home"] {
        std::fs::create_dir_all(root.join(folder)).expect("make a folder");
    }
    for link in ["bin", "lib", "lib64", "sbin"] {
        let target = if link == "sbin" { "usr/bin".to_owned() } else { format!("usr/{link}") };
        std::fs::create_dir_all(root.join(&target)).expect("make a folder");
        symlink(&target, root.join(link)).expect("link");
    }
    let mut libraries = BTreeSet::new();
    for program in PROGRAMS {
        let Some(path) =
            ["/usr/bin", "/bin"].iter().map(|at| format!("{at}/{program}")).find(|at| Path::new(at).exists())
        else {
            continue;
        };
        std::fs::copy(&path, root.join("usr/bin").join(program)).expect("copy a program");
        let listed = Command::new("ldd").arg(&path).output().expect("ldd runs").stdout;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        libraries.extend(listed.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned));
    }
    for library in libraries {
        let target = root.join(library.trim_start_matches('/'));
        std::fs::create_dir_all(target.parent().expect("a parent")).expect("make a folder");
        std::fs::copy(&library, target).expect("copy a library");
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
