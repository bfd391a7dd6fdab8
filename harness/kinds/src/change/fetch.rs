//! Gets the package files of a `deb` change into the store, once and before any arm runs: the new ones, and the earlier
//! versions of the same packages for the way back.

use std::fs;
use std::time::Duration;

use camino::Utf8PathBuf;
use patchbed_model::Digest;
use patchbed_model::id::Hasher;
use patchbed_sandbox::{Bind, BindMode, Network, Sandbox};
use serde::{Deserialize, Serialize};

use super::ChangeError;
use super::download::{OUT, Tools, WITHIN};
use super::earlier::{keep_what_is_installed, plan};
use super::gather::{copy, index, offer, read_folder, unavailable};
use super::package::PackageFile;
use crate::image::store::{Draft, Entry, Meta, Place, Shelf};
use crate::image::tar::digest_of;
use crate::image::tree::{TreeError, remove_tree};
use crate::image::{Image, ImageError, Store, Workshop, blocking};

/// What a `deb` change installs and how it is taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The packages to install, under `new/`.
    pub(super) new: Vec<PackageFile>,
    /// The versions that were there before, under `old/`.
    pub(super) old: Vec<PackageFile>,
    /// Packages that were not there before.
    pub(super) added: Vec<String>,
    /// Packages that apt takes away for the new ones.
    #[serde(default)]
    pub(super) removed: Vec<String>,
    /// Packages among these that are held; whatever installs them lets go of that.
    #[serde(default)]
    pub(super) held: Vec<String>,
    /// Packages whose earlier version cannot be had, with that version.
    pub(super) lost: Vec<(String, String)>,
}

impl Plan {
    /// Has what another plan installs installed as well, each package once.
    pub(super) fn add(&mut self, other: &Self) {
        add(&mut self.new, &other.new);
        add(&mut self.old, &other.old);
        add(&mut self.added, &other.added);
        add(&mut self.removed, &other.removed);
        add(&mut self.held, &other.held);
        add(&mut self.lost, &other.lost);
    }
}

fn add<T: Clone + PartialEq>(list: &mut Vec<T>, more: &[T]) {
    for one in more {
        if !list.contains(one) {
            list.push(one.clone());
        }
    }
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
        (Some((entry, _)), _) if workshop.offline => return Ok(entry.clone()),
        // What could not be had once may be had now.
        (Some((entry, _)), _) if has_lost(entry) => {}
        (Some((entry, age)), Wanted::Sources(_)) if *age < REFRESH => return Ok(entry.clone()),
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

/// Whether there are packages of which the earlier version was not found.
fn has_lost(entry: &Entry) -> bool {
    let plan: Result<Plan, _> = serde_json::from_value(entry.meta.detail.clone());
    plan.is_ok_and(|plan| !plan.lost.is_empty())
}

/// What stands for the request: its words, the bytes of its files, and the image.
async fn request(wanted: &Wanted, files: &[Utf8PathBuf], image: &Image) -> Result<Digest, ChangeError> {
    let names = match wanted {
        Wanted::Files(_) => String::new(),
        Wanted::Folder(names, _) | Wanted::Sources(names) => names.join(" "),
    };
    let mut hasher = Hasher::new().part("deb request 2").part(image.digest.to_string()).part(names);
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

/// Where an earlier version may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Supply {
    /// Among what was fetched or brought for other changes, such as the one that installed it.
    Store,
    /// In the archives that the image's sources name.
    Archives,
}

/// A fetch under way.
pub(super) struct Fetching<'a> {
    pub(super) workshop: &'a Workshop<'a>,
    pub(super) image: &'a Image,
    pub(super) draft: Draft,
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
                self.find_lost(&tools, &mut plan, Supply::Archives).await
            }
            .await
            {
                tracing::info!(%error, "no earlier versions from the image's sources");
            }
            sandbox.close().await.map_err(|error| ChangeError::Unavailable(error.to_string()))?;
        }
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
        let mut plan = plan(sandbox, new).await?;
        if !plan.lost.is_empty() {
            self.find_lost(&tools, &mut plan, Supply::Store).await?;
        }
        if network == Network::Host && !plan.lost.is_empty() {
            self.find_lost(&tools, &mut plan, Supply::Archives).await?;
        }
        Ok(plan)
    }

    /// Looks for what is lost with these tools, and takes of it what is really what is installed.
    async fn find_lost(&self, tools: &Tools<'_>, plan: &mut Plan, from: Supply) -> Result<(), ChangeError> {
        let old = self.draft.root().join("old");
        match from {
            Supply::Store => offer(self.workshop.store, &plan.lost, &old)?,
            Supply::Archives => tools.download_old(&plan.lost).await?,
        }
        keep_what_is_installed(tools.sandbox).await?;
        plan.old = read_folder(&old).await?;
        let found: Vec<_> = plan.old.iter().map(PackageFile::full_name).collect();
        plan.lost.retain(|lost| !found.contains(lost));
        Ok(())
    }

    pub(super) async fn open(&self, network: Network) -> Result<Box<dyn Sandbox>, ChangeError> {
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
                remove_tree(path.as_std_path()).map_err(|error| TreeError::Unavailable(error.to_string()))
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
        let _lock = match store.entry(Shelf::Packages, &digest).await? {
            Place::Made(entry) => return Ok(entry),
            Place::Free(lock) => lock,
        };
        let names: Vec<&str> = plan.new.iter().map(|package| package.name.as_str()).collect();
        let entries = (plan.new.len() + plan.old.len()) as u64;
        let meta = Meta { source: format!("deb {}", names.join(" ")), entries, bytes, notes: Vec::new(), detail };
        Ok(store.publish(self.draft, Shelf::Packages, &digest, meta)?)
    }
}
