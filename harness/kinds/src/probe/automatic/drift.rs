//! Files that differ from the image, outside of what the patch brought.
//!
//! What is left out: folders that hold nothing of a lasting kind, what package managers keep for themselves, and
//! caches that are made anew from what is told anyway. Data of services (files under `/var/lib` and the like that
//! belong to an ordinary user) move by themselves: their names and contents are not told, only which kinds, modes and
//! owners there are in each service's folder, so that a `chown` gone wrong still shows. Deep within such a folder files
//! come and go; one that is missing near its top is told.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use patchbed_model::{Health, Key, Reading, Value};
use patchbed_sandbox::AskError;
use patchbed_sandbox::message::{Drift, FailureKind, FileFact, FileKind, Files, STRICTER};

use super::super::canonical::canonical;
use super::super::files::{content, nature};
use super::super::name::{canonical_name, merged as one_for_each_key};
use super::super::{Look, ProbeError};
use super::DriftScope;
use super::paths::{IGNORED, MOVING, PACKAGE_LISTS, in_data_folder, merged, parent};

/// The most drifted files that are told, beside those that the patch explains: about as many as fit into an answer of
/// the guest.
pub(super) const LIMIT: usize = 150_000;
/// Texts up to this many bytes are told as text, when everybody may read them.
const TEXT_LIMIT: u64 = 8 << 10;
/// The depth in a data folder down to which a missing file is told: `/var/lib/postgresql/15/main`.
const GONE_DEPTH: usize = 5;

/// What differs from the image.
#[derive(Debug)]
pub(super) enum Drifted {
    /// These files, in the order of paths.
    Files(Vec<FileFact>),
    /// More than can be told.
    TooMany,
    /// Nobody knows: there is no layer of changes to look at.
    Untold,
}

/// Looks, without what the patch explains as far as nothing is told of it anyway.
pub(super) async fn collect(look: &Look<'_>, scope: &DriftScope) -> Result<Drifted, ProbeError> {
    let exclude = IGNORED.iter().map(|&glob| glob.to_owned()).collect();
    let question = Drift { exclude, explained: beyond_interest(scope), limit: LIMIT };
    let mut facts = match look.sandbox.drift_beside(question).await {
        Ok(facts) if facts.len() < LIMIT => facts,
        Ok(_) => return Ok(Drifted::TooMany),
        Err(AskError::Failed(failure)) if failure.kind == FailureKind::Limit => return Ok(Drifted::TooMany),
        Err(AskError::Failed(failure)) if failure.kind == FailureKind::Unsupported => return Ok(Drifted::Untold),
        Err(error) => return Err(error.into()),
    };
    let ignored = set(IGNORED);
    facts.retain(|fact| !fact.drift.is_empty() && !ignored.is_match(&fact.path));
    facts.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Drifted::Files(facts))
}

/// The paths that the patch wrote or removed by itself, where that explains all that could be told of them.
fn beyond_interest(scope: &DriftScope) -> Vec<String> {
    let told = |path: &str| TOLD_IN_ANY_CASE.iter().any(|tree| path.starts_with(tree) || tree.starts_with(path));
    let paths = scope.paths.iter().flat_map(|path| [merged(path), path.trim_end_matches('/').to_owned()]);
    paths.filter(|path| !told(path)).collect()
}

/// Where the patch's own files are told too: configuration as facts, and places of jobs and units for security.
const TOLD_IN_ANY_CASE: &[&str] =
    &["/etc", "/var/spool", PACKAGE_LISTS, "/usr/lib/systemd", "/lib/systemd", "/usr/local/lib/systemd"];

/// Packages that the image did not have: their lists of files are new.
pub(super) fn new_packages(facts: &[FileFact]) -> BTreeSet<&str> {
    let new = facts.iter().filter(|fact| fact.drift.iter().any(|drift| drift == "new"));
    let names = new.filter_map(|fact| fact.path.strip_prefix(PACKAGE_LISTS)?.strip_suffix(".list"));
    names.map(without_architecture).collect()
}

/// What the patch explains.
#[derive(Debug, Default)]
pub(super) struct Explained {
    /// Paths that changes of the patch wrote or removed, trees included.
    written: Vec<String>,
    /// Paths that packages of the patch own now, with those packages.
    owned: BTreeMap<String, String>,
    /// Paths that packages of the patch owned before and do not own any more.
    dropped: BTreeSet<String>,
    /// Folders above anything that is explained.
    folders: BTreeSet<String>,
    /// The packages of the patch.
    packages: Vec<String>,
}

impl Explained {
    /// Asks who owns what.
    pub(super) async fn by(look: &Look<'_>, scope: &DriftScope) -> Result<Self, ProbeError> {
        let mut explained = Self {
            written: scope.paths.iter().map(|path| merged(path)).collect(),
            dropped: scope.dropped.iter().map(|path| merged(path)).collect(),
            packages: scope.packages.iter().map(|name| without_architecture(name).to_owned()).collect(),
            ..Self::default()
        };
        if !scope.packages.is_empty() {
            let owned = look.sandbox.owners(scope.packages.clone()).await?;
            explained.owned = owned.into_iter().map(|(path, package)| (merged(&path), package)).collect();
        }
        let all = explained.written.iter().chain(explained.owned.keys()).chain(&explained.dropped);
        explained.folders = all.flat_map(|path| above(path)).map(str::to_owned).collect();
        Ok(explained)
    }

    /// Whether the patch brought, changed or removed this path.
    pub(super) fn holds(&self, path: &str) -> bool {
        let path = merged(path);
        let base = KEPT_ASIDE.iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(&path);
        self.owned.contains_key(base) || self.dropped.contains(base) || self.wrote(base) || self.is_named(base)
    }

    /// Whether configuration belongs to a package of the patch by its name: what maintainer scripts make and keep no
    /// package owns. `/etc/ca-certificates.conf` is of `ca-certificates`.
    fn is_named(&self, path: &str) -> bool {
        let is_of = |part: &str, package: &String| {
            part.strip_prefix(package.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']))
        };
        let Some(rest) = path.strip_prefix("/etc/") else { return false };
        rest.split('/').any(|part| self.packages.iter().any(|package| is_of(part, package)))
    }

    /// Links that went with what packages of the patch do not have any more, and links to what they own now, also by way of
    /// each other: scripts of the packages make them.
    fn links<'a>(&self, facts: &'a [FileFact]) -> BTreeSet<&'a str> {
        let leads = |fact: &'a FileFact| Some((fact, led_to(&fact.path, fact.target.as_deref()?)));
        let links: Vec<(&FileFact, String)> = facts.iter().filter_map(leads).collect();
        let mut found: BTreeSet<&str> = BTreeSet::new();
        loop {
            let before = found.len();
            let next = links.iter().filter(|(fact, to)| {
                let by_package =
                    if fact.kind == FileKind::Gone { self.dropped.contains(to) } else { self.owned.contains_key(to) };
                by_package || found.contains(to.as_str())
            });
            let next: Vec<&str> = next.map(|(fact, _)| fact.path.as_str()).collect();
            found.extend(next);
            if found.len() == before {
                return found;
            }
        }
    }

    fn wrote(&self, path: &str) -> bool {
        let below = |tree: &String| path.strip_prefix(tree.as_str()).is_some_and(|rest| rest.starts_with('/'));
        self.written.iter().any(|written| written == path || below(written))
    }

    /// The package that owns a path without having been told to remove it.
    fn owner(&self, path: &str) -> Option<&String> {
        let path = merged(path);
        if self.wrote(&path) { None } else { self.owned.get(&path) }
    }
}

/// The name of a package as its files have it.
fn without_architecture(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// Where a link leads.
fn led_to(link: &str, target: &str) -> String {
    if target.starts_with('/') { merged(target) } else { merged(&format!("{}/{target}", parent(link))) }
}

/// What dpkg and ucf append to files that they put beside others.
const KEPT_ASIDE: &[&str] =
    &[".dpkg-new", ".dpkg-dist", ".dpkg-old", ".dpkg-bak", ".dpkg-tmp", ".ucf-dist", ".ucf-new", ".ucf-old"];

/// All folders above a path, the nearest first.
fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(parent(path)), |path| Some(parent(path))).take_while(|path| !path.is_empty())
}

/// A reading for each drifted file, and one for each data folder.
pub(super) async fn readings(
    look: &Look<'_>,
    facts: &[FileFact],
    explained: &Explained,
) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let (ignored, moving) = (set(&[&format!("{PACKAGE_LISTS}**")]), set(MOVING));
    let texts = texts(look, facts, explained).await?;
    let links = explained.links(facts);
    let mut data: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut readings = Vec::new();
    for fact in facts.iter().filter(|fact| !ignored.is_match(&fact.path)) {
        let key = Key::from("files").child(&canonical_name(&fact.path));
        if explained.holds(&fact.path) || (fact.kind == FileKind::Folder && explained.folders.contains(&fact.path)) {
            readings.extend(of_patch(fact, explained).map(|reading| (key, reading)));
        } else if links.contains(fact.path.as_str()) {
            readings.push((key, Reading::fact(format!("by the patch: a link {}", fact.drift.join(", ")))));
        } else if fact.kind == FileKind::Gone {
            if in_data_folder(&fact.path).is_none() || depth(&fact.path) <= GONE_DEPTH {
                readings.push((key, Reading::state("gone", Health::Bad)));
            }
        } else if let Some(folder) = in_data_folder(&fact.path).filter(|_| fact.user != "root") {
            data.entry(folder).or_default().insert(nature(fact));
        } else {
            let whole = !moving.is_match(&fact.path);
            let told = told(fact, texts.get(&fact.path).filter(|_| whole), whole);
            // Who cannot read it any more says so by itself.
            let is_tightened = fact.drift == [STRICTER];
            readings.push((key, if is_tightened { Reading::fact(told) } else { Reading::content(told) }));
        }
    }
    let folders = data.into_iter().map(|(folder, natures)| {
        let natures = Value::List(natures.into_iter().collect());
        (Key::from("files").child(folder), Reading::content(natures))
    });
    readings.extend(folders);
    Ok(one_for_each_key(readings))
}

/// What the patch explains is told for configuration only, as a fact; but a file that a package of the patch owns and
/// that is not there is bad.
fn of_patch(fact: &FileFact, explained: &Explained) -> Option<Reading> {
    if fact.kind == FileKind::Gone {
        let owner = explained.owner(&fact.path)?;
        return Some(Reading::state(format!("gone, and {owner} owns it"), Health::Bad));
    }
    let configuration = fact.path.starts_with("/etc/") && fact.kind == FileKind::File;
    configuration.then(|| Reading::fact(format!("by the patch: {}", told(fact, None, true))))
}

/// In which way a file differs from the image, what it is now, and what it holds.
fn told(fact: &FileFact, text: Option<&String>, whole: bool) -> String {
    let mut told = format!("{}: {}", fact.drift.join(", "), nature(fact));
    if let Some(text) = text {
        told.push('\n');
        told.push_str(&canonical(text.trim_end()));
    } else if whole {
        told.push_str(&content(fact));
    }
    told
}

/// Texts of small drifted files under `/etc` that everybody may read: a person wants to see them, and in canonical
/// form a date in them does not count.
async fn texts(
    look: &Look<'_>,
    facts: &[FileFact],
    explained: &Explained,
) -> Result<BTreeMap<String, String>, ProbeError> {
    let wanted = |fact: &&FileFact| {
        let open = fact.kind == FileKind::File && fact.mode & 0o004 != 0 && fact.size <= TEXT_LIMIT;
        open && fact.path.starts_with("/etc/") && !explained.holds(&fact.path)
    };
    let paths: Vec<String> = facts.iter().filter(wanted).map(|fact| globset::escape(&fact.path)).collect();
    if paths.is_empty() {
        return Ok(BTreeMap::new());
    }
    let question = Files { paths, exclude: Vec::new(), text_up_to: TEXT_LIMIT, limit: LIMIT };
    let found = look.sandbox.files(question).await?;
    Ok(found.into_iter().filter_map(|fact| Some((fact.path, fact.text?))).collect())
}

fn depth(path: &str) -> usize {
    path.split('/').filter(|part| !part.is_empty()).count()
}

fn set(globs: &[&str]) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        let glob = GlobBuilder::new(glob).literal_separator(true).build().expect("the globs of the tables are valid");
        builder.add(glob);
    }
    builder.build().expect("the globs of the tables are valid together")
}
