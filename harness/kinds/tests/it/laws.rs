//! What holds for every change: applied and reverted, it leaves nothing behind.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use patchbed_kinds::change::AnyChange;
use patchbed_kinds::image::extend;
use patchbed_sandbox::message::{End, FileFact, FileKind, Program, Run};
use patchbed_testkit::changes::{Picks, changes};
use serde_json::json;

use crate::bench::{Applying, Bench, change, same};

/// Everything about the tree that a shell can see: kinds, modes, owners, targets, times and contents, and sizes of what
/// is no folder. How many names a file has cannot come back where a change touches only one of them: the overlay has
/// copied that one, and the other one stays in its layer.
const LOOK: &str = "find /w -printf '%p %y %m %U:%G %l %T@\\n' | sort; find /w ! -type d -printf '%p %s\\n' | sort
    find /w -type f | sort | xargs cat";

/// What every tree holds besides its random part, so that each change finds something.
const SURE: &str = "mkdir -p /w/sure; cd /w/sure; echo one > one; echo two > two; ln two three; ln -s one link
    mkfifo fifo; chown 33:44 . two; chmod 4711 two; touch -d 2001-02-03 one .";

pub(crate) async fn apply_then_revert_restores_everything(bench: &Bench) -> Result<()> {
    for seed in 0..4 {
        let history = change("command", json!(changes(seed, 60) + SURE))?;
        let image = extend(&bench.workshop(None), bench.debian().await?, &[history]).await?;
        let empty = change("remove", json!("/w/nothing"))?;
        let looking = Applying::open(bench, &image, &empty).await?;
        let facts = looking.facts(&["/w", "/w/**"]).await?;
        looking.close().await?;
        for change in generated(seed, &facts)? {
            let applying = Applying::open(bench, &image, &change).await?;
            let (facts, look) = (applying.facts(&["/w", "/w/**"]).await?, look(&applying).await?);
            applying.apply().await?;
            ensure!(applying.facts(&["/w", "/w/**"]).await? != facts, "seed {seed}: no difference by {change:?}");
            applying.revert().await?;
            same(&applying.facts(&["/w", "/w/**"]).await?, &facts)?;
            same(&self::look(&applying).await?, &look)?;
            applying.close().await?;
        }
    }
    Ok(())
}

async fn look(applying: &Applying<'_>) -> Result<String> {
    let argv = ["/bin/sh", "-c", LOOK].map(str::to_owned).to_vec();
    let program = Program { argv, ..Program::default() };
    let ran = applying.sandbox.run(Run { program, within: 30_000, keep: 1 << 20, ..Run::default() }).await?;
    ensure!(ran.end == End::Exited(0) && ran.errors.text.is_empty(), "{ran:?}");
    Ok(ran.output.text)
}

/// A change of every kind that is reverted by what was kept, each fit for this tree.
fn generated(seed: u64, facts: &[FileFact]) -> Result<Vec<AnyChange>> {
    let mut picks = Picks::new(seed + 100);
    let of_kind = |kind: FileKind| facts.iter().filter(|fact| fact.kind == kind).collect::<Vec<_>>();
    let (files, folders) = (of_kind(FileKind::File), of_kind(FileKind::Folder));
    let removed: Vec<_> = (0..3).map(|_| picks.one(&facts[1..].iter().collect::<Vec<_>>()).path.clone()).collect();
    let mut written = serde_json::Map::new();
    for number in 0..3 {
        let new = format!("{}/new-{number}/{}", picks.one(&folders).path, picks.path());
        written.insert(new, json!({ "text": "new\n", "mode": "0600", "owner": "daemon" }));
    }
    written.extend((0..2).map(|_| (picks.one(&files).path.clone(), json!("written over\n"))));
    let command = json!({ "run": "mv /w /kept && cp -a /kept /w && rm -rf /w/a && echo more > /w/more",
                          "revert": "rm -rf /w && mv /kept /w" });
    Ok(vec![
        change("remove", json!(removed))?,
        change("files", json!({ "write": written }))?,
        change("diff", json!({ "text": diff(&files) }))?,
        change("command", command)?,
    ])
}

/// A diff that changes the text of one file, removes another and makes a third.
fn diff(files: &[&FileFact]) -> String {
    let mut diff = String::from("--- /dev/null\n+++ b/w/deep/made\n@@ -0,0 +1 @@\n+made\n");
    let texts = files.iter().filter_map(|file| Some((&file.path, file.text.as_deref()?.trim_end())));
    for (place, (path, text)) in texts.filter(|(_, text)| !text.is_empty()).take(2).enumerate() {
        let (to, sizes, more) = match place {
            0 => (format!("b{path}"), "-1 +1", "+changed\n"),
            _ => ("/dev/null".to_owned(), "-1 +0,0", ""),
        };
        let _ = write!(diff, "--- a{path}\n+++ {to}\n@@ {sizes} @@\n-{text}\n{more}");
    }
    diff
}
