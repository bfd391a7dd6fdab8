//! `debian`: a Debian root made with mmdebstrap.
//!
//! It is built from the suite's own archive alone, so that it holds packages as they were released, and knows the
//! archives of updates and security updates afterwards, so that `deb: { packages: … }` finds newer ones.

use std::fs;

use camino::Utf8Path;
use patchbed_model::Digest;
use patchbed_model::id::Hasher;

use super::apt::{self, Archives, Stanza};
use super::bootstrap::mmdebstrap;
use super::store::{Entry, Meta, Place, Shelf};
use super::tar::digest_of;
use super::tree::{Job, Limits, open_file};
use super::{Image, ImageError, Source, Workshop, blocking};
use crate::change::resolve;
use crate::document::OneOrMany;

crate::document! {
    /// A Debian root made with mmdebstrap and kept by digest.
    pub struct Debian, "a suite, or a mapping with `suite`" {
        /// The suite, such as `bookworm`.
        suite: String, required;
        /// mmdebstrap's variant; `minbase` when not given.
        variant: Option<String>, optional;
        /// Packages besides those of the variant.
        packages: Option<OneOrMany<String>>, optional;
        /// The mirror; this machine's own sources when not given.
        mirror: Option<String>, optional;
        /// The keyring file that signs the mirror.
        keyring: Option<String>, optional;
    }
    short suite;
    check {
        suite => word,
        variant => word,
        packages => package,
        mirror => filled,
        keyring => filled,
    }
}

/// Takes the harness's own settings out of the image, and what belongs to this machine.
const CLEAN: &str = "rm -f \"$1\"/etc/apt/sources.list \"$1\"/etc/apt/sources.list.d/* \"$1\"/etc/apt/apt.conf.d/99mmdebstrap \
    \"$1\"/etc/hostname \"$1\"/etc/resolv.conf && echo localhost > \"$1\"/etc/hostname && : > \"$1\"/etc/resolv.conf \
    && : > \"$1\"/etc/machine-id";

impl Source for Debian {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        self.keyring.iter().map(|keyring| ("keyring", keyring.as_str())).collect()
    }

    async fn make(&self, workshop: &Workshop<'_>) -> Result<Image, ImageError> {
        let recipe = self.recipe(workshop.base)?;
        let key = recipe.key();
        let store = workshop.store;
        let _lock = store.lock(&key).await?;
        if let Some(digest) = store.seen(&key)
            && let Some(entry) = store.find(Shelf::Images, &digest)?
        {
            return Ok(entry.into_image());
        }
        if workshop.offline {
            let text = format!("the image `{}` is not in the store, and nothing may be fetched", recipe.name());
            return Err(ImageError::Unavailable(text));
        }
        let entry = recipe.build(workshop).await?;
        store.remember(&key, &entry.digest);
        Ok(entry.into_image())
    }
}

/// Everything that decides what an image becomes.
#[derive(Clone, Debug)]
struct Recipe {
    suite: String,
    variant: String,
    packages: Vec<String>,
    keyring: Option<String>,
    archives: Archives,
}

impl Debian {
    fn recipe(&self, base: &Utf8Path) -> Result<Recipe, ImageError> {
        let mut packages = self.packages.as_ref().map(|packages| packages.0.clone()).unwrap_or_default();
        packages.sort();
        packages.dedup();
        let variant = self.variant.clone().unwrap_or_else(|| "minbase".to_owned());
        for word in packages.iter().chain([&self.suite, &variant]) {
            if !is_name(word) {
                return Err(ImageError::Unfit(format!("`{word}` is no name of a suite, variant or package")));
            }
        }
        let mut archives = apt::archives(&self.suite, &apt::own(), apt::release().as_deref());
        if let Some(mirror) = &self.mirror {
            if !mirror.contains("://") || mirror.contains(char::is_whitespace) {
                return Err(ImageError::Unfit(format!("`{mirror}` is no mirror: write a URI")));
            }
            let given = Stanza::new(mirror, &self.suite, "main");
            archives.all.retain(|stanza| !archives.build.contains(stanza));
            archives.all.insert(0, given.clone());
            archives.build = vec![given];
        }
        let keyring = self.keyring.as_ref().map(|keyring| resolve(base, keyring).into_string());
        Ok(Recipe { suite: self.suite.clone(), variant, packages, keyring, archives })
    }
}

impl Recipe {
    fn name(&self) -> String {
        format!("debian {} {}", self.suite, self.variant)
    }

    /// The name under which the store remembers what came of it.
    fn key(&self) -> Digest {
        let hasher = Hasher::new()
            .part("debian 1")
            .part(&self.suite)
            .part(&self.variant)
            .part(self.packages.join(" "))
            .part(apt::text(&self.archives.build))
            .part(apt::text(&self.archives.all));
        hasher.part(self.keyring.as_deref().unwrap_or_default()).finish()
    }

    async fn build(self, workshop: &Workshop<'_>) -> Result<Entry, ImageError> {
        let store = workshop.store;
        let draft = store.draft()?;
        let folder = draft.folder.join("scratch");
        let tar = draft.folder.join("image.tar");
        let (source, recipe) = (self.describe(), self);
        let (scratch, made) = (folder.clone(), tar.clone());
        blocking(move || recipe.bootstrap(&scratch, &made)).await?;
        let packed = tar.clone();
        let content = blocking(move || digest_of(&packed)).await?;
        let digest = Hasher::new().part("debian 1").part(content.to_string()).finish();
        let _lock = match store.entry(Shelf::Images, &digest).await? {
            Place::Made(entry) => return Ok(entry),
            Place::Free(lock) => lock,
        };
        let job = Job::Unpack { into: draft.root(), expected: content, limits: Limits::default() };
        let planted = blocking(move || job.run(Some(open_file(&tar)?))).await?;
        let meta: Meta = planted.into_meta(source);
        Ok(store.publish(draft, Shelf::Images, &digest, meta)?)
    }

    fn describe(&self) -> String {
        format!("{} {}", self.name(), self.packages.join(" ")).trim_end().to_owned()
    }

    /// Makes the tarball. Blocking.
    fn bootstrap(&self, folder: &Utf8Path, tar: &Utf8Path) -> Result<(), ImageError> {
        check_tools()?;
        let write = |name: &str, text: String| {
            fs::write(folder.join(name), text)
                .map_err(|error| ImageError::Unavailable(format!("write `{folder}/{name}`: {error}")))
        };
        fs::create_dir(folder).map_err(|error| ImageError::Unavailable(format!("make `{folder}`: {error}")))?;
        write("apt.conf", apt::settings())?;
        write("build.sources", apt::text(&self.archives.build))?;
        write("all.sources", apt::text(&self.archives.all))?;
        mmdebstrap(folder, &self.arguments(), tar)
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["--mode=root", "--format=tar", "--aptopt=/tmp/apt.conf"].map(String::from).into();
        arguments.push(format!("--variant={}", self.variant));
        if !self.packages.is_empty() {
            arguments.push(format!("--include={}", self.packages.join(",")));
        }
        if let Some(keyring) = &self.keyring {
            arguments.push(format!("--keyring={keyring}"));
        }
        if self.archives.build.is_empty() {
            // This machine has no Debian archive of its own: mmdebstrap knows one, and its sources stay in the image.
            let clean = CLEAN.replace("\"$1\"/etc/apt/sources.list \"$1\"/etc/apt/sources.list.d/*", "");
            arguments.extend([format!("--customize-hook={clean}"), self.suite.clone(), "-".to_owned()]);
            return arguments;
        }
        arguments.push(format!("--customize-hook={CLEAN}"));
        arguments.push("--customize-hook=upload /tmp/all.sources /etc/apt/sources.list.d/debian.sources".to_owned());
        arguments.extend([self.suite.clone(), "-".to_owned(), "/tmp/build.sources".to_owned()]);
        arguments
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.:=~/".contains(&b))
}

fn check_tools() -> Result<(), ImageError> {
    let found = |tool: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
    };
    for (tool, package) in [("mmdebstrap", "mmdebstrap"), ("unshare", "util-linux"), ("nsenter", "util-linux")] {
        if !found(tool) {
            return Err(ImageError::Lacking {
                text: format!("`{tool}` is not installed, and a `debian` image is made with it"),
                remedy: format!("run `scripts/setup`, or `apt-get install {package}` as root"),
            });
        }
    }
    Ok(())
}
