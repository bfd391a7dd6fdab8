//! Where a database server is and who asks it: a name, or an address whose password is never shown.

use std::fmt;

use patchbed_model::Code;
use serde::{Serialize, Serializer};

use crate::document::{At, Node, Problems};

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Server {
    /// As it is written, without the password.
    pub shown: String,
    /// Who asks.
    pub user: Option<String>,
    /// With which password.
    pub password: Option<Password>,
    /// On which host.
    pub host: Option<String>,
    /// On which port.
    pub port: Option<u16>,
    /// Which of its databases.
    pub database: Option<String>,
    /// What stands behind `?`.
    pub parameters: Option<String>,
}

/// A password, which nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Server {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

impl Server {
    /// A database of the environment's own server.
    pub(super) fn named(name: &str) -> Option<Self> {
        let odd = |c: char| c.is_control() || "=:/?@".contains(c);
        let good = !name.is_empty() && !name.starts_with('-') && !name.contains(odd);
        good.then(|| Self { shown: name.to_owned(), database: Some(name.to_owned()), ..Self::default() })
    }

    /// `scheme://user:password@host:port/database?parameters`, of which all behind the scheme may be missing.
    pub(super) fn parse(text: &str, schemes: &[&str]) -> Option<Self> {
        let (scheme, rest) = text.split_once("://").filter(|(scheme, _)| schemes.contains(scheme))?;
        if rest.contains(|c: char| c.is_control() || c.is_whitespace() || c == '#') {
            return None;
        }
        let (rest, parameters) = cut(rest, '?');
        let (rest, database) = cut(rest, '/');
        let (who, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (user, password) = cut(who, ':');
        let (host, port) = host_and_port(place)?;
        let mark =
            |before, text: &str, after| if text.is_empty() { String::new() } else { format!("{before}{text}{after}") };
        let (at, path, more) = (mark("", user, "@"), mark("/", database, ""), mark("?", parameters, ""));
        Some(Self {
            shown: format!("{scheme}://{at}{place}{path}{more}"),
            user: filled(decoded(user)?),
            password: filled(decoded(password)?).map(Password),
            host: filled(decoded(host)?),
            port,
            database: filled(decoded(database)?),
            parameters: filled(parameters.to_owned()),
        })
    }

    /// Whether this is a name alone.
    pub(super) fn is_name(&self) -> bool {
        self.database.as_ref() == Some(&self.shown)
    }

    /// Says that a text is neither. The text itself is not repeated: it may hold a password.
    pub(super) fn refuse(node: &Node, wanted: &str, problems: &mut Problems) -> Option<Self> {
        problems.error(Code::InvalidValue, node.place, At::Value, format!("expected {wanted}"));
        None
    }
}

/// What stands before the first mark, and what after it; nothing where there is no mark.
fn cut(text: &str, mark: char) -> (&str, &str) {
    text.split_once(mark).unwrap_or((text, ""))
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// A host, which may be missing, and its port; an address of IPv6 stands in brackets.
fn host_and_port(place: &str) -> Option<(&str, Option<u16>)> {
    if let Some(host) = place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some((host, None));
    }
    let Some((host, port)) = place.rsplit_once(':') else { return Some((place, None)) };
    Some((host.trim_start_matches('[').trim_end_matches(']'), Some(port.parse().ok()?)))
}

/// The text with `%2F` and its like as the characters they stand for.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCHEMES: &[&str] = &["postgres", "redis"];

    #[test]
    fn the_parts_of_an_address_are_told_without_its_password() {
        let server = Server::parse("postgres://sh%40p:p%3Aw/@[::1]:5433/or%20ders?sslmode=require", SCHEMES);
        assert_eq!(server, None);
        let server = Server::parse("postgres://sh%40p:p%3Aw@[::1]:5433/or%20ders?sslmode=require", SCHEMES).unwrap();
        assert_eq!(server.shown, "postgres://sh%40p@[::1]:5433/or%20ders?sslmode=require");
        let parts = (server.user.as_deref(), server.host.as_deref(), server.port, server.database.as_deref());
        assert_eq!(parts, (Some("sh@p"), Some("::1"), Some(5433), Some("or ders")));
        assert_eq!(server.password, Some(Password("p:w".to_owned())));
        let bare = Server::parse("redis://localhost", SCHEMES).unwrap();
        assert_eq!((bare.host.as_deref(), bare.port, bare.database), (Some("localhost"), None, None));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in
            ["shop", "mysql://h", "redis://h:port", "redis://h:0x1", "redis://%zz@h", "redis://a b", "redis://h#1"]
        {
            assert_eq!(Server::parse(bad, SCHEMES), None, "{bad}");
        }
        for bad in ["", "-h", "host=x", "a/b", "a\nb", "redis://h"] {
            assert_eq!(Server::named(bad), None, "{bad:?}");
        }
        assert!(Server::named("shop-2 (old)").is_some_and(|server| server.is_name()));
    }

    proptest! {
        #[test]
        fn a_password_is_never_shown(
            user in "[a-z]{1,8}",
            password in "[A-Z]{4,12}",
            place in "[a-z]{1,8}(:[1-9][0-9]{0,3})?",
        ) {
            let server = Server::parse(&format!("redis://{user}:{password}@{place}/0"), SCHEMES).unwrap();
            prop_assert_eq!(server.password.as_ref().map(|one| one.0.as_str()), Some(password.as_str()));
            let said = format!("{server:?} {}", serde_json::to_string(&server).unwrap());
            prop_assert!(!said.contains(&password), "{}", said);
        }

        #[test]
        fn any_text_is_read(text in ".*") {
            let _ = (Server::parse(&format!("redis://{text}"), SCHEMES), Server::named(&text));
        }
    }
}
