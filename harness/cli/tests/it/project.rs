//! A project in a folder of its own, and the command run in it with an environment of its own.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

/// A project that is removed when it is dropped.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

/// What the command said and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The exit status; `None` when a signal ended it.
    pub(crate) status: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Project {
    /// An empty project.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("patchbed-it-").tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("home")).expect("a home");
        Self { folder }
    }

    /// A project with one scenario, `scenarios/one.yaml`.
    pub(crate) fn with(scenario: &str) -> Self {
        let project = Self::new();
        project.file("scenarios/one.yaml", scenario);
        project
    }

    /// A probe and a patch that writes `/opt/patched`, on this machine's own root.
    pub(crate) fn probing(command: &str) -> Self {
        Self::with(&tiny(command))
    }

    /// Its folder.
    pub(crate) fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.folder.path()).expect("temporary folders are UTF-8")
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, text: &str) -> Utf8PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        path
    }

    /// The command with these words, ready to start.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbed"));
        command
            .args(words)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path().join("home"))
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        self.say(&mut self.command(words))
    }

    /// Runs a prepared command to its end.
    pub(crate) fn say(&self, command: &mut Command) -> Said {
        let output = command.output().expect("the command starts");
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace(env!("CARGO_BIN_EXE_patchbed"), "patchbed");
            patchbed_testkit::filters::without_folder(&text, self.path())
        };
        Said { status: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// The record of the last run.
    pub(crate) fn record(&self) -> patchbed_model::Record {
        serde_json::from_str(&self.run(&["show", "--json"]).stdout).expect("`show --json` prints the record")
    }
}

/// A scenario with one probe, whose patch writes `/opt/patched`.
pub(crate) fn tiny(command: &str) -> String {
    format!(
        "image: host\npatch: {{ files: {{ write: {{ /opt/patched: \"yes\\n\" }} }} }}\n\
         probes: [{{ name: look, command: '{command}' }}]\nautomatic: false\n"
    )
}

/// Waits for the end of a process, at most so long.
pub(crate) fn end_of(child: &mut Child, within: Duration) -> std::process::ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return status;
        }
        assert!(start.elapsed() < within, "it did not end within {within:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// All that is left on a pipe.
pub(crate) fn rest(pipe: Option<impl std::io::Read>) -> String {
    let mut text = String::new();
    pipe.expect("it is a pipe").read_to_string(&mut text).expect("it can be read");
    text
}
