//! `command`, `remove`, `files` and `diff`.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use patchbed_kinds::change::{Applied, Change as _, ChangeError, WayBack};
use serde_json::json;

use crate::bench::{Applying, Bench, change, refusal, same};
use crate::package::Tarball;

pub(crate) async fn a_command_runs_and_is_taken_back(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    let change = change(
        "command",
        json!({ "run": "id -un > /opt/made; pwd >> /opt/made; echo $WORD >> /opt/made", "directory": "/usr",
                "environment": { "WORD": "one two" }, "revert": ["rm", "/opt/made"] }),
    )?;
    let applying = Applying::open(bench, &image, &change).await?;
    applying.apply().await?;
    same(&applying.read("/opt/made").await?, &"root\n/usr\none two\n".to_owned())?;
    applying.revert().await?;
    ensure!(applying.facts(&["/opt/made"]).await?.is_empty());
    applying.close().await
}

pub(crate) async fn a_failing_command_says_its_last_line(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    let change = change("command", json!("echo disk check failed >&2; exit 3"))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let (text, evidence) = refusal(applying.apply().await)?;
    same(&text, &"`echo disk check failed >&2; exit 3` exited 3".to_owned())?;
    same(&evidence, &vec!["disk check failed".to_owned()])?;
    let (text, _) = refusal(applying.revert().await.map(|()| Applied::default()))?;
    ensure!(text.contains("no `revert`"), "{text}");
    applying.close().await
}

pub(crate) async fn a_command_that_does_not_end_is_stopped(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    let change =
        change("command", json!({ "run": "echo waiting; trap '' TERM; while :; do sleep 1; done", "within": "3s" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let begun = Instant::now();
    let ended = applying.apply().await;
    ensure!(matches!(&ended, Err(ChangeError::TimedOut { evidence, .. }) if evidence == &["waiting"]), "{ended:?}");
    ensure!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    applying.close().await
}

pub(crate) async fn removed_trees_come_back_exactly(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    let change = change("remove", json!(["/etc/apt", "/etc/debian_version", "/etc/nothing-there"]))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let before = applying.facts(&["/etc/**"]).await?;
    applying.apply().await?;
    ensure!(applying.facts(&["/etc/apt", "/etc/apt/**", "/etc/debian_version"]).await?.is_empty());
    applying.revert().await?;
    same(&applying.facts(&["/etc/**"]).await?, &before)?;
    applying.close().await
}

pub(crate) async fn a_removal_that_finds_nothing_is_refused(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    let change = change("remove", json!(["/etc/*.conf", "/etc/nothing-there"]))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let (text, _) = refusal(applying.apply().await)?;
    same(&text, &"nothing is at `/etc/*.conf`, `/etc/nothing-there`".to_owned())?;
    applying.close().await
}

pub(crate) async fn nothing_is_copied_when_there_is_no_way_back(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    let change = change("remove", json!("/usr/share"))?;
    let mut applying = Applying::open(bench, &image, &change).await?;
    applying.way_back = WayBack::Unneeded;
    let before = applying.sandbox.usage().await?.disk;
    applying.apply().await?;
    let copied = applying.sandbox.usage().await?.disk.saturating_sub(before);
    ensure!(copied < 1 << 20, "{copied} bytes");
    let (text, _) = refusal(applying.revert().await.map(|()| Applied::default()))?;
    ensure!(text.contains("nothing was kept"), "{text}");
    applying.close().await
}

pub(crate) async fn written_files_go_away_again(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    let change = change(
        "files",
        json!({ "write": { "/etc/issue": "changed\n", "/opt/a/b/new": { "text": "x", "mode": "0600", "owner": "daemon:www-data" } } }),
    )?;
    let applying = Applying::open(bench, &image, &change).await?;
    let before = applying.facts(&["/etc/**", "/opt", "/opt/**"]).await?;
    applying.apply().await?;
    same(&applying.read("/etc/issue").await?, &"changed\n".to_owned())?;
    let new = applying.facts(&["/opt/a/b/new"]).await?;
    ensure!(new[0].mode == 0o600 && new[0].user == "daemon" && new[0].group == "www-data", "{new:?}");
    applying.revert().await?;
    same(&applying.facts(&["/etc/**", "/opt", "/opt/**"]).await?, &before)?;
    applying.close().await
}

pub(crate) async fn a_folder_is_laid_over_and_taken_back(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    bench.write("tree/etc/issue", "from the tree\n")?;
    let program = bench.write("tree/opt/tool/bin/run", "#!/bin/sh\necho ran\n")?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    // The mode of a checkout's folder must not become that of the environment's.
    std::fs::set_permissions(bench.folder.join("tree/etc"), std::fs::Permissions::from_mode(0o700))?;
    let change = change("files", json!("tree"))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let globs = ["/etc", "/etc/**", "/opt", "/opt/**"];
    let before = applying.facts(&globs).await?;
    applying.apply().await?;
    same(&applying.read("/etc/issue").await?, &"from the tree\n".to_owned())?;
    let program = applying.facts(&["/opt/tool/bin/run", "/etc"]).await?;
    ensure!(program.iter().all(|fact| fact.mode == 0o755 && fact.user == "root"), "{program:?}");
    applying.revert().await?;
    same(&applying.facts(&globs).await?, &before)?;
    applying.close().await
}

pub(crate) async fn a_tarball_is_laid_over_with_its_owners(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    let mut tarball = Tarball::default();
    tarball.folders("data/file")?;
    tarball.owned("data/file", "x\n", 0o640, (1, 33))?;
    tarball.link("data/link", "file")?;
    bench.write("tree.anything", zstd::encode_all(&tarball.bytes()?[..], 3)?)?;
    let change = change("files", json!({ "from": "tree.anything", "to": "/srv/there" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let before = applying.facts(&["/srv", "/srv/**"]).await?;
    applying.apply().await?;
    let facts = applying.facts(&["/srv/there/data/*"]).await?;
    ensure!(facts.len() == 2 && facts[0].user == "daemon" && facts[0].group == "www-data", "{facts:?}");
    ensure!(facts[1].target.as_deref() == Some("file"), "{facts:?}");
    applying.revert().await?;
    same(&applying.facts(&["/srv", "/srv/**"]).await?, &before)?;
    applying.close().await
}

const DIFF: &str = "\
diff --git a/etc/issue b/etc/issue
--- a/etc/issue
+++ b/etc/issue
@@ -1,2 +1,2 @@
-one
+1
 two
@@ -9,1 +9,2 @@
 nine
+ten
diff --git a/etc/new b/etc/deep/new
new file mode 100755
--- /dev/null
+++ b/etc/deep/new
@@ -0,0 +1 @@
+#!/bin/sh
\\ No newline at end of file
diff --git a/etc/old b/etc/moved
rename from etc/old
rename to etc/moved
diff --git a/etc/gone b/etc/gone
deleted file mode 100644
--- a/etc/gone
+++ /dev/null
@@ -1 +0,0 @@
-gone
";

async fn with_files(bench: &Bench) -> Result<patchbed_kinds::image::Image> {
    let image = bench.debian().await?;
    let files = change(
        "files",
        json!({ "write": { "/etc/issue": "extra\none\ntwo\n3\n4\n5\n6\n7\n8\nnine\n", "/etc/old": "old\r\n", "/etc/gone": "gone\n" } }),
    )?;
    Ok(patchbed_kinds::image::extend(&bench.workshop(None), image, &[files]).await?)
}

pub(crate) async fn a_diff_is_applied_and_taken_back(bench: &Bench) -> Result<()> {
    let image = with_files(bench).await?;
    bench.write("a.diff", DIFF)?;
    let change = change("diff", json!("a.diff"))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let before = applying.facts(&["/etc", "/etc/**"]).await?;
    let applied = applying.apply().await?;
    same(
        &applied.paths,
        &["/etc/deep/new", "/etc/gone", "/etc/issue", "/etc/moved", "/etc/old"].map(String::from).to_vec(),
    )?;
    same(&applying.read("/etc/issue").await?, &"extra\n1\ntwo\n3\n4\n5\n6\n7\n8\nnine\nten\n".to_owned())?;
    same(&applying.read("/etc/deep/new").await?, &"#!/bin/sh".to_owned())?;
    same(&applying.read("/etc/moved").await?, &"old\r\n".to_owned())?;
    ensure!(applying.facts(&["/etc/deep/new"]).await?[0].mode == 0o755);
    ensure!(applying.facts(&["/etc/gone", "/etc/old"]).await?.is_empty());
    applying.revert().await?;
    same(&applying.facts(&["/etc", "/etc/**"]).await?, &before)?;
    applying.close().await
}

pub(crate) async fn a_hunk_that_does_not_fit_writes_nothing(bench: &Bench) -> Result<()> {
    let image = with_files(bench).await?;
    let bad = DIFF.replace("-gone\n", "-something else\n");
    let change = change("diff", json!({ "text": bad }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let before = applying.facts(&["/etc", "/etc/**"]).await?;
    let (text, evidence) = refusal(applying.apply().await)?;
    same(&text, &"hunk 1 of 1 does not fit `/etc/gone`".to_owned())?;
    same(&evidence, &vec!["-something else".to_owned()])?;
    same(&applying.facts(&["/etc", "/etc/**"]).await?, &before)?;
    applying.close().await?;

    let climbs = crate::bench::change("diff", json!({ "text": DIFF.replace("etc/deep/new", "../../x") }))?;
    let prepared = climbs.prepare(&bench.workshop(Some(&image))).await;
    ensure!(matches!(prepared, Err(ChangeError::Unfit(_))), "{prepared:?}");
    Ok(())
}
