//! `npm`.

use anyhow::{Result, bail, ensure};
use patchbed_kinds::change::{Change as _, ChangeError};
use patchbed_kinds::image::{Image, Source as _};
use serde_json::{Value as Json, json};

use crate::bench::{Applying, Bench, Skip, change, refusal, same, source};
use crate::package::Tarball;

/// Writes a tarball into the folder `tarballs`: a `package.json`, and an `index.js` that exports the version.
pub(crate) fn pack(bench: &Bench, name: &str, version: &str, more: &Json) -> Result<()> {
    let mut manifest = json!({ "name": name, "version": version });
    for (key, value) in more.as_object().into_iter().flatten() {
        manifest[key] = value.clone();
    }
    let mut tarball = Tarball::default();
    tarball.file("package/package.json", &manifest.to_string(), 0o644)?;
    tarball.file("package/index.js", &format!("module.exports = '{version}';\n"), 0o644)?;
    tarball.file(&format!("package/only-{version}.js"), "", 0o644)?;
    let file = format!("tarballs/{}-{version}.tgz", name.trim_start_matches('@').replace('/', "-"));
    bench.write(&file, tarball.gzip()?)?;
    Ok(())
}

/// A project in which `ppgood` 1.0.0 is, with another package nested in it.
pub(crate) fn project() -> Json {
    let modules = "/opt/app/node_modules";
    json!({ "write": {
        "/opt/app/package.json": json!({ "name": "app", "version": "0.0.0", "dependencies": { "ppgood": "^1.0.0" } }).to_string(),
        format!("{modules}/ppgood/package.json"): json!({ "name": "ppgood", "version": "1.0.0" }).to_string(),
        format!("{modules}/ppgood/index.js"): "module.exports = '1.0.0';\n",
        format!("{modules}/ppgood/.old"): "",
        format!("{modules}/ppgood/node_modules/ppdeep/package.json"): json!({ "name": "ppdeep", "version": "1.0.0" }).to_string(),
    } })
}

const GLOBS: [&str; 6] = ["/opt", "/opt/**", "/root", "/root/**", "/tmp/**", "/usr/local/**"];

pub(crate) async fn tarballs_replace_packages_where_there_is_no_npm(bench: &Bench) -> Result<()> {
    let image = bench.debian_with_languages().await?;
    let image = bench.kept_with(image, &[change("files", project())?]).await?;
    pack(bench, "ppgood", "2.0.0", &json!({ "dependencies": { "ppabsent": "1" } }))?;
    pack(bench, "@ppscope/extra", "3.0.0", &json!({}))?;
    let words = json!({ "packages": ["ppgood@2.0.0", "@ppscope/extra"], "from": "tarballs", "prefix": "/opt/app",
                        "dependencies": false });
    let change = change("npm", words)?;
    let applying = Applying::open(bench, &image, &change).await?;
    // Later edits of the folder change nothing.
    std::fs::remove_dir_all(bench.folder.join("tarballs"))?;
    let before = applying.facts(&GLOBS).await?;
    let applied = applying.apply().await?;
    same(&applied.notes, &["@ppscope/extra 3.0.0 is new", "ppgood 1.0.0 → 2.0.0"].map(String::from).to_vec())?;
    let modules = "/opt/app/node_modules";
    same(&applied.paths, &vec![format!("{modules}/@ppscope/extra"), format!("{modules}/ppgood")])?;
    let facts = applying.facts(&["/opt/app/node_modules/ppgood/**"]).await?;
    let paths: Vec<&str> =
        facts.iter().filter_map(|fact| fact.path.strip_prefix("/opt/app/node_modules/ppgood/")).collect();
    let expected = [
        "index.js",
        "node_modules",
        "node_modules/ppdeep",
        "node_modules/ppdeep/package.json",
        "only-2.0.0.js",
        "package.json",
    ];
    same(&paths[..], &expected[..])?;
    let asked = "cd /opt/app && node -p 'require(\"ppgood\") + require(\"@ppscope/extra\")'";
    same(&applying.printed(asked).await?, &"2.0.03.0.0\n".to_owned())?;
    applying.revert().await?;
    same(&applying.facts(&GLOBS).await?, &before)?;
    applying.close().await
}

/// This machine's own root with the project; it has npm, which would be hundreds of packages in a Debian image.
pub(crate) async fn with_npm(bench: &Bench) -> Result<Image> {
    let tools = ["/usr/bin/npm", "/usr/bin/node"];
    if let Some(missing) = tools.iter().find(|tool| !std::path::Path::new(tool).exists()) {
        bail!(Skip { need: "npm", why: format!("there is no {missing} on this machine") });
    }
    Ok(source("host", json!({}))?.make(&bench.workshop(None)).await?)
}

pub(crate) async fn npm_resolves_from_the_folder_and_is_taken_back(bench: &Bench) -> Result<()> {
    let image = with_npm(bench).await?;
    pack(bench, "ppgood", "1.0.0", &json!({}))?;
    pack(bench, "ppgood", "2.0.0", &json!({ "dependencies": { "@ppscope/extra": "^3.0.0" } }))?;
    let script = json!({ "scripts": { "postinstall": "echo ran > ran.txt" } });
    pack(bench, "@ppscope/extra", "3.1.0", &script)?;
    pack(bench, "@ppscope/extra", "4.0.0", &json!({}))?;
    let words = json!({ "packages": "ppgood@2.0.0", "from": "tarballs", "prefix": "/opt/app" });
    let change = change("npm", words)?;
    let applying = Applying::open(bench, &image, &change).await?;
    applying.printed("rm -rf /opt/app && mkdir -p /opt/app").await?;
    let before = applying.facts(&GLOBS[..2]).await?;
    let applied = applying.apply().await?;
    same(&applied.notes, &["@ppscope/extra 3.1.0 is new", "ppgood 2.0.0 is new"].map(String::from).to_vec())?;
    let asked = "cd /opt/app && node -p 'require(\"ppgood\") + require(\"@ppscope/extra\")' && cat node_modules/@ppscope/extra/ran.txt";
    same(&applying.printed(asked).await?, &"2.0.03.1.0\nran\n".to_owned())?;
    let lock = applying.read("/opt/app/package-lock.json").await?;
    ensure!(!lock.contains("127.0.0.1"), "{lock}");
    applying.revert().await?;
    same(&applying.facts(&GLOBS[..2]).await?, &before)?;
    applying.close().await
}

pub(crate) async fn a_missing_dependency_is_named_by_npm(bench: &Bench) -> Result<()> {
    let image = with_npm(bench).await?;
    pack(bench, "ppgood", "2.0.0", &json!({ "dependencies": { "ppabsent": "^1.0.0" } }))?;
    let change = change("npm", json!({ "packages": "ppgood", "from": "tarballs", "prefix": "/opt/app" }))?;
    let applying = Applying::open(bench, &image, &change).await?;
    applying.printed("rm -rf /opt/app && mkdir -p /opt/app").await?;
    let (text, evidence) = refusal(applying.apply().await)?;
    same(&text, &"`npm install` exited 1".to_owned())?;
    ensure!(evidence.iter().any(|line| line.contains("ppabsent")), "{evidence:?}");
    applying.close().await
}

pub(crate) async fn folders_that_do_not_fit_are_refused(bench: &Bench) -> Result<()> {
    let image = bench.debian().await?;
    pack(bench, "ppgood", "2.0.0", &json!({}))?;
    let whole = std::fs::read(bench.folder.join("tarballs/ppgood-2.0.0.tgz"))?;
    bench.write("cut/ppgood-2.0.0.tgz", &whole[..whole.len() / 2])?;
    let mut hostile = Tarball::default();
    hostile.file("package/package.json", &json!({ "name": "ppgood", "version": "2.0.0" }).to_string(), 0o644)?;
    hostile.forged(b"package/../../../etc/passwd", "root")?;
    bench.write("hostile/ppgood-2.0.0.tgz", hostile.gzip()?)?;
    bench.write("empty/notes.txt", "")?;
    let folder = &bench.folder;
    let expected = [
        (
            json!({ "packages": "ppgood" }),
            "`npm` takes packages from a folder alone: give `from:`, a folder of tarballs".to_owned(),
        ),
        (
            json!({ "packages": "ppgood@1.0.0", "from": "tarballs" }),
            format!("`{folder}/tarballs` holds no `ppgood@1.0.0`, only `2.0.0`"),
        ),
        (
            json!({ "packages": "pp-goods@1.0.0", "from": "tarballs" }),
            format!("`{folder}/tarballs` holds no tarball of `pp-goods`; near it are `ppgood@2.0.0`"),
        ),
        (
            json!({ "packages": "ppgood@^2", "from": "tarballs" }),
            "`ppgood@^2` is no pin: write a name and a version, such as `chalk@5.0.0`".to_owned(),
        ),
        (json!({ "packages": "ppgood", "from": "empty" }), format!("`{folder}/empty` holds no tarballs")),
        (
            json!({ "packages": "ppgood", "from": "cut" }),
            format!("`{folder}/cut/ppgood-2.0.0.tgz` is no npm package: "),
        ),
        (
            json!({ "packages": "ppgood", "from": "hostile" }),
            format!("`{folder}/hostile/ppgood-2.0.0.tgz` is no npm package: "),
        ),
    ];
    for (mut words, text) in expected {
        words["prefix"] = json!("/opt/app");
        match change("npm", words)?.prepare(&bench.workshop(Some(&image))).await {
            Err(ChangeError::Unfit(said)) => ensure!(said.starts_with(&text), "expected `{text}`, got `{said}`"),
            other => bail!("expected `{text}`, got {other:?}"),
        }
    }
    Ok(())
}
