//! The names of users and groups, read from the image's own `/etc/passwd` and `/etc/group`.
//!
//! The guest is linked statically, so it must not ask the name service of its C library; and the question is what the
//! image says, not what the machine around it says.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use super::root;

/// The longest user database that is read.
const LIMIT: usize = 16 << 20;

/// The users and groups of an image, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Users {
    users: BTreeMap<u32, String>,
    groups: BTreeMap<u32, String>,
}

impl Users {
    /// Reads them from a root. A database that can not be read is an empty one: then numbers are told.
    pub(crate) fn read(image: impl AsFd) -> Self {
        let database = |path: &[u8]| root::read(&image, path, LIMIT).unwrap_or_default();
        Self::parse(&database(b"/etc/passwd"), &database(b"/etc/group"))
    }

    /// Reads them from the two files' content. Lines that make no sense are passed over, as every C library does;
    /// where a number comes twice, the first line counts.
    pub(crate) fn parse(passwd: &[u8], group: &[u8]) -> Self {
        Self { users: names(passwd), groups: names(group) }
    }

    /// A user's name, or the number where there is none.
    pub(crate) fn user(&self, uid: u32) -> String {
        self.users.get(&uid).cloned().unwrap_or_else(|| uid.to_string())
    }

    /// A group's name, or the number where there is none.
    pub(crate) fn group(&self, gid: u32) -> String {
        self.groups.get(&gid).cloned().unwrap_or_else(|| gid.to_string())
    }
}

/// The names by their numbers; in both files these are the first and the third field.
fn names(database: &[u8]) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for line in String::from_utf8_lossy(database).lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(number)) = (fields.next(), fields.nth(1)) else { continue };
        let Ok(number) = number.parse() else { continue };
        if !name.is_empty() && !name.starts_with(['#', '+', '-']) {
            names.entry(number).or_insert_with(|| name.into());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\n# a remark\n+@netgroup::::::\n\
        broken:x:notanumber:0::/:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\nod\xffd:x:77:77::/:\n";
    const GROUP: &[u8] = b"root:x:0:\nwww-data:x:33:\nssl-cert:x:109:www-data,postgres\nadm:x:4:www-data\n";

    #[test]
    fn numbers_are_told_by_their_first_name() {
        let users = Users::parse(PASSWD, GROUP);
        assert_eq!(
            (users.user(0), users.user(33), users.user(4711)),
            ("root".into(), "www-data".into(), "4711".into())
        );
        assert_eq!((users.group(109), users.group(5)), ("ssl-cert".into(), "5".into()));
        assert_eq!(users.user(77), "od\u{fffd}d");
    }

    #[test]
    fn an_image_without_databases_tells_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let users = Users::read(std::fs::File::open(folder.path()).unwrap());
        assert_eq!((users.user(0), users.group(0)), ("0".into(), "0".into()));
    }
}
