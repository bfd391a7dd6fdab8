//! Globs of paths inside a root: where a walk has to begin, how deep it has to go, and what it leaves out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use super::failure::{self, Result};
use crate::message::FailureKind;

/// A glob of paths. `*` and `?` stay inside one part of a path, `**` crosses folders.
#[derive(Debug)]
pub(crate) struct Pattern {
    start: Vec<u8>,
    reach: Reach,
    matcher: GlobMatcher,
}

/// What a glob can name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// One path: there is nothing to expand.
    One(Vec<u8>),
    /// Paths of at most so many parts.
    Parts(usize),
    /// Paths of any depth.
    Any,
}

impl Pattern {
    /// Reads a glob. One that does not begin with `/` is read as if it did.
    pub(crate) fn new(glob: &str) -> Result<Self> {
        let glob = normal(glob)?;
        let matcher = compile(&glob)?.compile_matcher();
        let fixed: Vec<_> = glob.split('/').skip(1).take_while(|part| !is_special(part)).collect();
        let parts = glob.split('/').skip(1).count();
        let is_one = fixed.len() == parts;
        let start = &fixed[..fixed.len() - usize::from(is_one && parts > 0)];
        let reach = match glob.rsplit('/').next() {
            Some(name) if is_one => Reach::One(name.into()),
            _ if glob.contains("**") || glob.contains('{') => Reach::Any,
            _ => Reach::Parts(parts),
        };
        let start = start.iter().flat_map(|part| [b"/", part.as_bytes()].concat()).collect();
        Ok(Self { start, reach, matcher })
    }

    /// The folder in which every match lies, empty for `/`.
    pub(crate) fn start(&self) -> &[u8] {
        &self.start
    }

    /// What the glob can name.
    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Whether it names this path.
    pub(crate) fn matches(&self, path: &[u8]) -> bool {
        self.matcher.is_match(OsStr::from_bytes(path))
    }

    /// Whether something in this folder can match.
    pub(crate) fn reaches_into(&self, folder: &[u8]) -> bool {
        match self.reach {
            Reach::One(_) => false,
            Reach::Parts(parts) => folder.split(|byte| *byte == b'/').count() <= parts,
            Reach::Any => true,
        }
    }
}

/// Globs of what is left out. A folder that matches is left out with everything in it.
#[derive(Debug)]
pub(crate) struct Exclusion {
    left_out: GlobSet,
    not_entered: GlobSet,
}

impl Exclusion {
    /// Reads the globs.
    pub(crate) fn new(globs: &[String]) -> Result<Self> {
        let mut left_out = GlobSetBuilder::new();
        let mut not_entered = GlobSetBuilder::new();
        for glob in globs {
            let glob = normal(glob)?;
            left_out.add(compile(&glob)?);
            // What holds only things that are left out need not be entered, but is told itself.
            if let Some(folder) = glob.strip_suffix("/**").filter(|folder| !folder.is_empty()) {
                not_entered.add(compile(folder)?);
            }
        }
        Ok(Self { left_out: built(&left_out)?, not_entered: built(&not_entered)? })
    }

    /// Whether this path, and what it holds, is left out.
    pub(crate) fn leaves_out(&self, path: &[u8]) -> bool {
        !self.left_out.is_empty() && self.left_out.is_match(OsStr::from_bytes(path))
    }

    /// Whether nothing in this folder would be told.
    pub(crate) fn leaves_out_all_in(&self, folder: &[u8]) -> bool {
        !self.not_entered.is_empty() && self.not_entered.is_match(OsStr::from_bytes(folder))
    }
}

fn is_special(part: &str) -> bool {
    part.contains(['*', '?', '[', '{', '\\'])
}

/// The glob from the root, without empty parts and without a slash at the end.
fn normal(glob: &str) -> Result<String> {
    let parts: Vec<_> = glob.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(failure::of(FailureKind::Unsupported, format!("read glob `{glob}`: `..` has no meaning in it")));
    }
    Ok(format!("/{}", parts.join("/")))
}

fn compile(glob: &str) -> Result<globset::Glob> {
    let built = GlobBuilder::new(glob).literal_separator(true).build();
    built.map_err(|error| failure::of(FailureKind::Unsupported, format!("read glob `{glob}`: {}", error.kind())))
}

fn built(set: &GlobSetBuilder) -> Result<GlobSet> {
    set.build().map_err(|error| failure::of(FailureKind::Unsupported, format!("read globs: {}", error.kind())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(glob: &str) -> Pattern {
        Pattern::new(glob).unwrap()
    }

    #[test]
    fn a_walk_begins_at_the_deepest_fixed_folder() {
        let nginx = pattern("/etc/nginx/**/*.conf");
        assert_eq!((nginx.start(), nginx.reach()), (&b"/etc/nginx"[..], &Reach::Any));
        let flat = pattern("etc//*.d/./*.conf/");
        assert_eq!((flat.start(), flat.reach()), (&b"/etc"[..], &Reach::Parts(3)));
        let one = pattern("/etc/passwd");
        assert_eq!((one.start(), one.reach()), (&b"/etc"[..], &Reach::One(b"passwd".to_vec())));
        assert_eq!(pattern("/").reach(), &Reach::One(Vec::new()));
        assert_eq!(pattern("/{etc,usr/lib}/*").reach(), &Reach::Any);
    }

    #[test]
    fn stars_stay_in_their_part() {
        assert!(pattern("/etc/*.conf").matches(b"/etc/\xff\n.conf"));
        assert!(!pattern("/etc/*.conf").matches(b"/etc/a/b.conf"));
        assert!(pattern("/etc/**").matches(b"/etc/a/b.conf") && !pattern("/etc/**").matches(b"/etc"));
        assert!(pattern("/{etc,usr/lib}/*").matches(b"/usr/lib/x"));
    }

    #[test]
    fn senseless_globs_are_refused() {
        assert_eq!(Pattern::new("/etc/../x").unwrap_err().kind, FailureKind::Unsupported);
        assert_eq!(
            Pattern::new("/etc/[").unwrap_err().text,
            "read glob `/etc/[`: unclosed character class; missing ']'"
        );
    }

    #[test]
    fn an_excluded_folder_takes_its_content_along() {
        let exclusion = Exclusion::new(&["/var/cache".into(), "/var/log/**".into(), "**/*.pyc".into()]).unwrap();
        assert!(exclusion.leaves_out(b"/var/cache") && !exclusion.leaves_out(b"/var/log"));
        assert!(exclusion.leaves_out_all_in(b"/var/log") && !exclusion.leaves_out_all_in(b"/var"));
        assert!(exclusion.leaves_out(b"/var/log/a/b") && exclusion.leaves_out(b"/usr/lib/x.pyc"));
    }

    proptest! {
        #[test]
        fn whatever_matches_lies_in_reach_of_the_walk(glob in r"/?([ab*?{}]{1,2}|\*\*|,|/){0,6}", path in "(/[ab]{1,2}){1,4}") {
            let Ok(pattern) = Pattern::new(&glob) else { return Ok(()) };
            if pattern.matches(path.as_bytes()) {
                prop_assert!(path.as_bytes().starts_with(pattern.start()));
                let folder = &path[..path.rfind('/').unwrap()];
                let is_one = matches!(pattern.reach(), Reach::One(_));
                prop_assert!(is_one || pattern.reaches_into(folder.as_bytes()));
            }
        }
    }
}
