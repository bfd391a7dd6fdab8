//! What texts must look like: names of packages and users, paths, addresses. Each check gives what is wrong.

use patchbed_model::Code;
use patchbed_model::text::{one_line, shorten};

use super::{At, Content, Node, Problems};

/// What is wrong with a text: what was expected.
pub type Check = fn(&str) -> Option<&'static str>;

/// Checks all texts of the entry `key` of a mapping: itself, the items of a list, the keys of a mapping.
pub fn check(node: &Node, key: &str, check: Check, problems: &mut Problems) {
    let Some(value) = node.get(key) else { return };
    if let Content::Map(entries) = &value.content {
        for (name, item) in entries {
            if let Some(wanted) = check(name) {
                let message = format!("expected {wanted}, this is `{}`", shorten(&one_line(name), 60));
                problems.error(Code::InvalidValue, item.place, At::Key, message);
            }
        }
    }
    for item in value.items() {
        if let Some(wanted) = item.as_text().and_then(check) {
            let message = format!("expected {wanted}, this is {}", item.describe());
            problems.error(Code::InvalidValue, item.place, At::Value, message);
        }
    }
}

/// Checks that one of `keys` is there, and no two.
pub fn exactly_one(node: &Node, keys: &[&str], problems: &mut Problems) {
    at_least_one(node, keys, problems);
    let found: Vec<(&str, &Node)> = keys.iter().filter_map(|key| Some((*key, node.get(key)?))).collect();
    if let [(first, at), (second, node), ..] = found[..] {
        problems
            .error(Code::Conflict, node.place, At::Key, format!("`{first}` and `{second}` exclude each other"))
            .also(at.place, At::Key, "the other one")
            .help("keep one of them, or write two entries");
    }
}

/// Checks that one of `keys` is there.
pub fn at_least_one(node: &Node, keys: &[&str], problems: &mut Problems) {
    let missing = matches!(node.content, Content::Map(_)) && keys.iter().all(|key| node.get(key).is_none());
    if missing {
        let list = keys.join("` or `");
        problems
            .error(Code::MissingKey, node.place, At::Value, format!("`{list}` is missing"))
            .help(format!("add `{}:`", keys.first().copied().unwrap_or_default()));
    }
}

/// A text of one line that says something.
#[must_use]
pub fn filled(text: &str) -> Option<&'static str> {
    let good = !text.trim().is_empty() && !text.contains(['\n', '\r']) && text.len() <= 4096;
    (!good).then_some("one line with something on it, of up to 4096 bytes")
}

/// A path inside the environment.
#[must_use]
pub fn inside_path(text: &str) -> Option<&'static str> {
    let good = filled(text).is_none() && text.starts_with('/') && !text.split('/').any(|part| part == "..");
    (!good).then_some("a path inside the environment, which begins with `/` and has no `..`")
}

/// A Debian package, perhaps with its architecture and version.
#[must_use]
pub fn package(text: &str) -> Option<&'static str> {
    let (name, version) = text.split_once('=').map_or((text, None), |(name, version)| (name, Some(version)));
    let (name, architecture) = name.split_once(':').map_or((name, None), |(name, arch)| (name, Some(arch)));
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = name.starts_with(lower)
        && name.len() <= 100
        && name.chars().all(|c| lower(c) || "+.-".contains(c))
        && architecture.is_none_or(|arch| !arch.is_empty() && arch.chars().all(|c| lower(c) || c == '-'))
        && version.is_none_or(is_version);
    (!good).then_some("a package such as `nginx` or `nginx=1.22.1-9`")
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= 100
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".+~:-".contains(c))
}

/// A Python distribution, perhaps with extras and its version.
#[must_use]
pub fn python_package(text: &str) -> Option<&'static str> {
    let (name, version) = text.split_once("==").map_or((text, None), |(name, version)| (name, Some(version.trim())));
    let name = name.split('[').next().unwrap_or_default().trim();
    let good = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        && version.is_none_or(|version| word(&version.replacen('!', ".", 1)).is_none());
    (!good).then_some("a package such as `Jinja2==3.1.2`")
}

/// A package of npm, perhaps with its scope and version.
#[must_use]
pub fn node_package(text: &str) -> Option<&'static str> {
    let bare = text.strip_prefix('@').unwrap_or(text);
    let good =
        bare.split('/').count() <= 1 + text.len() - bare.len() && bare.split('/').all(|part| word(part).is_none());
    (!good).then_some("a package such as `chalk@5.0.0` or `@scope/name@1.0.0`")
}

/// A program by name or path.
#[must_use]
pub fn interpreter(text: &str) -> Option<&'static str> {
    let good = word(text).is_none() || inside_path(text).is_none();
    (!good).then_some("a program such as `python3`, or its path inside the environment")
}

/// A user of the environment.
#[must_use]
pub fn user(text: &str) -> Option<&'static str> {
    let good = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    (!good).then_some("the name of a user")
}

/// A user, or a user and a group.
#[must_use]
pub fn owner(text: &str) -> Option<&'static str> {
    let good = text.split(':').count() <= 2 && text.split(':').all(|name| user(name).is_none());
    (!good).then_some("`user` or `user:group`")
}

/// A mode of files.
#[must_use]
pub fn mode(text: &str) -> Option<&'static str> {
    let good = matches!(text.len(), 3 | 4) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
    (!good).then_some("a mode in octal digits, such as \"0644\"")
}

/// An address of the web.
#[must_use]
pub fn url(text: &str) -> Option<&'static str> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let good = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#']))
        && text.len() <= 4096
        && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    (!good).then_some("an address such as `http://localhost:8080/health`")
}

/// An address that the `http` probe can ask: without TLS.
#[must_use]
pub fn plain_url(text: &str) -> Option<&'static str> {
    if text.starts_with("https://") {
        return Some(
            "`http://`, for this probe has no TLS (ask with a `command` probe, such as `curl -fsS https://…`)",
        );
    }
    url(text)
}

/// A method of HTTP that asks one question and gets one answer.
#[must_use]
pub fn method(text: &str) -> Option<&'static str> {
    let known = matches!(text, "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS");
    (!known).then_some("one of `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS`")
}

/// A host and a port.
#[must_use]
pub fn address(text: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:[]%".contains(c);
    let good = text.rsplit_once(':').is_some_and(|(host, number)| {
        !host.is_empty() && host.len() <= 253 && host.chars().all(plain) && is_port(number)
    });
    (!good).then_some("a host and a port, such as `localhost:5432`")
}

/// A port, perhaps with its protocol.
#[must_use]
pub fn port(text: &str) -> Option<&'static str> {
    let number = text.strip_prefix("tcp/").or_else(|| text.strip_prefix("udp/")).unwrap_or(text);
    (!is_port(number)).then_some("a port such as `80`, `tcp/80` or `udp/53`")
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A SHA-256 digest.
#[must_use]
pub fn sha256(text: &str) -> Option<&'static str> {
    let good = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    (!good).then_some("a SHA-256 digest: 64 hexadecimal digits")
}

/// A plain word, which can be no flag and no path.
#[must_use]
pub fn word(text: &str) -> Option<&'static str> {
    let good = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.len() <= 255
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-@:+~\\".contains(c));
    (!good).then_some("a word of letters, digits and `.` `_` `-` `@` `:` `+` `~`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_paths_are_no_packages_users_or_words() {
        for bad in ["", "-rf", "--help", "../x", "/etc", "a b", "a\nb", "$(id)", ";", "\u{1b}[31m", "*"] {
            for check in [package, python_package, node_package, user, owner, mode, url, address, port, sha256, word] {
                assert!(check(bad).is_some(), "{bad:?}");
            }
        }
    }

    #[test]
    fn what_people_write_is_good() {
        assert_eq!(["g++", "libssl3:amd64=3.0.11-1~deb12u2", "nginx=1:2.4+x"].map(package), [None; 3]);
        assert_eq!(["Jinja2==3.1.2", "requests[socks] == 2.31.0", "x==1!2.0+local"].map(python_package), [None; 3]);
        assert_eq!(["chalk", "chalk@5.0.0-rc.1", "@babel/core@7.0.0"].map(node_package), [None; 3]);
        assert_eq!(["www-data", "1000", "_apt"].map(user), [None; 3]);
        assert_eq!(["root", "root:shadow", "0:0"].map(owner), [None; 3]);
        assert_eq!(["http://localhost/", "http://[::1]:80/x?y#z", "https://a"].map(url), [None; 3]);
        assert_eq!(["localhost:1", "[::1]:65535", "127.0.0.1:80"].map(address), [None; 3]);
        assert_eq!(["80", "tcp/80", "udp/53"].map(port), [None; 3]);
        assert!(port("0").is_some() && port("65536").is_some() && mode("0999").is_some());
        assert!(inside_path("/a/../b").is_some() && inside_path("/etc/**/*.conf").is_none());
    }
}
