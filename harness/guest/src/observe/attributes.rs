//! Extended attributes that carry meaning, as text: file capabilities and access control lists.
//!
//! All others are passed over: the overlay's own say nothing about the image, and a hostile tree may hold any number.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::fd::BorrowedFd;

use super::users::Users;
use crate::capability::NAMES;

/// The attributes that are told.
const CAPABILITY: &str = "security.capability";
const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

/// The longest list or value the kernel gives (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX`).
const LONGEST: usize = 64 << 10;

/// The longest text that is told of one attribute; an access control list may have 8,000 entries.
const LONGEST_TEXT: usize = 2048;

/// Reads the attributes of an open file or folder. What can not be read is not there.
pub(crate) fn read(file: BorrowedFd<'_>, users: &Users) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    if !has_any(file) {
        return attributes;
    }
    for name in [CAPABILITY, ACCESS, DEFAULT] {
        let mut value = vec![0_u8; LONGEST];
        let Ok(length) = rustix::fs::fgetxattr(file, name, &mut value[..]) else { continue };
        value.truncate(length);
        let known = if name == CAPABILITY { capabilities(&value) } else { list(&value, users) };
        let text = known.unwrap_or_else(|| raw(&value));
        attributes.insert(name.into(), shortened(text));
    }
    attributes
}

/// Whether the file has one of the attributes: one call for the many files that have none. A list that is too long to
/// be had may hold one.
fn has_any(file: BorrowedFd<'_>) -> bool {
    let mut names = [0_u8; 1024];
    match rustix::fs::flistxattr(file, &mut names[..]) {
        Ok(length) => {
            let wanted = [CAPABILITY, ACCESS, DEFAULT];
            names[..length].split(|byte| *byte == 0).any(|name| wanted.iter().any(|one| one.as_bytes() == name))
        }
        Err(rustix::io::Errno::RANGE | rustix::io::Errno::TOOBIG) => true,
        Err(_) => false,
    }
}

/// File capabilities as `setcap` takes them, such as `cap_net_raw=ep`. Capabilities of one set of flags are together.
fn capabilities(value: &[u8]) -> Option<String> {
    let word = |index: usize| value.get(index * 4..index * 4 + 4)?.try_into().ok().map(u32::from_le_bytes);
    let magic = word(0)?;
    let words = match (magic >> 24, value.len()) {
        (1, 12) => 1,
        (2, 20) | (3, 24) => 2,
        _ => return None,
    };
    let set = |first: usize| {
        let low = u64::from(word(first)?);
        let high = if words == 2 { u64::from(word(first + 2)?) } else { 0 };
        Some(low | high << 32)
    };
    let (permitted, inheritable, is_effective) = (set(1)?, set(2)?, magic & 1 == 1);
    let mut by_flags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for bit in 0..64 {
        let has = |set: u64| set >> bit & 1 == 1;
        let (in_permitted, in_inheritable) = (has(permitted), has(inheritable));
        if !in_permitted && !in_inheritable {
            continue;
        }
        let letters = [(is_effective, 'e'), (in_inheritable, 'i'), (in_permitted, 'p')];
        let flags = letters.into_iter().filter_map(|(is_set, letter)| is_set.then_some(letter)).collect();
        by_flags.entry(flags).or_default().push(capability_name(bit));
    }
    let parts = by_flags.iter().map(|(flags, names)| format!("{}={flags}", names.join(",")));
    let mut text = parts.collect::<Vec<_>>().join(" ");
    if let Some(owner) = word(5).filter(|owner| magic >> 24 == 3 && *owner != 0) {
        let _ = write!(text, " [rootid={owner}]");
    }
    Some(text)
}

fn capability_name(bit: usize) -> String {
    NAMES.get(bit).map_or_else(|| format!("cap_{bit}"), |name| format!("cap_{name}"))
}

/// An access control list in the short form of `getfacl`, such as `user::rw-,group:adm:r--`.
fn list(value: &[u8], users: &Users) -> Option<String> {
    let (version, entries) = value.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*version) != 2 || entries.len() % 8 != 0 {
        return None;
    }
    let entry = |entry: &[u8]| {
        let [tag_low, tag_high, rights, _, id @ ..] = entry else { return None };
        let id = u32::from_le_bytes(id.try_into().ok()?);
        let who = match u16::from_le_bytes([*tag_low, *tag_high]) {
            0x01 => "user:".into(),
            0x02 => format!("user:{}", users.user(id)),
            0x04 => "group:".into(),
            0x08 => format!("group:{}", users.group(id)),
            0x10 => "mask:".into(),
            0x20 => "other:".into(),
            _ => return None,
        };
        let letter = |bit: u8, letter: char| if rights & bit == 0 { '-' } else { letter };
        Some(format!("{who}:{}{}{}", letter(4, 'r'), letter(2, 'w'), letter(1, 'x')))
    };
    entries.chunks_exact(8).map(entry).collect::<Option<Vec<_>>>().map(|entries| entries.join(","))
}

fn raw(value: &[u8]) -> String {
    value.iter().fold(String::from("0x"), |text, byte| text + &format!("{byte:02x}"))
}

fn shortened(text: String) -> String {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    let end = text.floor_char_boundary(LONGEST_TEXT);
    format!("{}… {}", &text[..end], super::content::digest_of(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    /// `setcap cap_net_raw=ep`, version 2, as found on Debian's `ping`.
    const PING: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn capabilities_read_as_setcap_takes_them() {
        assert_eq!(capabilities(&PING).unwrap(), "cap_net_raw=ep");
        let mut shifted = PING.to_vec();
        shifted[3] = 3;
        shifted.extend(1000_u32.to_le_bytes());
        assert_eq!(capabilities(&shifted).unwrap(), "cap_net_raw=ep [rootid=1000]");
        let mut two = PING;
        (two[0], two[8], two[12]) = (0, 0x01, 0x80);
        assert_eq!(capabilities(&two).unwrap(), "cap_chown=i cap_net_raw,cap_bpf=p");
    }

    #[test]
    fn what_is_no_capability_is_told_as_it_is() {
        assert_eq!(capabilities(&[1, 2, 3]), None);
        assert_eq!(capabilities(&[0; 20]), None);
        assert_eq!(raw(&[1, 0xab]), "0x01ab");
    }

    #[test]
    fn lists_name_their_users() {
        let users = Users::parse(b"shop:x:1000:1000::/:/bin/sh\n", b"");
        let mut value = 2_u32.to_le_bytes().to_vec();
        for (tag, rights, id) in [(1_u16, 6_u16, u32::MAX), (2, 4, 1000), (0x10, 7, u32::MAX), (0x20, 0, u32::MAX)] {
            value.extend(tag.to_le_bytes());
            value.extend(rights.to_le_bytes());
            value.extend(id.to_le_bytes());
        }
        assert_eq!(list(&value, &users).unwrap(), "user::rw-,user:shop:r--,mask::rwx,other::---");
        assert_eq!(list(&value[..9], &users), None);
    }

    #[test]
    fn attributes_without_meaning_are_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(folder.path().join("file")).unwrap();
        if rustix::fs::fsetxattr(&file, "user.overlay.opaque", b"y", rustix::fs::XattrFlags::empty()).is_err() {
            return;
        }
        assert!(read(file.as_fd(), &Users::default()).is_empty());
    }

    #[test]
    fn a_very_long_list_is_shortened() {
        assert_eq!(shortened("x".repeat(10_000)).len(), LONGEST_TEXT + "… ".len() + 64);
    }
}
