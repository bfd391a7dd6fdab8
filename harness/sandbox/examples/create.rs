//! How long a sandbox takes: `create ROOT COUNT [AT_ONCE]` opens, runs `/bin/true`, closes. One after the other it prints
//! the milliseconds of each on a line of its own; some at once, the milliseconds of all together.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use camino::Utf8PathBuf;
use patchbed_guest::message::{End, Program, Run};
use patchbed_sandbox::{Backend, NamespacesBackend, SandboxSpec, faces};

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
        let (backend, spec) = (Arc::clone(&backend), SandboxSpec::on("create", vec![root.clone()]));
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
    let all = begun.elapsed();
    for time in if at_once == 1 { times } else { vec![all] } {
        writeln!(std::io::stdout(), "{:.3}", time.as_secs_f64() * 1000.0)?;
    }
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
