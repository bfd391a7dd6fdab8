//! `diff`: applies a unified diff.
//!
//! Strict: every hunk must fit word for word (it may stand on other lines than it says), and when one does not, nothing
//! is written at all.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::{Utf8Path, Utf8PathBuf};
use patchbed_guest::message::{FileKind, Files, WriteFile};
use patchbed_model::Digest;
use patchbed_model::id::Hasher;
use patchbed_sandbox::Sandbox;

use super::keep::keep;
use super::patchset::{Held, State, apply, parse, paths};
use super::tool::{digest, inside};
use super::{Applied, Change, ChangeError, Prepared, Site, WayBack, resolve};
use crate::image::parcel::bind;
use crate::image::store::{Entry, Meta, Place, Shelf};
use crate::image::tree::{TreeError, open_file};
use crate::image::{ImageError, Store, Workshop, blocking};

/// The largest diff, and the largest file that one is applied to.
const LIMIT: u64 = 16 << 20;

crate::document! {
    /// A unified diff, from a file or written in place.
    pub struct Diff, "a file, or a mapping with `file` or `text`" {
        /// The file that holds the diff.
        file: Option<String>, optional;
        /// The diff itself.
        text: Option<String>, optional;
        /// The folder inside the environment to which its paths belong; `/` when not given.
        directory: Option<String>, optional;
        /// How many leading parts of the paths are dropped; 1 when not given.
        strip: Option<u32>, optional;
    }
    short file;
    exactly_one [file, text];
    check {
        file => filled,
        directory => inside_path,
    }
}

impl Diff {
    /// The diff's bytes, from wherever they are.
    async fn bytes(&self, workshop: &Workshop<'_>) -> Result<Vec<u8>, ChangeError> {
        let (file, text) = match (&self.file, &self.text) {
            (Some(file), None) => (resolve(workshop.base, file), None),
            (None, Some(text)) => (Utf8PathBuf::new(), Some(text)),
            (None, None) => return Err(ChangeError::Unfit("`diff` needs `file` or `text`".to_owned())),
            (Some(_), Some(_)) => return Err(ChangeError::Unfit("`diff` takes `file` or `text`, not both".to_owned())),
        };
        if let Some(text) = text {
            return Ok(text.clone().into_bytes());
        }
        blocking(move || read(&file)).await.map_err(|error: TreeError| ImageError::from(error).into())
    }

    /// What is wrong with the diff, as far as that can be told without an environment. `base` is the folder of the file in
    /// which the change is written.
    #[must_use]
    pub fn fault(&self, base: &Utf8Path) -> Option<String> {
        let bytes = match (&self.file, &self.text) {
            (Some(file), None) => read(&resolve(base, file)).map_err(|error| error.to_string()),
            (None, Some(text)) => Ok(text.clone().into_bytes()),
            (None, None) | (Some(_), Some(_)) => return None,
        };
        let steps = |bytes: &[u8]| Ok::<_, ChangeError>(parse(bytes, &self.directory()?, self.strip())?.len());
        match bytes.and_then(|bytes| steps(&bytes).map_err(|error| error.to_string())) {
            Ok(0) => Some("the diff names no file: its lines `---` and `+++` are missing".to_owned()),
            Ok(_) => None,
            Err(text) => Some(text),
        }
    }

    fn directory(&self) -> Result<String, ChangeError> {
        match self.directory.as_deref() {
            None | Some("/") => Ok(String::new()),
            Some(path) => inside(path),
        }
    }

    fn strip(&self) -> usize {
        self.strip.map_or(1, |strip| strip as usize)
    }
}

impl Change for Diff {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        self.file.iter().map(|file| ("file", file.as_str())).collect()
    }

    async fn prepare(&self, workshop: &Workshop<'_>) -> Result<Prepared, ChangeError> {
        let bytes = self.bytes(workshop).await?;
        parse(&bytes, &self.directory()?, self.strip())?;
        let content = Digest::of(&bytes);
        let digest = Hasher::new().part(digest(self, "diff")?.to_string()).part(content.to_string()).finish();
        let entry = keep_text(workshop.store, &content, &bytes).await?;
        Ok(Prepared { digest, binds: vec![bind(&entry)] })
    }

    async fn apply(&self, site: &Site<'_>) -> Result<Applied, ChangeError> {
        let bytes = prepared_text(site)?;
        let steps = parse(&bytes, &self.directory()?, self.strip())?;
        let before = held(site.sandbox, &paths(&steps)).await?;
        let mut after = before.clone();
        apply(&steps, &mut after)?;
        after.retain(|path, held| before.get(path) != Some(held));
        let places: Vec<String> = after.keys().cloned().collect();
        keep(site, &places).await?;
        if let Err(error) = put(site.sandbox, &after).await {
            // Without a way back nothing was kept, and what is half done goes with the sandbox.
            if site.way_back == WayBack::Kept {
                site.sandbox.restore(site.name).await?;
            }
            return Err(error);
        }
        Ok(Applied { paths: places, ..Applied::default() })
    }

    async fn revert(&self, site: &Site<'_>) -> Result<(), ChangeError> {
        site.sandbox.restore(site.name).await?;
        Ok(())
    }
}

fn read(file: &Utf8Path) -> Result<Vec<u8>, TreeError> {
    let mut bytes = Vec::new();
    open_file(file)?
        .take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| TreeError::Unfit(format!("read `{file}`: {error}")))?;
    if bytes.len() as u64 > LIMIT {
        return Err(TreeError::Unfit(format!("`{file}` is larger than {LIMIT} bytes")));
    }
    Ok(bytes)
}

/// The name of the diff in its entry of the store.
const NAME: &str = "patch.diff";

/// Puts the diff into the store, so that every attempt applies the same bytes whatever becomes of the file.
async fn keep_text(store: &Store, content: &Digest, bytes: &[u8]) -> Result<Entry, ChangeError> {
    let digest = Hasher::new().part("diff 1").part(content.to_string()).finish();
    let _lock = match store.entry(Shelf::Packages, &digest).await? {
        Place::Made(entry) => return Ok(entry),
        Place::Free(lock) => lock,
    };
    let draft = store.draft()?;
    let path = draft.root().join(NAME);
    std::fs::write(&path, bytes).map_err(|error| ChangeError::Unavailable(format!("write `{path}`: {error}")))?;
    let meta = Meta { source: "diff".to_owned(), entries: 1, bytes: bytes.len() as u64, ..Meta::default() };
    Ok(store.publish(draft, Shelf::Packages, &digest, meta)?)
}

fn prepared_text(site: &Site<'_>) -> Result<Vec<u8>, ChangeError> {
    let Some(bind) = site.prepared.binds.first() else {
        return Err(ChangeError::Unavailable("the diff was not prepared".to_owned()));
    };
    let path = bind.from.join(NAME);
    std::fs::read(&path).map_err(|error| ChangeError::Unavailable(format!("read `{path}`: {error}")))
}

/// The files as they are in the sandbox.
async fn held(sandbox: &dyn Sandbox, paths: &[String]) -> Result<State, ChangeError> {
    let globs = paths.iter().map(|path| globset::escape(path)).collect();
    let asked = Files { paths: globs, exclude: Vec::new(), text_up_to: 0, limit: paths.len() };
    let facts = sandbox.files(asked).await?;
    let mut state: State = paths.iter().map(|path| (path.clone(), None)).collect();
    for fact in facts.into_iter().filter(|fact| fact.kind != FileKind::Gone) {
        if fact.kind != FileKind::File {
            let text = format!("`{}` is no regular file, and is not patched", fact.path);
            return Err(ChangeError::Refused { text, evidence: Vec::new() });
        }
        let bytes = sandbox.read_file(&fact.path, LIMIT).await?;
        let owner = format!("{}:{}", fact.user, fact.group);
        state.insert(fact.path, Some(Held { bytes, mode: fact.mode, owner }));
    }
    Ok(state)
}

/// Writes and removes what the diff changes.
async fn put(sandbox: &dyn Sandbox, after: &State) -> Result<(), ChangeError> {
    let written = after.iter().filter_map(|(path, held)| {
        let held = held.as_ref()?;
        let data = STANDARD.encode(&held.bytes);
        Some(WriteFile { path: path.clone(), data, mode: Some(held.mode), owner: Some(held.owner.clone()) })
    });
    sandbox.write_files(written.collect()).await?;
    let gone: Vec<String> = after.iter().filter(|(_, held)| held.is_none()).map(|(path, _)| path.clone()).collect();
    if !gone.is_empty() {
        sandbox.remove(gone).await?;
    }
    Ok(())
}
