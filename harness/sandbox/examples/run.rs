//! Runs one program in a sandbox: `run ROOT [systemd] [net] [upper=FOLDER] -- PROGRAM [ARGUMENT…]`. For trying things out.

use std::io::Write as _;

use anyhow::Context as _;
use camino::Utf8PathBuf;
use patchbed_guest::message::{End, Program, Run};
use patchbed_sandbox::{Backend, Init, NamespacesBackend, Network, SandboxSpec, Upper, faces};

fn main() -> anyhow::Result<()> {
    faces(std::env::args_os());
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let border = arguments.iter().position(|one| one == "--").context("`--` is missing")?;
    let (ours, program) = (&arguments[..border], &arguments[border + 1..]);
    let root = Utf8PathBuf::from(ours.first().context("the root folder is missing")?);
    let has = |word: &str| ours.iter().any(|one| one == word);
    let upper = ours.iter().find_map(|one| one.strip_prefix("upper="));
    let spec = SandboxSpec {
        upper: upper.map_or(Upper::Memory, |folder| Upper::Folder(folder.into())),
        network: if has("net") { Network::Host } else { Network::Loopback },
        init: if has("systemd") { Init::Systemd } else { Init::Guest },
        ..SandboxSpec::on("run", vec![root])
    };
    let state = tempfile::tempdir()?;
    let state = Utf8PathBuf::try_from(state.path().to_owned())?;
    let backend = NamespacesBackend::new(&state);
    backend.warm()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ran = runtime.block_on(async {
        let sandbox = backend.open(&spec).await?;
        let mut out = std::io::stderr();
        sandbox.notes().iter().try_for_each(|note| writeln!(out, "note: {note}"))?;
        let program = Program { argv: program.to_vec(), ..Program::default() };
        let run = Run { program, within: 600_000, keep: 1 << 20, ..Run::default() };
        let ran = sandbox.run(run).await?;
        let usage = sandbox.usage().await?;
        writeln!(out, "{usage:?}")?;
        sandbox.close().await?;
        anyhow::Ok(ran)
    })?;
    write!(std::io::stdout(), "{}", ran.output.text)?;
    write!(std::io::stderr(), "{}", ran.errors.text)?;
    writeln!(std::io::stderr(), "{:?} in {} µs", ran.end, ran.microseconds)?;
    anyhow::ensure!(ran.end == End::Exited(0), "it did not end well");
    Ok(())
}
