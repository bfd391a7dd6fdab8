//! Looks for files: scenarios in a folder, and images, patches and products by name.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::text::nearest;

use super::library::folder_of;

/// Folders that hold what scenarios use, not scenarios.
const PARTS: [&str; 3] = ["images", "patches", "software"];

/// What lies in a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// All YAML files, sorted.
    pub(super) files: Vec<Utf8PathBuf>,
    /// What could not be looked at, and why.
    pub(super) failed: Vec<(Utf8PathBuf, String)>,
}

/// All files below `folder` that end in `.yaml`, but those of images, patches, software and hidden folders. Links to
/// folders are not followed, so it ends.
pub(super) fn scenarios(folder: &Utf8Path) -> Found {
    let mut found = Found::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match folder.read_dir_utf8() {
            Ok(entries) => entries,
            Err(error) => {
                found.failed.push((folder, error.to_string()));
                continue;
            }
        };
        for entry in entries {
            match entry {
                Ok(entry) => look_at(&entry, &mut folders, &mut found),
                Err(error) => found.failed.push((folder.clone(), error.to_string())),
            }
        }
    }
    found.files.sort();
    found.failed.sort();
    found
}

fn look_at(entry: &camino::Utf8DirEntry, folders: &mut Vec<Utf8PathBuf>, found: &mut Found) {
    let name = entry.file_name();
    if name.starts_with('.') {
        return;
    }
    match entry.file_type() {
        Ok(kind) if kind.is_dir() => {
            if !PARTS.contains(&name) {
                folders.push(entry.path().to_owned());
            }
        }
        Ok(_) if entry.path().extension() == Some("yaml") => found.files.push(entry.path().to_owned()),
        Ok(_) => {}
        Err(error) => found.failed.push((entry.path().to_owned(), error.to_string())),
    }
}

/// Where parts are looked for, nearest first.
#[derive(Clone, Debug)]
pub(super) struct Shelves(Vec<Utf8PathBuf>);

impl Shelves {
    /// The folders `part` (such as `images`) for a file in `base`: beside it, then below `scenarios` in each folder
    /// further up and in the project. Parts of one folder name each other, as a bundle does its patches.
    pub(super) fn of(part: &str, base: &Utf8Path, project: &Utf8Path) -> Self {
        let mut folders = vec![if base.file_name() == Some(part) { base.to_owned() } else { base.join(part) }];
        let within = base.starts_with(project);
        let above = base.ancestors().take_while(|folder| !within || folder.starts_with(project)).chain([project]);
        for folder in above.map(|folder| folder.join("scenarios").join(part)) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        Self(folders)
    }

    /// The file of `name`, in the nearest folder that has it.
    pub(super) fn find(&self, name: &str) -> Option<Utf8PathBuf> {
        let file = format!("{name}.yaml");
        self.0.iter().map(|folder| folder.join(&file)).find(|path| path.exists())
    }

    /// A name that is there and near to `name`.
    pub(super) fn near(&self, name: &str) -> Option<String> {
        let names = self.names();
        nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
    }

    /// The folders, for "looked in".
    pub(super) fn list(&self) -> String {
        self.0.iter().map(|folder| format!("`{folder}`")).collect::<Vec<_>>().join(", ")
    }

    fn names(&self) -> Vec<String> {
        let entries = self.0.iter().filter_map(|folder| folder.read_dir_utf8().ok()).flatten().flatten();
        let files = entries.map(|entry| entry.path().to_owned()).filter(|path| path.extension() == Some("yaml"));
        let mut names: Vec<String> = files.filter_map(|path| path.file_stem().map(str::to_owned)).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// What a path of the host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostPath {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A device, a pipe, a socket.
    Other,
    /// Nothing that can be reached.
    Missing,
}

impl HostPath {
    /// Looks without opening.
    pub(super) fn at(path: &Utf8Path) -> Self {
        match fs::metadata(path) {
            Ok(status) if status.is_file() => Self::File,
            Ok(status) if status.is_dir() => Self::Folder,
            Ok(_) => Self::Other,
            Err(_) => Self::Missing,
        }
    }
}

/// A file of the same folder whose name is near to that of `path`.
pub(super) fn near_file(path: &Utf8Path) -> Option<String> {
    let folder = folder_of(path);
    let folder = if folder == "" { Utf8PathBuf::from(".") } else { folder };
    let names: Vec<String> =
        folder.read_dir_utf8().ok()?.flatten().take(1000).map(|entry| entry.file_name().to_owned()).collect();
    nearest(path.file_name()?, names.iter().map(String::as_str)).map(str::to_owned)
}
