//! `deb`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use patchbed_kinds::change::{AnyChange, Applied, Change as _, ChangeError, WayBack};
use patchbed_kinds::image::{Image, Store, Workshop, extend};
use serde_json::json;

use crate::bench::{Applying, Bench, Skip, change, refusal, same};
use crate::package::{Package, archive};

const GOOD: Package<'_> = Package {
    name: "ppgood",
    version: "1",
    fields: "",
    files: &[("/usr/share/ppgood/v", "1\n")],
    conffiles: &[],
    postinst: "",
};

/// The test image with version 1 of the package.
async fn with_good(bench: &Bench) -> Result<Image> {
    let image = bench.debian().await?;
    GOOD.write(bench, "good_1.deb")?;
    let install = change("deb", json!({ "files": "good_1.deb" }))?;
    Ok(extend(&bench.workshop(None), image, &[install]).await?)
}

async fn version(applying: &Applying<'_>, name: &str) -> Result<Option<(String, String)>> {
    let packages = applying.sandbox.packages().await?;
    let found = packages.into_iter().find(|package| package.name == name && package.state != "config-files");
    Ok(found.map(|package| (package.version, package.state)))
}

pub(crate) async fn a_package_is_updated_and_taken_back(bench: &Bench) -> Result<()> {
    let image = with_good(bench).await?;
    Package { version: "2", files: &[("/usr/share/ppgood/v", "2\n"), ("/usr/share/ppgood/more", "x")], ..GOOD }
        .write(bench, "good_2.deb")?;
    Package { name: "ppextra", ..GOOD.clone() }.files_at(bench, "/usr/share/ppextra/v", "extra_1.deb")?;
    let change = change("deb", json!({ "files": ["good_2.deb", "extra_1.deb"] }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let globs = [
        "/usr/share/ppgood",
        "/usr/share/ppgood/**",
        "/usr/share/ppextra",
        "/usr/share/ppextra/**",
        "/usr/sbin/policy-rc.d",
    ];
    let before = applying.facts(&globs).await?;
    let applied = applying.apply().await?;
    same(&applied.notes, &vec!["ppextra 1 (new)".to_owned(), "ppgood 1 → 2".to_owned()])?;
    same(&applied.packages, &vec!["ppextra".to_owned(), "ppgood".to_owned()])?;
    same(&applying.read("/usr/share/ppgood/v").await?, &"2\n".to_owned())?;
    ensure!(applying.facts(&["/usr/sbin/policy-rc.d"]).await?.is_empty());
    applying.revert().await?;
    same(&applying.facts(&globs).await?, &before)?;
    same(&version(&applying, "ppgood").await?, &Some(("1".to_owned(), "installed".to_owned())))?;
    same(&version(&applying, "ppextra").await?, &None)?;
    applying.close().await
}

pub(crate) async fn two_changes_in_one_transaction_may_need_each_other(bench: &Bench) -> Result<()> {
    let image = with_good(bench).await?;
    Package { version: "2", files: &[("/usr/share/ppgood/v", "2\n")], ..GOOD }.write(bench, "good_2.deb")?;
    Package { name: "ppneeds", fields: "Depends: ppgood (>= 2)\n", files: &[("/usr/share/ppneeds/v", "1\n")], ..GOOD }
        .write(bench, "needs_1.deb")?;
    let first = change("deb", json!({ "files": "needs_1.deb" }))?;
    let second = change("deb", json!({ "files": "good_2.deb" }))?;
    // By itself the first one cannot be installed.
    let alone = Applying::open(bench, &image, &first).await?;
    ensure!(alone.apply().await.is_err(), "it is installed without what it needs");
    alone.close().await?;
    let mut prepared = first.prepare(&bench.workshop(Some(&image))).await?;
    prepared.binds.extend(second.prepare(&bench.workshop(Some(&image))).await?.binds);
    let sandbox = bench.open(&image, &[&prepared]).await?;
    let within = Duration::from_mins(2);
    let together = Applying { change: &first, prepared, sandbox, within, way_back: WayBack::Kept };
    let applied = together.apply().await?;
    same(&applied.notes, &vec!["ppgood 1 → 2".to_owned(), "ppneeds 1 (new)".to_owned()])?;
    together.revert().await?;
    same(&version(&together, "ppgood").await?, &Some(("1".to_owned(), "installed".to_owned())))?;
    same(&version(&together, "ppneeds").await?, &None)?;
    together.close().await
}

pub(crate) async fn what_an_update_drops_is_told_and_what_its_script_removes_is_not(bench: &Bench) -> Result<()> {
    let image = with_good(bench).await?;
    let (files, postinst) = (&[("/usr/share/ppgood/new", "2\n")], "rm /etc/issue");
    Package { version: "2", files, postinst, ..GOOD }.write(bench, "good_2.deb")?;
    let change = change("deb", json!({ "files": "good_2.deb" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    same(&applying.apply().await?.dropped, &vec!["/usr/share/ppgood/v".to_owned()])?;
    applying.close().await
}

/// An update to version 2 of the package, prepared with another store than the one that made the image.
struct Elsewhere<'a> {
    bench: &'a Bench,
    store: Store,
    image: Image,
    update: AnyChange,
}

impl<'a> Elsewhere<'a> {
    async fn new(bench: &'a Bench) -> Result<Self> {
        let image = with_good(bench).await?;
        Package { version: "2", ..GOOD }.write(bench, "good_2.deb")?;
        let store = Store::open(bench.folder.join("elsewhere"))?;
        Ok(Self { bench, store, image, update: change("deb", json!({ "files": "good_2.deb" }))? })
    }

    fn workshop<'b>(&'b self, image: &'b Image, offline: bool) -> Workshop<'b> {
        Workshop { store: &self.store, offline, ..self.bench.workshop(Some(image)) }
    }

    /// Has the store know a package file.
    async fn learn(&self, file: &str) -> Result<()> {
        let base = self.bench.debian().await?;
        change("deb", json!({ "files": file }))?.prepare(&self.workshop(&base, true)).await?;
        Ok(())
    }

    /// Applies the update, takes it back, and says what was said and which version there is.
    async fn there_and_back(&self, offline: bool) -> Result<(Result<(), ChangeError>, String)> {
        let prepared = self.update.prepare(&self.workshop(&self.image, offline)).await?;
        let sandbox = self.bench.open(&self.image, &[&prepared]).await?;
        let (within, way_back) = (Duration::from_mins(2), WayBack::Kept);
        let applying = Applying { change: &self.update, prepared, sandbox, within, way_back };
        applying.apply().await?;
        let back = applying.revert().await.map(|()| Applied::default());
        let content = applying.read("/usr/share/ppgood/v").await?;
        applying.close().await?;
        Ok((back.map(|_| ()), content))
    }
}

pub(crate) async fn bytes_that_were_never_installed_are_no_earlier_version(bench: &Bench) -> Result<()> {
    let elsewhere = Elsewhere::new(bench).await?;
    Package { files: &[("/usr/share/ppgood/v", "not 1\n")], ..GOOD }.write(bench, "same.deb")?;
    Package { postinst: "echo other", ..GOOD }.write(bench, "scripted.deb")?;
    Package { files: &[("/usr/share/ppgood/v", "1\n"), ("/usr/share/ppgood/w", "1\n")], ..GOOD }
        .write(bench, "longer.deb")?;
    for file in ["same.deb", "scripted.deb", "longer.deb"] {
        elsewhere.learn(file).await?;
    }
    let (back, _) = elsewhere.there_and_back(true).await?;
    let (text, _) = refusal(back.map(|()| Applied::default()))?;
    same(&text, &"the earlier version cannot be had: ppgood 1".to_owned())
}

pub(crate) async fn an_earlier_version_that_was_lost_is_looked_for_again(bench: &Bench) -> Result<()> {
    let elsewhere = Elsewhere::new(bench).await?;
    let (back, _) = elsewhere.there_and_back(true).await?;
    ensure!(back.is_err());
    elsewhere.learn("good_1.deb").await?;
    let (back, content) = elsewhere.there_and_back(false).await?;
    back?;
    same(&content, &"1\n".to_owned())
}

pub(crate) async fn what_apt_removes_comes_back(bench: &Bench) -> Result<()> {
    let image = with_good(bench).await?;
    let rival = Package { name: "pprival", fields: "Conflicts: ppgood\n", ..GOOD };
    Package { files: &[("/usr/share/pprival/v", "1\n")], ..rival }.write(bench, "rival.deb")?;
    let change = change("deb", json!({ "files": "rival.deb" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let before = applying.facts(&["/usr/share/pp*/**"]).await?;
    let applied = applying.apply().await?;
    same(&applied.notes, &vec!["pprival 1 (new)".to_owned(), "ppgood 1 (removed)".to_owned()])?;
    same(&applied.dropped, &vec!["/usr/share/ppgood/v".to_owned()])?;
    applying.revert().await?;
    same(&version(&applying, "ppgood").await?, &Some(("1".to_owned(), "installed".to_owned())))?;
    same(&version(&applying, "pprival").await?, &None)?;
    same(&applying.facts(&["/usr/share/pp*/**"]).await?, &before)?;
    applying.close().await
}

impl Package<'_> {
    /// Writes it with one file.
    fn files_at(&self, bench: &Bench, path: &str, name: &str) -> Result<()> {
        Package { files: &[(path, "1\n")], ..self.clone() }.write(bench, name)?;
        Ok(())
    }
}

pub(crate) async fn an_edited_configuration_file_is_kept_and_comes_back(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    let path = "/etc/ppconf.conf";
    let package = Package {
        name: "ppconf",
        files: &[(path, "a=1\n"), ("/etc/ppother.conf", "b=1\n")],
        conffiles: &[path, "/etc/ppother.conf"],
        ..GOOD
    };
    package.write(bench, "conf_1.deb")?;
    Package { version: "2", files: &[(path, "a=2\n"), ("/etc/ppother.conf", "b=2\n")], ..package }
        .write(bench, "conf_2.deb")?;
    let install = change("deb", json!({ "files": "conf_1.deb" }))?;
    let edit = change("files", json!({ "write": { path: "a=mine\n" } }))?;
    let image = extend(&bench.workshop(None), image, &[install, edit]).await?;
    let change = change("deb", json!({ "files": "conf_2.deb" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let before = applying.facts(&["/etc/pp*"]).await?;
    let applied = applying.apply().await?;
    let kept = "/etc/ppconf.conf kept as it was: the package brings another one";
    same(&applied.notes, &vec!["ppconf 1 → 2".to_owned(), kept.to_owned()])?;
    same(&applying.read(path).await?, &"a=mine\n".to_owned())?;
    same(&applying.read("/etc/ppother.conf").await?, &"b=2\n".to_owned())?;
    same(&applying.read("/etc/ppconf.conf.dpkg-dist").await?, &"a=2\n".to_owned())?;
    applying.revert().await?;
    same(&applying.facts(&["/etc/pp*"]).await?, &before)?;
    applying.close().await
}

/// Applies version 2 with this script.
async fn scripted<'a>(bench: &Bench, change: &'a AnyChange, script: &str) -> Result<Applying<'a>> {
    let image = with_good(bench).await?;
    Package { version: "2", postinst: script, ..GOOD }.write(bench, "scripted.deb")?;
    Applying::open(bench, &image, change).await
}

pub(crate) async fn a_failing_script_is_told_with_its_last_line(bench: &Bench) -> Result<()> {
    let change = change("deb", json!({ "files": "scripted.deb" }))?;
    let applying = scripted(bench, &change, "echo disk check failed >&2; exit 1").await?;
    let (text, evidence) = refusal(applying.apply().await)?;
    same(&text, &"apt-get exited 100: ppgood is half-configured".to_owned())?;
    ensure!(evidence.iter().any(|line| line == "disk check failed"), "{evidence:?}");
    applying.close().await
}

pub(crate) async fn a_hanging_script_is_stopped(bench: &Bench) -> Result<()> {
    let change = change("deb", json!({ "files": "scripted.deb" }))?;
    let good = scripted(bench, &change, "echo working").await?;
    let begun = Instant::now();
    good.apply().await?;
    let usual = begun.elapsed();
    good.close().await?;
    let mut applying =
        scripted(bench, &change, "echo working; trap '' TERM INT HUP QUIT; while :; do sleep 1; done").await?;
    // The script is to be reached on any machine before the time is over.
    applying.within = Duration::from_secs(4) + 5 * usual;
    let begun = Instant::now();
    let ended = applying.apply().await;
    ensure!(
        matches!(&ended, Err(ChangeError::TimedOut { evidence, .. }) if evidence.iter().any(|line| line == "working")),
        "{ended:?}"
    );
    ensure!(begun.elapsed() < applying.within + Duration::from_secs(8), "{:?}", begun.elapsed());
    // What was killed a moment ago may still wait to be reaped.
    let mut left = applying.sandbox.processes().await?;
    left.retain(|process| process.state != 'Z');
    ensure!(!left.iter().any(|process| process.name == "dpkg" || process.name == "sleep"), "{left:?}");
    applying.close().await
}

pub(crate) async fn a_script_that_kills_dpkg_is_told(bench: &Bench) -> Result<()> {
    let change = change("deb", json!({ "files": "scripted.deb" }))?;
    for script in ["kill -9 $PPID; sleep 2", "kill -9 -1; sleep 2"] {
        let applying = scripted(bench, &change, script).await?;
        let (text, _) = refusal(applying.apply().await)?;
        ensure!(text.starts_with("apt-get exited") || text.starts_with("apt-get killed by SIGKILL"), "{text}");
        ensure!(text.contains("ppgood is "), "{text}");
        applying.close().await?;
    }
    Ok(())
}

pub(crate) async fn a_question_gets_no_answer(bench: &Bench) -> Result<()> {
    let change = change("deb", json!({ "files": "scripted.deb" }))?;
    for (script, said) in [
        ("read x || echo no answer; [ -n \"$x\" ] || exit 3", "no answer"),
        ("exec </dev/tty || exit 1; read x", "/dev/tty"),
    ] {
        let applying = scripted(bench, &change, script).await?;
        let begun = Instant::now();
        let (text, evidence) = refusal(applying.apply().await)?;
        same(&text, &"apt-get exited 100: ppgood is half-configured".to_owned())?;
        ensure!(evidence.iter().any(|line| line.contains(said)), "{evidence:?}");
        ensure!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        applying.close().await?;
    }
    Ok(())
}

pub(crate) async fn a_missing_dependency_is_named(bench: &Bench) -> Result<()> {
    let image = with_good(bench).await?;
    Package { version: "2", fields: "Depends: no-such-package (>= 9)\n", ..GOOD }.write(bench, "needy.deb")?;
    let change = change("deb", json!({ "files": "needy.deb" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let (_, evidence) = refusal(applying.apply().await)?;
    ensure!(evidence.iter().any(|line| line.contains("no-such-package (>= 9)")), "{evidence:?}");
    same(&version(&applying, "ppgood").await?, &Some(("1".to_owned(), "installed".to_owned())))?;
    applying.close().await
}

pub(crate) async fn a_folder_of_packages_resolves_dependencies(bench: &Bench) -> Result<()> {
    let image = with_good(bench).await?;
    Package { version: "2", fields: "Depends: pplib (>= 1)\n", ..GOOD }.write(bench, "packages/a.deb")?;
    Package { name: "pplib", files: &[("/usr/share/pplib/v", "1\n")], ..GOOD }.write(bench, "packages/b.deb")?;
    Package { name: "ppunused", files: &[("/usr/share/ppunused/v", "1\n")], ..GOOD }.write(bench, "packages/c.deb")?;
    let change = change("deb", json!({ "packages": "ppgood", "from": "packages" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let applied = applying.apply().await?;
    same(&applied.notes, &vec!["ppgood 1 → 2".to_owned(), "pplib 1 (new)".to_owned()])?;
    applying.revert().await?;
    same(&version(&applying, "ppgood").await?, &Some(("1".to_owned(), "installed".to_owned())))?;
    same(&version(&applying, "pplib").await?, &None)?;
    applying.close().await
}

pub(crate) async fn a_downgrade_and_the_same_version_are_said(bench: &Bench) -> Result<()> {
    let image = with_good(bench).await?;
    Package { version: "0.5", ..GOOD }.write(bench, "older.deb")?;
    Package { files: &[("/usr/share/ppgood/v", "not 1\n")], ..GOOD }.write(bench, "same.deb")?;
    for (file, note, content) in [
        ("older.deb", "ppgood 1 → 0.5 (downgrade)", "1\n"),
        ("same.deb", "ppgood 1 (the same version again)", "not 1\n"),
    ] {
        let change = change("deb", json!({ "files": file }))?;
        let applying = Applying::open(bench, &image, &change).await?;
        same(&applying.apply().await?.notes, &vec![note.to_owned()])?;
        same(&applying.read("/usr/share/ppgood/v").await?, &content.to_owned())?;
        applying.revert().await?;
        same(&applying.read("/usr/share/ppgood/v").await?, &"1\n".to_owned())?;
        applying.close().await?;
    }
    Ok(())
}

pub(crate) async fn files_that_are_no_packages_are_refused(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    let version = ("debian-binary", &b"2.0\n"[..]);
    let garbage = [("no-magic", b"garbage".to_vec()), ("empty", Vec::new()), ("no-members", archive(&[]))];
    let mut cases: Vec<(&str, Vec<u8>)> = garbage.into();
    cases.push(("no-control", archive(&[version, ("data.tar", &[0; 1024])])));
    cases.push(("no-tar", archive(&[version, ("control.tar", &[0; 100]), ("data.tar", b"garbage")])));
    cases.push(("other-format", archive(&[("debian-binary", b"9.9\n"), ("control.tar", b""), ("data.tar", b"")])));
    for (name, bytes) in cases {
        bench.write("bad.deb", bytes)?;
        let change = change("deb", json!({ "files": "bad.deb" }))?;
        let prepared = change.prepare(&bench.workshop(Some(&image))).await;
        match prepared {
            Err(ChangeError::Unfit(text)) => {
                ensure!(text.contains("bad.deb") && text.contains("not a valid package"), "{text}");
            }
            other => bail!("{name}: {other:?}"),
        }
    }
    Package { name: "../../x", ..GOOD }.write(bench, "bad.deb")?;
    let climbing = change("deb", json!({ "files": "bad.deb" }))?;
    let prepared = climbing.prepare(&bench.workshop(Some(&image))).await;
    ensure!(matches!(&prepared, Err(ChangeError::Unfit(text)) if text.contains("its name")), "{prepared:?}");
    Ok(())
}

pub(crate) async fn packages_come_from_the_images_own_sources(bench: &Bench) -> Result<()> {
    // Any version of the archive is newer than this one, and this one is in no archive.
    Package { name: "media-types", version: "0.1", ..GOOD }.files_at(bench, "/usr/share/older/v", "older.deb")?;
    let older = change("deb", json!({ "files": "older.deb" }))?;
    let image = extend(&bench.workshop(None), bench.debian().await?, &[older]).await?;
    // The first one is part of every image, and has no newer version in the archive of its own release.
    let change = change("deb", json!({ "packages": ["perl-base", "media-types"] }))?;
    let prepared = match change.prepare(&bench.workshop(Some(&image))).await {
        Err(ChangeError::Unavailable(why)) => bail!(Skip { need: "archive", why }),
        other => other?,
    };
    let offline = Workshop { offline: true, ..bench.workshop(Some(&image)) };
    same(&change.prepare(&offline).await?, &prepared)?;
    let applying = Applying::open(bench, &image, &change).await?;
    let before = version(&applying, "perl-base").await?;
    let applied = applying.apply().await?;
    ensure!(applied.notes.iter().any(|note| note.starts_with("media-types 0.1 → ")), "{applied:?}");
    match applying.revert().await {
        Ok(()) => {
            same(&version(&applying, "perl-base").await?, &before)?;
            same(&version(&applying, "media-types").await?, &Some(("0.1".to_owned(), "installed".to_owned())))?;
        }
        Err(ChangeError::Refused { text, .. }) => {
            ensure!(text.starts_with("the earlier version cannot be had: ") && text.contains("media-types"), "{text}");
        }
        Err(other) => return Err(other.into()),
    }
    applying.close().await
}
