//! npm packages as files: what a folder of tarballs holds, by their own `package.json`, and which of them is meant.
//! Knows nothing of npm or sandboxes.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::text::one_line;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha512};

use crate::image::ImageError;
use crate::image::tree::{open_file, scan};

/// A package that is wanted: `chalk`, `chalk@5.0.0`, `@babel/core@7.0.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) name: String,
    /// The version; `None` when it is whichever is there.
    pub(super) version: Option<String>,
}

impl Pin {
    /// Reads a pin, or `None` when it is something else, such as a range of versions.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, version) = match text.rsplit_once('@') {
            Some((name, version)) if !name.is_empty() => (name, Some(version)),
            Some(_) | None => (text, None),
        };
        (is_name(name) && version.is_none_or(is_version))
            .then(|| Self { name: name.to_owned(), version: version.map(str::to_owned) })
    }

    /// The tarball that it means, or what is there instead.
    pub(super) fn choose<'a>(&self, tarballs: &'a [Tarball]) -> Result<&'a Tarball, String> {
        let named: Vec<&Tarball> = tarballs.iter().filter(|tarball| tarball.name == self.name).collect();
        let versions: BTreeSet<String> = named.iter().map(|tarball| format!("`{}`", tarball.version)).collect();
        let versions = versions.into_iter().collect::<Vec<_>>().join(", ");
        match (&self.version, &named[..]) {
            (_, []) => Err(format!("holds no tarball of `{}`{}", self.name, near(&self.name, tarballs))),
            (None, [one]) => Ok(one),
            (None, _) => Err(format!("holds `{0}` in several versions: write `{0}@` and one of {versions}", self.name)),
            (Some(version), _) => {
                let found = named.iter().find(|tarball| tarball.version == *version);
                found.copied().ok_or_else(|| format!("holds no `{}@{version}`, only {versions}", self.name))
            }
        }
    }
}

/// A tarball of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tarball {
    #[serde(skip)]
    pub(super) path: Utf8PathBuf,
    /// The name of the file.
    pub(super) file: String,
    pub(super) name: String,
    pub(super) version: String,
    /// The digest of its bytes as npm writes it.
    pub(super) integrity: String,
    /// Its `package.json`.
    pub(super) manifest: Json,
}

impl Tarball {
    /// Whether a file of this name is a tarball.
    pub(super) fn is_one(path: &Utf8Path) -> bool {
        path.extension() == Some("tgz") || path.as_str().ends_with(".tar.gz")
    }

    /// Reads (blocking) a tarball to its end.
    pub(super) fn read(path: &Utf8Path) -> Result<Self, ImageError> {
        let unfit = |why: &str| {
            ImageError::Unfit(format!("`{path}` is no npm package: {}; get it anew, or take it out", one_line(why)))
        };
        let mut hashed = Hashed { file: open_file(path)?, hasher: Sha512::new() };
        let found = scan(&mut hashed, is_manifest).map_err(|error| unfit(&error.to_string()))?;
        std::io::copy(&mut hashed, &mut std::io::sink()).map_err(|error| unfit(&error.to_string()))?;
        let text = found.into_values().next().ok_or_else(|| unfit("it holds no `package.json`"))?;
        let manifest: Json =
            serde_json::from_slice(&text).map_err(|error| unfit(&format!("`package.json`: {error}")))?;
        let field = |key: &str| manifest.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let (name, version) = (field("name"), field("version"));
        if !is_name(&name) || !is_version(&version) {
            return Err(unfit(&format!("its name and version are `{name}` and `{version}`")));
        }
        let integrity = format!("sha512-{}", STANDARD.encode(hashed.hasher.finalize()));
        let file = path.file_name().unwrap_or_default().to_owned();
        Ok(Self { path: path.to_owned(), file, name, version, integrity, manifest })
    }
}

/// Whether this is a package's `package.json`: it lies in the one folder at the top, which has any name.
pub(super) fn is_manifest(path: &str) -> bool {
    path.strip_suffix("/package.json").is_some_and(|top| !top.contains('/'))
}

/// A file, hashed as it is read.
struct Hashed {
    file: std::fs::File,
    hasher: Sha512,
}

impl std::io::Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// The packages whose names are much like this one, in words.
fn near(name: &str, tarballs: &[Tarball]) -> String {
    let bare = |name: &str| name.rsplit('/').next().unwrap_or_default().replace(['-', '_', '.'], "").to_lowercase();
    let wanted = bare(name);
    let alike = |other: &str| {
        let other = bare(other);
        other.contains(&wanted) || wanted.contains(&other) || wanted.get(..3) == other.get(..3)
    };
    let names: BTreeSet<String> =
        tarballs.iter().filter(|one| alike(&one.name)).map(|one| format!("`{}@{}`", one.name, one.version)).collect();
    let names: Vec<String> = names.into_iter().take(8).collect();
    if names.is_empty() { String::new() } else { format!("; near it are {}", names.join(", ")) }
}

/// Whether this is a package's name, safe as a path and on a command line.
fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-~".contains(&b))
    };
    let fits = match text.strip_prefix('@').map(|rest| rest.split_once('/')) {
        Some(Some((scope, name))) => part(scope) && part(name),
        Some(None) => false,
        None => part(text),
    };
    fits && text.len() <= 214 && text != "node_modules"
}

fn is_version(text: &str) -> bool {
    text.len() <= 256
        && text.split(['-', '+']).next().is_some_and(|release| {
            release.split('.').count() == 3 && release.split('.').all(|part| part.parse::<u64>().is_ok())
        })
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-+".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_a_name_and_a_version_and_nothing_else() {
        let pin = |text: &str| Pin::parse(text).map(|pin| (pin.name, pin.version.unwrap_or_default()));
        let is = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(pin("chalk@5.0.0"), is("chalk", "5.0.0"));
        assert_eq!(pin("@babel/core@7.0.0-rc.1"), is("@babel/core", "7.0.0-rc.1"));
        assert_eq!(pin("@babel/core"), is("@babel/core", ""));
        for bad in
            ["chalk@^5", "chalk@latest", "../x", "@a/../b@1.0.0", "./a.tgz", "--global", "", "@", "a@b@1.0.0", ".bin"]
        {
            assert_eq!(pin(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_pin_without_a_tarball_is_told_what_is_near() {
        let tarball = |name: &str, version: &str| Tarball {
            path: Utf8PathBuf::new(),
            file: String::new(),
            name: name.to_owned(),
            version: version.to_owned(),
            integrity: String::new(),
            manifest: Json::Null,
        };
        let tarballs = [tarball("chalk", "4.0.0"), tarball("chalk", "5.0.0"), tarball("@x/y", "1.0.0")];
        let said = |pin: &str| Pin::parse(pin).unwrap().choose(&tarballs).unwrap_err();
        assert_eq!(said("chalk@3.0.0"), "holds no `chalk@3.0.0`, only `4.0.0`, `5.0.0`");
        assert_eq!(said("chalk"), "holds `chalk` in several versions: write `chalk@` and one of `4.0.0`, `5.0.0`");
        assert_eq!(said("y@1.0.0"), "holds no tarball of `y`; near it are `@x/y@1.0.0`");
    }
}
