//! File names as text without loss, and the order in which paths are told.

use std::cmp::Ordering;
use std::fmt::Write as _;

/// A name or path as text: bytes that are not UTF-8 become `\xNN`, everything else stays as it is.
///
/// A backslash that would read as such a sequence is told as `\x5c`, so that two names never give one text. The
/// usual `\x2d` of systemd's unit files stays readable.
pub(crate) fn text(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        push_valid(&mut text, chunk.valid());
        for byte in chunk.invalid() {
            push_escaped(&mut text, *byte);
        }
    }
    text
}

/// The natural order of paths: a folder right before what it holds.
pub(crate) fn by_components(one: &str, other: &str) -> Ordering {
    one.split('/').cmp(other.split('/'))
}

fn push_valid(text: &mut String, valid: &str) {
    let mut rest = valid;
    while let Some(place) = rest.find('\\') {
        let (before, from) = rest.split_at(place);
        text.push_str(before);
        if reads_as_escape(from.as_bytes()) {
            push_escaped(text, b'\\');
        } else {
            text.push('\\');
        }
        rest = &from[1..];
    }
    text.push_str(rest);
}

/// Whether the text begins with a sequence that [`text`] itself writes.
fn reads_as_escape(from: &[u8]) -> bool {
    let [b'\\', b'x', high, low, ..] = from else { return false };
    let is_lower_hex = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    is_lower_hex(high) && is_lower_hex(low) && (*high >= b'8' || (*high, *low) == (b'5', b'c'))
}

fn push_escaped(text: &mut String, byte: u8) {
    let _ = write!(text, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The way back, to show that nothing is lost.
    fn bytes(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((first, tail)) = rest.split_first() {
            if reads_as_escape(rest) {
                let digits = std::str::from_utf8(&rest[2..4]).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &rest[4..];
            } else {
                bytes.push(*first);
                rest = tail;
            }
        }
        bytes
    }

    #[test]
    fn ordinary_and_systemd_names_stay_as_they_are() {
        assert_eq!(text(b"/etc/nginx/nginx.conf"), "/etc/nginx/nginx.conf");
        assert_eq!(text(br"/etc/systemd/system/dev-disk\x2dlabel.swap"), r"/etc/systemd/system/dev-disk\x2dlabel.swap");
        assert_eq!(text("/srv/größe\n\u{202e}".as_bytes()), "/srv/größe\n\u{202e}");
    }

    #[test]
    fn foreign_bytes_are_escaped_and_look_alikes_are_told_apart() {
        assert_eq!(text(b"/srv/\xff"), r"/srv/\xff");
        assert_eq!(text(br"/srv/\xff"), r"/srv/\x5cxff");
        assert_eq!(text(br"\x5c"), r"\x5cx5c");
    }

    #[test]
    fn a_folder_comes_right_before_what_it_holds() {
        let mut paths = ["/a-b", "/a/b", "/a", "/", "/a.d/x"];
        paths.sort_by(|one, other| by_components(one, other));
        assert_eq!(paths, ["/", "/a", "/a/b", "/a-b", "/a.d/x"]);
    }

    proptest! {
        #[test]
        fn every_name_can_be_had_back(name in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(bytes(&text(&name)), name);
        }

        #[test]
        fn names_full_of_escapes_can_be_had_back(name in r"(\\|x|5|c|f|[a-z]|\PC){0,24}") {
            prop_assert_eq!(bytes(&text(name.as_bytes())), name.as_bytes());
        }
    }
}
