//! What the image's own sources have that the image has not: updates that wait, and packages that come from elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use patchbed_guest::message::{End, Program, Run};
use patchbed_sandbox::{Network, Sandbox};

use super::ChangeError;
use super::download::{Tools, WITHIN};
use super::fetch::Fetching;
use super::gather::unavailable;
use super::tool::evidence;
use crate::image::Workshop;

/// How long an answer may be: a distribution has thousands of packages, each with some lines.
const KEEP: usize = 16 << 20;

/// An update of a package that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The package.
    pub package: String,
    /// The source package that it is built from: packages of one source belong together.
    pub source: String,
    /// The version that is installed.
    pub from: String,
    /// The version that the sources have.
    pub to: String,
    /// Whether it comes from an archive of security updates.
    pub security: bool,
}

/// What the image's own sources say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Updates that wait.
    pub updates: Vec<Update>,
    /// Installed packages that no archive of the image's distribution has.
    pub foreign: Vec<Foreign>,
}

/// An installed package that comes from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    /// The package.
    pub package: String,
    /// The version that is installed.
    pub version: String,
    /// Who maintains it, without an address.
    pub vendor: String,
}

/// Asks the image's own sources, in a sandbox that may reach them.
///
/// # Errors
/// [`ChangeError`] when they cannot be reached or the image has no apt.
pub async fn pending(workshop: &Workshop<'_>) -> Result<Pending, ChangeError> {
    let Some(image) = workshop.image else {
        return Err(ChangeError::Unfit("updates can only be looked for on an image".to_owned()));
    };
    if workshop.offline {
        return Err(ChangeError::Unavailable("nothing may be fetched".to_owned()));
    }
    let fetching = Fetching { workshop, image, draft: workshop.store.draft()? };
    let folder = fetching.draft.root().join("old");
    fs::create_dir_all(&folder).map_err(|error| unavailable("make", &folder, &error))?;
    let sandbox = fetching.open(Network::Host).await?;
    let asked = ask(&*sandbox).await;
    let closed = sandbox.close().await;
    let pending = asked?;
    closed.map_err(|error| ChangeError::Unavailable(error.to_string()))?;
    Ok(pending)
}

async fn ask(sandbox: &dyn Sandbox) -> Result<Pending, ChangeError> {
    let tools = Tools { sandbox, options: &[] };
    tools.update().await?;
    let installed = installed(sandbox).await?;
    let simulated = print(sandbox, "apt-get", &["--quiet", "--simulate", "--with-new-pkgs", "upgrade"]).await?;
    let updates = simulated.lines().filter_map(|line| update(line, &installed)).collect();
    let home = print(sandbox, "cat", &["/etc/os-release"]).await?;
    let archives = print(sandbox, "apt-cache", &["policy"]).await?;
    let names: Vec<&str> = installed.keys().map(String::as_str).collect();
    let policies = print(sandbox, "apt-cache", &[&["policy"], names.as_slice()].concat()).await?;
    let known = of_distribution(&policies, &own_archives(&archives, &home));
    let foreign = installed.iter().filter(|(name, _)| !known.contains(name.as_str()));
    let foreign = foreign.map(|(name, one)| Foreign {
        package: name.clone(),
        version: one.version.clone(),
        vendor: one.vendor.clone(),
    });
    let foreign = foreign.collect();
    Ok(Pending { updates, foreign })
}

/// What dpkg knows of an installed package.
struct Installed {
    version: String,
    source: String,
    vendor: String,
}

async fn installed(sandbox: &dyn Sandbox) -> Result<BTreeMap<String, Installed>, ChangeError> {
    let format = "--showformat=${db:Status-Status} ${Package} ${Version} ${source:Package} ${Maintainer}\n";
    let text = print(sandbox, "dpkg-query", &["--show", format]).await?;
    let read = |line: &str| {
        let [status, name, version, source, maintainer] = line.splitn(5, ' ').collect::<Vec<_>>().try_into().ok()?;
        let vendor = maintainer.split('<').next().unwrap_or(maintainer).trim();
        let one = Installed { version: version.to_owned(), source: source.to_owned(), vendor: vendor.to_owned() };
        (status == "installed").then(|| (name.to_owned(), one))
    };
    Ok(text.lines().filter_map(read).collect())
}

async fn print(sandbox: &dyn Sandbox, tool: &str, words: &[&str]) -> Result<String, ChangeError> {
    let argv = std::iter::once(tool).chain(words.iter().copied()).map(str::to_owned).collect();
    let environment =
        [("LC_ALL".to_owned(), "C".to_owned()), ("APT_CONFIG".to_owned(), "/run/patchbed/apt.conf".to_owned())];
    let program = Program { argv, environment: environment.into(), ..Program::default() };
    let within = u64::try_from(WITHIN.as_millis()).unwrap_or(u64::MAX);
    let ran = sandbox.run(Run { program, within, keep: KEEP, ..Run::default() }).await?;
    match ran.end {
        End::Exited(0) => Ok(ran.output.text),
        End::Exited(_) | End::Killed { .. } | End::TimedOut => {
            Err(ChangeError::Refused { text: format!("`{tool}` {}", ran.end), evidence: evidence(&ran) })
        }
    }
}

/// Reads `Inst name [old] (new Label:12/stable-security [amd64])`; a package that is new is no update.
fn update(line: &str, installed: &BTreeMap<String, Installed>) -> Option<Update> {
    let (package, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
    let (from, rest) = rest.strip_prefix('[')?.split_once("] (")?;
    let (to, archive) = rest.split_once(' ')?;
    let source = installed.get(package).map_or(package, |one| one.source.as_str());
    Some(Update {
        package: package.to_owned(),
        source: source.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        security: archive.split([',', ')']).any(|word| word.to_lowercase().contains("security")),
    })
}

/// The archives of the image's own distribution, as lines of `apt-cache policy` name them.
fn own_archives(policy: &str, release: &str) -> BTreeSet<String> {
    let value = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_lowercase()
    };
    let names: Vec<String> = [value("ID"), value("ID_LIKE")]
        .iter()
        .flat_map(|names| names.split(' ').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mut archive = "";
    let mut own = BTreeSet::new();
    for line in policy.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("release ") {
            let origin = words.split(',').find_map(|word| word.strip_prefix("o="));
            if origin.is_some_and(|origin| names.iter().any(|name| *name == origin.to_lowercase())) {
                own.insert(archive.to_owned());
            }
        } else if let Some((_, place)) = line.split_once(' ').filter(|(rank, _)| rank.parse::<i32>().is_ok()) {
            archive = place.trim();
        }
    }
    own
}

/// The packages of which these archives have any version.
fn of_distribution<'a>(policies: &'a str, archives: &BTreeSet<String>) -> BTreeSet<&'a str> {
    let mut package = "";
    let mut known = BTreeSet::new();
    for line in policies.lines() {
        if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with(' ')) {
            package = name;
        } else if let Some((_, place)) = line.trim().split_once(' ')
            && archives.contains(place.trim())
        {
            known.insert(package);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::{Installed, Update, of_distribution, own_archives, update};

    #[test]
    fn an_update_is_read_with_its_source_and_whether_it_is_one_of_security() {
        let libssl = Installed { version: "3.0.15-1".to_owned(), source: "openssl".to_owned(), vendor: String::new() };
        let installed = [("libssl3".to_owned(), libssl)].into();
        let line = "Inst libssl3 [3.0.15-1] (3.0.17-1~deb12u2 Debian-Security:12/stable-security [amd64]) []";
        let read = update(line, &installed).unwrap();
        let Update { package, source, from, to, security } = read;
        assert_eq!((package.as_str(), source.as_str(), security), ("libssl3", "openssl", true));
        assert_eq!((from.as_str(), to.as_str()), ("3.0.15-1", "3.0.17-1~deb12u2"));
        let line = "Inst bash [5.2.15-2] (5.2.15-2+b7 Debian:12.9/stable [amd64])";
        assert!(!update(line, &installed).unwrap().security);
        for line in ["Inst fresh (1.0 Debian:12.9/stable [amd64])", "Conf libssl3 (3.0.17 x)", "Inst "] {
            assert_eq!(update(line, &installed), None, "{line}");
        }
    }

    #[test]
    fn a_package_of_another_archive_than_the_distributions_is_told_from_its_own() {
        let policy = " 100 /var/lib/dpkg/status\n     release a=now\n 500 copy:/a bookworm/main amd64 Packages\n     \
                      release v=12.9,o=Debian,a=stable\n     origin x\n 500 copy:/b any/main amd64 Packages\n     \
                      release o=Elsewhere,a=any\n";
        let own = own_archives(policy, "NAME=x\nID=debian\n");
        assert_eq!(own.iter().map(String::as_str).collect::<Vec<_>>(), ["copy:/a bookworm/main amd64 Packages"]);
        let policies = "bash:\n  Installed: 5\n     5 500\n        500 copy:/a bookworm/main amd64 Packages\n        \
                        100 /var/lib/dpkg/status\nagent:\n  Installed: 1\n *** 1 500\n        \
                        500 copy:/b any/main amd64 Packages\nlocal:\n *** 2 100\n        100 /var/lib/dpkg/status\n";
        assert_eq!(of_distribution(policies, &own).into_iter().collect::<Vec<_>>(), ["bash"]);
    }
}
