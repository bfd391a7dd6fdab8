//! What scripts that no service runs do, on real sandboxes with the interpreters of the image.

use std::time::Duration;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use patchbed_kinds::image::{extend, paths_of};
use patchbed_kinds::probe::Look;
use patchbed_kinds::probe::automatic::{DriftScope, Programs, run_jobs};
use patchbed_model::Key;
use patchbed_sandbox::Sandbox;
use serde_json::json;

use crate::bench::{Bench, change, same, trial};

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial!(jobs::scripts_that_no_service_runs_are_run),
        trial!(jobs::a_script_whose_interpreter_is_missing_is_left),
    ]
}

async fn told(sandbox: &dyn Sandbox, scope: &DriftScope, programs: &Programs) -> Result<Vec<String>> {
    let look = Look {
        sandbox,
        prefix: Key::from("jobs"),
        services: &[],
        service: None,
        since: None,
        within: Duration::from_mins(2),
        systemd: false,
    };
    let readings = run_jobs(&look, scope, programs).await?;
    Ok(readings.into_iter().map(|(key, reading)| format!("{key} = {}", reading.value)).collect())
}

pub(crate) async fn scripts_that_no_service_runs_are_run(bench: &Bench) -> Result<()> {
    let image = bench.debian_with_languages().await?;
    let before = image.lowers.len();
    let files = json!({ "write": {
        "/srv/app/shop.py": "while True: pass",
        "/srv/app/price.py": "VALUE = 7",
        "/srv/app/backup.py": "import os, price\nos.makedirs('/srv/backup')\nopen('/srv/backup/a.txt', 'w').write('1')\nprint('copied', price.VALUE)",
        "/srv/app/wants.js": "console.log('usage: FILE'); process.exit(2);",
        "/srv/app/crash.sh": "ulimit -c 0; ls *.js && kill -SEGV $$",
    } });
    let image = extend(&bench.workshop(None), image, &[change("files", files)?]).await?;
    let mut paths = Vec::new();
    for layer in &image.lowers[..image.lowers.len() - before] {
        paths.extend(paths_of(layer).await?);
    }
    let commands = ["python3 -m shop".to_owned()];
    let programs = Programs::default().with_jobs(paths.iter().map(String::as_str), &commands);
    let sandbox = bench.open(&image, &[]).await?;
    let expected = [
        "jobs./srv/app/backup.py.exit = 0",
        "jobs./srv/app/backup.py.stdout = copied #",
        "jobs./srv/app/crash.sh.exit = killed by SIGSEGV",
        "jobs./srv/app/price.py.exit = 0",
        "jobs./srv/app/price.py.stdout = ",
        "jobs./srv/app/wants.js.exit = 2",
        "jobs.made = /srv/backup, /srv/backup/a.txt",
    ];
    let seen = told(&*sandbox, &DriftScope::default(), &programs).await?;
    same(&seen[..], &expected.map(String::from)[..])?;
    // A script that the patch itself brought is not run.
    let scope = DriftScope { paths: vec!["/srv/app".to_owned()], ..DriftScope::default() };
    same(&told(&*sandbox, &scope, &programs).await?[..], &["jobs.made = ".to_owned()][..])
}

pub(crate) async fn a_script_whose_interpreter_is_missing_is_left(bench: &Bench) -> Result<()> {
    let sandbox = bench.open(&bench.debian().await?, &[]).await?;
    let programs = Programs::default().with_jobs(["/srv/app/job.rb"], &[]);
    let seen = told(&*sandbox, &DriftScope::default(), &programs).await?;
    ensure!(seen == ["jobs.made = "], "{seen:?}");
    Ok(())
}
