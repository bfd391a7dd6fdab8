//! Python distributions as files: what a folder of wheels and source distributions holds, by the files' names, and
//! which of them a pin means. Knows nothing of pip or sandboxes.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::text::one_line;
use serde::{Deserialize, Serialize};

use crate::image::ImageError;
use crate::image::tree::{open_file, scan};

/// A distribution that is wanted: `Jinja2`, `Jinja2==3.1.2`, `requests[socks]==2.31.0`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pin {
    /// The name as it was written.
    pub(super) name: String,
    /// `[socks]`, or nothing.
    pub(super) extras: String,
    /// The version; `None` when it is whichever is there.
    pub(super) version: Option<String>,
}

impl Pin {
    /// Reads a pin, or `None` when it is something else, such as a range of versions.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (before, version) = match text.split_once("==") {
            Some((before, version)) => (before.trim(), Some(version.trim())),
            None => (text.trim(), None),
        };
        let (name, extras) = before.find('[').map_or((before, ""), |at| before.split_at(at));
        let good_extras = extras.is_empty()
            || extras.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(is_list_of_names);
        (is_name(name) && good_extras && version.is_none_or(is_version)).then(|| Self {
            name: name.to_owned(),
            extras: extras.to_owned(),
            version: version.map(str::to_owned),
        })
    }

    /// As pip reads it.
    pub(super) fn requirement(&self) -> String {
        let version = self.version.as_ref().map(|version| format!("=={version}")).unwrap_or_default();
        format!("{}{}{version}", self.name, self.extras)
    }

    /// Those of the files that it means, with the version made certain.
    ///
    /// # Errors
    /// Says which file is missing and which ones are near, or between which versions it does not choose.
    pub(super) fn choose(&mut self, files: &[Distribution]) -> Result<Vec<Distribution>, String> {
        let name = normal_name(&self.name);
        let named: Vec<&Distribution> = files.iter().filter(|file| file.name == name).collect();
        let versions = || shown(named.iter().map(|file| file.version.as_str()));
        let Some(version) = self.version.clone() else {
            let first =
                named.first().ok_or_else(|| format!("holds no file of `{}`{}", self.name, near(&name, files)))?;
            if named.iter().any(|file| normal_version(&file.version) != normal_version(&first.version)) {
                return Err(format!(
                    "holds `{0}` in several versions: write `{0}==` and one of {1}",
                    self.name,
                    versions()
                ));
            }
            self.version = Some(first.version.clone());
            return Ok(named.into_iter().cloned().collect());
        };
        let wanted = normal_version(&version);
        let fitting: Vec<Distribution> =
            named.iter().filter(|file| normal_version(&file.version) == wanted).map(|&file| file.clone()).collect();
        match (fitting.is_empty(), named.is_empty()) {
            (false, _) => Ok(fitting),
            (true, false) => Err(format!("holds no `{}=={version}`, only {}", self.name, versions())),
            (true, true) => Err(format!("holds no file of `{}`{}", self.name, near(&name, files))),
        }
    }
}

/// How a distribution is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Ready to be unpacked.
    Wheel,
    /// To be built first.
    Source,
}

/// A file that brings a distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Distribution {
    pub(super) path: Utf8PathBuf,
    /// Its name as PEP 503 normalises it.
    pub(super) name: String,
    pub(super) version: String,
    pub(super) form: Form,
}

impl Distribution {
    /// What the name of a file says; `None` when it is no distribution's.
    pub(super) fn of(path: &Utf8Path) -> Option<Self> {
        let file = path.file_name()?;
        let (name, version, form) = if let Some(stem) = file.strip_suffix(".whl") {
            let parts: Vec<&str> = stem.split('-').collect();
            let ([name, version, _, _, _] | [name, version, _, _, _, _]) = parts[..] else { return None };
            (name, version, Form::Wheel)
        } else {
            let stem = [".tar.gz", ".zip"].iter().find_map(|end| file.strip_suffix(end))?;
            let (name, version) = stem.rsplit_once('-')?;
            (name, version, Form::Source)
        };
        (is_name(name) && is_version(version)).then(|| Self {
            path: path.to_owned(),
            name: normal_name(name),
            version: version.to_owned(),
            form,
        })
    }

    /// Checks (blocking) that the file is whole, as far as that can be told without unpacking it.
    pub(super) fn check(&self) -> Result<(), ImageError> {
        let mut file = open_file(&self.path)?;
        let broken = |why: &str| ImageError::Unfit(format!("`{}` is broken: {why}; get the file anew", self.path));
        if self.path.as_str().ends_with(".tar.gz") {
            return scan(&mut file, |_| false).map(|_| ()).map_err(|error| broken(&error.to_string()));
        }
        match is_whole_zip(&mut file) {
            Ok(true) => Ok(()),
            Ok(false) => Err(broken("it is no zip archive, or its end is missing")),
            Err(error) => Err(broken(&error.to_string())),
        }
    }
}

/// Whether a file begins as a zip archive does, and has a directory at its end.
fn is_whole_zip(file: &mut File) -> std::io::Result<bool> {
    /// The end record with the longest comment.
    const END: u64 = 22 + 0xffff;
    let mut magic = Vec::new();
    file.take(4).read_to_end(&mut magic)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut end = Vec::new();
    file.take(END).read_to_end(&mut end)?;
    Ok(magic == b"PK\x03\x04" && end.windows(4).any(|window| window == b"PK\x05\x06"))
}

/// A name as PEP 503 has it: `Flask_SQLAlchemy` and `flask-sqlalchemy` are one.
pub(super) fn normal_name(name: &str) -> String {
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

/// A version without what PEP 440 says makes no difference: capitals, kinds of separators, zeroes at the end.
pub(super) fn normal_version(version: &str) -> String {
    let version = version.trim_start_matches('v').to_ascii_lowercase().replace(['-', '_'], ".");
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    let (release, rest) = version.split_at(end);
    let mut release = release.trim_end_matches('.');
    while let Some(shorter) = release.strip_suffix(".0") {
        release = shorter;
    }
    format!("{release}{}", rest.trim_start_matches('.'))
}

/// The files whose names are much like this one, in words.
fn near(name: &str, files: &[Distribution]) -> String {
    let bare = |name: &str| name.replace('-', "");
    let (wanted, short) = (bare(name), name.get(..3).unwrap_or(name));
    let alike = files.iter().filter(|file| {
        let other = bare(&file.name);
        file.name.starts_with(short) || other.contains(&wanted) || wanted.contains(&other)
    });
    let names = alike.filter_map(|file| file.path.file_name());
    match shown(names) {
        names if names.is_empty() => String::new(),
        names => format!("; near it are {names}"),
    }
}

/// Up to eight different texts, in backquotes.
fn shown<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: std::collections::BTreeSet<&str> = texts.collect();
    let quoted: Vec<String> = texts.iter().take(8).map(|text| format!("`{}`", one_line(text))).collect();
    let more =
        if texts.len() > quoted.len() { format!(" and {} more", texts.len() - quoted.len()) } else { String::new() };
    format!("{}{more}", quoted.join(", "))
}

fn is_list_of_names(text: &str) -> bool {
    text.split(',').all(|name| is_name(name.trim()))
}

fn is_name(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 128
        && text.starts_with(ends)
        && text.ends_with(ends)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn is_version(text: &str) -> bool {
    text.len() <= 128
        && text.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+!".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<Distribution> {
        names.iter().filter_map(|name| Distribution::of(Utf8Path::new(name))).collect()
    }

    #[test]
    fn names_that_pep_503_takes_for_one_are_one() {
        for name in ["Flask_SQLAlchemy", "flask-sqlalchemy", "FLASK.SQLALCHEMY", "flask--_sqlalchemy"] {
            assert_eq!(normal_name(name), "flask-sqlalchemy");
        }
    }

    #[test]
    fn versions_that_pep_440_takes_for_one_are_one() {
        assert_eq!(normal_version("3.1"), normal_version("3.1.0"));
        assert_eq!(normal_version("1.0-RC1"), normal_version("1.0rc1"));
        assert_eq!(normal_version("1.0+local_1"), normal_version("1.0+local.1"));
        assert_ne!(normal_version("3.10"), normal_version("3.1"));
        assert_ne!(normal_version("1.0.post1"), normal_version("1.0"));
    }

    #[test]
    fn a_pin_is_a_name_and_a_version_and_nothing_else() {
        let pin = Pin::parse("requests[socks, use-chardet] == 2.31.0").unwrap();
        assert_eq!((pin.name.as_str(), pin.version.as_deref()), ("requests", Some("2.31.0")));
        assert_eq!(Pin::parse("Jinja2").unwrap().version, None);
        for bad in ["Jinja2>=3", "Jinja2==3.*", "-r x.txt", "--index-url=x", "./a.whl", "a b", "", "a==", "a[=="] {
            assert_eq!(Pin::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_name_of_a_file_says_what_it_brings() {
        let found = files(&[
            "Flask_SQLAlchemy-3.0.5-py3-none-any.whl",
            "x-1.0-1-cp311-cp311-manylinux_2_17_x86_64.whl",
            "python-dateutil-2.8.2.tar.gz",
            "notes-1.txt",
            "broken.whl",
        ]);
        let told: Vec<_> = found.iter().map(|file| (file.name.as_str(), file.version.as_str(), file.form)).collect();
        let expected = [
            ("flask-sqlalchemy", "3.0.5", Form::Wheel),
            ("x", "1.0", Form::Wheel),
            ("python-dateutil", "2.8.2", Form::Source),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_pin_without_a_file_is_told_what_is_near() {
        let files = files(&["Jinja2-3.1.2-py3-none-any.whl", "Jinja2-3.1.3-py3-none-any.whl", "x-1.0.tar.gz"]);
        let said = |pin: &str| Pin::parse(pin).unwrap().choose(&files).unwrap_err();
        assert_eq!(said("jinja2==3.0"), "holds no `jinja2==3.0`, only `3.1.2`, `3.1.3`");
        assert_eq!(
            said("jinja==3.1.2"),
            "holds no file of `jinja`; near it are `Jinja2-3.1.2-py3-none-any.whl`, `Jinja2-3.1.3-py3-none-any.whl`"
        );
        assert_eq!(said("Jinja2"), "holds `Jinja2` in several versions: write `Jinja2==` and one of `3.1.2`, `3.1.3`");
        let mut only = Pin::parse("X").unwrap();
        assert_eq!(only.choose(&files).unwrap().len(), 1);
        assert_eq!(only.requirement(), "X==1.0");
    }
}
