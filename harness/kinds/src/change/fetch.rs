//! Gets the package files of a `deb` change into the store, once and before any arm runs: the new ones, and the earlier
//! versions of the same packages for the way back.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::{Utf8Path, Utf8PathBuf};
use patchbed_guest::message::{End, Ran, WriteFile};
use patchbed_model::Digest;
use patchbed_model::id::Hasher;
use patchbed_sandbox::{Bind, BindMode, Network, Sandbox};
use serde::{Deserialize, Serialize};

use super::ChangeError;
use super::apt::{installed, program};
use super::package::PackageFile;
use super::tool::{ended, evidence, run};
use crate::image::store::{Draft, Entry, Meta, Shelf};
use crate::image::tar::digest_of;
use crate::image::tree::remove_tree;
use crate::image::{Image, ImageError, Store, Workshop, apt, blocking};

/// Where the sandboxes that fetch see the draft.
const OUT: &str = "/run/patchbed/out";
/// How long one step of fetching may take.
const WITHIN: Duration = Duration::from_mins(15);

/// What a `deb` change installs and how it is taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The packages to install, under `new/`.
    pub(super) new: Vec<PackageFile>,
    /// The versions that were there before, under `old/`.
    pub(super) old: Vec<PackageFile>,
    /// Packages that were not there before.
    pub(super) added: Vec<String>,
    /// Packages whose earlier version cannot be had, with that version.
    pub(super) lost: Vec<(String, String)>,
}

/// Where the new packages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// These files, whatever they are.
    Files(Vec<Utf8PathBuf>),
    /// These packages and what they need, from a folder of package files.
    Folder(Vec<String>, Utf8PathBuf),
    /// These packages and what they need, from the image's own sources.
    Sources(Vec<String>),
}

/// Fetches, or finds what was fetched for the same request on the same image before.
pub(super) async fn fetch(workshop: &Workshop<'_>, wanted: &Wanted) -> Result<Entry, ChangeError> {
    let Some(image) = workshop.image else {
        return Err(ChangeError::Unfit("packages need an image to be installed on".to_owned()));
    };
    let store = workshop.store;
    let files = wanted.files()?;
    let key = request(wanted, &files, image).await?;
    let _lock = store.lock(&key).await?;
    let before = remembered(store, &key)?;
    match (&before, wanted) {
        (Some((entry, age)), Wanted::Sources(_)) if workshop.offline || *age < REFRESH => return Ok(entry.clone()),
        (Some((entry, _)), Wanted::Files(_) | Wanted::Folder(..)) => return Ok(entry.clone()),
        (None, Wanted::Sources(names)) if workshop.offline => {
            let text = format!("`{}` was not fetched before, and nothing may be fetched", names.join(" "));
            return Err(ChangeError::Unavailable(text));
        }
        (Some(_) | None, _) => {}
    }
    let made = Fetching { workshop, image, draft: store.draft()? }.run(wanted, &files).await;
    match (made, before) {
        (Ok(entry), _) => {
            store.remember(&key, &entry.digest);
            Ok(entry)
        }
        (Err(ChangeError::Unavailable(text)), Some((entry, _))) => {
            tracing::warn!(%text, "packages of an earlier run are used");
            Ok(entry)
        }
        (Err(error), _) => Err(error),
    }
}

/// After which time the image's sources are asked for newer versions.
const REFRESH: Duration = Duration::from_hours(24);

fn remembered(store: &Store, key: &Digest) -> Result<Option<(Entry, Duration)>, ChangeError> {
    let Some((digest, age)) = store.seen_since(key) else { return Ok(None) };
    Ok(store.find(Shelf::Packages, &digest)?.map(|entry| (entry, age)))
}

/// What stands for the request: its words, the bytes of its files, and the image.
async fn request(wanted: &Wanted, files: &[Utf8PathBuf], image: &Image) -> Result<Digest, ChangeError> {
    let names = match wanted {
        Wanted::Files(_) => String::new(),
        Wanted::Folder(names, _) | Wanted::Sources(names) => names.join(" "),
    };
    let mut hasher = Hasher::new().part("deb request 1").part(image.digest.to_string()).part(names);
    for path in files {
        let path = path.clone();
        let digest = blocking(move || digest_of(&path)).await.map_err(ImageError::from)?;
        hasher = hasher.part(digest.to_string());
    }
    Ok(hasher.finish())
}

impl Wanted {
    /// The package files of this machine that are read.
    fn files(&self) -> Result<Vec<Utf8PathBuf>, ChangeError> {
        match self {
            Self::Files(files) => Ok(files.clone()),
            Self::Sources(_) => Ok(Vec::new()),
            Self::Folder(_, folder) => {
                let unfit = |error: std::io::Error| ChangeError::Unfit(format!("list `{folder}`: {error}"));
                let mut files = Vec::new();
                for entry in folder.read_dir_utf8().map_err(unfit)? {
                    let path = entry.map_err(unfit)?.into_path();
                    if path.extension() == Some("deb") {
                        files.push(path);
                    }
                }
                if files.is_empty() {
                    return Err(ChangeError::Unfit(format!("`{folder}` holds no .deb files")));
                }
                files.sort();
                Ok(files)
            }
        }
    }
}

/// A fetch under way.
struct Fetching<'a> {
    workshop: &'a Workshop<'a>,
    image: &'a Image,
    draft: Draft,
}

impl Fetching<'_> {
    async fn run(self, wanted: &Wanted, files: &[Utf8PathBuf]) -> Result<Entry, ChangeError> {
        for folder in ["new/partial", "old"] {
            let path = self.draft.root().join(folder);
            fs::create_dir_all(&path).map_err(|error| unavailable("make", &path, &error))?;
        }
        let plan = match wanted {
            Wanted::Files(_) => {
                copy(files, &self.draft.root().join("new")).await?;
                self.complete(Network::Loopback, &[], &[]).await?
            }
            Wanted::Folder(names, _) => {
                let repository = self.draft.root().join("repository");
                fs::create_dir(&repository).map_err(|error| unavailable("make", &repository, &error))?;
                index(&copy(files, &repository).await?, &repository).await?;
                let list = self.draft.root().join("folder.list");
                fs::write(&list, format!("deb [trusted=yes] copy:{OUT}/repository ./\n"))
                    .map_err(|error| unavailable("write", &list, &error))?;
                let options = [format!("Dir::Etc::SourceList={OUT}/folder.list"), "Dir::Etc::SourceParts=-".to_owned()];
                self.complete(Network::Loopback, names, &options).await?
            }
            Wanted::Sources(names) => self.complete(Network::Host, names, &[]).await?,
        };
        self.publish(plan).await
    }

    /// Downloads what is wanted by name, and looks at what the image has of it now.
    async fn complete(&self, network: Network, names: &[String], options: &[String]) -> Result<Plan, ChangeError> {
        let sandbox = self.open(network).await?;
        let plan = self.complete_in(&*sandbox, network, names, options).await;
        let closed = sandbox.close().await;
        let mut plan = plan?;
        closed.map_err(|error| ChangeError::Unavailable(error.to_string()))?;
        // Package files that a scenario brings may have earlier versions in the image's own sources.
        if network == Network::Loopback && !plan.lost.is_empty() && !self.workshop.offline {
            let sandbox = self.open(Network::Host).await?;
            let tools = Tools { sandbox: &*sandbox, options: &[] };
            if let Err(error) = async {
                tools.update().await?;
                tools.download_old(&mut plan).await
            }
            .await
            {
                tracing::info!(%error, "no earlier versions from the image's sources");
            }
            sandbox.close().await.map_err(|error| ChangeError::Unavailable(error.to_string()))?;
        }
        self.read_old(&mut plan).await?;
        Ok(plan)
    }

    async fn complete_in(
        &self,
        sandbox: &dyn Sandbox,
        network: Network,
        names: &[String],
        options: &[String],
    ) -> Result<Plan, ChangeError> {
        let tools = Tools { sandbox, options };
        tools.configure().await?;
        if !names.is_empty() {
            tools.update().await?;
            tools.download_new(names).await?;
        }
        let new = read_folder(&self.draft.root().join("new")).await?;
        let mut plan = self.plan(sandbox, new).await?;
        if network == Network::Host && !plan.lost.is_empty() {
            tools.download_old(&mut plan).await?;
        }
        Ok(plan)
    }

    /// Compares the new packages with what is installed; earlier versions that the store has are taken from there.
    async fn plan(&self, sandbox: &dyn Sandbox, new: Vec<PackageFile>) -> Result<Plan, ChangeError> {
        let installed = installed(sandbox).await?;
        let mut plan = Plan::default();
        let known = known_files(self.workshop.store)?;
        for package in &new {
            let key = (package.name.clone(), package.architecture.clone());
            // A package may change between `all` and the machine's architecture.
            let now = installed.get(&key).or_else(|| {
                installed.values().find(|other| other.name == package.name && other.state != "config-files")
            });
            match now.filter(|now| !matches!(now.state.as_str(), "config-files" | "not-installed")) {
                None => plan.added.push(package.name.clone()),
                Some(now) => {
                    let name = if now.architecture == "all" {
                        now.name.clone()
                    } else {
                        format!("{}:{}", now.name, now.architecture)
                    };
                    match known.get(&(now.name.clone(), now.version.clone(), now.architecture.clone())) {
                        Some(file) => link(file, &self.draft.root().join("old"))?,
                        None => plan.lost.push((name, now.version.clone())),
                    }
                }
            }
        }
        plan.new = new;
        Ok(plan)
    }

    /// What is in `old/` after all, and what is therefore not lost.
    async fn read_old(&self, plan: &mut Plan) -> Result<(), ChangeError> {
        plan.old = read_folder(&self.draft.root().join("old")).await?;
        let old = &plan.old;
        plan.lost.retain(|(name, version)| {
            let name = name.split(':').next().unwrap_or(name);
            !old.iter().any(|file| file.name == name && file.version == *version)
        });
        Ok(())
    }

    async fn open(&self, network: Network) -> Result<Box<dyn Sandbox>, ChangeError> {
        let mut spec = self.image.spec("fetch packages");
        spec.network = network;
        spec.limits.time = WITHIN * 2;
        spec.binds.push(Bind { from: self.draft.root(), to: OUT.to_owned(), mode: BindMode::ReadWrite });
        for (from, to) in
            [("/etc/apt/auth.conf", "/etc/apt/auth.conf"), ("/etc/apt/auth.conf.d", "/etc/apt/auth.conf.d")]
        {
            if network == Network::Host && fs::metadata(from).is_ok() {
                spec.binds.push(Bind { from: from.into(), to: to.to_owned(), mode: BindMode::ReadOnly });
            }
        }
        Ok(self.workshop.backend.open(&spec).await.map_err(ImageError::from)?)
    }

    async fn publish(self, plan: Plan) -> Result<Entry, ChangeError> {
        let root = self.draft.root();
        for name in ["new/partial", "new/lock", "repository", "folder.list"] {
            let path = root.join(name);
            blocking(move || {
                remove_tree(path.as_std_path())
                    .map_err(|error| crate::image::tree::TreeError::Unavailable(error.to_string()))
            })
            .await
            .map_err(ImageError::from)?;
        }
        let mut hasher = Hasher::new().part("deb 1");
        let mut bytes = 0;
        for (folder, packages) in [("new", &plan.new), ("old", &plan.old)] {
            for package in packages {
                let path = root.join(folder).join(package.file_name());
                bytes += fs::metadata(&path).map(|metadata| metadata.len()).unwrap_or_default();
                let digest = blocking(move || digest_of(&path)).await.map_err(ImageError::from)?;
                hasher = hasher.part(folder).part(package.file_name()).part(digest.to_string());
            }
        }
        let detail = serde_json::to_value(&plan).map_err(|error| ChangeError::Unavailable(error.to_string()))?;
        let digest = hasher.part(detail.to_string()).finish();
        let store = self.workshop.store;
        let _lock = store.lock(&digest).await?;
        if let Some(entry) = store.find(Shelf::Packages, &digest)? {
            return Ok(entry);
        }
        let names: Vec<&str> = plan.new.iter().map(|package| package.name.as_str()).collect();
        let entries = (plan.new.len() + plan.old.len()) as u64;
        let meta = Meta { source: format!("deb {}", names.join(" ")), entries, bytes, notes: Vec::new(), detail };
        Ok(store.publish(self.draft, Shelf::Packages, &digest, meta)?)
    }
}

/// The image's own package tools, in a sandbox that may reach its archives.
struct Tools<'a> {
    sandbox: &'a dyn Sandbox,
    options: &'a [String],
}

impl Tools<'_> {
    /// Tells apt how this machine reaches archives.
    async fn configure(&self) -> Result<(), ChangeError> {
        let data = STANDARD.encode(apt::settings());
        let path = "/run/patchbed/apt.conf".to_owned();
        Ok(self.sandbox.write_files(vec![WriteFile { path, data, mode: Some(0o644), owner: None }]).await?)
    }

    async fn apt(&self, arguments: &[&str], names: &[String]) -> Result<Ran, ChangeError> {
        let mut argv = vec!["apt-get".to_owned(), "-q".to_owned(), "-y".to_owned()];
        for option in self.options {
            argv.extend(["-o".to_owned(), option.clone()]);
        }
        argv.extend(arguments.iter().map(|word| (*word).to_owned()));
        argv.extend_from_slice(names);
        let mut environment: BTreeMap<String, String> =
            std::env::vars().filter(|(name, _)| name.to_ascii_lowercase().ends_with("_proxy")).collect();
        environment.insert("APT_CONFIG".to_owned(), "/run/patchbed/apt.conf".to_owned());
        let mut program = program(argv, environment);
        program.directory = Some(format!("{OUT}/old"));
        let ran = run(self.sandbox, program, WITHIN).await?;
        match ran.end {
            End::Exited(0) => Ok(ran),
            End::Exited(_) | End::Killed { .. } | End::TimedOut => {
                let lines = evidence(&ran);
                let what = format!("`apt-get {}` {}", arguments.last().unwrap_or(&""), ended(ran.end));
                Err(ChangeError::Unavailable(format!("{what}:\n  {}", lines.join("\n  "))))
            }
        }
    }

    async fn update(&self) -> Result<(), ChangeError> {
        self.configure().await?;
        self.apt(&["-o", "APT::Update::Error-Mode=any", "update"], &[]).await.map(|_| ())
    }

    async fn download_new(&self, names: &[String]) -> Result<(), ChangeError> {
        let cache = format!("Dir::Cache::archives={OUT}/new");
        let arguments = [
            "-o",
            &cache,
            "-o",
            "DPkg::Post-Invoke::=",
            "-o",
            "APT::Keep-Downloaded-Packages=true",
            "--no-install-recommends",
            "--allow-downgrades",
            "--allow-change-held-packages",
            "--download-only",
            "install",
        ];
        self.apt(&arguments, names).await.map(|_| ())
    }

    /// Earlier versions, one by one where not all can be had at once; what cannot be had stays lost.
    async fn download_old(&self, plan: &mut Plan) -> Result<(), ChangeError> {
        let names: Vec<String> = plan.lost.iter().map(|(name, version)| format!("{name}={version}")).collect();
        if self.apt(&["download"], &names).await.is_ok() {
            plan.lost.clear();
            return Ok(());
        }
        for name in names {
            match self.apt(&["download"], &[name]).await {
                Ok(_) | Err(ChangeError::Unavailable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Reads package files and copies them under their own names.
async fn copy(files: &[Utf8PathBuf], to: &Utf8Path) -> Result<Vec<PackageFile>, ChangeError> {
    let (files, to) = (files.to_vec(), to.to_owned());
    let copied = blocking(move || {
        let mut packages: Vec<PackageFile> = Vec::new();
        for path in &files {
            let package = PackageFile::read(path).map_err(ImageError::Unfit)?;
            let place = to.join(package.file_name());
            if place.exists() {
                return Err(ImageError::Unfit(format!("`{path}` brings {} a second time", package.name)));
            }
            fs::copy(path, &place).map_err(|error| ImageError::Unavailable(format!("copy `{path}`: {error}")))?;
            packages.push(package);
        }
        Ok(packages)
    });
    Ok(copied.await?)
}

/// All package files of a folder, in the order of their names, each under its own name.
async fn read_folder(folder: &Utf8Path) -> Result<Vec<PackageFile>, ChangeError> {
    let folder = folder.to_owned();
    let read = blocking(move || {
        let failed = |error: std::io::Error| ImageError::Unavailable(format!("list `{folder}`: {error}"));
        let mut packages = Vec::new();
        for entry in folder.read_dir_utf8().map_err(failed)? {
            let path = entry.map_err(failed)?.into_path();
            if path.extension() == Some("deb") {
                let package = PackageFile::read(&path).map_err(ImageError::Unavailable)?;
                let place = folder.join(package.file_name());
                fs::rename(&path, &place).map_err(failed)?;
                packages.push(package);
            }
        }
        packages.sort_by_key(PackageFile::file_name);
        Ok::<_, ImageError>(packages)
    });
    Ok(read.await?)
}

/// Writes the index that makes a folder an archive.
async fn index(packages: &[PackageFile], folder: &Utf8Path) -> Result<(), ChangeError> {
    let mut text = String::new();
    for package in packages {
        let path = folder.join(package.file_name());
        let size = fs::metadata(&path).map_err(|error| unavailable("read", &path, &error))?.len();
        let digest = blocking(move || digest_of(&path)).await.map_err(ImageError::from)?;
        let name = package.file_name();
        text.push_str(&package.control);
        text.push_str(&format!("\nFilename: ./{name}\nSize: {size}\nSHA256: {}\n\n", digest.hex()));
    }
    let path = folder.join("Packages");
    fs::write(&path, text).map_err(|error| unavailable("write", &path, &error))
}

/// Every package file of the store, by name, version and architecture.
fn known_files(store: &Store) -> Result<BTreeMap<(String, String, String), Utf8PathBuf>, ChangeError> {
    let mut known = BTreeMap::new();
    for entry in store.list()?.into_iter().filter(|entry| entry.shelf == Shelf::Packages) {
        let Ok(plan) = serde_json::from_value::<Plan>(entry.meta.detail) else { continue };
        for (folder, packages) in [("new", plan.new), ("old", plan.old)] {
            for package in packages {
                let path = entry.root.join(folder).join(package.file_name());
                known.insert((package.name, package.version, package.architecture), path);
            }
        }
    }
    Ok(known)
}

fn link(file: &Utf8Path, folder: &Utf8Path) -> Result<(), ChangeError> {
    let Some(name) = file.file_name() else { return Ok(()) };
    fs::copy(file, folder.join(name)).map(|_| ()).map_err(|error| unavailable("copy", file, &error))
}

fn unavailable(operation: &str, path: &Utf8Path, error: &std::io::Error) -> ChangeError {
    ChangeError::Unavailable(format!("{operation} `{path}`: {error}"))
}
