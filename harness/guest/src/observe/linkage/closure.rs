//! A program or library with everything that the loader would load for it, and what is missing in there.

use std::collections::{BTreeSet, HashMap};

use super::elf::{Given, VersionNeed, Want};
use super::search::{Folders, Library, Lies, Loadable, expanded};
use crate::message::Unresolved;

/// The file that names libraries to load into every program.
pub(crate) const PRELOAD: &str = "/etc/ld.so.preload";

/// What is looked at, and with what around it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subject {
    /// The executable or library.
    pub(crate) path: String,
    /// Its path with links followed, by which `$ORIGIN` goes.
    pub(crate) real_path: String,
    /// `LD_LIBRARY_PATH`.
    pub(crate) library_path: String,
    /// `LD_PRELOAD`.
    pub(crate) preload: String,
    /// Libraries that the program has loaded by itself.
    pub(crate) plugins: Vec<String>,
}

/// Everything that is loaded together.
pub(crate) struct Closure<'s> {
    subject: &'s Subject,
    loaded: Vec<Loaded>,
    /// The loaded files by all names that they are known under.
    by_name: HashMap<String, usize>,
    unresolved: BTreeSet<Unresolved>,
    is_musl: bool,
}

struct Loaded {
    file: Loadable,
    /// The file that asked for it first.
    loader: Option<usize>,
}

/// How it is with the symbols of what is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbols {
    /// All must be found here.
    All,
    /// Those without a version may be left for a program that is not known.
    Versioned,
}

impl<'s> Closure<'s> {
    /// Loads a subject; `None` when it is no executable or library.
    pub(crate) fn load(subject: &'s Subject, library: &mut Library<'_>, preloads: &[String]) -> Option<Self> {
        let Lies::This(file) = library.at(&subject.path) else { return None };
        let interpreter = file.elf.interpreter.clone();
        let is_musl = interpreter.as_ref().is_some_and(|path| path.contains("/ld-musl-"));
        let mut closure =
            Self { subject, loaded: Vec::new(), by_name: HashMap::new(), unresolved: BTreeSet::new(), is_musl };
        closure.push(file, None, subject.path.clone());
        // The loader itself is there before anything else, whether the usual folders hold it or not.
        if let Some(interpreter) = interpreter {
            closure.interpreter(library, interpreter);
        }
        if closure.loaded[0].file.elf.is_program {
            closure.preload(library, preloads);
        }
        for plugin in &subject.plugins {
            if let Lies::This(file) = library.at(plugin) {
                closure.push(file, None, plugin.clone());
            }
        }
        closure.load_needed(library);
        Some(closure)
    }

    /// What is missing, in order.
    pub(crate) fn judge(mut self) -> BTreeSet<Unresolved> {
        let is_complete = self.unresolved.is_empty();
        let lacking = if self.is_musl { Vec::new() } else { self.versions() };
        if is_complete {
            let symbols = if self.loaded[0].file.elf.is_program { Symbols::All } else { Symbols::Versioned };
            self.symbols(symbols, &lacking);
        }
        self.unresolved
    }

    fn push(&mut self, file: Loadable, loader: Option<usize>, name: String) {
        let known = self.loaded.iter().position(|known| known.file.inode == file.inode);
        let index = known.unwrap_or(self.loaded.len());
        let own_name = file.elf.name.clone().unwrap_or_else(|| name.clone());
        for name in [name, own_name] {
            self.by_name.entry(name).or_insert(index);
        }
        if known.is_none() {
            self.loaded.push(Loaded { file, loader });
        }
    }

    /// Libraries that are loaded into every program. The loader goes on when one is missing, but says so each time.
    fn preload(&mut self, library: &mut Library<'_>, names: &[String]) {
        let from_environment = self.subject.preload.split([':', ' ']).filter(|name| !name.is_empty());
        let all: Vec<_> = names.iter().map(|name| (name.clone(), PRELOAD)).collect();
        let all = all.into_iter().chain(from_environment.map(|name| (name.to_owned(), "LD_PRELOAD")));
        for (name, object) in all {
            match self.find(library, 0, &name) {
                Some(file) => self.push(file, Some(0), name),
                None => self.missing(object, &name),
            }
        }
    }

    fn load_needed(&mut self, library: &mut Library<'_>) {
        let mut index = 0;
        while index < self.loaded.len() {
            let elf = self.loaded[index].file.elf.clone();
            for name in &elf.needed {
                if self.by_name.contains_key(name) {
                    continue;
                }
                if let Some(file) = self.find(library, index, name) {
                    self.push(file, Some(index), name.clone());
                } else {
                    let object = self.loaded[index].file.path.clone();
                    self.missing(&object, name);
                }
            }
            index += 1;
        }
    }

    /// The loader takes part, too; it need not be named among the libraries.
    fn interpreter(&mut self, library: &mut Library<'_>, path: String) {
        match library.at(&path) {
            Lies::This(file) if file.elf.machine == self.loaded[0].file.elf.machine => self.push(file, Some(0), path),
            Lies::Nothing | Lies::Broken | Lies::This(_) => {
                let object = self.subject.path.clone();
                self.missing(&object, &path);
            }
        }
    }

    /// Finds what a loaded file needs.
    fn find(&self, library: &mut Library<'_>, by: usize, name: &str) -> Option<Loadable> {
        let asking = &self.loaded[by].file.elf;
        if name.contains('/') {
            let path = expanded(name, &self.origin(by), asking.machine).into_iter().next()?;
            return match library.at(&path) {
                Lies::This(file) if file.elf.machine == asking.machine => Some(file),
                Lies::Nothing | Lies::Broken | Lies::This(_) => None,
            };
        }
        let folders = Folders { named: self.folders(by), and_usual: !asking.only_own_folders, is_musl: self.is_musl };
        let machine = asking.machine;
        let found = library.find(name, &folders, machine);
        let is_program = self.loaded[0].file.elf.is_program;
        found.or_else(|| if is_program { None } else { self.find_for_library(library, by, name) })
    }

    /// Finds what a library needs that is looked at without its program. The program may name the folder of both, as
    /// systemd does, and has loaded the loader from where that lies.
    fn find_for_library(&self, library: &mut Library<'_>, by: usize, name: &str) -> Option<Loadable> {
        let mut named = vec![self.origin(by)];
        if name.starts_with("ld") {
            named.extend(["/lib64", "/lib"].map(String::from));
        }
        let folders = Folders { named, and_usual: false, is_musl: false };
        library.find(name, &folders, self.loaded[by].file.elf.machine)
    }

    /// The folders that a loaded file, those that loaded it, and the environment name.
    fn folders(&self, by: usize) -> Vec<String> {
        let machine = self.loaded[by].file.elf.machine;
        let mut folders = Vec::new();
        if self.loaded[by].file.elf.runpath.is_none() {
            let mut next = Some(by);
            while let Some(index) = next {
                let elf = &self.loaded[index].file.elf;
                let rpath = elf.rpath.as_ref().filter(|_| elf.runpath.is_none());
                folders.extend(rpath.into_iter().flat_map(|path| expanded(path, &self.origin(index), machine)));
                next = self.loaded[index].loader;
            }
        }
        folders.extend(expanded(&self.subject.library_path, &self.origin(0), machine));
        let runpath = self.loaded[by].file.elf.runpath.as_ref();
        folders.extend(runpath.into_iter().flat_map(|path| expanded(path, &self.origin(by), machine)));
        folders
    }

    /// The folder of a loaded file.
    fn origin(&self, index: usize) -> String {
        let path = if index == 0 { &self.subject.real_path } else { &self.loaded[index].file.path };
        path.rsplit_once('/').map_or("", |(folder, _)| folder).into()
    }

    fn missing(&mut self, object: &str, library: &str) {
        let unresolved = Unresolved { object: object.into(), library: Some(library.into()), symbol: None };
        self.unresolved.insert(unresolved);
    }

    /// Reports versions that a loaded library does not define, and tells which they are. A library without any version
    /// is taken as it is, as the loader takes it.
    fn versions(&mut self) -> Vec<VersionNeed> {
        let mut lacking = Vec::new();
        let mut unresolved = Vec::new();
        for loaded in &self.loaded {
            for need in loaded.file.elf.version_needs.iter().filter(|need| !need.is_weak) {
                let library = self.by_name.get(&need.library).map(|index| &self.loaded[*index].file.elf);
                let defined = library.and_then(|library| library.versions.as_ref());
                if defined.is_some_and(|defined| !defined.contains(&need.version)) {
                    lacking.push(need.clone());
                    unresolved.push(Unresolved {
                        object: loaded.file.path.clone(),
                        library: Some(need.library.clone()),
                        symbol: Some(format!("@{}", need.version)),
                    });
                }
            }
        }
        self.unresolved.extend(unresolved);
        lacking
    }

    fn symbols(&mut self, symbols: Symbols, lacking: &[VersionNeed]) {
        let mut unresolved = Vec::new();
        for loaded in &self.loaded {
            let wants = loaded.file.elf.wants.iter().filter(|want| is_asked(want, symbols, lacking));
            unresolved.extend(wants.filter(|want| !self.is_given(want)).map(|want| told(&loaded.file.path, want)));
        }
        self.unresolved.extend(unresolved);
    }

    /// Whether anything that is loaded gives a symbol; the library that the symbol's version names is asked first.
    fn is_given(&self, want: &Want) -> bool {
        let named = want.version.as_ref().and_then(|(_, library)| self.by_name.get(library.as_str()));
        named.is_some_and(|index| self.gives(*index, want))
            || (0..self.loaded.len()).any(|index| self.gives(index, want))
    }

    fn gives(&self, index: usize, want: &Want) -> bool {
        let elf = &self.loaded[index].file.elf;
        let has_versions = elf.versions.is_some() && !self.is_musl;
        let definitions = elf.gives.get(&want.symbol).map_or(&[][..], Vec::as_slice);
        definitions.iter().any(|definition| !has_versions || matches(want, definition))
    }
}

/// Whether a missing symbol is to be told: not when it may come from elsewhere, or its whole version was told already.
fn is_asked(want: &Want, symbols: Symbols, lacking: &[VersionNeed]) -> bool {
    let Some((version, library)) = &want.version else { return symbols == Symbols::All };
    !lacking.iter().any(|need| need.library == *library && need.version == *version)
}

/// Whether a definition in a library with versions is the one that is wanted. One without a version of its own serves
/// every version.
fn matches(want: &Want, definition: &Given) -> bool {
    match (&want.version, &definition.version) {
        (Some((wanted, _)), Some(version)) => wanted == version,
        (Some(_), None) | (None, _) => definition.is_default,
    }
}

fn told(object: &str, want: &Want) -> Unresolved {
    let (library, symbol) = match &want.version {
        Some((version, library)) => (Some(library.clone()), format!("{}@{version}", want.symbol)),
        None => (None, want.symbol.clone()),
    };
    Unresolved { object: object.into(), library: library.filter(|library| !library.is_empty()), symbol: Some(symbol) }
}
