//! How long a hostile service lives after its time: `stop ROOT PROCESSES COUNT` starts a service of so many processes that
//! are deaf to TERM, stops it with half a second of patience, and prints the milliseconds beyond that, COUNT times.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use camino::Utf8PathBuf;
use patchbed_guest::message::{Program, Start};
use patchbed_sandbox::{Backend, NamespacesBackend, SandboxSpec, faces};

/// How long the service has to end by itself.
const PATIENCE: Duration = Duration::from_millis(500);

fn main() -> anyhow::Result<()> {
    faces(std::env::args_os());
    let mut arguments = std::env::args().skip(1);
    let root = Utf8PathBuf::from(arguments.next().context("the root folder is missing")?);
    let processes: usize = arguments.next().context("the number of processes is missing")?.parse()?;
    let count: usize = arguments.next().context("the number of rounds is missing")?.parse()?;
    let state = tempfile::tempdir()?;
    let state = Utf8PathBuf::try_from(state.path().to_owned())?;
    let backend = NamespacesBackend::new(&state);
    backend.warm()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let spec = SandboxSpec::on("stop", vec![root]);
    for _ in 0..count {
        let beyond = runtime.block_on(once(&backend, &spec, processes))?;
        writeln!(std::io::stdout(), "{:.3}", beyond.as_secs_f64() * 1000.0)?;
    }
    Ok(())
}

async fn once(backend: &dyn Backend, spec: &SandboxSpec, processes: usize) -> anyhow::Result<Duration> {
    let sandbox = backend.open(spec).await?;
    let text = format!("trap '' TERM; for i in $(seq {processes}); do sleep 1000 & done; wait");
    let argv = ["/bin/sh", "-c", &text].map(str::to_owned).to_vec();
    sandbox.start(Start { name: "crowd".into(), program: Program { argv, ..Program::default() } }).await?;
    while sandbox.services().await?.iter().all(|service| service.processes.len() <= processes) {}
    let begun = Instant::now();
    let patience = u64::try_from(PATIENCE.as_millis())?;
    let state = sandbox.stop("crowd", 15, patience).await?;
    let took = begun.elapsed();
    ensure!(state.processes.is_empty() && took >= PATIENCE, "the service ended by itself: {state:?}");
    sandbox.close().await?;
    Ok(took.saturating_sub(PATIENCE))
}
