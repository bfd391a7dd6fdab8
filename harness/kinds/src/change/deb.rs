//! `deb`: installs or updates Debian packages.

use std::collections::{BTreeMap, BTreeSet};

use patchbed_guest::message::Package;
use patchbed_model::text::one_line;
use patchbed_sandbox::Bind;

use super::apt::{
    TAKEN_ALONG, bring_policy_back, change, configure, halfway, hold, install, install_as_they_are, installed, purge,
};
use super::fetch::{Plan, Wanted, fetch};
use super::keep::keep_whole;
use super::package::{PackageFile, compare_versions, is_package_name, is_version};
use super::{Applied, Change, ChangeError, NewVersion, Prepared, Site, resolve};
use crate::document::OneOrMany;
use crate::image::Workshop;
use crate::image::parcel::bind;
use crate::image::store::{StoreError, detail};

crate::document! {
    /// Debian packages, by name or as files.
    pub struct Deb, "packages, or a mapping with `packages` or `files`" {
        /// Package names, `name=version` allowed, from the image's own sources or from the folder `from`.
        packages: Option<OneOrMany<String>>, optional;
        /// A folder of .deb files that stands in for the image's sources.
        from: Option<String>, optional;
        /// .deb files to install as they are.
        files: Option<OneOrMany<String>>, optional;
    }
    short packages;
    at_least_one [packages, files];
    check {
        packages => package,
        from => filled,
        files => filled,
    }
}

impl Deb {
    /// What is wanted, with names checked: they go on a command line.
    fn wanted(&self, workshop: &Workshop<'_>) -> Result<Wanted, ChangeError> {
        let unfit = |text: &str| Err(ChangeError::Unfit(text.to_owned()));
        match (&self.packages, &self.files, &self.from) {
            (Some(_), Some(_), _) => unfit("`deb` takes `packages` or `files`, not both"),
            (None, None, _) => unfit("`deb` needs `packages` or `files`"),
            (None, Some(_), Some(_)) => unfit("`from` goes with `packages`; `files` names whole paths"),
            (None, Some(files), None) => {
                Ok(Wanted::Files(files.0.iter().map(|file| resolve(workshop.base, file)).collect()))
            }
            (Some(packages), None, from) => {
                if packages.0.is_empty() {
                    return unfit("`packages` is empty");
                }
                for package in &packages.0 {
                    check_name(package)?;
                }
                let names = packages.0.clone();
                Ok(match from {
                    Some(from) => Wanted::Folder(names, resolve(workshop.base, from)),
                    None => Wanted::Sources(names),
                })
            }
        }
    }
}

impl Change for Deb {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        let files = self.files.iter().flat_map(|files| files.0.iter()).map(|file| ("files", file.as_str()));
        self.from.iter().map(|from| ("from", from.as_str())).chain(files).collect()
    }

    async fn prepare(&self, workshop: &Workshop<'_>) -> Result<Prepared, ChangeError> {
        let entry = fetch(workshop, &self.wanted(workshop)?).await?;
        Ok(Prepared { digest: entry.digest.clone(), binds: vec![bind(&entry)] })
    }

    async fn apply(&self, site: &Site<'_>) -> Result<Applied, ChangeError> {
        let (plan, folders) = prepared(site)?;
        if plan.new.is_empty() {
            let notes = vec!["changes nothing here: every package is at its newest version already".to_owned()];
            return Ok(Applied { notes, ..Applied::default() });
        }
        let before = installed(site.sandbox).await?;
        let again =
            plan.new.iter().any(|package| before.get(&key(package)).is_some_and(|now| now.version == package.version));
        let packages: Vec<String> = plan.new.iter().map(|package| package.name.clone()).collect();
        let names: Vec<String> = packages.iter().chain(&plan.removed).cloned().collect();
        let owned = site.sandbox.owners(names.clone()).await?;
        keep_whole(site, kept(&plan)).await?;
        let files = files(&folders, "new", |plan| plan.new.clone());
        let argv = install(site.sandbox, &files, again).await?;
        let ran = change(site, argv, site.within).await?;
        let after = installed(site.sandbox).await?;
        let mut notes = differences(&before, &after);
        notes.extend(repeated(&plan, &before));
        notes.extend(kept_conffiles(&format!("{}\n{}", ran.output.text, ran.errors.text)));
        let owned_now = site.sandbox.owners(names).await?;
        let dropped = owned.into_keys().filter(|path| !owned_now.contains_key(path)).collect();
        let versions = versions(&before, &after);
        Ok(Applied { notes, versions, packages, dropped, ..Applied::default() })
    }

    /// `dpkg --configure -a`, as dpkg itself says; then the update is run again. Where packages are left that dpkg could not
    /// finish, it is given their files as they are, because apt wants to fetch these.
    async fn repair(&self, site: &Site<'_>) -> Result<Applied, ChangeError> {
        let (plan, folders) = prepared(site)?;
        bring_policy_back(site).await?;
        let finished = change(site, configure(), site.within).await;
        let now = installed(site.sandbox).await?;
        let files = |packages: &dyn Fn(&PackageFile) -> bool| {
            files(&folders, "new", |plan| plan.new.iter().filter(|one| packages(one)).cloned().collect())
        };
        let is_there = |one: &PackageFile| now.get(&key(one)).is_some_and(|it| it.version == one.version);
        if halfway(now.values()).is_empty() {
            finished?;
            let left = files(&|one| !is_there(one));
            if !left.is_empty() {
                let argv = install(site.sandbox, &left, false).await?;
                change(site, argv, site.within).await?;
            }
        } else {
            change(site, install_as_they_are(&files(&|_| true)), site.within).await?;
        }
        let packages = plan.new.iter().map(|package| package.name.clone()).collect();
        Ok(Applied { packages, ..Applied::default() })
    }

    async fn revert(&self, site: &Site<'_>) -> Result<(), ChangeError> {
        let (plan, folders) = prepared(site)?;
        if plan.new.is_empty() {
            return Ok(());
        }
        if !plan.lost.is_empty() {
            let lost: Vec<String> = plan.lost.iter().map(|(name, version)| format!("{name} {version}")).collect();
            let text = format!("the earlier version cannot be had: {}", lost.join(", "));
            return Err(ChangeError::Refused { text, evidence: Vec::new() });
        }
        if !plan.old.is_empty() {
            let files = files(&folders, "old", |plan| plan.old.clone());
            let again = plan
                .old
                .iter()
                .any(|old| plan.new.iter().any(|new| key(new) == key(old) && new.version == old.version));
            let argv = install(site.sandbox, &files, again).await?;
            change(site, argv, site.within).await?;
        }
        if !plan.added.is_empty() {
            change(site, purge(&plan.added), site.within).await?;
        }
        if !plan.held.is_empty() {
            change(site, hold(&plan.held), site.within).await?;
        }
        site.sandbox.restore(site.name).await?;
        Ok(())
    }
}

/// About how many lines dpkg writes into its log while it does this change: by them one knows how far it is.
///
/// # Errors
/// When the packages cannot be read.
pub fn steps(prepared: &Prepared) -> Result<usize, ChangeError> {
    let count = |bind: &Bind| Ok(detail::<Plan>(&bind.from)?.new.len());
    let packages = prepared.binds.iter().map(count).sum::<Result<usize, StoreError>>()?;
    Ok(if packages == 0 { 0 } else { packages * LINES + BEGINNINGS })
}

/// How many lines of its log dpkg writes for a package that it brings in another version.
const LINES: usize = 9;

/// How many it writes where it begins to unpack and to configure.
const BEGINNINGS: usize = 2;

/// What was fetched, in all, and each part with the place where it is shown: changes that are done in one transaction
/// bring several.
fn prepared(site: &Site<'_>) -> Result<(Plan, Vec<(Plan, String)>), ChangeError> {
    if site.prepared.binds.is_empty() {
        return Err(ChangeError::Unavailable("the packages were not prepared".to_owned()));
    }
    let part = |bind: &Bind| Ok((detail(&bind.from)?, bind.to.clone()));
    let parts: Result<Vec<(Plan, String)>, StoreError> = site.prepared.binds.iter().map(part).collect();
    let parts = parts.map_err(|error| ChangeError::Unavailable(error.text()))?;
    let mut whole = Plan::default();
    for (plan, _) in &parts {
        whole.add(plan);
    }
    Ok((whole, parts))
}

/// The paths of packages, as they are shown.
fn files(parts: &[(Plan, String)], kind: &str, packages: impl Fn(&Plan) -> Vec<PackageFile>) -> Vec<String> {
    let of = |(plan, folder): &(Plan, String)| {
        packages(plan).iter().map(|package| format!("{folder}/{kind}/{}", package.file_name())).collect::<Vec<_>>()
    };
    let mut files: Vec<String> = parts.iter().flat_map(of).collect();
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.rsplit('/').next().map(str::to_owned)));
    files
}

/// `name`, `name:architecture`, `name=version` or `name/suite`.
fn check_name(text: &str) -> Result<(), ChangeError> {
    let (text_name, version) = text.split_once('=').map_or((text, None), |(name, version)| (name, Some(version)));
    let (text_name, suite) = text_name.split_once('/').map_or((text_name, None), |(name, suite)| (name, Some(suite)));
    let (name, architecture) = text_name.split_once(':').map_or((text_name, None), |(name, arch)| (name, Some(arch)));
    let fits = is_package_name(name)
        && !name.ends_with(['+', '-'])
        && architecture.is_none_or(is_package_name)
        && suite.is_none_or(is_package_name)
        && version.is_none_or(is_version);
    if fits {
        return Ok(());
    }
    Err(ChangeError::Unfit(format!("`{}` is no package name", one_line(text))))
}

type Installed = BTreeMap<(String, String), Package>;

fn key(package: &PackageFile) -> (String, String) {
    (package.name.clone(), package.architecture.clone())
}

/// What no version of a package brings back: the configuration files of all packages involved, the names under which
/// dpkg leaves other versions of them, and what apt notes.
fn kept(plan: &Plan) -> Vec<String> {
    let own = plan.new.iter().chain(&plan.old).flat_map(|package| package.conffiles.iter());
    let mut paths: Vec<String> = own
        .flat_map(|path| ["", ".dpkg-dist", ".dpkg-new", ".dpkg-old", ".dpkg-bak"].map(|end| format!("{path}{end}")))
        .collect();
    paths.push(TAKEN_ALONG.to_owned());
    paths.sort();
    paths.dedup();
    paths
}

/// The packages that are there in another version.
fn versions(before: &Installed, after: &Installed) -> Vec<NewVersion> {
    let changed = after.iter().filter_map(|(key, now)| Some((before.get(key)?, now)));
    let changed = changed.filter(|(old, now)| old.version != now.version);
    changed
        .map(|(old, now)| NewVersion { package: now.name.clone(), was: old.version.clone(), now: now.version.clone() })
        .collect()
}

/// What became of the packages, one line each.
fn differences(before: &Installed, after: &Installed) -> Vec<String> {
    let is_there = |package: &&Package| !matches!(package.state.as_str(), "config-files" | "not-installed");
    let mut notes = Vec::new();
    for (key, now) in after.iter().filter(|(_, now)| is_there(now)) {
        match before.get(key).filter(is_there) {
            None => notes.push(format!("{} {} (new)", now.name, now.version)),
            Some(old) if old.version == now.version => {}
            Some(old) => {
                let down = if compare_versions(&now.version, &old.version).is_lt() { " (downgrade)" } else { "" };
                notes.push(format!("{} {} → {}{down}", now.name, old.version, now.version));
            }
        }
    }
    for (key, old) in before.iter().filter(|(_, old)| is_there(old)) {
        if !after.get(key).is_some_and(|now| is_there(&now)) {
            notes.push(format!("{} {} (removed)", old.name, old.version));
        }
    }
    notes
}

/// Packages that were installed again in the same version: their content may differ all the same.
fn repeated(plan: &Plan, before: &Installed) -> Vec<String> {
    plan.new
        .iter()
        .filter(|package| before.get(&key(package)).is_some_and(|now| now.version == package.version))
        .map(|package| format!("{} {} (the same version again)", package.name, package.version))
        .collect()
}

/// Configuration files that dpkg left as they were, although the package brings other ones.
fn kept_conffiles(output: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let mut path = "";
    for line in output.lines() {
        if let Some(rest) = line.strip_prefix("Configuration file '") {
            path = rest.trim_end_matches('\'');
        } else if line.contains("Keeping old config file") && !path.is_empty() {
            notes.push(format!("{} kept as it was: the package brings another one", one_line(path)));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_options_or_shell_are_refused() {
        for good in ["nginx", "libssl3:amd64", "nginx=1.22.1-9+deb12u11", "nginx/bookworm-security", "g++-12"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["-rf", "--purge", "a;b", "$(id)", "../x", "", "nginx=", "nginx-", "a=1;2"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_kept_configuration_file_is_named() {
        let output = "Configuration file '/etc/a.conf'\n ==> Modified (by you or by a script) since installation.\n ==> Keeping old config file as default.\n";
        assert_eq!(kept_conffiles(output), ["/etc/a.conf kept as it was: the package brings another one"]);
    }
}
