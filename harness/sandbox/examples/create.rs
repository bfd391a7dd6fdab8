//! How long a sandbox takes: `create ROOT COUNT [AT_ONCE]` opens, runs `/bin/true`, closes, and prints milliseconds.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use camino::Utf8PathBuf;
use patchbed_guest::message::{End, Program, Run};
use patchbed_sandbox::{Backend, Init, Limits, NamespacesBackend, Network, SandboxSpec, Upper, faces};

fn main() -> anyhow::Result<()> {
    faces(std::env::args_os());
    let mut arguments = std::env::args().skip(1);
    let root = Utf8PathBuf::from(arguments.next().context("the root folder is missing")?);
    let count: usize = arguments.next().unwrap_or_else(|| "100".into()).parse()?;
    let at_once: usize = arguments.next().unwrap_or_else(|| "1".into()).parse()?;
    let state = tempfile::tempdir()?;
    let state = Utf8PathBuf::try_from(state.path().to_owned())?;
    let backend = Arc::new(NamespacesBackend::new(&state));
    backend.warm()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(backend, root, count, at_once))
}

async fn measure(
    backend: Arc<NamespacesBackend>,
    root: Utf8PathBuf,
    count: usize,
    at_once: usize,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (backend, spec) = (Arc::clone(&backend), spec(&root));
        workers.spawn(async move {
            let mut times = Vec::new();
            for _ in 0..count / at_once {
                times.push(once(&*backend, &spec).await?);
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(some) = workers.join_next().await {
        times.extend(some??);
    }
    times.sort();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    writeln!(
        std::io::stdout(),
        "{} sandboxes, {at_once} at once: median {:.2} ms, min {:.2} ms, max {:.2} ms, {:.0} per second",
        times.len(),
        milliseconds(times[times.len() / 2]),
        milliseconds(times[0]),
        milliseconds(times[times.len() - 1]),
        f64::from(u32::try_from(times.len())?) / begun.elapsed().as_secs_f64(),
    )?;
    Ok(())
}

async fn once(backend: &dyn Backend, spec: &SandboxSpec) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let sandbox = backend.open(spec).await?;
    let program = Program { argv: vec!["/bin/true".into()], ..Program::default() };
    let ran = sandbox.run(Run { program, within: 10_000, keep: 1024, ..Run::default() }).await?;
    ensure!(ran.end == End::Exited(0), "/bin/true ended otherwise: {ran:?}");
    sandbox.close().await?;
    Ok(begun.elapsed())
}

fn spec(root: &Utf8PathBuf) -> SandboxSpec {
    SandboxSpec {
        name: "create".into(),
        lowers: vec![root.clone()],
        host_root: root == "/",
        upper: Upper::Memory,
        binds: Vec::new(),
        hidden: Vec::new(),
        network: Network::Loopback,
        limits: Limits::default(),
        init: Init::Guest,
        hostname: "patchbed".into(),
        environment: std::collections::BTreeMap::new(),
    }
}
