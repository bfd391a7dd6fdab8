//! `npm`: installs or updates packages of a Node project, from a folder of tarballs alone.

use std::collections::BTreeMap;

use globset::escape;
use patchbed_guest::message::{FileFact, FileKind, Files, Privileges, Program};
use patchbed_model::id::Hasher;
use patchbed_model::text::one_line;
use patchbed_sandbox::Bind;
use serde::Deserialize;
use serde_json::json;

use super::keep::keep;
use super::stock::{files_of, stock};
use super::tarball::{Pin, Tarball, is_manifest};
use super::tool::{Question, ask, digest, inside};
use super::{Applied, Change, ChangeError, NewVersion, Prepared, Site, resolve};
use crate::document::OneOrMany;
use crate::image::parcel::{bind, parcel};
use crate::image::store::detail;
use crate::image::{ImageError, Workshop, blocking};

crate::document! {
    /// Packages of a Node project, from a folder of tarballs. With `dependencies`, the image's own npm installs them as
    /// `npm install` does: it saves them in `package.json` and takes away what is not in there. It refuses other bytes
    /// under a version that its lock file knows.
    pub struct Npm, "a mapping with `packages`, `from` and `prefix`" {
        /// Pins such as `chalk@5.0.0`; the version may be left out where the folder holds one alone.
        packages: OneOrMany<String>, required;
        /// The folder of tarballs. No registry is asked.
        from: Option<String>, optional;
        /// The project's folder inside the environment, in which `node_modules` is.
        prefix: String, required;
        /// Whether npm takes what the packages need from the folder as well. With `false` exactly these tarballs are
        /// unpacked, each in place of the package of that name: no npm, no scripts, no links in `.bin`, no lock file;
        /// packages nested in it stay.
        dependencies: bool, default true;
    }
    check {
        packages => node_package,
        from => filled,
        prefix => inside_path,
    }
}

impl Npm {
    /// The pinned tarballs, and all tarballs of the folder.
    async fn choose(&self, workshop: &Workshop<'_>) -> Result<(Vec<Tarball>, Vec<Tarball>), ChangeError> {
        let unfit = |text: String| ChangeError::Unfit(text);
        let Some(from) = &self.from else {
            let text = "`npm` takes packages from a folder alone: give `from:`, a folder of tarballs";
            return Err(unfit(text.to_owned()));
        };
        let mut pins: BTreeMap<String, Pin> = BTreeMap::new();
        for text in &self.packages.0 {
            let pin = Pin::parse(text).ok_or_else(|| no_pin(text))?;
            if let Some(pin) = pins.insert(pin.name.clone(), pin) {
                return Err(unfit(format!("`packages` names `{}` twice", pin.name)));
            }
        }
        if pins.is_empty() {
            return Err(unfit("`packages` is empty".to_owned()));
        }
        let folder = resolve(workshop.base, from);
        let paths: Vec<_> = files_of(&folder)?.into_iter().filter(|path| Tarball::is_one(path)).collect();
        if paths.is_empty() {
            return Err(unfit(format!("`{folder}` holds no tarballs")));
        }
        let tarballs: Vec<Tarball> =
            blocking(move || paths.iter().map(|path| Tarball::read(path)).collect::<Result<_, ImageError>>()).await?;
        let chosen = pins.values().map(|pin| pin.choose(&tarballs).cloned());
        let chosen = chosen.collect::<Result<_, _>>().map_err(|why| unfit(format!("`{folder}` {why}")))?;
        Ok((chosen, tarballs))
    }

    /// The project's folder, which must be there.
    async fn project(&self, site: &Site<'_>) -> Result<(String, FileFact), ChangeError> {
        let prefix = inside(&self.prefix)?;
        let there = look(site, escape(&prefix)).await?.pop();
        let folder = there.filter(|fact| fact.kind == FileKind::Folder).ok_or_else(|| ChangeError::Refused {
            text: format!("`{prefix}` is no folder: `prefix` names the project's"),
            evidence: Vec::new(),
        })?;
        Ok((prefix, folder))
    }

    /// Has npm install, with the folder of tarballs as its registry.
    async fn install(&self, site: &Site<'_>, bind: &Bind) -> Result<Applied, ChangeError> {
        let (prefix, _) = self.project(site).await?;
        let (packages, tarballs): (Vec<String>, Vec<Tarball>) =
            detail(&bind.from).map_err(|error| ChangeError::Unavailable(error.text()))?;
        let own = BOOKS.map(|name| format!("{prefix}/{name}"));
        let modules = format!("{prefix}/node_modules");
        keep(site, &[&own[..], std::slice::from_ref(&modules)].concat()).await?;
        let input = json!({ "prefix": prefix, "folder": bind.to, "tarballs": tarballs, "packages": packages });
        let question = Question { what: "`npm install`", program: node(), input: Some(input) };
        let installed: Installed = ask(site.sandbox, question, site.within).await?;
        let mut paths = installed.changed();
        paths.extend(own);
        paths.extend([".bin", ".package-lock.json"].map(|name| format!("{modules}/{name}")));
        let (notes, versions) = (installed.notes(), installed.versions());
        Ok(Applied { notes, versions, paths, ..Applied::default() })
    }

    /// Unpacks the tarballs, each in place of the package of its name.
    async fn unpack(&self, site: &Site<'_>) -> Result<Applied, ChangeError> {
        let (prefix, project) = self.project(site).await?;
        let owner = format!("{}:{}", project.user, project.group);
        let mut packages = Vec::new();
        for bind in &site.prepared.binds {
            let paths: Vec<String> = detail(&bind.from).map_err(|error| ChangeError::Unavailable(error.text()))?;
            let manifest = paths.iter().find(|path| is_manifest(path)).cloned().unwrap_or_default();
            let from = format!("{}/{}", bind.to, manifest.trim_end_matches("/package.json"));
            let new = named(site, &from).await?.ok_or_else(|| {
                ChangeError::Unavailable(format!("`{from}` holds no package any more: remove the store's entry"))
            })?;
            packages.push((from, format!("{prefix}/node_modules/{}", new.name), new));
        }
        let places: Vec<String> = packages.iter().map(|(_, to, _)| to.clone()).collect();
        keep(site, &places).await?;
        let mut applied = Applied { paths: places, ..Applied::default() };
        for (from, to, new) in packages {
            let old = named(site, &to).await?;
            clear(site, &to).await?;
            site.sandbox.lay_over(&from, &to, None, Some(owner.clone())).await?;
            applied.notes.push(note(old.as_ref(), &new));
            applied.versions.extend(old.and_then(|old| new_version(&old, &new)));
        }
        Ok(applied)
    }
}

impl Change for Npm {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        self.from.iter().map(|from| ("from", from.as_str())).collect()
    }

    async fn prepare(&self, workshop: &Workshop<'_>) -> Result<Prepared, ChangeError> {
        inside(&self.prefix)?;
        let (chosen, all) = self.choose(workshop).await?;
        let entries = if self.dependencies {
            let packages: Vec<String> = chosen.iter().map(|one| format!("{}@{}", one.name, one.version)).collect();
            let paths: Vec<_> = all.iter().map(|tarball| tarball.path.clone()).collect();
            vec![stock(workshop.store, "npm", &paths, &(packages, all)).await?]
        } else {
            let mut entries = Vec::new();
            for tarball in &chosen {
                entries.push(parcel(workshop.store, &tarball.path).await?);
            }
            entries
        };
        let mut hasher = Hasher::new().part(digest(self, "npm")?.to_string());
        for entry in &entries {
            hasher = hasher.part(entry.digest.to_string());
        }
        Ok(Prepared { digest: hasher.finish(), binds: entries.iter().map(bind).collect() })
    }

    async fn apply(&self, site: &Site<'_>) -> Result<Applied, ChangeError> {
        match site.prepared.binds.first() {
            None => Err(ChangeError::Unavailable("the packages were not prepared".to_owned())),
            Some(bind) if self.dependencies => self.install(site, bind).await,
            Some(_) => self.unpack(site).await,
        }
    }

    async fn revert(&self, site: &Site<'_>) -> Result<(), ChangeError> {
        site.sandbox.restore(site.name).await?;
        Ok(())
    }
}

/// What npm writes in a project's folder beside `node_modules`.
const BOOKS: [&str; 3] = ["package.json", "package-lock.json", "npm-shrinkwrap.json"];

fn no_pin(text: &str) -> ChangeError {
    ChangeError::Unfit(format!("`{}` is no pin: write a name and a version, such as `chalk@5.0.0`", one_line(text)))
}

fn node() -> Program {
    let environment = [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/root"),
        ("LC_ALL", "C.UTF-8"),
    ];
    Program {
        argv: ["node", "-e", include_str!("npm.js")].map(str::to_owned).to_vec(),
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        user: None,
        directory: None,
        privileges: Privileges::Ordinary,
    }
}

async fn look(site: &Site<'_>, glob: String) -> Result<Vec<FileFact>, ChangeError> {
    let asked = Files { paths: vec![glob], exclude: Vec::new(), text_up_to: 0, limit: 100_000 };
    Ok(site.sandbox.files(asked).await?)
}

/// What the `package.json` of a folder says it is; `None` when there is none that can be read.
async fn named(site: &Site<'_>, folder: &str) -> Result<Option<Named>, ChangeError> {
    let path = format!("{folder}/package.json");
    if look(site, escape(&path)).await?.is_empty() {
        return Ok(None);
    }
    let text = site.sandbox.read_file(&path, 4 << 20).await?;
    Ok(serde_json::from_slice(&text).ok())
}

/// Takes a package away, but for the packages that are nested in it. A link to a package goes by itself.
async fn clear(site: &Site<'_>, package: &str) -> Result<(), ChangeError> {
    let there = look(site, escape(package)).await?;
    let is_folder = there.iter().any(|fact| fact.kind == FileKind::Folder);
    let mut gone: Vec<String> = if is_folder {
        look(site, format!("{}/*", escape(package))).await?.into_iter().map(|fact| fact.path).collect()
    } else {
        there.into_iter().map(|fact| fact.path).collect()
    };
    gone.retain(|path| path.rsplit('/').next() != Some("node_modules"));
    if !gone.is_empty() {
        site.sandbox.remove(gone).await?;
    }
    Ok(())
}

/// A package that is installed.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Named {
    name: String,
    version: String,
}

/// What npm did: the packages by their folders.
#[derive(Debug, Deserialize)]
struct Installed {
    before: BTreeMap<String, Named>,
    after: BTreeMap<String, Named>,
}

impl Installed {
    /// The folders of packages that came, went, or are of another version.
    fn changed(&self) -> Vec<String> {
        let folders = self.before.keys().chain(self.after.keys());
        let mut changed: Vec<String> =
            folders.filter(|folder| self.before.get(*folder) != self.after.get(*folder)).cloned().collect();
        changed.sort();
        changed.dedup();
        changed
    }

    fn versions(&self) -> Vec<NewVersion> {
        let both = self.after.iter().filter_map(|(folder, now)| Some((self.before.get(folder)?, now)));
        both.filter_map(|(old, now)| new_version(old, now)).collect()
    }

    fn notes(&self) -> Vec<String> {
        let notes: Vec<String> = self
            .changed()
            .iter()
            .filter_map(|folder| match (self.before.get(folder), self.after.get(folder)) {
                (old, Some(now)) => Some(note(old, now)),
                (Some(old), None) => Some(one_line(&format!("{} {} is gone", old.name, old.version))),
                (None, None) => None,
            })
            .collect();
        if notes.is_empty() {
            return vec!["changes nothing here: npm finds every package in its version already".to_owned()];
        }
        notes
    }
}

fn new_version(old: &Named, now: &Named) -> Option<NewVersion> {
    let version = NewVersion { package: now.name.clone(), was: old.version.clone(), now: now.version.clone() };
    (old.version != now.version).then_some(version)
}

/// What became of a package, in one line.
fn note(old: Option<&Named>, now: &Named) -> String {
    let Named { name, version } = now;
    one_line(&match old {
        None => format!("{name} {version} is new"),
        Some(old) if old.version == *version => format!("{name} {version} (the same version again)"),
        Some(old) => format!("{name} {} → {version}", old.version),
    })
}
