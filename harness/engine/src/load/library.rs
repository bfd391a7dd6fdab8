//! All files that loading has opened: their texts, their trees, and where the values stand. Each is read once.

use std::collections::BTreeMap;
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_kinds::document::{At, Content, Node, Place, Problems};
use patchbed_model::text::{one_line, shorten};
use patchbed_model::{Code, Digest};

use super::guard::{Offsets, Sound, guard};
use super::places::Places;
use super::read::{self, Unreadable};
use super::yaml;

/// No place in a file: the message is about the file itself.
pub(super) const NOWHERE: Place = Place { file: 0, node: u32::MAX };

/// A file that was opened.
#[derive(Debug)]
pub(super) struct Document {
    /// The file as the user named it.
    pub(super) path: Utf8PathBuf,
    /// Its text; empty when it has none.
    pub(super) text: String,
    /// Where its values stand.
    pub(super) places: Places,
    /// The digest of its bytes.
    pub(super) digest: Digest,
    /// Its tree, when there is a mapping in it, or a list of patches.
    root: Option<Rc<Node>>,
    /// Why it could not be read.
    pub(super) unreadable: Option<Unreadable>,
}

/// All opened files and all problems found in them.
#[derive(Debug, Default)]
pub(super) struct Library {
    /// The files; a place's `file` is the index.
    pub(super) documents: Vec<Document>,
    by_path: BTreeMap<Utf8PathBuf, u32>,
    /// The problems so far.
    pub(super) problems: Problems,
}

impl Library {
    /// Opens `path`, which should hold a `noun` such as "scenario". Its number, and its tree if it has one; what is
    /// wrong with it is reported once.
    pub(super) fn open(&mut self, path: &Utf8Path, noun: &str) -> (u32, Option<Rc<Node>>) {
        if let Some(file) = self.by_path.get(path) {
            return (*file, self.documents[*file as usize].root.clone());
        }
        let file = u32::try_from(self.documents.len()).unwrap_or(u32::MAX);
        self.by_path.insert(path.to_owned(), file);
        let mut document = Document {
            path: path.to_owned(),
            text: String::new(),
            places: Places::default(),
            digest: Digest::of(b""),
            root: None,
            unreadable: None,
        };
        let text = read::bytes(path).and_then(|bytes| {
            document.digest = Digest::of(&bytes);
            read::text(bytes)
        });
        match text {
            Ok(text) => document.parse(text, file, noun, &mut self.problems),
            Err(unreadable) => document.unreadable = Some(unreadable),
        }
        let root = document.root.clone();
        self.documents.push(document);
        (file, root)
    }

    /// The file of a place.
    pub(super) fn document(&self, place: Place) -> &Document {
        &self.documents[place.file as usize]
    }

    /// The folder of the file of a place: relative paths in it begin here.
    pub(super) fn folder(&self, place: Place) -> Utf8PathBuf {
        folder_of(&self.document(place).path)
    }
}

/// The folder of a file; `.` is written as nothing.
pub(super) fn folder_of(path: &Utf8Path) -> Utf8PathBuf {
    path.parent().unwrap_or(Utf8Path::new("")).to_owned()
}

impl Document {
    fn parse(&mut self, text: String, file: u32, noun: &str, problems: &mut Problems) {
        let guarded = guard(&text, file, problems);
        self.places = guarded.places;
        match guarded.sound {
            Sound::Yes => self.root = self.build(&text, file, noun, problems),
            Sound::Empty => no_mapping(Place { file, node: 0 }, noun, "it is empty", problems),
            Sound::No => {}
        }
        if let (Some(root), true) = (&mut self.root, guarded.duplicates) {
            Rc::make_mut(root).keep_first_keys();
        }
        self.text = text;
    }

    fn build(&mut self, text: &str, file: u32, noun: &str, problems: &mut Problems) -> Option<Rc<Node>> {
        let (mut node, count) = match yaml::read(text, file) {
            Ok(read) => read,
            Err(broken) => {
                let at = Offsets::of(text).byte(broken.index);
                self.broken(at, file, &broken.message, problems);
                return None;
            }
        };
        // Two readers see the text; where they differ, places would be wrong and perhaps values too.
        if count != self.places.count() {
            self.broken(0, file, "it can be understood in two ways", problems);
            return None;
        }
        self.keep_numbers(text, &mut node);
        let fits = match node.content {
            Content::Map(_) => true,
            // A file of patches may hold several of them.
            Content::List(_) => noun == super::patch::PART.noun,
            Content::Null | Content::Bool(_) | Content::Integer(_) | Content::Float(_) | Content::Text(_) => false,
        };
        if fits {
            return Some(Rc::new(node));
        }
        no_mapping(node.place, noun, &format!("it holds {}", node.describe()), problems);
        None
    }

    /// Keeps how numbers are written, for where they are taken as texts.
    fn keep_numbers(&self, text: &str, node: &mut Node) {
        let number = node.place.node;
        match &mut node.content {
            Content::Integer(_) | Content::Float(_) => {
                node.written = Some(text[self.places.range(text, number, At::Value)].to_owned());
            }
            Content::List(items) => items.iter_mut().for_each(|item| self.keep_numbers(text, item)),
            Content::Map(entries) => entries.iter_mut().for_each(|(_, value)| self.keep_numbers(text, value)),
            Content::Null | Content::Bool(_) | Content::Text(_) => {}
        }
    }

    fn broken(&mut self, at: usize, file: u32, message: &str, problems: &mut Problems) {
        let place = Place { file, node: self.places.add(None, at..at + 1) };
        let message = format!("the YAML is broken: {}", shorten(&one_line(message), 200));
        problems.error(Code::InvalidYaml, place, At::Value, message).label("noticed here");
    }
}

fn no_mapping(place: Place, noun: &str, why: &str, problems: &mut Problems) {
    problems
        .error(Code::NotAScenario, place, At::Value, format!("no {noun} in this file: {why}"))
        .help(format!("a {noun} is a mapping, with lines such as `key: value`"));
}
