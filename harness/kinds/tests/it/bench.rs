//! What every test starts from: a backend, a store of its own, and a small Debian image that is made once.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use patchbed_kinds::change::{AnyChange, Applied, Change as _, ChangeError, Prepared, Site, WayBack};
use patchbed_kinds::document::{Content, Node, Place, Problems};
use patchbed_kinds::image::{AnySource, Image, ImageError, Source as _, Store, Workshop, extend};
use patchbed_kinds::probe::AnyProbe;
use patchbed_sandbox::message::{FileFact, Files, Program, Run};
use patchbed_sandbox::{Backend, NamespacesBackend, Sandbox};
use serde_json::Value as Json;

/// Makes a test of an async function.
macro_rules! trial {
    ($module:ident::$name:ident) => {
        libtest_mimic::Trial::test(concat!(stringify!($module), "::", stringify!($name)), || {
            $crate::bench::run(stringify!($name), async { $crate::$module::$name(&$crate::bench::Bench::new()?).await })
        })
    };
}
pub(crate) use trial;

/// The runtime and backend of all tests: the runner is started once.
static SHARED: LazyLock<(tokio::runtime::Runtime, Arc<NamespacesBackend>)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    (runtime, Arc::new(NamespacesBackend::new(&shared_folder().join("state"))))
});

/// What is kept between runs of the tests, each user's own. `PATCHBED_TEST_IMAGES` puts it elsewhere, for a user who
/// cannot write to the folder of build results.
fn shared_folder() -> Utf8PathBuf {
    let given = std::env::var("PATCHBED_TEST_IMAGES").map(Utf8PathBuf::from);
    let folder = given.unwrap_or_else(|_| Utf8PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("test-images"));
    folder.join(rustix::process::geteuid().as_raw().to_string())
}

/// Why a test cannot be run here.
#[derive(Debug, thiserror::Error)]
#[error("needs {need}: {why}")]
pub(crate) struct Skip {
    pub(crate) need: &'static str,
    pub(crate) why: String,
}

/// Runs a test; a lack of the host is no failure unless the environment says that it must be there.
pub(crate) fn run(name: &str, test: impl Future<Output = Result<()>>) -> Result<(), libtest_mimic::Failed> {
    if !patchbed_testkit::needs::met(name, &["userns", "overlay"]) {
        return Ok(());
    }
    match SHARED.0.block_on(test) {
        Ok(()) => Ok(()),
        Err(error) => match error.downcast_ref::<Skip>() {
            Some(Skip { need, why }) => {
                patchbed_testkit::needs::skip(name, need, why);
                Ok(())
            }
            None => Err(explain(&error).into()),
        },
    }
}

/// The chain of an error; of a change's refusal also what its tool said.
fn explain(error: &anyhow::Error) -> String {
    match error.downcast_ref::<ChangeError>() {
        Some(refused) => format!("{refused:#?}"),
        None => format!("{error:#}"),
    }
}

/// A test's own place.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) backend: Arc<NamespacesBackend>,
    pub(crate) store: Store,
    pub(crate) folder: Utf8PathBuf,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Result<Self> {
        let shared = shared_folder();
        std::fs::create_dir_all(shared.join("state"))?;
        let temporary = tempfile::Builder::new().prefix("bench-").tempdir_in(&shared)?;
        let folder = Utf8PathBuf::try_from(temporary.path().to_owned())?;
        let store = Store::open(folder.join("store"))?;
        std::fs::create_dir(folder.join("scenario"))?;
        Ok(Self { backend: Arc::clone(&SHARED.1), store, folder: folder.join("scenario"), _folder: temporary })
    }

    pub(crate) fn workshop<'a>(&'a self, image: Option<&'a Image>) -> Workshop<'a> {
        Workshop { backend: &*self.backend, store: &self.store, base: &self.folder, image, offline: false }
    }

    /// A minimal Debian.
    pub(crate) async fn debian(&self) -> Result<Image> {
        self.kept(&source("debian", serde_json::json!(suite()))?).await
    }

    /// The same with Python, its venvs and Node, but without npm.
    pub(crate) async fn debian_with_languages(&self) -> Result<Image> {
        let packages = ["python3-venv", "python3-pip", "nodejs"];
        self.kept(&source("debian", serde_json::json!({ "suite": suite(), "packages": packages }))?).await
    }

    /// The same with databases and all that asks them.
    pub(crate) async fn debian_with_databases(&self) -> Result<Image> {
        let sqlite = ["sqlite3", "python3-minimal", "libpython3-stdlib"];
        let packages = [&sqlite[..], &["postgresql", "mariadb-server", "redis-server"]].concat();
        self.kept(&source("debian", serde_json::json!({ "suite": suite(), "packages": packages }))?).await
    }

    /// An image with layers from the store that all tests share: made once, and kept.
    pub(crate) async fn kept_with(&self, image: Image, changes: &[AnyChange]) -> Result<Image> {
        let store = Store::open(shared_folder().join("store"))?;
        Ok(extend(&Workshop { store: &store, ..self.workshop(None) }, image, changes).await?)
    }

    /// An image from the store that all tests share: made once, and kept.
    pub(crate) async fn kept(&self, source: &AnySource) -> Result<Image> {
        let store = Store::open(shared_folder().join("store"))?;
        let workshop = Workshop { store: &store, ..self.workshop(None) };
        match source.make(&workshop).await {
            Ok(image) => Ok(image),
            Err(error @ (ImageError::Lacking { .. } | ImageError::Unavailable(_))) => {
                bail!(Skip { need: "debian", why: error.to_string() })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A sandbox on an image, with what a change needs to be shown.
    pub(crate) async fn open(&self, image: &Image, prepared: &[&Prepared]) -> Result<Box<dyn Sandbox>> {
        let mut spec = image.spec("test");
        spec.binds = prepared.iter().flat_map(|prepared| prepared.binds.clone()).collect();
        Ok(self.backend.open(&spec).await?)
    }

    /// Writes a file beside the scenario.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<Utf8PathBuf> {
        let path = self.folder.join(name);
        let parent = path.parent().context("a file lies in a folder")?;
        std::fs::create_dir_all(parent)?;
        std::fs::write(&path, content)?;
        Ok(path)
    }
}

/// The suite of the test image: this machine's own where it is a Debian, so that its archives are known.
pub(crate) fn suite() -> String {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let is_debian = text.lines().any(|line| line == "ID=debian");
    let name = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.filter(|_| is_debian).unwrap_or("bookworm").trim_matches('"').to_owned()
}

/// A change from what a scenario would say.
pub(crate) fn change(kind: &str, words: Json) -> Result<AnyChange> {
    let mut problems = Problems::default();
    let read = AnyChange::read_kind(kind, &node(words), &mut problems);
    read.with_context(|| format!("{problems:?}"))
}

/// An image source from what a scenario would say.
pub(crate) fn source(kind: &str, words: Json) -> Result<AnySource> {
    let mut problems = Problems::default();
    let read = AnySource::read_kind(kind, &node(words), &mut problems);
    read.with_context(|| format!("{problems:?}"))
}

/// A probe from what a scenario would say.
pub(crate) fn probe(kind: &str, words: Json) -> Result<AnyProbe> {
    let mut problems = Problems::default();
    let read = AnyProbe::read_kind(kind, &node(words), &mut problems);
    read.with_context(|| format!("{problems:?}"))
}

fn node(words: Json) -> Node {
    let content = match words {
        Json::Null => Content::Null,
        Json::Bool(value) => Content::Bool(value),
        Json::Number(number) => Content::Integer(number.as_i64().unwrap_or_default().into()),
        Json::String(text) => Content::Text(text),
        Json::Array(items) => Content::List(items.into_iter().map(node).collect()),
        Json::Object(map) => Content::Map(map.into_iter().map(|(key, value)| (key, node(value))).collect()),
    };
    Node::of(Place::default(), content)
}

/// A change applied in a sandbox of its own.
pub(crate) struct Applying<'a> {
    pub(crate) change: &'a AnyChange,
    pub(crate) prepared: Prepared,
    pub(crate) sandbox: Box<dyn Sandbox>,
    pub(crate) within: Duration,
    pub(crate) way_back: WayBack,
}

impl<'a> Applying<'a> {
    pub(crate) async fn open(bench: &Bench, image: &Image, change: &'a AnyChange) -> Result<Self> {
        let prepared = change.prepare(&bench.workshop(Some(image))).await?;
        let sandbox = bench.open(image, &[&prepared]).await?;
        Ok(Self { change, prepared, sandbox, within: Duration::from_mins(2), way_back: WayBack::Kept })
    }

    fn site(&self) -> Site<'_> {
        Site {
            sandbox: &*self.sandbox,
            prepared: &self.prepared,
            name: "patch",
            within: self.within,
            systemd: false,
            way_back: self.way_back,
        }
    }

    pub(crate) async fn apply(&self) -> Result<Applied, ChangeError> {
        self.change.apply(&self.site()).await
    }

    pub(crate) async fn revert(&self) -> Result<(), ChangeError> {
        self.change.revert(&self.site()).await
    }

    /// Every fact about the files under these globs, as text.
    pub(crate) async fn facts(&self, globs: &[&str]) -> Result<Vec<FileFact>> {
        let paths = globs.iter().map(|glob| (*glob).to_owned()).collect();
        Ok(self.sandbox.files(Files { paths, exclude: Vec::new(), text_up_to: 4096, limit: 100_000 }).await?)
    }

    pub(crate) async fn read(&self, path: &str) -> Result<String> {
        Ok(String::from_utf8(self.sandbox.read_file(path, 1 << 20).await?)?)
    }

    /// What a shell command prints.
    pub(crate) async fn printed(&self, command: &str) -> Result<String> {
        let argv = ["/bin/sh", "-c", command].map(str::to_owned).to_vec();
        let program = Program { argv, ..Program::default() };
        let ran = self.sandbox.run(Run { program, within: 60_000, keep: 4 << 20, ..Run::default() }).await?;
        Ok(format!("{}{}", ran.output.text, ran.errors.text))
    }

    pub(crate) async fn close(self) -> Result<()> {
        Ok(self.sandbox.close().await?)
    }
}

/// The text and evidence of a refusal.
pub(crate) fn refusal(result: Result<Applied, ChangeError>) -> Result<(String, Vec<String>)> {
    match result {
        Err(ChangeError::Refused { text, evidence }) => Ok((text, evidence)),
        other => bail!("expected a refusal, got {other:?}"),
    }
}

/// Fails with what is wrong when two things differ.
pub(crate) fn same<T: PartialEq + std::fmt::Debug + ?Sized>(left: &T, right: &T) -> Result<()> {
    if left != right {
        bail!("these differ:\n{left:#?}\n{right:#?}");
    }
    Ok(())
}

pub(crate) fn names(folder: &Utf8Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in folder.read_dir_utf8()? {
        names.push(entry?.file_name().to_owned());
    }
    names.sort();
    Ok(names)
}
