//! `pip`.

use anyhow::{Result, ensure};
use patchbed_kinds::change::{AnyChange, Change as _, ChangeError};
use patchbed_kinds::image::{Image, extend};
use serde_json::{Value as Json, json};

use crate::bench::{Applying, Bench, change, refusal, same};
use crate::package::Tarball;
use crate::wheel::Wheel;

const GOOD: Wheel<'_> = Wheel { name: "ppgood", version: "1.0", text: "def main():\n    print('1.0')\n", needs: &[] };
const BETTER: Wheel<'_> = Wheel { version: "2.0", text: "def main():\n    print('2.0')\n", ..GOOD };

/// The test image with a venv that has version 1.0.
pub(crate) async fn with_venv(bench: &Bench) -> Result<Image> {
    let image = bench.debian_with_languages().await?;
    GOOD.write(bench, "earlier")?;
    let venv = change("command", json!("python3 -m venv /srv/venv"))?;
    let good =
        change("pip", json!({ "packages": "ppgood==1.0", "from": "earlier", "python": "/srv/venv/bin/python" }))?;
    bench.kept_with(image, &[venv, good]).await
}

/// The change, for the venv.
pub(crate) fn in_venv(mut words: Json) -> Result<AnyChange> {
    words["python"] = json!("/srv/venv/bin/python");
    change("pip", words)
}

pub(crate) async fn a_wheel_in_a_venv_is_updated_and_taken_back(bench: &Bench) -> Result<()> {
    let image = with_venv(bench).await?;
    Wheel { needs: &["ppextra==3.0"], ..BETTER }.write(bench, "wheels")?;
    Wheel { name: "ppextra", version: "3.0", ..GOOD }.write(bench, "wheels")?;
    let change = in_venv(json!({ "packages": ["PPgood==2"], "from": "wheels" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    // Later edits of the folder change nothing.
    std::fs::remove_dir_all(bench.folder.join("wheels"))?;
    let globs = ["/srv", "/srv/**", "/root/**", "/usr/local/**"];
    let before = applying.facts(&globs).await?;
    let applied = applying.apply().await?;
    same(&applied.notes, &["ppextra 3.0 is new", "ppgood 1.0 → 2.0"].map(String::from).to_vec())?;
    same(&applying.printed("/srv/venv/bin/ppgood").await?, &"2.0\n".to_owned())?;
    let told = |end: &str| applied.paths.iter().any(|path| path.starts_with("/srv/venv/") && path.ends_with(end));
    for end in
        ["/ppgood/__init__.py", "/ppgood/only_1_0.py", "/ppgood-1.0.dist-info", "/ppextra/only_3_0.py", "/bin/ppgood"]
    {
        ensure!(told(end), "{end}: {:#?}", applied.paths);
    }
    applying.revert().await?;
    same(&applying.facts(&globs).await?, &before)?;
    same(&applying.printed("/srv/venv/bin/ppgood").await?, &"1.0\n".to_owned())?;
    applying.close().await
}

pub(crate) async fn the_systems_own_python_is_changed_and_taken_back(bench: &Bench) -> Result<()> {
    let image = bench.debian_with_languages().await?;
    GOOD.write(bench, "wheels")?;
    let change = change("pip", json!({ "packages": "ppgood", "from": "wheels", "dependencies": false }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let globs = ["/usr/local", "/usr/local/**", "/usr/lib/python3*/**", "/root", "/root/**"];
    let before = applying.facts(&globs).await?;
    same(&applying.apply().await?.notes, &vec!["ppgood 1.0 is new".to_owned()])?;
    same(&applying.printed("/usr/local/bin/ppgood").await?, &"1.0\n".to_owned())?;
    applying.revert().await?;
    same(&applying.facts(&globs).await?, &before)?;
    applying.close().await
}

pub(crate) async fn the_same_version_brings_its_own_bytes(bench: &Bench) -> Result<()> {
    let image = with_venv(bench).await?;
    Wheel { version: "1.0", ..BETTER }.write(bench, "wheels")?;
    let change = in_venv(json!({ "packages": "ppgood==1.0", "from": "wheels" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let applied = applying.apply().await?;
    same(&applied.notes, &vec!["ppgood 1.0 (the same version again)".to_owned()])?;
    ensure!(applied.paths.iter().any(|path| path.ends_with("/ppgood/__init__.py")), "{:#?}", applied.paths);
    same(&applying.printed("/srv/venv/bin/ppgood").await?, &"2.0\n".to_owned())?;
    applying.close().await
}

pub(crate) async fn a_missing_dependency_is_named_by_pip(bench: &Bench) -> Result<()> {
    let image = with_venv(bench).await?;
    Wheel { needs: &["ppabsent>=1"], ..BETTER }.write(bench, "wheels")?;
    let words = json!({ "packages": "ppgood==2.0", "from": "wheels" });
    let change = in_venv(words.clone())?;
    let applying = Applying::open(bench, &image, &change).await?;
    let before = applying.facts(&["/srv/**"]).await?;
    let (text, evidence) = refusal(applying.apply().await)?;
    same(&text, &"`/srv/venv/bin/python -m pip` exited 1".to_owned())?;
    ensure!(
        evidence.iter().any(|line| line.contains("No matching distribution found for ppabsent>=1")),
        "{evidence:?}"
    );
    same(&applying.facts(&["/srv/**"]).await?, &before)?;
    applying.close().await?;

    let mut words = words;
    words["dependencies"] = json!(false);
    let change = in_venv(words)?;
    let applying = Applying::open(bench, &image, &change).await?;
    same(&applying.apply().await?.notes, &vec!["ppgood 1.0 → 2.0".to_owned()])?;
    applying.close().await
}

pub(crate) async fn a_source_distribution_is_built(bench: &Bench) -> Result<()> {
    let image = bench.debian_with_languages().await?;
    let mut tarball = Tarball::default();
    tarball.folders("ppgood-4.0/x")?;
    tarball.file(
        "ppgood-4.0/setup.py",
        "from setuptools import setup\nsetup(name='ppgood', version='4.0', py_modules=['ppgood'])\n",
        0o644,
    )?;
    tarball.file("ppgood-4.0/ppgood.py", "print('4.0')\n", 0o644)?;
    bench.write("sources/ppgood-4.0.tar.gz", tarball.gzip()?)?;
    let change = change("pip", json!({ "packages": "ppgood==4.0", "from": "sources" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let globs = ["/usr/local", "/usr/local/**", "/root", "/root/**", "/tmp/**"];
    let before = applying.facts(&globs).await?;
    same(&applying.apply().await?.notes, &vec!["ppgood 4.0 is new".to_owned()])?;
    same(&applying.printed("python3 -c 'import ppgood'").await?, &"4.0\n".to_owned())?;
    applying.revert().await?;
    same(&applying.facts(&globs).await?, &before)?;
    applying.close().await
}

pub(crate) async fn a_venv_without_pip_is_refused(bench: &Bench) -> Result<()> {
    let image = bench.debian_with_languages().await?;
    let venv = change("command", json!("python3 -m venv --without-pip /srv/venv"))?;
    let image = extend(&bench.workshop(None), image, &[venv]).await?;
    GOOD.write(bench, "wheels")?;
    let change = in_venv(json!({ "packages": "ppgood==1.0", "from": "wheels" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    let (text, _) = refusal(applying.apply().await)?;
    same(&text, &"`/srv/venv/bin/python` has no pip: make the venv without `--without-pip`".to_owned())?;
    applying.close().await
}

pub(crate) async fn folders_that_do_not_fit_are_refused(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    GOOD.write(bench, "wheels")?;
    let whole = std::fs::read(BETTER.write(bench, "cut")?)?;
    bench.write("cut/ppgood-2.0-py3-none-any.whl", &whole[..whole.len() - 30])?;
    bench.write("empty/notes.txt", "")?;
    let folder = &bench.folder;
    let expected = [
        (
            json!({ "packages": "ppgood==1.0" }),
            "`pip` takes packages from a folder alone: give `from:`, a folder of wheels".to_owned(),
        ),
        (
            json!({ "packages": "ppgood==1.5", "from": "wheels" }),
            format!("`{folder}/wheels` holds no `ppgood==1.5`, only `1.0`"),
        ),
        (
            json!({ "packages": "pp_goods==1.0", "from": "wheels" }),
            format!("`{folder}/wheels` holds no file of `pp_goods`; near it are `ppgood-1.0-py3-none-any.whl`"),
        ),
        (
            json!({ "packages": "ppgood>=1.0", "from": "wheels" }),
            "`ppgood>=1.0` is no pin: write a name and a version, such as `Jinja2==3.1.2`".to_owned(),
        ),
        (
            json!({ "packages": "ppgood", "from": "empty" }),
            format!("`{folder}/empty` holds no wheels and no source distributions"),
        ),
        (
            json!({ "packages": "ppgood", "from": "absent" }),
            format!("list `{folder}/absent`: No such file or directory (os error 2)"),
        ),
        (
            json!({ "packages": "ppgood", "from": "cut" }),
            format!(
                "`{folder}/cut/ppgood-2.0-py3-none-any.whl` is broken: it is no zip archive, or its end is missing; get the file anew"
            ),
        ),
    ];
    for (words, text) in expected {
        match change("pip", words)?.prepare(&bench.workshop(Some(&image))).await {
            Err(ChangeError::Unfit(said)) => same(&said, &text)?,
            other => ensure!(false, "expected `{text}`, got {other:?}"),
        }
    }
    Ok(())
}
