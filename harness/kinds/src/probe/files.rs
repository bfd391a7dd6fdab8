//! `files`: what files are.

use globset::GlobBuilder;
use patchbed_model::{Health, Key, Reading};
use patchbed_sandbox::message::{self, FileFact, FileKind};

use super::canonical::canonical;
use super::name::{canonical_name, merged};
use super::{Look, Probe, ProbeError};
use crate::document::OneOrMany;

crate::document! {
    /// Files by glob.
    pub struct Files, "globs, or a mapping with `paths`" {
        /// Globs; `**` crosses folders.
        paths: OneOrMany<String>, required;
        /// Globs of what is left out.
        exclude: Option<OneOrMany<String>>, optional;
        /// Whether texts are compared as text rather than by digest.
        text: bool, default false;
    }
    short paths;
    check {
        paths => inside_path,
        exclude => inside_path,
    }
}

/// The most files that one probe may tell.
const LIMIT: usize = 10_000;
/// Texts up to this many bytes are compared as text.
const TEXT_LIMIT: u64 = 64 << 10;

impl Probe for Files {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let question = message::Files {
            paths: self.paths.0.clone(),
            exclude: self.exclude.as_ref().map(|globs| globs.0.clone()).unwrap_or_default(),
            text_up_to: if self.text { TEXT_LIMIT } else { 0 },
            limit: LIMIT,
        };
        let facts = look.sandbox.files(question).await?;
        if facts.len() >= LIMIT {
            return Err(ProbeError::Blind(format!("look at files: there are {LIMIT} or more")));
        }
        let told = facts.iter().map(|fact| (look.key(&canonical_name(&fact.path)), reading(fact)));
        let mut readings = merged(told.collect());
        for glob in self.paths.0.iter().filter(|glob| !facts.iter().any(|fact| fits(glob, &fact.path))) {
            readings.push((look.key(glob), Reading::state("nothing there", Health::Bad)));
        }
        Ok(readings)
    }
}

/// What a file is and holds.
fn reading(fact: &FileFact) -> Reading {
    if fact.kind == FileKind::Gone {
        return Reading::state("gone", Health::Bad);
    }
    let text = fact.text.as_ref().map(|text| format!("\n{}", canonical(text.trim_end())));
    Reading::content(format!("{}{}", nature(fact), text.unwrap_or_else(|| content(fact))))
}

/// The digest of a file's content, or its size when it is too large to be read whole; nothing of what is no file.
pub(super) fn content(fact: &FileFact) -> String {
    match (&fact.digest, fact.kind) {
        (Some(digest), _) => format!(" sha256:{digest}"),
        (None, FileKind::File) => format!(" {} bytes", fact.size),
        (
            None,
            FileKind::Folder | FileKind::Link | FileKind::Fifo | FileKind::Socket | FileKind::Device | FileKind::Gone,
        ) => String::new(),
    }
}

/// Kind, mode, owner, where a link points, and attributes that carry meaning: all but the content.
pub(super) fn nature(fact: &FileFact) -> String {
    let kind = match fact.kind {
        FileKind::File => "file",
        FileKind::Folder => "folder",
        FileKind::Link => "link",
        FileKind::Fifo => "fifo",
        FileKind::Socket => "socket",
        FileKind::Device => "device",
        FileKind::Gone => return "gone".to_owned(),
    };
    let mut parts = vec![kind.to_owned()];
    if let Some(target) = &fact.target {
        parts.push(format!("to {}", canonical(target)));
    } else {
        parts.push(format!("{:04o}", fact.mode));
    }
    parts.push(format!("{}:{}", fact.user, fact.group));
    parts.extend(fact.attributes.iter().map(|(name, value)| format!("{name}={}", canonical(value))));
    parts.join(" ")
}

/// Whether a path is one that the glob means. A glob that cannot be read means the path it spells.
fn fits(glob: &str, path: &str) -> bool {
    let matcher = GlobBuilder::new(glob).literal_separator(true).build().map(|glob| glob.compile_matcher());
    matcher.map_or_else(|_| glob == path, |matcher| matcher.is_match(path) || glob == path)
}
