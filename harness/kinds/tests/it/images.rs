//! Image sources, layers and the store.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use patchbed_kinds::image::{AnySource, Image, ImageError, Shelf, Source as _, Store, Workshop, build};
use patchbed_sandbox::Sandbox;
use patchbed_sandbox::message::{End, Program, Run};
use serde_json::json;

use crate::bench::{Bench, change, names, same, source};
use crate::package::Tarball;

/// Runs `/bin/true` of the image.
async fn runs(bench: &Bench, image: &Image) -> Result<()> {
    let sandbox = bench.open(image, &[]).await?;
    succeeds(&*sandbox, &["/bin/true"]).await?;
    Ok(sandbox.close().await?)
}

/// Runs a program that must end well.
async fn succeeds(sandbox: &dyn Sandbox, argv: &[&str]) -> Result<()> {
    let program = Program { argv: argv.iter().map(|&word| word.to_owned()).collect(), ..Program::default() };
    let ran = sandbox.run(Run { program, within: 30_000, keep: 4096, ..Run::default() }).await?;
    ensure!(ran.end == End::Exited(0), "{argv:?}: {}", ran.errors.text);
    Ok(())
}

pub(crate) async fn a_debian_image_is_made_once(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    same(&bench.debian().await?, &image)?;
    runs(bench, &image).await?;
    let sources = std::fs::read_to_string(image.lowers[0].join("etc/apt/sources.list.d/debian.sources"))?;
    ensure!(sources.contains("Suites: "), "{sources}");
    ensure!(!image.lowers[0].join("etc/apt/apt.conf.d/99mmdebstrap").exists());
    same(&std::fs::read_to_string(image.lowers[0].join("etc/hostname"))?, &"localhost\n".to_owned())
}

/// A root file system that is just enough to be one.
fn small_root(bench: &Bench, name: &str) -> Result<()> {
    bench.write(&format!("{name}/usr/bin/tool"), "#!/bin/sh\n")?;
    bench.write(&format!("{name}/etc/os-release"), "ID=small\n")?;
    Ok(())
}

pub(crate) async fn a_folder_is_imported_by_content(bench: &Bench) -> Result<()> {
    small_root(bench, "root")?;
    let root = bench.folder.join("root");
    symlink("usr/bin", root.join("bin"))?;
    std::fs::hard_link(root.join("etc/os-release"), root.join("etc/same"))?;
    std::fs::set_permissions(root.join("usr/bin/tool"), std::fs::Permissions::from_mode(0o4755))?;
    std::fs::create_dir(root.join("closed"))?;
    std::fs::set_permissions(root.join("closed"), std::fs::Permissions::from_mode(0o000))?;
    let directory = source("directory", json!("root"))?;
    let first = directory.make(&bench.workshop(None)).await?;
    same(&directory.make(&bench.workshop(None)).await?, &first)?;
    let copy = &first.lowers[0];
    ensure!(std::fs::metadata(copy.join("usr/bin/tool"))?.mode() & 0o7777 == 0o4755);
    ensure!(std::fs::metadata(copy.join("closed"))?.mode() & 0o7777 == 0);
    ensure!(std::fs::metadata(copy.join("etc/same"))?.ino() == std::fs::metadata(copy.join("etc/os-release"))?.ino());
    ensure!(std::fs::read_link(copy.join("bin"))? == std::path::Path::new("usr/bin"));

    bench.write("root/etc/os-release", "ID=other\n")?;
    let second = directory.make(&bench.workshop(None)).await?;
    ensure!(second.digest != first.digest && copy.exists());
    let sandbox = bench.open(&second, &[]).await?;
    same(&sandbox.read_file("/etc/os-release", 100).await?, &b"ID=other\n".to_vec())?;
    Ok(sandbox.close().await?)
}

async fn unfit(bench: &Bench, source: &AnySource) -> Result<String> {
    match source.make(&bench.workshop(None)).await {
        Err(ImageError::Unfit(text)) => Ok(text),
        other => anyhow::bail!("expected an image that is unfit, got {other:?}"),
    }
}

pub(crate) async fn a_folder_that_is_no_root_is_refused(bench: &Bench) -> Result<()> {
    bench.write("empty/readme", "")?;
    let text = unfit(bench, &source("directory", json!("empty"))?).await?;
    same(&text, &format!("`{}/empty` is no root file system: it has no `etc`", bench.folder))?;
    let text = unfit(bench, &source("directory", json!("/"))?).await?;
    same(&text, &"`/` is this machine's own root: write `host: {}`".to_owned())
}

fn small_tarball() -> Result<Vec<u8>> {
    let mut tarball = Tarball::default();
    tarball.folders("etc/x")?;
    tarball.file("etc/os-release", "ID=tar\n", 0o644)?;
    tarball.owned("etc/secret", "s", 0o4640, (1000, 42))?;
    tarball.link("etc/link", "/etc/os-release")?;
    tarball.bytes()
}

pub(crate) async fn a_tarball_becomes_an_image(bench: &Bench) -> Result<()> {
    use std::io::Write as _;
    let plain = small_tarball()?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain)?;
    let packed = [("plain", plain.clone()), ("gzip", gzip.finish()?), ("zstd", zstd::encode_all(&plain[..], 1)?)];
    for (name, bytes) in packed {
        // By its content, whatever its name says.
        bench.write(&format!("{name}.tar.xz"), bytes)?;
        let image = source("tar", json!(format!("{name}.tar.xz")))?.make(&bench.workshop(None)).await?;
        let sandbox = bench.open(&image, &[]).await?;
        let paths = vec!["/etc/*".to_owned()];
        let asked = patchbed_sandbox::message::Files { paths, exclude: Vec::new(), text_up_to: 100, limit: 10 };
        let facts = sandbox.files(asked).await?;
        let secret = facts.iter().find(|fact| fact.path == "/etc/secret");
        ensure!(
            secret.is_some_and(|fact| fact.mode == 0o4640 && fact.user == "1000" && fact.group == "42"),
            "{facts:?}"
        );
        let link = facts.iter().find(|fact| fact.path == "/etc/link");
        ensure!(link.is_some_and(|fact| fact.target.as_deref() == Some("/etc/os-release")), "{facts:?}");
        sandbox.close().await?;
    }
    Ok(())
}

pub(crate) async fn a_tarball_with_the_wrong_digest_is_refused(bench: &Bench) -> Result<()> {
    bench.write("a.tar", small_tarball()?)?;
    let wrong = "0".repeat(64);
    let text = unfit(bench, &source("tar", json!({ "path": "a.tar", "sha256": wrong }))?).await?;
    ensure!(text.contains("a.tar") && text.contains(&wrong), "{text}");
    let text = unfit(bench, &source("tar", json!({ "path": "a.tar", "sha256": "abc" }))?).await?;
    same(&text, &"`sha256` is no SHA-256: it has 64 hexadecimal digits".to_owned())
}

pub(crate) async fn a_hostile_tarball_leaves_nothing(bench: &Bench) -> Result<()> {
    let canary = bench.folder.join("canary");
    std::fs::create_dir(&canary)?;
    let mut climbs = Tarball::default();
    climbs.file("etc/x", "x", 0o644)?;
    climbs.forged(b"../../../../pwned", "pwned")?;
    let mut through = Tarball::default();
    through.link("var", canary.as_str())?;
    through.file("var/pwned", "pwned", 0o644)?;
    let mut cut = small_tarball()?;
    cut.truncate(1200);
    for (bytes, word) in [(climbs.bytes()?, "pwned"), (through.bytes()?, "var/pwned"), (cut, "truncated")] {
        bench.write("a.tar", bytes)?;
        let text = unfit(bench, &source("tar", json!("a.tar"))?).await?;
        ensure!(text.contains(word), "{text}");
    }
    same(&names(&canary)?, &Vec::new())?;
    same(&bench.store.list()?.len(), &0)?;
    same(&names(&bench.store.root.join("tmp"))?, &Vec::new())
}

pub(crate) async fn the_host_is_an_image_without_its_secrets(bench: &Bench) -> Result<()> {
    let host = source("host", json!({ "exclude": ["/usr/share/doc"] }))?;
    let image = match host.make(&bench.workshop(None)).await {
        Err(ImageError::Lacking { text, remedy }) if !rustix::process::geteuid().is_root() => {
            ensure!(text.contains("root") && remedy.contains("debian"), "{text}: {remedy}");
            return Ok(());
        }
        image => image?,
    };
    same(&host.make(&bench.workshop(None)).await?, &image)?;
    runs(bench, &image).await?;
    let sandbox = bench.open(&image, &[]).await?;
    let paths = ["/root/*", "/root/.*", "/home/*", "/usr/share/doc/*", "/var/tmp/*"].map(String::from).to_vec();
    let asked = patchbed_sandbox::message::Files { paths, exclude: Vec::new(), text_up_to: 0, limit: 10 };
    same(&sandbox.files(asked).await?, &Vec::new())?;
    let shadow = String::from_utf8(sandbox.read_file("/etc/shadow", 1 << 20).await?)?;
    let passwords: Vec<_> = shadow.lines().filter_map(|line| line.split(':').nth(1)).collect();
    ensure!(!passwords.is_empty() && passwords.iter().all(|password| *password == "*"), "passwords can be read");
    // What is hidden can be written all the same, as programs expect of their folders.
    let text = "touch /tmp/x /var/tmp/x /root/x /usr/share/doc/x && useradd --system bed && id bed";
    succeeds(&*sandbox, &["/bin/sh", "-c", text]).await?;
    sandbox.close().await?;
    let shown = source("host", json!({ "include": ["/root", "/etc/shadow"] }))?.make(&bench.workshop(None)).await?;
    let hidden = ["/root", "/etc/shadow", "/home"].map(|path| shown.hidden.iter().any(|one| one == path));
    same(&hidden, &[false, false, true])
}

pub(crate) async fn a_layer_on_the_host_does_not_hide_what_was_edited_since(bench: &Bench) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let folder = tempfile::Builder::new().prefix("patchbed-test-").tempdir_in("/usr/local")?;
    let file = camino::Utf8PathBuf::try_from(folder.path().join("edited"))?;
    std::fs::write(&file, "old ")?;
    // The kernel does not put a layer on a root in which the layer lies itself.
    let apart = tempfile::Builder::new().prefix("patchbed-test-").tempdir_in("/dev/shm")?;
    let store = Store::open(camino::Utf8PathBuf::try_from(apart.path().join("store"))?)?;
    let workshop = Workshop { store: &store, ..bench.workshop(None) };
    let host = source("host", json!({}))?;
    let install = [change("command", json!({ "run": format!("echo added >> {file}") }))?];
    // What was changed within the second in which a layer is begun is not trusted.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let first = build(&workshop, &host, &install).await?;
    same(&build(&workshop, &host, &install).await?, &first)?;
    std::fs::write(&file, "new ")?;
    let second = build(&workshop, &host, &install).await?;
    ensure!(second.digest != first.digest, "{second:?}");
    let sandbox = bench.open(&second, &[]).await?;
    same(&sandbox.read_file(file.as_str(), 100).await?, &b"new added\n".to_vec())?;
    Ok(sandbox.close().await?)
}

pub(crate) async fn installed_changes_become_layers_that_are_reused(bench: &Bench) -> Result<()> {
    small_root(bench, "root")?;
    let directory = source("directory", json!("root"))?;
    let install = [
        change("files", json!({ "write": { "/etc/one": "1" } }))?,
        change("remove", json!("/usr/bin/tool"))?,
        change("files", json!({ "write": { "/etc/two": "2" } }))?,
    ];
    let image = build(&bench.workshop(None), &directory, &install).await?;
    same(&image.lowers.len(), &4)?;
    same(&build(&bench.workshop(None), &directory, &install).await?, &image)?;
    let layers = bench.store.list()?.into_iter().filter(|entry| entry.shelf == Shelf::Layers).count();
    same(&layers, &3)?;
    let prefix = build(&bench.workshop(None), &directory, &install[..1]).await?;
    same(&prefix.lowers[..], &image.lowers[2..])?;
    let sandbox = bench.open(&image, &[]).await?;
    same(&sandbox.read_file("/etc/two", 10).await?, &b"2".to_vec())?;
    same(&sandbox.read_file("/etc/one", 10).await?, &b"1".to_vec())?;
    ensure!(sandbox.read_file("/usr/bin/tool", 10).await.is_err());
    sandbox.close().await?;

    let fails = [change("remove", json!("/etc/../x"))?];
    let failed = build(&bench.workshop(None), &directory, &fails).await;
    ensure!(matches!(failed, Err(ImageError::Install(_))), "{failed:?}");
    same(&names(&bench.store.root.join("tmp"))?, &Vec::new())
}

pub(crate) async fn two_at_once_make_one_image(bench: &Bench) -> Result<()> {
    small_root(bench, "root")?;
    bench.write("a.tar", small_tarball()?)?;
    let (tar, directory) = (source("tar", json!("a.tar"))?, source("directory", json!("root"))?);
    let workshop = bench.workshop(None);
    let (a, b, c, d) =
        tokio::join!(tar.make(&workshop), tar.make(&workshop), directory.make(&workshop), directory.make(&workshop));
    same(&a?, &b?)?;
    same(&c?, &d?)?;
    same(&bench.store.list()?.len(), &2)
}

pub(crate) async fn a_damaged_entry_is_not_used(bench: &Bench) -> Result<()> {
    bench.write("a.tar", small_tarball()?)?;
    let tar = source("tar", json!("a.tar"))?;
    let image = tar.make(&bench.workshop(None)).await?;
    let place = image.lowers[0].parent().expect("a tree lies in its entry").to_owned();
    let damages: [&dyn Fn() -> std::io::Result<()>; 3] = [
        &|| std::fs::write(place.join("meta.json"), "{"),
        &|| std::fs::remove_dir_all(place.join("root")).and_then(|()| std::fs::create_dir(place.join("root"))),
        &|| std::fs::remove_dir_all(place.join("root")).and_then(|()| symlink("/", place.join("root"))),
    ];
    for damage in damages {
        damage()?;
        same(&tar.make(&bench.workshop(None)).await?, &image)?;
        ensure!(image.lowers[0].join("etc/os-release").exists());
    }
    // A draft that nobody holds was left by a killed process.
    std::fs::create_dir_all(bench.store.root.join("tmp/draft-left/root/deep"))?;
    Store::open(bench.store.root.clone())?;
    same(&names(&bench.store.root.join("tmp"))?, &Vec::new())
}

pub(crate) async fn a_copy_is_used_once_it_is_adopted(bench: &Bench) -> Result<()> {
    bench.write("a.tar", small_tarball()?)?;
    let tar = source("tar", json!("a.tar"))?;
    let image = tar.make(&bench.workshop(None)).await?;
    same(&bench.store.adopt()?, &0)?;
    same(&bench.store.made().len(), &1)?;
    let (tree, aside) = (&image.lowers[0], image.lowers[0].with_file_name("aside"));
    // The inode of the first tree must not be free for the copy.
    std::fs::rename(tree, &aside)?;
    std::fs::create_dir(tree)?;
    for name in names(&aside)? {
        std::fs::rename(aside.join(&name), tree.join(&name))?;
    }
    same(&bench.store.adopt()?, &1)?;
    same(&tar.make(&bench.workshop(None)).await?, &image)?;
    same(&bench.store.made().len(), &0)?;
    // Of this one a part is missing.
    std::fs::rename(tree.join("etc"), aside.join("etc"))?;
    same(&bench.store.adopt()?, &0)?;
    same(&tar.make(&bench.workshop(None)).await?, &image)?;
    same(&bench.store.made().len(), &1)
}

pub(crate) async fn what_is_held_is_not_removed(bench: &Bench) -> Result<()> {
    bench.write("a.tar", small_tarball()?)?;
    let image = source("tar", json!("a.tar"))?.make(&bench.workshop(None)).await?;
    let hold = bench.store.hold(&image, [])?;
    // Who wants the same has it at once, in this process and in others.
    let again = source("tar", json!("a.tar"))?;
    let workshop = bench.workshop(None);
    same(&tokio::time::timeout(Duration::from_secs(20), again.make(&workshop)).await??, &image)?;
    same(&bench.store.remove(Duration::ZERO)?, &Vec::new())?;
    drop(hold);
    same(&bench.store.remove(Duration::from_hours(1))?, &Vec::new())?;
    same(&bench.store.remove(Duration::ZERO)?.len(), &1)?;
    ensure!(bench.store.hold(&image, []).is_err() && !image.lowers[0].exists());
    Ok(())
}

pub(crate) async fn a_full_store_loses_what_was_used_longest_ago(bench: &Bench) -> Result<()> {
    let mut images = Vec::new();
    for (name, minutes) in [("new", 0), ("used", 40), ("old", 30), ("older", 50)] {
        let mut tarball = Tarball::default();
        tarball.folders("etc/x")?;
        tarball.file("etc/os-release", name, 0o644)?;
        bench.write(&format!("{name}.tar"), tarball.bytes()?)?;
        let image = source("tar", json!(format!("{name}.tar")))?.make(&bench.workshop(None)).await?;
        let entry = image.lowers[0].parent().context("the entry's folder")?;
        std::fs::File::open(entry)?.set_modified(std::time::SystemTime::now() - Duration::from_mins(minutes))?;
        images.push(image);
    }
    let _hold = bench.store.hold(&images[1], [])?;
    let bytes: u64 = bench.store.list()?.iter().map(|entry| entry.meta.bytes).sum();
    same(&bench.store.shrink(bytes)?, &Vec::new())?;
    let gone = |images: &[Image]| images.iter().map(|image| !image.lowers[0].exists()).collect::<Vec<_>>();
    same(&bench.store.shrink(bytes - 1)?.len(), &1)?;
    same(&gone(&images), &vec![false, false, false, true])?;
    bench.store.shrink(0)?;
    same(&gone(&images), &vec![false, false, true, true])
}
