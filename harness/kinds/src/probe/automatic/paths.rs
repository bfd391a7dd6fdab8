//! Which paths are which: what is left out of drift, what moves by itself, where services keep their data.

/// What is never told. The first part is what every package test leaves out (piuparts has the longest list of it).
pub(super) const IGNORED: &[&str] = &[
    // Nothing of a lasting kind.
    "/{dev,proc,run,sys,tmp}",
    "/{dev,proc,run,sys,tmp}/**",
    "/var/{run,tmp,log,cache,lock}",
    "/var/{run,tmp,log,cache,lock}/**",
    // Made anew from what is told anyway.
    "/etc/ld.so.cache",
    "/etc/{passwd,group,shadow,gshadow,subuid,subgid}-",
    "/etc/.pwd.lock",
    "/etc/mtab",
    "/etc/init.d/.depend.*",
    "/usr/lib/locale/locale-archive",
    "/usr/lib/*/gconv/gconv-modules.cache",
    "/usr/lib/*/gdk-pixbuf-2.0/*/loaders.cache",
    "/usr/share/{info/dir,mime/**,applications/mimeinfo.cache,icons/*/icon-theme.cache}",
    "/usr/share/glib-2.0/schemas/gschemas.compiled",
    "**/*.{pyc,pyo}",
    "**/__pycache__",
    // Who this machine is, and when it was last touched.
    "/etc/{machine-id,.updated,adjtime}",
    "/var/.updated",
    "/var/lib/dbus/machine-id",
    // The books of package managers and of systemd. `/var/lib/dpkg/info` is read to tell new packages.
    "/var/lib/dpkg/{status,available,diversions,statoverride,lock}*",
    "/var/lib/dpkg/{arch*,cmethopt,alternatives,parts,tmp.ci,triggers,updates}",
    "/var/lib/dpkg/{alternatives,parts,tmp.ci,triggers,updates}/**",
    "/var/lib/{apt,ucf,pam,aptitude,debconf,systemd,private,misc,command-not-found}",
    "/var/lib/{apt,ucf,pam,aptitude,debconf,systemd,private,misc,command-not-found}/**",
    "/var/backups/**",
    // The insides of databases: large, and nothing in them would be told. Their top folders are.
    "/var/lib/postgresql/*/*/*/**",
    "/var/lib/mysql/{*/**,ib*,undo*,binlog*,#*}",
    // What shells and tools remember.
    "/{root,home/*}/.{bash_history,psql_history,rediscli_history,lesshst,wget-hsts}",
    "/{root,home/*}/.cache",
    "/{root,home/*}/.cache/**",
];

/// Files whose content moves while a program lives: that they are there, their mode and their owner still count.
pub(super) const MOVING: &[&str] = &[
    "**/*.{log,log.*,pid,lock,lck,sock,tmp,swp,seed,journal}",
    "**/*.{db,db3,sqlite,sqlite3,rdb,aof,mdb,ldb,wal}",
    "**/*-{wal,shm,journal}",
    "/etc/resolv.conf",
];

/// Where dpkg keeps the list of files of each package.
pub(super) const PACKAGE_LISTS: &str = "/var/lib/dpkg/info/";

/// Folders whose subfolders each belong to one service or one user.
const DATA: &[&str] = &["/var/lib/", "/var/spool/", "/var/opt/", "/var/mail/", "/srv/", "/home/"];

/// The service's folder in which a path lies, such as `/var/lib/redis`.
pub(super) fn in_data_folder(path: &str) -> Option<&str> {
    let root = DATA.iter().find(|root| path.starts_with(**root))?;
    let end = path[root.len()..].find('/').map_or(path.len(), |at| root.len() + at);
    Some(&path[..end])
}

/// The path with `/bin`, `/lib` and the like where they really are: dpkg knows them under their old names.
pub(super) fn merged(path: &str) -> String {
    const OLD: &[&str] = &["/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"];
    let path = path.trim_end_matches('/');
    if OLD.iter().any(|old| path.starts_with(old)) { format!("/usr{path}") } else { path.to_owned() }
}

/// The folder in which a path lies; empty for what lies in the root.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
