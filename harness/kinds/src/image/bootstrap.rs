//! Runs mmdebstrap as root of a user namespace of its own, so that maintainer scripts are never root here: for root one
//! with a range of ids far above all others, for an ordinary user the holder namespace. The result is a tarball.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, PipeWriter};
use std::os::unix::fs::chown;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::text::last_lines;
use patchbed_sandbox::Holder;

use super::ImageError;

/// The first id of the range for root: above what systemd hands to containers, below what the kernel cannot hold.
const FIRST_ID: u32 = 0x7000_0000;

/// What runs inside. Its folder becomes `/tmp`, which needs no right to the folders above it. Its input is a pipe that
/// closes when the harness is gone, and then everything in the namespace is killed.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
(cat <&3 >/dev/null; kill -KILL -1) &
exec 3<&-
mount --no-canonicalize --bind . /tmp || exit 125
cd / && TMPDIR=/tmp timeout 3600 mmdebstrap "$@"
"#;

/// Its own namespaces: processes die with it, mounts stay in it.
const NAMESPACES: [&str; 7] = ["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"];

/// Runs mmdebstrap in `folder` (where its arguments find their files as `/tmp`), its tarball going to `tar`. Blocking.
pub(super) fn mmdebstrap(folder: &Utf8Path, arguments: &[String], tar: &Utf8Path) -> Result<(), ImageError> {
    let failed = |what: &str, error: std::io::Error| ImageError::Unavailable(format!("{what}: {error}"));
    let output = File::create(tar).map_err(|error| failed("make the tarball", error))?;
    let (namespace, mut command) = entry(folder)?;
    let (reader, alive) = std::io::pipe().map_err(|error| failed("make a pipe", error))?;
    command
        .args(NAMESPACES)
        .args(["--", "sh", "-c", SCRIPT, "sh"])
        .args(arguments)
        .current_dir(folder)
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .env("LC_ALL", "C.UTF-8")
        .stdin(reader)
        .stdout(output)
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed("start unshare", error))?;
    drop(command);
    let lines = watch(&mut child);
    let status = child.wait().map_err(|error| failed("wait for mmdebstrap", error))?;
    drop((alive, namespace));
    if status.success() {
        return Ok(());
    }
    let evidence = last_lines(&lines.join("\n"), 12).join("\n  ");
    Err(ImageError::Unavailable(format!("mmdebstrap ended with {status}:\n  {evidence}")))
}

/// Reads its messages as they come; keeps the last ones.
fn watch(child: &mut Child) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(errors) = child.stderr.take() else { return lines };
    for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        tracing::info!(line = %line.trim_end(), "mmdebstrap");
        if lines.len() > 200 {
            lines.drain(..100);
        }
        lines.push(line);
    }
    lines
}

/// The way into a user namespace: what keeps it alive, and a command that runs `unshare` in it.
fn entry(folder: &Utf8Path) -> Result<(Option<Namespace>, Command), ImageError> {
    if !rustix::process::geteuid().is_root() {
        let holder = Holder::find().map_err(|lack| ImageError::Lacking {
            text: format!("{} ({})", lack.what, lack.because),
            remedy: lack.remedy,
        })?;
        return Ok((None, holder.command("unshare")));
    }
    let namespace = Namespace::make()?;
    chown(folder, Some(FIRST_ID), Some(FIRST_ID))
        .map_err(|error| ImageError::Unavailable(format!("hand over `{folder}`: {error}")))?;
    let mut command = Command::new("nsenter");
    command.arg(format!("--user=/proc/{}/ns/user", namespace.child.id()));
    command.args(["--setuid", "0", "--setgid", "0", "--", "unshare"]);
    Ok((Some(namespace), command))
}

/// A user namespace, held open by a process that ends with its input.
struct Namespace {
    child: Child,
    input: Option<PipeWriter>,
}

impl Namespace {
    fn make() -> Result<Self, ImageError> {
        let failed = |error: std::io::Error| ImageError::Unavailable(format!("make a user namespace: {error}"));
        let (reader, input) = std::io::pipe().map_err(failed)?;
        let child = Command::new("unshare")
            .args(["--user", "--", "cat"])
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let namespace = Self { child, input: Some(input) };
        namespace.map().map_err(failed)?;
        Ok(namespace)
    }

    /// Waits until the process is in its namespace, and maps its ids.
    fn map(&self) -> std::io::Result<()> {
        let process = Utf8PathBuf::from(format!("/proc/{}", self.child.id()));
        let own = fs::read_link("/proc/self/ns/user")?;
        let started = Instant::now();
        while fs::read_link(process.join("ns/user"))? == own {
            if started.elapsed() > Duration::from_secs(5) {
                return Err(std::io::Error::other("`unshare --user` does not come up"));
            }
            std::thread::yield_now();
        }
        let map = format!("0 {FIRST_ID} 65536\n");
        fs::write(process.join("uid_map"), &map)?;
        fs::write(process.join("gid_map"), &map)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.input.take());
        if let Err(error) = self.child.wait() {
            tracing::debug!(%error, "cannot wait for the namespace's holder");
        }
    }
}
