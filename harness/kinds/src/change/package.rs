//! Debian package files: what they are, checked before anything else sees them. Nothing is unpacked here.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};

use camino::Utf8Path;
use patchbed_guest::message::Package;
use patchbed_model::text::{one_line, shorten};
use serde::{Deserialize, Serialize};

use crate::image::tree::{open_file, scan};

/// A package file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PackageFile {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) architecture: String,
    /// Its configuration files.
    pub(crate) conffiles: Vec<String>,
    /// All fields of its control file, as they stand in an index.
    #[serde(skip)]
    pub(crate) control: String,
}

impl PackageFile {
    /// Reads a package file, or says why it is none.
    pub(crate) fn read(path: &Utf8Path) -> Result<Self, String> {
        let named = |why: String| format!("`{}` is not a valid package: {why}", shorten(&one_line(path.as_str()), 120));
        let mut file = open_file(path).map_err(|error| error.to_string())?;
        Self::parse(&mut file).map_err(named)
    }

    fn parse(file: &mut File) -> Result<Self, String> {
        let members = members(file)?;
        let [first, control, rest @ ..] = &members[..] else { return Err("it has too few members".to_owned()) };
        if first.name != "debian-binary" {
            return Err(format!("its first member is `{}`", one_line(&first.name)));
        }
        let mut format = String::new();
        first.open(file).map_err(read_error)?.take(64).read_to_string(&mut format).map_err(read_error)?;
        if !format.starts_with("2.") {
            return Err(format!("its format is `{}`, not 2", one_line(format.trim())));
        }
        if !control.name.starts_with("control.tar") {
            return Err("it has no control member".to_owned());
        }
        let Some(data) = rest.iter().find(|member| member.name.starts_with("data.tar")) else {
            return Err("it has no data member".to_owned());
        };
        let mut opened = control.open(file).map_err(read_error)?;
        let mut found = scan(&mut opened, |name| matches!(name, "control" | "conffiles"))
            .map_err(|error| format!("control: {error}"))?;
        let text = |found: &mut BTreeMap<String, Vec<u8>>, name: &str| {
            String::from_utf8(found.remove(name).unwrap_or_default()).map_err(|_| format!("its {name} is not UTF-8"))
        };
        let control = text(&mut found, "control")?;
        let conffiles = text(&mut found, "conffiles")?;
        let mut opened = data.open(file).map_err(read_error)?;
        scan(&mut opened, |_| false).map_err(|error| format!("data: {error}"))?;
        Self::from_control(&control, &conffiles)
    }

    fn from_control(control: &str, conffiles: &str) -> Result<Self, String> {
        let field = |name: &str| {
            let value = control.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim));
            value.filter(|value| !value.is_empty()).ok_or_else(|| format!("its control file has no `{name}`"))
        };
        let (name, version, architecture) = (field("Package")?, field("Version")?, field("Architecture")?);
        if !is_package_name(name) {
            return Err(format!("its name `{}` is none", shorten(&one_line(name), 60)));
        }
        if !is_version(version) {
            return Err(format!("its version `{}` is none", shorten(&one_line(version), 60)));
        }
        if !is_package_name(architecture) {
            return Err(format!("its architecture `{}` is none", shorten(&one_line(architecture), 60)));
        }
        // `remove-on-upgrade /path` is the one flag that dpkg knows.
        let conffiles = conffiles.lines().filter(|line| line.starts_with('/')).map(|line| line.trim_end().to_owned());
        Ok(Self {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: architecture.to_owned(),
            conffiles: conffiles.collect(),
            control: control.trim_end().to_owned(),
        })
    }

    /// Its name as apt knows it, with its version.
    pub(crate) fn full_name(&self) -> (String, String) {
        full_name(&self.name, &self.version, &self.architecture)
    }

    /// Whether it is the same version of an installed package.
    pub(crate) fn is_version_of(&self, installed: &Package) -> bool {
        let mine = (&self.name, &self.version, &self.architecture);
        mine == (&installed.name, &installed.version, &installed.architecture)
    }

    /// The name under which it is kept: no slash can be in it, and apt wants the ending.
    pub(crate) fn file_name(&self) -> String {
        format!("{}_{}_{}.deb", self.name, self.version.replace(':', "%3a"), self.architecture)
    }
}

/// A package's name as apt knows it, with its version.
pub(crate) fn full_name(name: &str, version: &str, architecture: &str) -> (String, String) {
    let name = if architecture == "all" { name.to_owned() } else { format!("{name}:{architecture}") };
    (name, version.to_owned())
}

/// A member of an `ar` archive.
struct Member {
    name: String,
    start: u64,
    size: u64,
}

impl Member {
    fn open<'a>(&self, file: &'a mut File) -> io::Result<io::Take<&'a mut File>> {
        file.seek(SeekFrom::Start(self.start))?;
        Ok(file.take(self.size))
    }
}

/// The members of an `ar` archive; every one lies within the file.
fn members(file: &mut File) -> Result<Vec<Member>, String> {
    let length = file.metadata().map_err(read_error)?.len();
    let mut magic = [0; 8];
    file.read_exact(&mut magic).map_err(|_| "the file is too short".to_owned())?;
    if magic != *b"!<arch>\n" {
        return Err("the file is no ar archive".to_owned());
    }
    let (mut members, mut at) = (Vec::new(), 8_u64);
    while at < length {
        let mut header = [0; 60];
        file.seek(SeekFrom::Start(at)).map_err(read_error)?;
        file.read_exact(&mut header).map_err(|_| "a member's header is cut off".to_owned())?;
        let size = std::str::from_utf8(&header[48..58]).ok().and_then(|text| text.trim_end().parse::<u64>().ok());
        let (Some(size), b"`\n") = (size, &header[58..]) else { return Err("a member's header is none".to_owned()) };
        let name = String::from_utf8_lossy(&header[..16]).trim_end().trim_end_matches('/').to_owned();
        at += 60;
        if size > length.saturating_sub(at) {
            return Err(format!("its member `{}` is cut off", one_line(&name)));
        }
        members.push(Member { name, start: at, size });
        at += size + size % 2;
        if members.len() > 16 {
            return Err("it has too many members".to_owned());
        }
    }
    Ok(members)
}

fn read_error(error: impl std::fmt::Display) -> String {
    format!("read: {error}")
}

/// Whether this is a package's name (or an architecture's), safe in a path and on a command line.
pub(crate) fn is_package_name(text: &str) -> bool {
    text.len() >= 2
        && text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
}

/// Whether this is a version, safe on a command line.
pub(crate) fn is_version(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.~:".contains(&b))
}

/// Orders two versions as dpkg does.
pub(crate) fn compare_versions(a: &str, b: &str) -> Ordering {
    fn parts(version: &str) -> (u64, &str, &str) {
        let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
        (epoch.parse().unwrap_or(u64::MAX), upstream, revision)
    }
    let (a, b) = (parts(a), parts(b));
    a.0.cmp(&b.0).then_with(|| compare_part(a.1, b.1)).then_with(|| compare_part(a.2, b.2))
}

/// Orders upstream versions or revisions: runs of other characters and of digits in turn.
fn compare_part(a: &str, b: &str) -> Ordering {
    fn weight(byte: Option<&u8>) -> i32 {
        match byte {
            Some(b'~') => -1,
            None => 0,
            Some(byte) if byte.is_ascii_digit() => 0,
            Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
            Some(byte) => i32::from(*byte) + 256,
        }
    }
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        while a.first().is_some_and(|byte| !byte.is_ascii_digit())
            || b.first().is_some_and(|byte| !byte.is_ascii_digit())
        {
            match weight(a.first()).cmp(&weight(b.first())) {
                Ordering::Equal => {}
                unequal @ (Ordering::Less | Ordering::Greater) => return unequal,
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let (digits_a, rest_a) = digits(a);
        let (digits_b, rest_b) = digits(b);
        match digits_a.len().cmp(&digits_b.len()).then_with(|| digits_a.cmp(digits_b)) {
            Ordering::Equal => (a, b) = (rest_a, rest_b),
            unequal @ (Ordering::Less | Ordering::Greater) => return unequal,
        }
    }
    Ordering::Equal
}

/// The digits at the start, without leading zeroes, and what follows them.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let zeroes = text[..end].iter().take_while(|byte| **byte == b'0').count();
    (&text[zeroes..end], &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_dpkg_does() {
        let ordered =
            ["1.0~rc1", "1.0", "1.0-1", "1.0-1+deb12u2", "1.0-1+deb12u10", "1.0a-1", "1.0.1-1", "1.10-1", "2", "1:0.1"];
        for pair in ordered.windows(2) {
            assert_eq!(compare_versions(pair[0], pair[1]), Ordering::Less, "{} < {}", pair[0], pair[1]);
            assert_eq!(compare_versions(pair[1], pair[0]), Ordering::Greater);
        }
        assert_eq!(compare_versions("0:1.00-0", "1.0"), Ordering::Equal);
    }

    #[test]
    fn a_name_cannot_be_a_path_or_an_option() {
        assert!(is_package_name("libssl3") && is_package_name("g++-12"));
        assert!(!is_package_name("../../x") && !is_package_name("-rf") && !is_package_name("a;b"));
        assert!(!is_version("$(id)") && is_version("5:7.0.15-1~deb12u10"));
    }
}
