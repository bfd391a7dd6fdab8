//! Subordinate ids of an ordinary user, as `/etc/subuid` and `/etc/subgid` grant them.

use std::fs;
use std::path::Path;

use patchbed_guest::runner::HolderIds;

use crate::{Lack, LackWeight};

/// How many ids a holder namespace needs beside the caller's own.
const COUNT: u32 = 65535;

/// Finds the caller's ids and the helpers that map them.
pub(crate) fn find() -> Result<HolderIds, Lack> {
    let user = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    let name = name_of(user);
    Ok(HolderIds {
        newuidmap: helper("newuidmap")?,
        newgidmap: helper("newgidmap")?,
        caller: (user, group),
        users: range("/etc/subuid", name.as_deref(), user)?,
        groups: range("/etc/subgid", name.as_deref(), user)?,
    })
}

fn name_of(user: u32) -> Option<String> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    })
}

fn helper(name: &str) -> Result<String, Lack> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/bin", "/bin", "/usr/sbin", "/sbin"]);
    let usable = |path: &String| fs::metadata(path).is_ok_and(|found| found.len() > 0);
    let mut candidates =
        folders.filter(|folder| Path::new(folder).is_absolute()).map(|folder| format!("{folder}/{name}"));
    candidates.find(usable).ok_or_else(|| Lack {
        what: format!("the program `{name}`"),
        because: "it is not found in PATH or is empty".into(),
        remedy: "apt install uidmap".into(),
        weight: LackWeight::Fatal,
    })
}

fn range(file: &str, name: Option<&str>, user: u32) -> Result<(u32, u32), Lack> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let who = name.map_or_else(|| user.to_string(), str::to_owned);
    find_range(&text, name, user).ok_or_else(|| Lack {
        what: format!("subordinate ids in `{file}`"),
        because: format!("it grants `{who}` no range of {COUNT} ids or more"),
        remedy: format!("echo {who}:100000:65536 >> {file} (as root)"),
        weight: LackWeight::Fatal,
    })
}

/// The first range that is large enough.
fn find_range(text: &str, name: Option<&str>, user: u32) -> Option<(u32, u32)> {
    let number = user.to_string();
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.trim().split(':').collect();
        let [who, first, count] = fields[..] else { return None };
        let (first, count): (u32, u32) = (first.parse().ok()?, count.parse().ok()?);
        let ours = Some(who) == name || who == number;
        (ours && count >= COUNT && first > 0).then_some((first, COUNT))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_range_that_is_large_enough_counts_by_name_or_number() {
        let text = "other:100000:65536\nme:1:10\nme:200000:65536\n";
        assert_eq!(find_range(text, Some("me"), 1000), Some((200_000, 65535)));
        assert_eq!(find_range("1000:300000:65536", None, 1000), Some((300_000, 65535)));
        assert_eq!(find_range(text, Some("ghost"), 1001), None);
    }
}
