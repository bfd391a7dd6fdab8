//! Every kind of change, taken back: the root is as before, by a listing that is made inside by Perl and knows nothing
//! of the guest. What a tool must touch by its own work is excused by name.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use patchbed_kinds::change::AnyChange;
use patchbed_kinds::image::{Image, extend};
use patchbed_sandbox::message::{End, Program, Run};
use serde_json::json;

use crate::bench::{Applying, Bench, change, same, trial};
use crate::npms::{pack, project, with_npm};
use crate::package::Package;
use crate::pips::{in_venv, with_venv};
use crate::wheel::Wheel;

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial!(reverts::of_a_removal),
        trial!(reverts::of_files),
        trial!(reverts::of_a_tree_laid_over),
        trial!(reverts::of_a_diff),
        trial!(reverts::of_a_command),
        trial!(reverts::of_packages),
        trial!(reverts::of_a_package_that_is_held_or_was_taken_along),
        trial!(reverts::of_distributions),
        trial!(reverts::of_distributions_of_the_system),
        trial!(reverts::of_tarballs_of_a_project),
        trial!(reverts::of_an_installation_by_npm),
    ]
}

/// Lists folders, all but what is mounted in them.
const LISTING: &str = include_str!("listing.pl");

/// A tree in which every file has something that is easily lost.
const EASILY_LOST: &str = r#"
    set -e
    mkdir -p /srv/strict/folder/deep && cd /srv/strict
    printf 'one\ntwo\n' >text && cp text folder/text && cp text folder/deep/gone && cp text moved
    cp /bin/true capable && cp /bin/true set-id && chown 33:44 set-id . && chmod 6711 set-id
    echo twins >text2 && ln text2 twin && ln text2 folder/triplet
    ln -s /nowhere dangling && ln -s text link && chown -h 12:13 link
    mkfifo fifo && chmod 0620 fifo && chmod 1770 folder && chown 7:8 text
    perl -e '
        my ($set) = {x86_64 => 189, aarch64 => 6}->{(require POSIX, POSIX::uname())[5]} or die "unknown machine";
        sub attribute {
            my ($path, $name, $value) = @_;
            syscall($set, $path, $name, $value, length $value, 0) == 0 or die "$path, $name: $!";
        }
        attribute($_, "user.origin", "by hand: $_")
            for "text", "folder", "folder/text", "folder/deep/gone", "moved", "twin";
        attribute("capable", "security.capability", pack "V5", 0x02000001, 1 << 10, 0, 0, 0);
    '
    touch -hd 2001-02-03T04:05:06 link dangling
    touch -d 2002-03-04 text folder/text twin capable set-id moved
    touch -d 2003-04-05 folder/deep folder .
"#;

/// Who brings files back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    /// What was kept: everything is as it was.
    Kept,
    /// Apt and dpkg, which write for themselves, and move the time of each folder in which they work.
    Apt,
}

/// What apt and dpkg write for themselves, whatever they do: their logs, the copy that dpkg makes before it writes its
/// database, lock files, and the caches that apt makes anew.
const OF_APT: [&str; 6] = [
    "/var/log/dpkg.log",
    "/var/log/apt/",
    "/var/lib/dpkg/status-old",
    "/var/lib/dpkg/lock",
    "/var/lib/dpkg/triggers/Lock",
    "/var/cache/apt/",
];

/// The database, which dpkg writes anew: its content counts, and its times do not.
const DATABASE: &str = "/var/lib/dpkg/";

impl Tool {
    /// What of a listed file counts.
    fn counts(self, line: &str) -> Option<String> {
        let mut fields: Vec<&str> = line.split('\t').collect();
        let (path, is_folder) = (fields[0], fields[1].starts_with("04"));
        match self {
            Self::Kept => {}
            Self::Apt if OF_APT.iter().any(|own| path.starts_with(own)) => return None,
            Self::Apt => fields.retain(|field| !(is_folder || path.starts_with(DATABASE)) || !field.starts_with("at ")),
        }
        Some(fields.join("\t"))
    }
}

/// The files in these folders, a line for each.
async fn listing(applying: &Applying<'_>, tops: &[&str], tool: Tool) -> Result<BTreeSet<String>> {
    let argv = ["perl", "-e", LISTING].iter().chain(tops).map(|word| (*word).to_owned()).collect();
    let program = Program { argv, ..Program::default() };
    let ran = applying.sandbox.run(Run { program, within: 120_000, keep: 64 << 20, ..Run::default() }).await?;
    ensure!(ran.end == End::Exited(0) && ran.errors.text.is_empty(), "{:?}: {}", ran.end, ran.errors.text);
    Ok(ran.output.text.lines().filter_map(|line| tool.counts(line)).collect())
}

/// Applies a change and takes it back; everything in these folders that counts must be as before.
async fn there_and_back(applying: &Applying<'_>, tops: &[&str], tool: Tool) -> Result<()> {
    let before = listing(applying, tops, tool).await?;
    applying.apply().await?;
    ensure!(listing(applying, tops, tool).await? != before, "nothing was changed");
    applying.revert().await?;
    let after = listing(applying, tops, tool).await?;
    let lost: Vec<_> = before.difference(&after).collect();
    let left: Vec<_> = after.difference(&before).collect();
    ensure!(lost.is_empty() && left.is_empty(), "before: {lost:#?}\nafter: {left:#?}");
    Ok(())
}

/// Applies a change and takes it back; all of the root must be as before.
async fn leaves_nothing(bench: &Bench, image: &Image, change: &AnyChange) -> Result<()> {
    let applying = Applying::open(bench, image, change).await?;
    there_and_back(&applying, &["/"], Tool::Kept).await?;
    applying.close().await
}

/// The test image with the tree.
async fn strict(bench: &Bench) -> Result<Image> {
    bench.kept_with(bench.debian().await?, &[change("command", json!(EASILY_LOST))?]).await
}

pub(crate) async fn of_a_removal(bench: &Bench) -> Result<()> {
    let image = strict(bench).await?;
    leaves_nothing(bench, &image, &change("remove", json!(["/srv/strict", "/etc/passwd", "/etc/apt"]))?).await?;
    let some = ["/srv/strict/text", "/srv/strict/capable", "/srv/strict/folder", "/srv/strict/link"];
    // The third name of the twins lies in the folder, so that all of them go.
    let some = [&some[..], &["/srv/strict/twin", "/srv/strict/text2"]].concat();
    leaves_nothing(bench, &image, &change("remove", json!(some))?).await
}

pub(crate) async fn of_files(bench: &Bench) -> Result<()> {
    let write = json!({ "write": {
        "/srv/strict/text": "over\n", "/srv/strict/folder/text": { "text": "x", "mode": "0600", "owner": "www-data" },
        "/srv/strict/capable": "over\n", "/srv/strict/set-id": "over\n", "/srv/strict/new/deep/file": "new\n",
        "/etc/issue": "over\n",
    } });
    leaves_nothing(bench, &strict(bench).await?, &change("files", write)?).await
}

pub(crate) async fn of_a_tree_laid_over(bench: &Bench) -> Result<()> {
    for path in ["text", "link", "dangling", "fifo", "folder/text", "folder/new/deep"] {
        bench.write(&format!("tree/{path}"), "from the tree\n")?;
    }
    let over = json!({ "from": "tree", "to": "/srv/strict", "mode": "0640", "owner": "daemon:www-data" });
    leaves_nothing(bench, &strict(bench).await?, &change("files", over)?).await
}

pub(crate) async fn of_a_diff(bench: &Bench) -> Result<()> {
    let edit = |path: &str| format!("--- a/{path}\n+++ b/{path}\n@@ -1,2 +1,2 @@\n-one\n+1\n two\n");
    let text = [
        edit("text"),
        edit("folder/text"),
        "--- a/folder/deep/gone\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n".to_owned(),
        "--- /dev/null\n+++ b/folder/made/new\n@@ -0,0 +1 @@\n+new\n".to_owned(),
        "diff --git a/moved b/folder/moved\nrename from moved\nrename to folder/moved\n".to_owned(),
    ]
    .concat();
    leaves_nothing(bench, &strict(bench).await?, &change("diff", json!({ "text": text, "directory": "/srv/strict" }))?)
        .await
}

pub(crate) async fn of_a_command(bench: &Bench) -> Result<()> {
    let words = json!({ "run": "mv /srv/strict /srv/aside && mkdir /srv/strict && touch -r / /tmp/mark",
                        "revert": "rm -r /srv/strict /tmp/mark; mv /srv/aside /srv/strict; touch -d @0 /srv /tmp" });
    let image = strict(bench).await?;
    let dated = change("command", json!("touch -d @0 /srv /tmp"))?;
    leaves_nothing(bench, &extend(&bench.workshop(None), image, &[dated]).await?, &change("command", words)?).await
}

const GOOD: Package<'_> = Package {
    name: "ppgood",
    version: "1",
    fields: "",
    files: &[("/usr/share/ppgood/v", "1\n"), ("/etc/ppgood.conf", "1\n")],
    conffiles: &["/etc/ppgood.conf"],
    postinst: "",
};

/// What the package tools say of what is installed, wanted, held, and taken along for others.
const STATE: &str =
    "dpkg-query --show --showformat '${db:Status-Abbrev} ${Package} ${Architecture} ${Version} ${Conffiles}\\n'
    dpkg --get-selections '*'; apt-mark showauto; apt-mark showhold; dpkg --audit; cat /var/lib/dpkg/status";

/// Applies packages and takes them back; files, and what the package tools say, must be as before.
async fn packages_leave_nothing(bench: &Bench, image: &Image, change: &AnyChange) -> Result<()> {
    let applying = Applying::open(bench, image, change).await?;
    let before = applying.printed(STATE).await?;
    there_and_back(&applying, &["/"], Tool::Apt).await?;
    same(&applying.printed(STATE).await?, &before)?;
    applying.close().await
}

pub(crate) async fn of_packages(bench: &Bench) -> Result<()> {
    GOOD.write(bench, "good_1.deb")?;
    Package {
        version: "2",
        files: &[("/usr/share/ppgood/v", "2\n"), ("/etc/ppgood.conf", "2\n"), ("/usr/share/ppgood/new", "2\n")],
        ..GOOD
    }
    .write(bench, "good_2.deb")?;
    Package {
        name: "ppextra",
        files: &[("/usr/share/ppextra/v", "1\n"), ("/etc/ppextra.conf", "1\n")],
        conffiles: &["/etc/ppextra.conf"],
        ..GOOD
    }
    .write(bench, "extra_1.deb")?;
    let install = change("deb", json!({ "files": "good_1.deb" }))?;
    let image = extend(&bench.workshop(None), bench.debian().await?, &[install]).await?;
    let update = change("deb", json!({ "files": ["good_2.deb", "extra_1.deb"] }))?;
    packages_leave_nothing(bench, &image, &update).await?;
    let edit = change(
        "command",
        json!("echo mine >/etc/ppgood.conf; chown 1:1 /etc/ppgood.conf; chmod 0600 /etc/ppgood.conf"),
    )?;
    let image = extend(&bench.workshop(None), image, &[edit]).await?;
    packages_leave_nothing(bench, &image, &update).await
}

pub(crate) async fn of_a_package_that_is_held_or_was_taken_along(bench: &Bench) -> Result<()> {
    GOOD.write(bench, "good_1.deb")?;
    Package { name: "ppother", files: &[("/usr/share/ppother/v", "1\n")], conffiles: &[], ..GOOD }
        .write(bench, "other_1.deb")?;
    Package { version: "2", ..GOOD }.write(bench, "good_2.deb")?;
    Package { name: "ppother", version: "2", files: &[("/usr/share/ppother/v", "2\n")], conffiles: &[], ..GOOD }
        .write(bench, "other_2.deb")?;
    let install = change("deb", json!({ "files": ["good_1.deb", "other_1.deb"] }))?;
    let mark = change("command", json!("apt-mark hold ppgood && apt-mark auto ppother"))?;
    let image = extend(&bench.workshop(None), bench.debian().await?, &[install, mark]).await?;
    let update = change("deb", json!({ "files": ["good_2.deb", "other_2.deb"] }))?;
    packages_leave_nothing(bench, &image, &update).await
}

const WHEEL: Wheel<'_> = Wheel { name: "ppgood", version: "2.0", text: "def main():\n    print('2.0')\n", needs: &[] };

pub(crate) async fn of_distributions(bench: &Bench) -> Result<()> {
    let image = with_venv(bench).await?;
    Wheel { needs: &["ppextra==3.0"], ..WHEEL }.write(bench, "wheels")?;
    Wheel { name: "ppextra", version: "3.0", ..WHEEL }.write(bench, "wheels")?;
    leaves_nothing(bench, &image, &in_venv(json!({ "packages": "ppgood==2.0", "from": "wheels" }))?).await
}

pub(crate) async fn of_distributions_of_the_system(bench: &Bench) -> Result<()> {
    let image = bench.debian_with_languages().await?;
    WHEEL.write(bench, "wheels")?;
    leaves_nothing(bench, &image, &change("pip", json!({ "packages": "ppgood", "from": "wheels" }))?).await
}

pub(crate) async fn of_tarballs_of_a_project(bench: &Bench) -> Result<()> {
    let image = bench.debian_with_languages().await?;
    let image = bench.kept_with(image, &[change("files", project())?]).await?;
    pack(bench, "ppgood", "2.0.0", &json!({}))?;
    pack(bench, "@ppscope/extra", "3.0.0", &json!({}))?;
    let words = json!({ "packages": ["ppgood@2.0.0", "@ppscope/extra"], "from": "tarballs", "prefix": "/opt/app",
                        "dependencies": false });
    leaves_nothing(bench, &image, &change("npm", words)?).await
}

pub(crate) async fn of_an_installation_by_npm(bench: &Bench) -> Result<()> {
    let image = with_npm(bench).await?;
    pack(bench, "ppgood", "2.0.0", &json!({ "dependencies": { "@ppscope/extra": "^3.0.0" } }))?;
    pack(bench, "@ppscope/extra", "3.1.0", &json!({ "bin": "index.js" }))?;
    let words = json!({ "packages": "ppgood@2.0.0", "from": "tarballs", "prefix": "/opt/app" });
    let change = change("npm", words)?;
    let applying = Applying::open(bench, &image, &change).await?;
    applying.printed("rm -rf /opt/app && mkdir -p /opt/app && touch -d 2004-05-06 /opt/app /opt").await?;
    // All of this machine's own root would be listed for minutes.
    there_and_back(&applying, &["/opt", "/root", "/tmp", "/var/tmp"], Tool::Kept).await?;
    applying.close().await
}
