//! Dependencies of packages and whether the installed packages meet them.

use std::collections::HashMap;

use super::version::Relation;

/// What an installed package offers: itself, or what it says it provides.
#[derive(Debug)]
pub(crate) struct Offer<'a> {
    /// The version; what is provided often has none.
    pub(crate) version: Option<&'a str>,
    /// The architecture of the package.
    pub(crate) architecture: &'a str,
    /// The package's `Multi-Arch`.
    pub(crate) sharing: Sharing,
}

/// Whether packages of other architectures can depend on a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// They can not.
    Own,
    /// All can (`foreign`).
    All,
    /// Those that ask for `:any` can (`allowed`).
    OnRequest,
}

/// What is offered under each name.
#[derive(Debug, Default)]
pub(crate) struct Offers<'a> {
    by_name: HashMap<&'a str, Vec<Offer<'a>>>,
}

/// One alternative of a dependency, such as `libc6:any (>= 2.36)`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Alternative<'a> {
    name: &'a str,
    architecture: Option<&'a str>,
    relation: Option<(Relation, &'a str)>,
}

impl<'a> Offers<'a> {
    /// Adds an offer.
    pub(crate) fn add(&mut self, name: &'a str, offer: Offer<'a>) {
        self.by_name.entry(name).or_default().push(offer);
    }

    /// The dependencies of a field that are not met, for a package of an architecture.
    pub(crate) fn unmet(&self, field: &str, architecture: &str) -> Vec<String> {
        let groups = field.split(',').map(normal).filter(|group| !group.is_empty());
        groups.filter(|group| !group.split('|').any(|one| self.meets(one, architecture))).collect()
    }

    /// Whether an alternative is met. One that can not be read is not met: dpkg would not accept it either.
    fn meets(&self, alternative: &str, architecture: &str) -> bool {
        let Some(wanted) = Alternative::read(alternative) else { return false };
        let offers = self.by_name.get(wanted.name).map_or(&[][..], Vec::as_slice);
        offers.iter().any(|offer| wanted.fits(offer, architecture))
    }
}

impl<'a> Alternative<'a> {
    /// Reads one. Restrictions to architectures and build profiles do not occur in binary packages.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (name, relation) = match text.split_once('(') {
            Some((name, rest)) => (name.trim(), Some(read_relation(rest.trim().strip_suffix(')')?)?)),
            None => (text, None),
        };
        let (name, architecture) = name.split_once(':').map_or((name, None), |(name, of)| (name, Some(of)));
        let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
        is_name.then_some(Self { name, architecture, relation })
    }

    fn fits(&self, offer: &Offer<'_>, needed_by: &str) -> bool {
        let is_shared = match self.architecture {
            Some("any") => offer.sharing != Sharing::Own || offer.architecture == needed_by,
            Some("native") | None => offer.sharing == Sharing::All || offer.architecture == needed_by,
            Some(architecture) => offer.architecture == architecture,
        };
        // A package for all architectures counts as one of the machine's own, and so does what it needs.
        let fits_machine = is_shared || offer.architecture == "all" || needed_by == "all";
        let fits_version = match (self.relation, offer.version) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((relation, wanted)), Some(version)) => relation.holds(version, wanted),
        };
        fits_machine && fits_version
    }
}

/// What a `Provides` field lists, with versions where it says them.
pub(crate) fn provided(field: &str) -> Vec<(&str, Option<&str>)> {
    let alternatives = field.split(',').filter_map(Alternative::read);
    alternatives.map(|one| (one.name, one.relation.map(|(_, version)| version))).collect()
}

fn read_relation(text: &str) -> Option<(Relation, &str)> {
    let begin = text.find(|c: char| !matches!(c, '<' | '=' | '>'))?;
    let (relation, version) = text.split_at(begin);
    Some((Relation::read(relation)?, version.trim()))
}

/// A group of alternatives with single spaces.
fn normal(group: &str) -> String {
    group.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers() -> Offers<'static> {
        let mut offers = Offers::default();
        let offer = |version, architecture, sharing| Offer { version, architecture, sharing };
        offers.add("libc6", offer(Some("2.36-9"), "amd64", Sharing::Own));
        offers.add("mta", offer(None, "amd64", Sharing::Own));
        offers.add("api", offer(Some("4"), "all", Sharing::Own));
        offers.add("tool", offer(Some("1"), "arm64", Sharing::All));
        offers.add("python3", offer(Some("3.11"), "i386", Sharing::OnRequest));
        offers
    }

    fn unmet(field: &str) -> Vec<String> {
        offers().unmet(field, "amd64")
    }

    #[test]
    fn met_dependencies_are_not_told() {
        assert_eq!(unmet("libc6 (>= 2.34), mta | sendmail, api (= 4), libc6:any, libc6:amd64, tool"), [""; 0]);
        assert_eq!(unmet("none | libc6 (<< 3), "), [""; 0]);
    }

    #[test]
    fn unmet_dependencies_are_told_as_they_are_written() {
        let field = "libc6 (>= 2.37),\n nginx|apache2  (>= 2), mta (>= 1), api (= 3), python3, libc6:i386, libc6 (2)";
        let expected = [
            "libc6 (>= 2.37)",
            "nginx|apache2 (>= 2)",
            "mta (>= 1)",
            "api (= 3)",
            "python3",
            "libc6:i386",
            "libc6 (2)",
        ];
        assert_eq!(unmet(field), expected);
        assert_eq!(unmet("python3:any"), [""; 0]);
    }

    #[test]
    fn provided_names_come_with_their_versions() {
        assert_eq!(provided("mta, api (= 4)"), [("mta", None), ("api", Some("4"))]);
        assert_eq!(provided(""), []);
    }
}
