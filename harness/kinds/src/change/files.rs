//! `files`: lays files over the root.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbed_guest::message::WriteFile;
use patchbed_model::id::Hasher;
use patchbed_sandbox::Bind;
use serde_json::{Value as Json, json};

use super::keep::keep;
use super::tool::{digest, inside, mode, owner};
use super::{Applied, Change, ChangeError, Prepared, Site, resolve};
use crate::document::{Content, Node, Problems, Read};
use crate::image::Workshop;
use crate::image::parcel::{bind, parcel};
use crate::image::store::detail;

crate::document! {
    /// Files laid over the root: a folder or tarball, or texts written in place.
    pub struct Files, "a folder, or a mapping with `from` or `write`" {
        /// A folder or tarball laid over `/`, or over `to`.
        from: Option<String>, optional;
        /// Where the tree goes; `/` when not given.
        to: Option<String>, optional;
        /// Texts by path.
        write: Option<BTreeMap<String, Text>>, optional;
        /// Mode of all files, in octal digits such as "0644".
        mode: Option<String>, optional;
        /// `user` or `user:group` of all files.
        owner: Option<String>, optional;
    }
    short from;
    exactly_one [from, write];
    check {
        from => filled,
        to => inside_path,
        write => inside_path,
        mode => mode,
        owner => owner,
    }
}

crate::document! {
    /// A text with its mode and owner.
    pub struct LongText, "a text, or a mapping with `text`" {
        /// The content.
        text: String, required;
        /// Mode in octal digits.
        mode: Option<String>, optional;
        /// `user` or `user:group`.
        owner: Option<String>, optional;
    }
    check {
        mode => mode,
        owner => owner,
    }
}

/// The content of a file to write.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Text(pub LongText);

impl Read for Text {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.content {
            Content::Map(_) => LongText::read(node, problems).map(Self),
            Content::Null
            | Content::Bool(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Text(_)
            | Content::List(_) => {
                String::read(node, problems).map(|text| Self(LongText { text, mode: None, owner: None }))
            }
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "type": "string" }, LongText::schema()] })
    }
}

impl Files {
    /// The texts to write, with their places and owners checked.
    fn texts(&self) -> Result<Vec<WriteFile>, ChangeError> {
        let Some(write) = &self.write else { return Ok(Vec::new()) };
        write.iter().map(|(path, text)| self.text(path, &text.0)).collect()
    }

    fn text(&self, path: &str, text: &LongText) -> Result<WriteFile, ChangeError> {
        let given = text.mode.as_ref().or(self.mode.as_ref());
        let owned = text.owner.as_ref().or(self.owner.as_ref());
        Ok(WriteFile {
            path: inside(path)?,
            data: STANDARD.encode(&text.text),
            mode: given.map(|text| mode(text)).transpose()?,
            owner: owned.map(|text| owner(text)).transpose()?,
        })
    }

    /// Where the tree goes, without a slash at its end.
    fn target(&self) -> Result<String, ChangeError> {
        match self.to.as_deref() {
            None | Some("/") => Ok(String::new()),
            Some(to) => inside(to),
        }
    }

    /// Checks what does not depend on files.
    fn check(&self) -> Result<(), ChangeError> {
        let unfit = |text: &str| Err(ChangeError::Unfit(text.to_owned()));
        match (&self.from, &self.write) {
            (None, None) => return unfit("`files` needs `from` or `write`"),
            (Some(_), Some(_)) => return unfit("`files` takes `from` or `write`, not both"),
            (None, Some(_)) if self.to.is_some() => return unfit("`to` goes with `from`; `write` names whole paths"),
            (Some(_), None) | (None, Some(_)) => {}
        }
        self.target()?;
        self.texts()?;
        self.mode.as_deref().map(mode).transpose()?;
        self.owner.as_deref().map(owner).transpose()?;
        Ok(())
    }

    /// Lays the tree over, keeping what it replaces.
    async fn lay(&self, site: &Site<'_>, bind: &Bind) -> Result<Vec<String>, ChangeError> {
        let target = self.target()?;
        let paths: Vec<String> = detail(&bind.from).map_err(|error| ChangeError::Unavailable(error.text()))?;
        let mut places: Vec<String> = paths.iter().map(|path| format!("{target}/{path}")).collect();
        if !target.is_empty() {
            places.push(format!("{target}/"));
        }
        keep(site, &places).await?;
        let to = if target.is_empty() { "/" } else { &target };
        let mode = self.mode.as_deref().map(mode).transpose()?;
        let owner = self.owner.as_deref().map(owner).transpose()?;
        Ok(site.sandbox.lay_over(&bind.to, to, mode, owner).await?)
    }

    async fn write(&self, site: &Site<'_>) -> Result<Vec<String>, ChangeError> {
        let texts = self.texts()?;
        let places: Vec<String> = texts.iter().map(|text| text.path.clone()).collect();
        keep(site, &places).await?;
        site.sandbox.write_files(texts).await?;
        Ok(places)
    }
}

impl Change for Files {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        self.from.iter().map(|from| ("from", from.as_str())).collect()
    }

    async fn prepare(&self, workshop: &Workshop<'_>) -> Result<Prepared, ChangeError> {
        self.check()?;
        let words = digest(self, "files")?;
        let Some(from) = &self.from else { return Ok(Prepared { digest: words, binds: Vec::new() }) };
        let entry = parcel(workshop.store, &resolve(workshop.base, from)).await?;
        let digest = Hasher::new().part(words.to_string()).part(entry.digest.to_string()).finish();
        Ok(Prepared { digest, binds: vec![bind(&entry)] })
    }

    async fn apply(&self, site: &Site<'_>) -> Result<Applied, ChangeError> {
        let paths = match site.prepared.binds.first() {
            Some(bind) => self.lay(site, bind).await?,
            None => self.write(site).await?,
        };
        Ok(Applied { paths, ..Applied::default() })
    }

    async fn revert(&self, site: &Site<'_>) -> Result<(), ChangeError> {
        site.sandbox.restore(site.name).await?;
        Ok(())
    }
}
