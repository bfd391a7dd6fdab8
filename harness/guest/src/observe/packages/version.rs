//! dpkg's order of versions, and the relations that dependencies ask for.

use std::cmp::Ordering;

/// A version, `[epoch:]upstream[-revision]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version<'a> {
    epoch: u64,
    upstream: &'a str,
    revision: &'a str,
}

/// How a version has to stand to the one that a dependency names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// `<<`
    Earlier,
    /// `<=`
    AtMost,
    /// `=`
    Exactly,
    /// `>=`
    AtLeast,
    /// `>>`
    Later,
}

impl<'a> Version<'a> {
    /// Takes a version apart. Every text is a version: what has no number before its colon has no epoch.
    pub(crate) fn new(text: &'a str) -> Self {
        let text = text.trim();
        let with_epoch = text.split_once(':').and_then(|(epoch, rest)| Some((epoch.parse().ok()?, rest)));
        let (epoch, rest) = with_epoch.unwrap_or((0, text));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self { epoch, upstream, revision }
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let upstream = || parts(self.upstream.as_bytes(), other.upstream.as_bytes());
        let revision = || parts(self.revision.as_bytes(), other.revision.as_bytes());
        self.epoch.cmp(&other.epoch).then_with(upstream).then_with(revision)
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version<'_> {}

impl Relation {
    /// Reads a relation as control files write it; `<` and `>` are old forms of `<=` and `>=`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "<<" => Self::Earlier,
            "<=" | "<" => Self::AtMost,
            "=" => Self::Exactly,
            ">=" | ">" => Self::AtLeast,
            ">>" => Self::Later,
            _ => return None,
        })
    }

    /// Whether a version stands so to another.
    pub(crate) fn holds(self, version: &str, wanted: &str) -> bool {
        let order = Version::new(version).cmp(&Version::new(wanted));
        match self {
            Self::Earlier => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Exactly => order.is_eq(),
            Self::AtLeast => order.is_ge(),
            Self::Later => order.is_gt(),
        }
    }
}

/// Compares upstream versions or revisions: by turns a part without digits, letter by letter, and a number.
fn parts(mut one: &[u8], mut other: &[u8]) -> Ordering {
    while !one.is_empty() || !other.is_empty() {
        while starts_with_letter(one) || starts_with_letter(other) {
            let order = weight(one.first()).cmp(&weight(other.first()));
            if order.is_ne() {
                return order;
            }
            (one, other) = (rest(one), rest(other));
        }
        let (first, second) = (number(&mut one), number(&mut other));
        let order = first.len().cmp(&second.len()).then_with(|| first.cmp(second));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn starts_with_letter(text: &[u8]) -> bool {
    text.first().is_some_and(|byte| !byte.is_ascii_digit())
}

/// A tilde comes before the end, letters come before all other signs.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None | Some(b'0'..=b'9') => 0,
        Some(b'~') => -1,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(other) => i32::from(*other) + 256,
    }
}

/// Takes a number of any length off the beginning, without its leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, after) = text.split_at(end);
    *text = after;
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros..]
}

fn rest(text: &[u8]) -> &[u8] {
    text.get(1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(one: &str, other: &str) -> Ordering {
        Version::new(one).cmp(&Version::new(other))
    }

    /// From dpkg's own tests and from versions of Debian.
    #[test]
    fn versions_are_ordered_as_dpkg_does() {
        let rising = [
            "0~~",
            "0~",
            "0",
            "0-1~deb12u1",
            "0-1",
            "0a",
            "0+b1",
            "0.1",
            "1.0~rc1-1",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1.1",
            "1.0-2",
            "1.0.1",
            "1.9",
            "1.10",
            "1.10.0",
            "2",
            "9",
            "10",
            "10a",
            "20240101",
            "1:0",
            "1:0.5",
            "2:0",
        ];
        for (index, one) in rising.iter().enumerate() {
            for (other_index, other) in rising.iter().enumerate() {
                assert_eq!(order(one, other), index.cmp(&other_index), "{one} and {other}");
            }
        }
    }

    #[test]
    fn some_versions_are_equal_in_other_words() {
        for (one, other) in [("1.0", "1.0-0"), ("0:1", "1"), ("1.00", "1.0"), ("1.0-", "1.0"), ("1.a0", "1.a")] {
            assert_eq!(order(one, other), Ordering::Equal, "{one} and {other}");
        }
    }

    #[test]
    fn numbers_of_any_length_do_not_overflow() {
        let long = "9".repeat(400);
        assert_eq!(order(&long, &("1".to_owned() + &"0".repeat(400))), Ordering::Less);
        assert_eq!(order(&format!("{long}:1"), "1"), Ordering::Greater);
    }

    #[test]
    fn relations_hold_or_not() {
        let holds = |version, relation, wanted| Relation::read(relation).unwrap().holds(version, wanted);
        assert!(holds("3.0.11-1", ">=", "3.0.0") && holds("1", "=", "0:1-0") && holds("1", "<<", "1.0.1"));
        assert!(!holds("1", ">>", "1") && holds("1", "<", "1") && holds("1", ">", "1"));
        assert_eq!(Relation::read("~>"), None);
    }

    fn version() -> impl Strategy<Value = String> {
        "([0-2]:)?[0-9a-b.+~]{0,6}(-[0-9a.~+]{0,3})?"
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in version(), b in version(), c in version()) {
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            prop_assert_eq!(order(&a, &a), Ordering::Equal);
            if order(&a, &b).is_le() && order(&b, &c).is_le() {
                prop_assert!(order(&a, &c).is_le(), "{} <= {} <= {}", a, b, c);
            }
            if order(&a, &b).is_eq() {
                prop_assert_eq!(order(&a, &c), order(&b, &c));
            }
        }

        /// Skipped where the machine has no dpkg.
        #[test]
        fn dpkg_itself_agrees(a in "([0-2]:)?[0-9][0-9a-b.+~]{0,6}(-[0-9a.~+]{1,3})?", b in "([0-2]:)?[0-9][0-9a-b.+~]{0,6}") {
            let asked = std::process::Command::new("dpkg").args(["--compare-versions", &a, "lt", &b]).status();
            if let Ok(status) = asked {
                prop_assert_eq!(status.success(), order(&a, &b).is_lt());
            }
        }

        #[test]
        fn a_tilde_comes_before_and_a_suffix_after(a in "[0-9]{1,3}(\\.[0-9]{1,3}){0,2}") {
            prop_assert_eq!(order(&format!("{a}~x"), &a), Ordering::Less);
            prop_assert_eq!(order(&format!("{a}+x"), &a), Ordering::Greater);
        }

        #[test]
        fn no_text_makes_it_panic(a in "\\PC{0,20}", b in "\\PC{0,20}") {
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
        }
    }
}
