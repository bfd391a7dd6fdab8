//! What this machine's apt knows about reaching archives: its sources, and its settings for fetching. No archive is
//! named in this program; every name comes from here or from a scenario.

use std::fs;
use std::process::{Command, Stdio};

/// Where apt keeps its sources.
const LIST: &str = "/etc/apt/sources.list";
const PARTS: &str = "/etc/apt/sources.list.d";

/// One entry of apt's sources, as fields in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stanza(Vec<(String, String)>);

impl Stanza {
    /// An entry of these fields.
    pub(crate) fn new(uris: &str, suite: &str, components: &str) -> Self {
        let fields = [("Types", "deb"), ("URIs", uris), ("Suites", suite), ("Components", components)];
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn set(&mut self, name: &str, value: String) {
        match self.0.iter_mut().find(|(field, _)| field.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Whether it offers binary packages and is switched on.
    fn is_live(&self) -> bool {
        self.get("Types").is_some_and(|types| types.split_whitespace().any(|kind| kind == "deb"))
            && !self.get("Enabled").is_some_and(|enabled| enabled.eq_ignore_ascii_case("no"))
    }

    fn suites(&self) -> impl Iterator<Item = &str> {
        self.get("Suites").unwrap_or_default().split_whitespace()
    }

    /// The entry with only those of its suites that `keep` renames to something.
    fn narrowed(&self, keep: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let suites: Vec<String> = self.suites().filter_map(keep).collect();
        if suites.is_empty() {
            return None;
        }
        let mut stanza = self.clone();
        stanza.set("Suites", suites.join(" "));
        stanza.set("Types", "deb".to_owned());
        let uris: Vec<String> =
            stanza.get("URIs").unwrap_or_default().split_whitespace().map(without_password).collect();
        stanza.set("URIs", uris.join(" "));
        Some(stanza)
    }
}

/// Entries as a `.sources` file.
pub(crate) fn text(stanzas: &[Stanza]) -> String {
    let paragraphs: Vec<String> = stanzas
        .iter()
        .map(|stanza| stanza.0.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n"))
        .collect();
    paragraphs.join("\n\n") + "\n"
}

/// The entries from which an image of a suite is built, and those that it gets for its updates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Archives {
    /// The suite alone: packages as they were released.
    pub(crate) build: Vec<Stanza>,
    /// The suite with its updates and security updates.
    pub(crate) all: Vec<Stanza>,
}

/// Picks the entries for `suite` out of this machine's own. When it has none for that suite, its entries for its own
/// release stand in with the suite's name changed. Both lists are empty when this machine is no Debian.
pub(crate) fn archives(suite: &str, own: &[Stanza], release: Option<&str>) -> Archives {
    let has_suite = own.iter().any(|stanza| stanza.suites().any(|name| name == suite));
    let from = if has_suite { suite } else { release.unwrap_or(suite) };
    let renamed = |name: &str| {
        let rest = name.strip_prefix(from)?;
        matches!(rest, "" | "-updates" | "-security").then(|| format!("{suite}{rest}"))
    };
    Archives {
        build: own
            .iter()
            .filter_map(|stanza| stanza.narrowed(|name| renamed(name).filter(|name| name == suite)))
            .collect(),
        all: own.iter().filter_map(|stanza| stanza.narrowed(renamed)).collect(),
    }
}

/// This machine's own entries.
pub(crate) fn own() -> Vec<Stanza> {
    let mut files = vec![LIST.to_owned()];
    if let Ok(folder) = fs::read_dir(PARTS) {
        files.extend(folder.filter_map(|entry| entry.ok()?.path().into_os_string().into_string().ok()));
    }
    files.sort();
    files.iter().flat_map(|path| fs::read_to_string(path).map(|text| read(path, &text)).unwrap_or_default()).collect()
}

/// The code name of this machine's release, when it has one.
pub(crate) fn release() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(line.trim_matches('"').to_owned()).filter(|name| !name.is_empty())
}

fn read(path: &str, text: &str) -> Vec<Stanza> {
    let stanzas = match path.rsplit_once('.').map(|(_, end)| end) {
        Some("sources") => paragraphs(text),
        Some("list") => text.lines().filter_map(one_line).collect(),
        _ => Vec::new(),
    };
    stanzas.into_iter().filter(Stanza::is_live).collect()
}

/// The paragraphs of a `.sources` file.
fn paragraphs(text: &str) -> Vec<Stanza> {
    let mut stanzas = vec![Stanza::default()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(last) = stanzas.last_mut() else { break };
        if line.trim().is_empty() {
            stanzas.push(Stanza::default());
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = last.0.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            last.0.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    stanzas
}

/// A line of a `.list` file: `deb [options] uri suite component…`.
fn one_line(line: &str) -> Option<Stanza> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    let mut stanza = Stanza::new(uri, suite, &words.collect::<Vec<_>>().join(" "));
    for (name, value) in options.split_whitespace().filter_map(|option| option.split_once('=')) {
        let name = match name {
            "arch" => "Architectures",
            "signed-by" => "Signed-By",
            "trusted" => "Trusted",
            "check-valid-until" => "Check-Valid-Until",
            _ => continue,
        };
        stanza.set(name, value.replace(',', " "));
    }
    Some(stanza)
}

fn without_password(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}/{path}")
}

/// Settings of apt that say how archives are reached, as an apt configuration file: proxies, certificates, retries.
pub(crate) fn settings() -> String {
    let mut text = "APT::Sandbox::User \"root\";\n".to_owned();
    let dumped = Command::new("apt-config").arg("dump").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let Ok(dumped) = dumped else { return text };
    for line in String::from_utf8_lossy(&dumped.stdout).lines().filter(|line| reaches_archives(line)) {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn reaches_archives(line: &str) -> bool {
    let Some((name, value)) = line.split_once(' ') else { return false };
    let name = name.trim_end_matches("::");
    let wanted = ["Acquire::http", "Acquire::https", "Acquire::ftp"]
        .iter()
        .any(|prefix| name == *prefix || name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with("::")))
        || name.starts_with("Acquire::") && name.to_ascii_lowercase().contains("proxy")
        || matches!(name, "Acquire::Retries" | "Acquire::Check-Valid-Until" | "Acquire::Check-Date");
    wanted && value != "\"\";"
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "# a comment\nTypes: deb\n# another\nURIs: http://user:word@mirror.example/debian\nSuites: bookworm bookworm-updates bookworm-backports\nComponents: main\nSigned-By: /k.gpg\n\nTypes: deb\nURIs: http://mirror.example/security\nSuites: bookworm-security\nComponents: main\n\nTypes: deb\nURIs: http://other.example\nSuites: nodistro\nComponents: main\nEnabled: no\n";

    #[test]
    fn an_image_is_built_from_its_suite_alone_and_updated_from_all() {
        let archives = archives("bookworm", &read("a.sources", OWN), Some("bookworm"));
        assert_eq!(archives.build.len(), 1);
        assert_eq!(archives.build[0].get("Suites"), Some("bookworm"));
        assert_eq!(archives.build[0].get("Signed-By"), Some("/k.gpg"));
        let suites: Vec<_> = archives.all.iter().filter_map(|stanza| stanza.get("Suites")).collect();
        assert_eq!(suites, ["bookworm bookworm-updates", "bookworm-security"]);
    }

    #[test]
    fn another_release_is_found_where_the_own_one_is() {
        let archives = archives("trixie", &read("a.sources", OWN), Some("bookworm"));
        assert_eq!(archives.build[0].get("Suites"), Some("trixie"));
        assert_eq!(archives.all[1].get("Suites"), Some("trixie-security"));
    }

    #[test]
    fn passwords_do_not_get_into_an_image() {
        let archives = archives("bookworm", &read("a.sources", OWN), None);
        assert_eq!(archives.build[0].get("URIs"), Some("http://mirror.example/debian"));
    }

    #[test]
    fn a_line_is_an_entry() {
        let stanzas = read(
            "a.list",
            "deb [arch=amd64,arm64 signed-by=/k.gpg] http://m.example/d trixie main contrib # x\ndeb-src http://m.example/d trixie main\n",
        );
        assert_eq!(stanzas.len(), 1);
        assert_eq!(stanzas[0].get("Architectures"), Some("amd64 arm64"));
        assert_eq!(stanzas[0].get("Components"), Some("main contrib"));
    }
}
