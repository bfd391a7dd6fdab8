//! dpkg's `status`: which packages there are, in which state, and what they miss.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::OFlags;

use super::control::{Paragraph, paragraphs};
use super::dependency::{Offer, Offers, Sharing, provided};
use crate::message::{FailureKind, Package};
use crate::observe::failure::{self, Result};
use crate::observe::{root, walk};

const STATUS: &str = "/var/lib/dpkg/status";

/// Where images without dpkg itself keep one file for each package.
const PIECES: &str = "/var/lib/dpkg/status.d";

/// Where dpkg writes what it does down before it is part of `status`: one paragraph in each file, the newest last. After a
/// dpkg that was killed only these say which package is left half-done.
const UPDATES: &str = "/var/lib/dpkg/updates";

/// The longest database that is read; Debian's own of 3,000 packages has 4 MiB.
const LIMIT: usize = 64 << 20;

/// Databases of other package managers, to say that they are not understood rather than that there is none.
const OTHERS: [&str; 4] = ["/var/lib/rpm", "/usr/lib/sysimage/rpm", "/lib/apk/db/installed", "/var/lib/pacman/local"];

/// Tells all packages that are, or once were, installed.
pub(crate) fn packages(image: impl AsFd) -> Result<Vec<Package>> {
    let files = database(image.as_fd())?;
    let updates = updates(image.as_fd())?;
    let mut all = Vec::new();
    for (file, content) in &files {
        all.extend(paragraphs(file, content)?);
    }
    for (file, content) in &updates {
        paragraphs(file, content)?.into_iter().for_each(|update| apply(&mut all, update));
    }
    let read: Vec<_> = all.iter().filter_map(Read::new).collect();
    if read.is_empty() {
        return Err(failure::of(FailureKind::System, format!("read `{STATUS}`: it names no package")));
    }
    Ok(judged(&read))
}

/// Fails as [`packages`] does when there is no database that is understood.
pub(crate) fn require(image: impl AsFd) -> Result<()> {
    let is_there = |path: &str| root::open(&image, path.as_bytes(), OFlags::PATH).is_ok();
    if is_there(STATUS) || is_there(PIECES) {
        return Ok(());
    }
    Err(match OTHERS.iter().find(|path| is_there(path)) {
        Some(path) => {
            failure::of(FailureKind::Unsupported, format!("read `{path}`: only dpkg's database is understood"))
        }
        None => failure::of(FailureKind::NotFound, format!("read `{STATUS}`: no such file or directory")),
    })
}

/// The files of the database with their names.
fn database(image: BorrowedFd<'_>) -> Result<Vec<(String, String)>> {
    require(image)?;
    let text = |content: Vec<u8>| String::from_utf8_lossy(&content).into_owned();
    let status = root::read(image, STATUS.as_bytes(), LIMIT);
    let Ok(folder) = root::open_folder(image, PIECES.as_bytes()) else {
        return Ok(vec![(STATUS.into(), text(status?))]);
    };
    let mut files = Vec::new();
    files.extend(status.ok().map(|content| (STATUS.into(), text(content))));
    for entry in walk::entries(folder.as_fd()).map_err(|errno| failure::system("look into", PIECES, errno))? {
        let path = format!("{PIECES}/{}", entry.name.to_string_lossy());
        if !path.ends_with(".md5sums") {
            files.push((path.clone(), text(root::read(image, path.as_bytes(), LIMIT)?)));
        }
    }
    Ok(files)
}

/// The files of updates with their names, in their order.
fn updates(image: BorrowedFd<'_>) -> Result<Vec<(String, String)>> {
    let Ok(folder) = root::open_folder(image, UPDATES.as_bytes()) else { return Ok(Vec::new()) };
    let entries = walk::entries(folder.as_fd()).map_err(|errno| failure::system("look into", UPDATES, errno))?;
    let mut names: Vec<_> = entries.iter().map(|entry| entry.name.to_string_lossy().into_owned()).collect();
    // Others are being written.
    names.retain(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    names.sort();
    let read = |name: &String| {
        let path = format!("{UPDATES}/{name}");
        let content = root::read(image, path.as_bytes(), LIMIT)?;
        Ok((path, String::from_utf8_lossy(&content).into_owned()))
    };
    names.iter().map(read).collect()
}

/// Puts a newer paragraph in the place of the one about the same package.
fn apply<'a>(all: &mut Vec<Paragraph<'a>>, update: Paragraph<'a>) {
    let key = |paragraph: &Paragraph<'a>| (paragraph.line("package"), paragraph.line("architecture"));
    match all.iter_mut().find(|paragraph| key(paragraph) == key(&update)) {
        Some(old) => *old = update,
        None => all.push(update),
    }
}

/// A package as its paragraph says.
struct Read<'a> {
    name: &'a str,
    version: &'a str,
    architecture: &'a str,
    state: State<'a>,
    sharing: Sharing,
    needs: [String; 2],
    provides: String,
}

/// dpkg's three words about a package: what is wanted, what is wrong, what is.
struct State<'a> {
    error: &'a str,
    status: &'a str,
}

impl<'a> Read<'a> {
    /// `None` for a package that is only known by name.
    fn new(paragraph: &Paragraph<'a>) -> Option<Self> {
        // Images without dpkg itself write no status.
        let mut words = paragraph.line("status").unwrap_or("install ok installed").split_whitespace().skip(1);
        let state = State { error: words.next().unwrap_or("ok"), status: words.next().unwrap_or("unknown") };
        if state.status == "not-installed" {
            return None;
        }
        Some(Self {
            name: paragraph.line("package")?,
            version: paragraph.line("version").unwrap_or(""),
            architecture: paragraph.line("architecture").unwrap_or(""),
            state,
            sharing: match paragraph.line("multi-arch") {
                Some("foreign") => Sharing::All,
                Some("allowed") => Sharing::OnRequest,
                _ => Sharing::Own,
            },
            needs: [paragraph.joined("pre-depends"), paragraph.joined("depends")],
            provides: paragraph.joined("provides"),
        })
    }

    fn is_configured(&self) -> bool {
        matches!(self.state.status, "installed" | "triggers-awaited" | "triggers-pending")
    }

    fn is_unpacked(&self) -> bool {
        self.is_configured() || matches!(self.state.status, "unpacked" | "half-configured")
    }

    fn state(&self) -> String {
        let remark = if self.state.error == "ok" { "" } else { " (reinstallation required)" };
        format!("{}{remark}", self.state.status)
    }
}

/// The packages with what they miss: dependencies count as met only by packages that are configured.
fn judged(read: &[Read<'_>]) -> Vec<Package> {
    let mut offers = Offers::default();
    for package in read.iter().filter(|package| package.is_configured()) {
        let offer = |version| Offer { version, architecture: package.architecture, sharing: package.sharing };
        offers.add(package.name, offer(Some(package.version)));
        for (name, version) in provided(&package.provides) {
            offers.add(name, offer(version));
        }
    }
    let mut packages: Vec<_> = read.iter().map(|package| judge(package, &offers)).collect();
    packages.sort();
    packages
}

fn judge(package: &Read<'_>, offers: &Offers<'_>) -> Package {
    let needs = package.needs.iter().filter(|_| package.is_unpacked());
    let mut unmet: Vec<_> = needs.flat_map(|field| offers.unmet(field, package.architecture)).collect();
    unmet.sort();
    unmet.dedup();
    Package {
        name: package.name.into(),
        version: package.version.into(),
        architecture: package.architecture.into(),
        state: package.state(),
        unmet,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    const DATABASE: &str = "Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.22.1-9\n\
        Depends: libssl3 (>= 3.0.0), libc6 (>= 2.34), iproute2, httpd-cgi\nProvides: httpd, httpd-cgi (= 1)\n\n\
        Package: libssl3\nStatus: install reinstreq half-configured\nArchitecture: amd64\nVersion: 3.0.11-1\nMulti-Arch: same\n\n\
        Package: libc6\nStatus: install ok triggers-pending\nArchitecture: amd64\nVersion: 2.36-9\n\n\
        Package: old\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\nDepends: nothing\n\n\
        Package: ghost\nStatus: unknown ok not-installed\n\n";

    fn image(files: &[(&str, &str)]) -> (tempfile::TempDir, fs::File) {
        let folder = tempfile::tempdir().unwrap();
        for (file, content) in files {
            let path = folder.path().join(file.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let root = fs::File::open(folder.path()).unwrap();
        (folder, root)
    }

    fn failure_of(files: &[(&str, &str)]) -> (FailureKind, String) {
        let failure = packages(image(files).1).unwrap_err();
        (failure.kind, failure.text)
    }

    #[test]
    fn packages_come_with_state_and_what_they_miss() {
        let told = packages(image(&[(STATUS, DATABASE)]).1).unwrap();
        let told: Vec<_> = told
            .iter()
            .map(|one| format!("{} {} {}: {}", one.name, one.version, one.state, one.unmet.join(", ")))
            .collect();
        let expected = [
            "libc6 2.36-9 triggers-pending: ",
            "libssl3 3.0.11-1 half-configured (reinstallation required): ",
            "nginx 1.22.1-9 installed: iproute2, libssl3 (>= 3.0.0)",
            "old 1 config-files: ",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_a_killed_dpkg_had_begun_counts() {
        let update =
            |state: &str| format!("Package: nginx\nStatus: install {state}\nArchitecture: amd64\nVersion: 2\n");
        let (first, second) = (update("reinstreq half-installed"), update("ok half-configured"));
        let files = [
            (STATUS, DATABASE),
            ("/var/lib/dpkg/updates/0001", second.as_str()),
            ("/var/lib/dpkg/updates/0000", first.as_str()),
            ("/var/lib/dpkg/updates/0002", "Package: old\nStatus: purge ok not-installed\nArchitecture: all\n"),
            ("/var/lib/dpkg/updates/tmp.i", "Package: half a paragr"),
        ];
        let told = packages(image(&files).1).unwrap();
        let told: Vec<_> = told.iter().map(|one| format!("{} {} {}", one.name, one.version, one.state)).collect();
        let expected = [
            "libc6 2.36-9 triggers-pending",
            "libssl3 3.0.11-1 half-configured (reinstallation required)",
            "nginx 2 half-configured",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn images_without_dpkg_keep_a_file_for_each_package() {
        let base = "Package: base-files\nVersion: 12\nArchitecture: amd64\n";
        let files = [("/var/lib/dpkg/status.d/base", base), ("/var/lib/dpkg/status.d/base.md5sums", "00 etc/x\n")];
        let told = packages(image(&files).1).unwrap();
        assert_eq!((told[0].name.as_str(), told[0].state.as_str()), ("base-files", "installed"));
    }

    #[test]
    fn a_database_that_is_missing_or_broken_is_a_failure() {
        assert_eq!(failure_of(&[]), (FailureKind::NotFound, format!("read `{STATUS}`: no such file or directory")));
        assert_eq!(failure_of(&[(STATUS, "")]), (FailureKind::System, format!("read `{STATUS}`: it names no package")));
        assert_eq!(failure_of(&[(STATUS, "\u{0}\u{1}")]).0, FailureKind::System);
        assert_eq!(failure_of(&[("/var/lib/dpkg/status/x", "")]).0, FailureKind::System);
        assert_eq!(failure_of(&[("/var/lib/rpm/rpmdb.sqlite", "")]).0, FailureKind::Unsupported);
    }

    proptest! {
        #[test]
        fn no_database_makes_it_panic(text in "(Package: a\n|Status: install ok installed\n|Depends: |Version: 1\n|[a-z|,()<=>: \n]|\\PC){0,30}") {
            let _ = packages(image(&[(STATUS, &text)]).1);
        }
    }
}
