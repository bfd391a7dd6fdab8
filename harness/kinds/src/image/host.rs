//! `host`: this machine's own root, copy-on-write underneath.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use patchbed_model::Digest;
use patchbed_model::id::Hasher;
use rustix::fs::Stat;

use super::tar::digest_of;
use super::tree::TreeError;
use super::{Image, ImageError, Source, Workshop, blocking};
use crate::change::inside;
use crate::document::OneOrMany;

crate::document! {
    /// This machine's own root.
    pub struct Host, "a mapping" {
        /// Paths that are hidden besides the secrets that always are.
        exclude: Option<OneOrMany<String>>, optional;
        /// Secret paths that are shown after all.
        include: Option<OneOrMany<String>>, optional;
    }
    check {
        exclude => inside_path,
        include => inside_path,
    }
}

/// Paths that hold secrets, other people's data or noise, and are hidden when not asked for.
const HIDDEN: &[&str] = &[
    "/root",
    "/home",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/ssl/private",
    "/etc/sudoers.d",
    "/etc/krb5.keytab",
    "/etc/apt/auth.conf",
    "/etc/apt/auth.conf.d",
    "/etc/wireguard",
    "/etc/NetworkManager/system-connections",
    "/etc/letsencrypt",
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/lib/containerd",
    "/var/lib/private",
    "/var/lib/lxc",
    "/var/lib/machines",
    "/var/lib/libvirt",
    "/var/backups",
    "/var/spool/cron",
    "/var/mail",
    "/boot",
    "/mnt",
    "/media",
    "/srv",
    "/lost+found",
];

/// Files whose content tells that this machine's software has changed.
const STATE: &[&str] = &["/etc/os-release", "/usr/lib/os-release", "/var/lib/dpkg/status", "/var/lib/rpm/rpmdb.sqlite"];

impl Source for Host {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    async fn make(&self, workshop: &Workshop<'_>) -> Result<Image, ImageError> {
        if !rustix::process::geteuid().is_root() {
            return Err(ImageError::Lacking {
                text: "an ordinary user cannot patch this machine's own root: its files belong to root".to_owned(),
                remedy: "use an image of your own, such as `debian: bookworm`, or run with sudo".to_owned(),
            });
        }
        let mut hidden = self.hiding()?;
        let store = workshop.store.root.canonicalize_utf8().map(Utf8PathBuf::into_string);
        let included = paths(self.include.as_ref())?;
        hidden.extend(store.ok().filter(|store| !included.contains(store)));
        hidden.sort();
        hidden.dedup();
        let state = blocking(|| Ok::<_, TreeError>(state())).await?;
        let digest = hidden.iter().fold(state, Hasher::part).finish();
        Ok(Image { digest, lowers: vec![Utf8PathBuf::from("/")], host_root: true, hidden })
    }
}

impl Host {
    /// What of this machine is not to be seen inside; the store is hidden besides.
    ///
    /// # Errors
    /// [`ImageError::Unfit`] for a path that is none.
    pub fn hiding(&self) -> Result<Vec<String>, ImageError> {
        let mut hidden: Vec<String> = HIDDEN.iter().map(|path| (*path).to_owned()).collect();
        hidden.extend(paths(self.exclude.as_ref())?);
        hidden.extend(host_keys());
        let included = paths(self.include.as_ref())?;
        hidden.retain(|path| !included.contains(path) && fs::symlink_metadata(path).is_ok());
        hidden.sort();
        Ok(hidden)
    }
}

fn paths(given: Option<&OneOrMany<String>>) -> Result<Vec<String>, ImageError> {
    let paths = given.map(|paths| paths.0.clone()).unwrap_or_default();
    paths.iter().map(|path| inside(path).map_err(|error| ImageError::Unfit(error.to_string()))).collect()
}

/// The files of this machine that a layer on its root hides.
#[derive(Debug)]
pub(super) struct Shadowed {
    /// What they are now, by size and times; of what is not there, that it is not.
    pub(super) digest: Digest,
    /// When the last of them was changed, in seconds since 1970.
    pub(super) changed: i64,
}

impl Shadowed {
    /// Those at the paths of a layer, in which folders end in `/`: they hide nothing, because both sides show in them.
    pub(super) fn by(paths: &[String]) -> Self {
        let (mut hasher, mut changed) = (Hasher::new(), i64::MIN);
        for path in paths.iter().filter(|path| !path.ends_with('/')) {
            let now = rustix::fs::lstat(format!("/{path}")).ok();
            hasher = hasher.part(path).part(now.map(|now| print(&now)).unwrap_or_default());
            changed = changed.max(now.map_or(i64::MIN, |now| now.st_ctime));
        }
        Self { digest: hasher.finish(), changed }
    }
}

fn print(stat: &Stat) -> String {
    let Stat { st_mode, st_size, st_ino, st_mtime, st_mtime_nsec, st_ctime, st_ctime_nsec, .. } = stat;
    format!("{st_mode:o} {st_size} {st_ino} {st_mtime}.{st_mtime_nsec} {st_ctime}.{st_ctime_nsec}")
}

/// The private keys of this machine's ssh server.
fn host_keys() -> Vec<String> {
    let Ok(folder) = fs::read_dir("/etc/ssh") else { return Vec::new() };
    folder
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("ssh_host_") && Utf8Path::new(name).extension() != Some("pub"))
        .map(|name| format!("/etc/ssh/{name}"))
        .collect()
}

/// What identifies this machine's state: its kernel, its release and its packages.
fn state() -> Hasher {
    let kernel = rustix::system::uname();
    let hasher = Hasher::new().part("host").part(kernel.release().to_bytes()).part(kernel.machine().to_bytes());
    STATE.iter().fold(hasher, |hasher, path| {
        let digest = digest_of(Utf8Path::new(path)).map(|digest| digest.to_string());
        hasher.part(path).part(digest.unwrap_or_default())
    })
}
