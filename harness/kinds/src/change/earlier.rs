//! The earlier versions of packages that a `deb` change replaces or removes, for the way back: which they are, and
//! whether a package file is really what is installed. A version says too little: a vendor builds it anew, and a
//! scenario may bring a file of the same version on purpose.

use std::collections::BTreeMap;

use patchbed_guest::message::{End, Package, Run};
use patchbed_sandbox::Sandbox;

use super::ChangeError;
use super::apt::{install, installed, program};
use super::download::{OUT, WITHIN};
use super::fetch::Plan;
use super::package::{PackageFile, full_name};
use super::tool::{evidence, run};

/// What the new packages mean for those that are installed; everything that is replaced or removed is lost at first.
pub(super) async fn plan(sandbox: &dyn Sandbox, new: Vec<PackageFile>) -> Result<Plan, ChangeError> {
    let mut there = installed(sandbox).await?;
    there.retain(|_, package| !matches!(package.state.as_str(), "config-files" | "not-installed"));
    let mut plan = Plan::default();
    for package in &new {
        // A package may change between `all` and the machine's architecture.
        let same = there.get(&(package.name.clone(), package.architecture.clone()));
        match same.or_else(|| there.values().find(|other| other.name == package.name)) {
            None => plan.added.push(package.name.clone()),
            Some(now) => plan.lost.push(named(now)),
        }
    }
    for name in would_be_removed(sandbox, &new, &there).await? {
        let (bare, architecture) = name.split_once(':').map_or((&*name, None), |(name, of)| (name, Some(of)));
        let is_it = |now: &&Package| now.name == bare && architecture.is_none_or(|of| now.architecture == of);
        if let Some(now) = there.values().find(is_it) {
            plan.removed.push(now.name.clone());
            plan.lost.push(named(now));
        }
    }
    let touched: Vec<&str> =
        new.iter().map(|package| &*package.name).chain(plan.removed.iter().map(|name| &**name)).collect();
    plan.held = held(sandbox).await?;
    plan.held.retain(|name| touched.contains(&name.split(':').next().unwrap_or(name)));
    plan.new = new;
    Ok(plan)
}

fn named(package: &Package) -> (String, String) {
    full_name(&package.name, &package.version, &package.architecture)
}

/// The packages that are to stay at their version.
async fn held(sandbox: &dyn Sandbox) -> Result<Vec<String>, ChangeError> {
    let argv = ["dpkg", "--get-selections"].map(str::to_owned).to_vec();
    let within = u64::try_from(WITHIN.as_millis()).unwrap_or(u64::MAX);
    let question = Run { program: program(argv, BTreeMap::new()), within, keep: SIMULATION, ..Run::default() };
    let selected = sandbox.run(question).await?.output.text;
    let is_held = |line: &str| {
        line.split_once('\t').filter(|(_, wanted)| wanted.trim() == "hold").map(|(name, _)| name.to_owned())
    };
    Ok(selected.lines().filter_map(is_held).collect())
}

/// What apt would take away for the new packages, by its own word. An installation that apt refuses to simulate is
/// refused again when it is applied, and said there.
async fn would_be_removed(
    sandbox: &dyn Sandbox,
    new: &[PackageFile],
    there: &BTreeMap<(String, String), Package>,
) -> Result<Vec<String>, ChangeError> {
    let files: Vec<String> = new.iter().map(|package| format!("{OUT}/new/{}", package.file_name())).collect();
    let again = new.iter().any(|package| there.values().any(|now| package.is_version_of(now)));
    let mut argv = install(sandbox, &files, again).await?;
    if new.is_empty() || argv.first().is_none_or(|tool| tool != "apt-get") {
        return Ok(Vec::new());
    }
    argv.insert(1, "--simulate".to_owned());
    let within = u64::try_from(WITHIN.as_millis()).unwrap_or(u64::MAX);
    let question = Run { program: program(argv, BTreeMap::new()), within, keep: SIMULATION, ..Run::default() };
    let simulated = sandbox.run(question).await?;
    Ok(if simulated.end == End::Exited(0) { removals(&simulated.output.text) } else { Vec::new() })
}

/// How much of a simulation, or a list, is kept: three lines for each of some thousand packages.
const SIMULATION: usize = 4 << 20;

/// The packages of lines such as `Remv bar [1.0]`.
fn removals(simulated: &str) -> Vec<String> {
    let removed = |line: &str| {
        let rest = line.strip_prefix("Remv ").or_else(|| line.strip_prefix("Purg "))?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    simulated.lines().filter_map(removed).collect()
}

/// Takes the package files out of `old/` that are not what is installed: whose files, configuration files or scripts
/// have another content than dpkg noted, or that hold files that dpkg does not know.
pub(super) async fn keep_what_is_installed(sandbox: &dyn Sandbox) -> Result<(), ChangeError> {
    let argv = ["/bin/sh", "-c", CHECK].map(str::to_owned).to_vec();
    let mut program = program(argv, BTreeMap::new());
    program.directory = Some(format!("{OUT}/old"));
    let ran = run(sandbox, program, WITHIN).await?;
    for name in ran.output.text.lines() {
        tracing::info!(name, "a package file of the version that is installed has another content");
    }
    match ran.end {
        End::Exited(0) => Ok(()),
        End::Exited(_) | End::Killed { .. } | End::TimedOut => {
            let lines = evidence(&ran).join("\n  ");
            Err(ChangeError::Unavailable(format!("check the earlier packages: {}:\n  {lines}", ran.end)))
        }
    }
}

/// Only what every Debian has. The names of those that are taken out go to the standard output.
const CHECK: &str = r#"
part() { dpkg-query --control-path "$package" "$1" 2>/dev/null; }
sums() { [ ! -s "$1" ] || (cd "$tree/data" && md5sum --check --status "$1"); }
same_script() {
    there=$(part "$1")
    if [ -e "$tree/control/$1" ]; then [ -n "$there" ] && cmp -s "$tree/control/$1" "$there"; else [ -z "$there" ]; fi
}
is_installed() {
    dpkg-deb --extract "$file" "$tree/data" && dpkg-deb --control "$file" "$tree/control" || return 1
    dpkg-query --show --showformat='${Conffiles}\n' "$package" |
        sed -n 's|^ /\(.*\) \([0-9a-f]\{32\}\)$|\2  \1|p' >"$tree/conffiles"
    sums "$(part md5sums)" && sums "$tree/conffiles" || return 1
    dpkg-query --listfiles "$package" >"$tree/list" || return 1
    (cd "$tree/data" && find . -type f) | cut -c 2- >"$tree/files"
    ! grep -qvxFf "$tree/list" "$tree/files" || return 1
    same_script preinst && same_script postinst && same_script prerm && same_script postrm
}
for file in *.deb; do
    [ -e "$file" ] || continue
    tree=$(mktemp -d) && mkdir "$tree/data" || exit 1
    package=$(dpkg-deb --field "$file" Package) && architecture=$(dpkg-deb --field "$file" Architecture) || exit 1
    [ "$architecture" = all ] || package=$package:$architecture
    is_installed 2>/dev/null || { echo "$package"; rm -f -- "$file"; }
    rm -rf -- "$tree"
done
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apt_would_remove_is_read_from_its_simulation() {
        let text =
            "The following packages will be REMOVED:\n  bar\nRemv bar [1.0]\nPurg baz:i386 [2]\nInst foo [1] (2)\n";
        assert_eq!(removals(text), ["bar", "baz:i386"]);
    }
}
