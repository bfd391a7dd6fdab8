//! Users and groups of the image, by its own files and nothing else.

use crate::files::read_text;

/// The most bytes of `/etc/passwd` and `/etc/group` that are read.
const LIMIT: u64 = 4 << 20;

/// Who a program runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
    pub(crate) home: String,
}

impl User {
    /// Root, who needs no file.
    pub(crate) fn root() -> Self {
        Self { name: "root".into(), uid: 0, gid: 0, groups: Vec::new(), home: "/root".into() }
    }

    /// Finds a user by name or number. A number that no file knows is a user without name and groups.
    pub(crate) fn find(wanted: &str) -> Option<Self> {
        if wanted == "root" || wanted == "0" {
            return Some(Self::root());
        }
        let passwd = read_text("/etc/passwd", LIMIT).unwrap_or_default();
        let group = read_text("/etc/group", LIMIT).unwrap_or_default();
        Self::find_in(wanted, &passwd, &group)
    }

    fn find_in(wanted: &str, passwd: &str, group: &str) -> Option<Self> {
        let found = passwd.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, _, home, ..] = fields[..] else { return None };
            (name == wanted || uid == wanted).then_some((name, uid.parse().ok()?, gid.parse().ok()?, home))
        });
        let Some((name, uid, gid, home)) = found else {
            let uid = wanted.parse().ok()?;
            return Some(Self { name: wanted.to_owned(), uid, gid: uid, groups: Vec::new(), home: "/".into() });
        };
        Some(Self { name: name.to_owned(), uid, gid, groups: groups_of(name, gid, group), home: home.to_owned() })
    }
}

/// The groups that list a user, the main one first.
fn groups_of(name: &str, main: u32, group: &str) -> Vec<u32> {
    let listed = group.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [_, _, gid, members] = fields[..] else { return None };
        members.split(',').any(|member| member == name).then(|| gid.parse().ok())?
    });
    let mut groups: Vec<u32> = std::iter::once(main).chain(listed).collect();
    groups.dedup();
    groups
}

/// The ids that `user` or `user:group` names.
pub(crate) fn owner(text: &str) -> Option<(u32, u32)> {
    let Some((user, group)) = text.split_once(':') else {
        let user = User::find(text)?;
        return Some((user.uid, user.gid));
    };
    Some((User::find(user)?.uid, group_id(group)?))
}

fn group_id(wanted: &str) -> Option<u32> {
    if let Ok(number) = wanted.parse() {
        return Some(number);
    }
    let text = read_text("/etc/group", LIMIT).ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(wanted)).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nweb:x:33:33::/var/www:/usr/sbin/nologin\nbroken\n";
    const GROUP: &str = "root:x:0:\nssl-cert:x:101:other,web\nweb:x:33:\n";

    #[test]
    fn a_name_and_its_number_are_one_user() {
        let user = User::find_in("web", PASSWD, GROUP);
        assert_eq!(user, User::find_in("33", PASSWD, GROUP));
        assert_eq!(user.map(|user| user.groups), Some(vec![33, 101]));
    }

    #[test]
    fn an_unknown_name_is_nobody_and_an_unknown_number_is_itself() {
        assert_eq!(User::find_in("ghost", PASSWD, GROUP), None);
        assert_eq!(User::find_in("4711", PASSWD, GROUP).map(|user| user.uid), Some(4711));
    }
}
