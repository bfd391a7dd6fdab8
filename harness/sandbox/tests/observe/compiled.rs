//! Small programs and libraries, made with the compiler driver that also links these tests.

use std::process::Command;
use std::time::{Duration, Instant};

use patchbed_guest::message::{Program, Start};
use patchbed_sandbox::{Bind, BindMode, Sandbox};

use crate::bed::Bed;

/// Compiles a source into a file of the bed's folder `built`, which sandboxes see as `/opt/built`.
pub(crate) fn compile(bed: &Bed, name: &str, source: &str, flags: &[&str]) {
    let folder = bed.path("built");
    std::fs::create_dir_all(&folder).expect("make a folder");
    let file = bed.path("source.c");
    std::fs::write(&file, source).expect("write");
    let mut command = Command::new("cc");
    command.current_dir(&folder).args(["-w", "-o", name, file.as_str()]).args(flags);
    let output = command.output().expect("cc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Shows the bed's folder `built` inside.
pub(crate) fn show(bed: &mut Bed) {
    let from = bed.path("built");
    bed.spec.binds.push(Bind { from, to: "/opt/built".into(), mode: BindMode::ReadOnly });
}

/// A service without a shell around it.
pub(crate) fn service(name: &str, argv: &[&str], environment: &[(&str, &str)]) -> Start {
    let pairs = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let argv = argv.iter().map(ToString::to_string).collect();
    Start { name: name.into(), program: Program { argv, environment: pairs.collect(), ..Program::default() } }
}

/// Whether a file is there by now; a service tells so that it is ready.
pub(crate) async fn until(sandbox: &dyn Sandbox, file: &str) {
    let begun = Instant::now();
    while sandbox.read_file(file, 1 << 10).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the service never made {file}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
