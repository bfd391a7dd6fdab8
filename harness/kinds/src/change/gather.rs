//! Package files on this machine: copied, listed, indexed, found again in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::ChangeError;
use super::fetch::Plan;
use super::package::PackageFile;
use crate::image::store::Shelf;
use crate::image::tar::digest_of;
use crate::image::{ImageError, Store, blocking};

/// Reads package files and copies them under their own names.
pub(super) async fn copy(files: &[Utf8PathBuf], to: &Utf8Path) -> Result<Vec<PackageFile>, ChangeError> {
    let (files, to) = (files.to_vec(), to.to_owned());
    let copied = blocking(move || {
        let mut packages: Vec<PackageFile> = Vec::new();
        for path in &files {
            let package = PackageFile::read(path).map_err(ImageError::Unfit)?;
            let place = to.join(package.file_name());
            if place.exists() {
                return Err(ImageError::Unfit(format!("`{path}` brings {} a second time", package.name)));
            }
            fs::copy(path, &place).map_err(|error| ImageError::Unavailable(format!("copy `{path}`: {error}")))?;
            packages.push(package);
        }
        Ok(packages)
    });
    Ok(copied.await?)
}

/// All package files of a folder, in the order of their names, each under its own name.
pub(super) async fn read_folder(folder: &Utf8Path) -> Result<Vec<PackageFile>, ChangeError> {
    let folder = folder.to_owned();
    let read = blocking(move || {
        let failed = |error: std::io::Error| ImageError::Unavailable(format!("list `{folder}`: {error}"));
        let mut packages = Vec::new();
        for entry in folder.read_dir_utf8().map_err(failed)? {
            let path = entry.map_err(failed)?.into_path();
            if path.extension() == Some("deb") {
                let package = PackageFile::read(&path).map_err(ImageError::Unavailable)?;
                let place = folder.join(package.file_name());
                fs::rename(&path, &place).map_err(failed)?;
                packages.push(package);
            }
        }
        packages.sort_by_key(PackageFile::file_name);
        Ok::<_, ImageError>(packages)
    });
    Ok(read.await?)
}

/// Writes the index that makes a folder an archive.
pub(super) async fn index(packages: &[PackageFile], folder: &Utf8Path) -> Result<(), ChangeError> {
    let mut text = String::new();
    for package in packages {
        let path = folder.join(package.file_name());
        let size = fs::metadata(&path).map_err(|error| unavailable("read", &path, &error))?.len();
        let digest = blocking(move || digest_of(&path)).await.map_err(ImageError::from)?;
        let name = package.file_name();
        text.push_str(&package.control);
        write!(text, "\nFilename: ./{name}\nSize: {size}\nSHA256: {}\n\n", digest.hex())
            .expect("writing to a string cannot fail");
    }
    let path = folder.join("Packages");
    fs::write(&path, text).map_err(|error| unavailable("write", &path, &error))
}

/// Copies those package files of the store that have one of these names and versions. There may be several of one: of
/// different content, and copies of one that came along with other changes, of which one is enough.
pub(super) fn offer(store: &Store, wanted: &[(String, String)], folder: &Utf8Path) -> Result<(), ChangeError> {
    let known = known_files(store)?;
    let mut offered = BTreeSet::new();
    for file in wanted.iter().filter_map(|wanted| known.get(wanted)).flatten() {
        let digest = digest_of(file).map_err(ImageError::from)?;
        let place = folder.join(format!("{}.deb", digest.hex()));
        if offered.insert(digest) {
            fs::copy(file, place).map_err(|error| unavailable("copy", file, &error))?;
        }
    }
    Ok(())
}

/// Every package file of the store, by its name as apt knows it and its version.
fn known_files(store: &Store) -> Result<BTreeMap<(String, String), Vec<Utf8PathBuf>>, ChangeError> {
    let mut known: BTreeMap<(String, String), Vec<Utf8PathBuf>> = BTreeMap::new();
    for entry in store.list()?.into_iter().filter(|entry| entry.shelf == Shelf::Packages) {
        let Ok(plan) = serde_json::from_value::<Plan>(entry.meta.detail) else { continue };
        for (folder, packages) in [("new", plan.new), ("old", plan.old)] {
            for package in packages {
                let path = entry.root.join(folder).join(package.file_name());
                known.entry(package.full_name()).or_default().push(path);
            }
        }
    }
    Ok(known)
}

pub(super) fn unavailable(operation: &str, path: &Utf8Path, error: &std::io::Error) -> ChangeError {
    ChangeError::Unavailable(format!("{operation} `{path}`: {error}"))
}
