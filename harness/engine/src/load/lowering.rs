//! What all parts of lowering share: the opened files, the options, the variables, and how to report.

use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_kinds::document::{Argv, At, Node, OneOrMany, Place, Placed, Problems, Span};
use patchbed_model::Code;
use patchbed_model::text::{one_line, shorten};

use super::LoadOptions;
use super::find::{HostPath, Shelves, near_file};
use super::hosted::{Content as FileContent, Hosted};
use super::library::Library;
use super::name::fault_of_word;
use super::variables::Variables;

/// A list of the language, whose items are read even when some cannot be.
pub(super) type List<T> = Placed<OneOrMany<Placed<T>>>;

/// The items of a list that could be read.
pub(super) fn items<T>(list: Option<&List<T>>) -> impl Iterator<Item = (Place, &T)> {
    let items = list.and_then(|list| list.value.as_ref()).map(|items| items.0.as_slice()).unwrap_or_default();
    items.iter().filter_map(|item| item.value.as_ref().map(|value| (item.place, value)))
}

/// How many items a list has, readable or not.
pub(super) fn length<T>(list: Option<&List<T>>) -> usize {
    list.and_then(|list| list.value.as_ref()).map_or(0, |items| items.0.len())
}

/// The value of an optional entry that could be read.
pub(super) fn value<T: Clone>(entry: Option<&Placed<T>>) -> Option<T> {
    entry.and_then(|entry| entry.value.clone())
}

/// As [`value`], for command lines.
pub(super) fn argv(entry: Option<&Placed<Argv>>) -> Vec<String> {
    value(entry).map(|argv| argv.0).unwrap_or_default()
}

/// As [`value`], for durations in seconds with a default.
pub(super) fn span(entry: Option<&Placed<Span>>, default: u64) -> std::time::Duration {
    value(entry).map_or(std::time::Duration::from_secs(default), |span| span.0)
}

/// The longest list of things with names.
const MOST_ITEMS: usize = 1000;

/// A part that lies in a file of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// What it is, for messages.
    pub(super) noun: &'static str,
    /// The folder such parts lie in.
    pub(super) folder: &'static str,
}

/// A file of a part that was found.
#[derive(Clone, Debug)]
pub(super) struct PartFile {
    /// Its name: that of the file, without the ending.
    pub(super) name: String,
    /// Its folder.
    pub(super) base: Utf8PathBuf,
    /// Its tree, with variables filled in.
    pub(super) node: Rc<Node>,
}

/// The lowering of one scenario.
#[derive(Debug)]
pub(super) struct Lowering<'a> {
    /// The opened files.
    pub(super) library: &'a mut Library,
    /// What the user asked for.
    pub(super) options: &'a LoadOptions,
    /// What `${name}` stands for.
    pub(super) variables: Variables,
}

impl Lowering<'_> {
    /// Where problems go.
    pub(super) fn problems(&mut self) -> &mut Problems {
        &mut self.library.problems
    }

    /// The list, unless it is longer than anybody needs; that bounds all work on names.
    pub(super) fn bounded<'l, T>(&mut self, nouns: &str, list: Option<&'l List<T>>) -> Option<&'l List<T>> {
        let count = length(list);
        if count <= MOST_ITEMS {
            return list;
        }
        let place = list.map(|list| list.place).unwrap_or_default();
        let message = format!("{count} {nouns} are too many: at most {MOST_ITEMS}");
        self.problems().error(Code::InvalidValue, place, At::Value, message).help("spread them over several files");
        None
    }

    /// The file of a part that is written as a name or a path at `place`.
    pub(super) fn part(&mut self, part: Part, text: &str, place: Place) -> Option<PartFile> {
        let base = self.library.folder(place);
        let path = if is_path(text) {
            self.host_file(&base.join(text), text, place)?
        } else {
            self.named(part, text, place, &base)?
        };
        let (_, root) = self.library.open(&path, part.noun);
        let node = self.variables.fill(root?, &mut self.library.problems);
        let name = path.file_stem().unwrap_or_default().to_owned();
        self.check_file_name(&name, place)?;
        Some(PartFile { name, base: super::library::folder_of(&path), node })
    }

    fn named(&mut self, part: Part, name: &str, place: Place, base: &Utf8Path) -> Option<Utf8PathBuf> {
        let shown = shorten(&one_line(name), 60);
        if let Some(why) = fault_of_word(name) {
            let message = format!("`{shown}` cannot be the name of {}", with_article(part.noun));
            self.problems().error(Code::InvalidValue, place, At::Value, message).label(why);
            return None;
        }
        let shelves = Shelves::of(part.folder, base, &self.options.project);
        if let Some(path) = shelves.find(name) {
            return Some(path);
        }
        let message = format!("there is no {} named `{shown}`", part.noun);
        let near = shelves.near(name);
        let problem = self.problems().error(Code::UnknownName, place, At::Value, message);
        if let Some(near) = near {
            problem.label(format!("did you mean `{near}`?"));
        }
        problem.help(format!("looked for `{shown}.yaml` in {}", shelves.list()));
        None
    }

    fn check_file_name(&mut self, name: &str, place: Place) -> Option<()> {
        let Some(why) = fault_of_word(name) else {
            return Some(());
        };
        let message = format!("the file's name `{}` cannot be a name", shorten(&one_line(name), 60));
        self.problems().error(Code::InvalidValue, place, At::Value, message).label(why).help("rename the file");
        None
    }

    /// A file or folder of the host that must be there.
    pub(super) fn host_file(&mut self, path: &Utf8Path, written: &str, place: Place) -> Option<Utf8PathBuf> {
        let shown = shorten(&one_line(written), 100);
        let what = match HostPath::at(path) {
            HostPath::File | HostPath::Folder => return Some(path.to_owned()),
            HostPath::Other => format!("`{shown}` is neither a file nor a folder"),
            HostPath::Missing => format!("there is no file or folder `{shown}`"),
        };
        let near = near_file(path);
        let problem = self.problems().error(Code::MissingFile, place, At::Value, what);
        problem.label(format!("looked for at `{}`", shorten(&one_line(path.as_str()), 200)));
        if let Some(near) = near {
            problem.help(format!("did you mean `{near}`?"));
        }
        None
    }

    /// The kinds of a list, with the files that they name checked.
    pub(super) fn hosted<K: Clone + FileContent>(&mut self, list: Option<&List<Hosted<K>>>) -> Vec<K> {
        items(list).map(|(_, item)| self.one_hosted(item)).collect()
    }

    /// A kind, with the files that it names checked.
    pub(super) fn one_hosted<K: Clone + FileContent>(&mut self, item: &Hosted<K>) -> K {
        let mut all_there = true;
        for (place, written) in &item.files {
            if !written.contains(['*', '?', '[']) {
                let path = self.library.folder(*place).join(written);
                all_there &= self.host_file(&path, written, *place).is_some();
            }
        }
        let place = item.files.first().map_or(item.at, |(place, _)| *place);
        if all_there && let Some(fault) = item.kind.fault(&self.library.folder(place)) {
            self.problems().error(Code::InvalidValue, place, At::Value, one_line(&fault));
        }
        item.kind.clone()
    }
}

/// Whether a text is a path rather than a name.
pub(super) fn is_path(text: &str) -> bool {
    text.contains('/') || Utf8Path::new(text).extension().is_some_and(|ending| matches!(ending, "yaml" | "yml"))
}

/// "an image", "a patch".
fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}
