//! The files that packages own, by dpkg's lists.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::AtFlags;

use super::status::require;
use crate::observe::failure::{self, Result};
use crate::observe::{names, root, walk};

const INFO: &str = "/var/lib/dpkg/info";
const DIVERSIONS: &str = "/var/lib/dpkg/diversions";

/// The longest list that is read: 500,000 files.
const LIMIT: usize = 64 << 20;

/// Tells which package owns which file; the packages by name, all when none is named.
///
/// Folders that hold other files of the same package are left out, because many packages share them. Where a folder at
/// the top is a link by now (`/bin` to `/usr/bin`), the path is told as the link leads, which is where the file is.
pub(crate) fn owners(image: impl AsFd, packages: &[String]) -> Result<BTreeMap<String, String>> {
    require(&image)?;
    let image = image.as_fd();
    let folder =
        root::open_folder(image, INFO.as_bytes()).map_err(|errno| failure::system("look into", INFO, errno))?;
    let diverted = diversions(image);
    let mut tops = Tops { image, known: HashMap::new() };
    let mut owners = BTreeMap::new();
    for entry in walk::entries(folder.as_fd()).map_err(|errno| failure::system("look into", INFO, errno))? {
        let name = entry.name.to_string_lossy();
        let Some(package) = name.strip_suffix(".list").or_else(|| name.strip_suffix(".conffiles")) else { continue };
        let package = package.split(':').next().unwrap_or(package);
        if !packages.is_empty() && !packages.iter().any(|wanted| wanted.split(':').next() == Some(package)) {
            continue;
        }
        let list = root::read(image, format!("{INFO}/{name}").as_bytes(), LIMIT)?;
        for path in files_of(&list) {
            let path =
                diverted.get(path).filter(|diversion| diversion.by != package).map_or(path, |diversion| &diversion.to);
            owners.entry(names::text(&tops.followed(path))).or_insert_with(|| package.to_owned());
        }
    }
    Ok(owners)
}

/// The paths of a list without the folders that hold others of them. A conffile may be marked for removal.
fn files_of(list: &[u8]) -> Vec<&[u8]> {
    let lines = list.split(|byte| *byte == b'\n');
    let paths: Vec<_> = lines.map(|line| line.strip_prefix(b"remove-on-upgrade ").unwrap_or(line)).collect();
    let folders: BTreeSet<_> = paths.iter().filter_map(|path| parent(path)).collect();
    let is_file = |path: &&[u8]| path.len() > 1 && path.starts_with(b"/") && *path != b"/." && !folders.contains(path);
    paths.iter().copied().filter(is_file).collect()
}

fn parent(path: &[u8]) -> Option<&[u8]> {
    path.iter().rposition(|byte| *byte == b'/').map(|end| &path[..end])
}

/// Where a package has a file put instead of where another package's list says.
struct Diversion {
    to: Vec<u8>,
    by: String,
}

fn diversions(image: BorrowedFd<'_>) -> HashMap<Vec<u8>, Diversion> {
    let content = root::read(image, DIVERSIONS.as_bytes(), LIMIT).unwrap_or_default();
    let lines: Vec<_> = content.split(|byte| *byte == b'\n').collect();
    let whole = lines.chunks_exact(3).filter(|three| three[0].starts_with(b"/") && three[1].starts_with(b"/"));
    let diversions = whole.map(|three| {
        let diversion = Diversion { to: three[1].to_vec(), by: String::from_utf8_lossy(three[2]).into_owned() };
        (three[0].to_vec(), diversion)
    });
    diversions.collect()
}

/// The folders at the top of the image, followed where they are links.
struct Tops<'a> {
    image: BorrowedFd<'a>,
    known: HashMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Tops<'_> {
    fn followed(&mut self, path: &[u8]) -> Vec<u8> {
        let end = path[1..].iter().position(|byte| *byte == b'/').map_or(path.len(), |end| end + 1);
        let (top, rest) = path.split_at(end);
        if rest.is_empty() {
            return path.to_vec();
        }
        let image = self.image;
        match self.known.entry(top.to_vec()).or_insert_with(|| target(image, top)) {
            Some(target) => [target, rest].concat(),
            None => path.to_vec(),
        }
    }
}

/// Where a folder at the top leads when it is a link that stays inside.
fn target(image: BorrowedFd<'_>, top: &[u8]) -> Option<Vec<u8>> {
    let name = top.strip_prefix(b"/")?;
    rustix::fs::statat(image, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let target = rustix::fs::readlinkat(image, name, Vec::new()).ok()?.into_bytes();
    let parts: Vec<_> = target.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    if parts.is_empty() || parts.contains(&&b".."[..]) {
        return None;
    }
    Some([b"/", &parts.join(&b'/')[..]].concat())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;
    use crate::message::FailureKind;

    fn image() -> (tempfile::TempDir, fs::File) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("var/lib/dpkg/info")).unwrap();
        let files = [
            ("status", "Package: x\n"),
            ("info/bash.list", "/.\n/bin\n/bin/bash\n/bin/sh\n/usr\n/usr/share\n/usr/share/doc\n/usr/share/doc/bash\n"),
            ("info/libc6:amd64.list", "/.\n/lib\n/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/libc.so.6\n"),
            ("info/dash.list", "/bin\n/bin/sh\n/bin/dash\n"),
            ("info/dash.conffiles", "/etc/dash.conf\nremove-on-upgrade /etc/old.conf\n"),
            ("info/dash.postinst", "#!/bin/sh\n"),
            ("diversions", "/bin/sh\n/bin/sh.distrib\ndash\n"),
        ];
        for (file, content) in files {
            fs::write(folder.path().join("var/lib/dpkg").join(file), content).unwrap();
        }
        fs::create_dir(folder.path().join("lib")).unwrap();
        symlink("usr/bin", folder.path().join("bin")).unwrap();
        let root = fs::File::open(folder.path()).unwrap();
        (folder, root)
    }

    #[test]
    fn files_have_owners_where_they_really_are() {
        let told: Vec<_> =
            owners(image().1, &[]).unwrap().into_iter().map(|(path, package)| format!("{path} {package}")).collect();
        let expected = [
            "/etc/dash.conf dash",
            "/etc/old.conf dash",
            "/lib/x86_64-linux-gnu/libc.so.6 libc6",
            "/usr/bin/bash bash",
            "/usr/bin/dash dash",
            "/usr/bin/sh dash",
            "/usr/bin/sh.distrib bash",
            "/usr/share/doc/bash bash",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn packages_can_be_named_with_or_without_architecture() {
        let (_folder, image) = image();
        assert_eq!(owners(&image, &["libc6".into()]).unwrap(), owners(&image, &["libc6:amd64".into()]).unwrap());
        assert_eq!(owners(&image, &["none".into()]).unwrap().len(), 0);
    }

    proptest! {
        #[test]
        fn no_database_makes_it_panic(list in "(/|/bin/sh|[a-z/\\.\n]){0,20}", diversions in "(/bin/sh\n|\n|[a-z/]){0,9}") {
            let (folder, image) = image();
            let info = folder.path().join("var/lib/dpkg");
            fs::write(info.join("info/x.list"), list).unwrap();
            fs::write(info.join("diversions"), diversions).unwrap();
            let owned = owners(image, &[]).unwrap();
            prop_assert!(owned.keys().all(|path| path.starts_with('/')));
        }
    }

    #[test]
    fn an_image_without_lists_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let failure = owners(fs::File::open(folder.path()).unwrap(), &[]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotFound);
    }
}
