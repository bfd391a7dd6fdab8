//! What differs only in versions that the patch itself brings is expected: a banner, the output of `--version`, a list of
//! packages. Anything else that differs is a difference.

use std::collections::BTreeSet;

use patchbed_model::{Class, Difference, Snapshot, Value, Verdict};

/// What the keys of such facts begin with: `version.django`, whose value is `3.2.25 → 4.0`.
pub const VERSION: &str = "version.";

/// What stands between the version before and the version after.
pub const ARROW: &str = " → ";

/// The versions that a patch changes, in all forms in which programs tell them.
#[derive(Debug, Default)]
pub(super) struct Versions {
    /// Before and after, the longest first, so that none is taken for a part of another.
    forms: Vec<(String, String)>,
}

impl Versions {
    /// Those of these attempts.
    pub(super) fn of(patched: &[&Snapshot]) -> Self {
        let readings = patched.iter().flat_map(|snapshot| &snapshot.readings);
        let texts = readings.filter_map(|(key, reading)| match &reading.value {
            Value::Text(text) if key.as_str().starts_with(VERSION) => text.split_once(ARROW),
            Value::Text(_) | Value::Number(_) | Value::List(_) => None,
        });
        let forms: BTreeSet<(String, String)> = texts
            .flat_map(|(was, now)| forms(was).into_iter().zip(forms(now)))
            .filter(|(was, now)| was != now && is_telling(was) && is_telling(now))
            .collect();
        let mut forms: Vec<(String, String)> = forms.into_iter().collect();
        forms.sort_by_key(|(was, now)| std::cmp::Reverse(was.len().max(now.len())));
        Self { forms }
    }

    /// The difference, silenced where only versions differ.
    pub(super) fn explained(&self, mut difference: Difference) -> Difference {
        let (Some(was), Some(now)) = (&difference.was, &difference.now) else { return difference };
        let weighed = match difference.verdict {
            Verdict::Changed | Verdict::Unstable => true,
            Verdict::Skipped
            | Verdict::Same
            | Verdict::Improved
            | Verdict::Inconclusive
            | Verdict::Ineffective
            | Verdict::Regressed => false,
        };
        if weighed && difference.class == Class::Content && difference.silenced.is_none() && self.explain(was, now) {
            difference.silenced = Some("only versions that the patch brings differ".to_owned());
        }
        difference
    }

    fn explain(&self, was: &str, now: &str) -> bool {
        let (mut was, mut now) = (layout(was), layout(now));
        for (before, after) in &self.forms {
            (was, now) = (without(&was, before), without(&now, after));
        }
        was == now
    }
}

/// A version as packages have it, without what distributions add: `1:3.5.0+ds1-0+deb12u1` is also `3.5.0`.
fn forms(version: &str) -> [String; 4] {
    let plain = version.split_once(':').map_or(version, |(_, rest)| rest);
    let upstream = plain.rsplit_once('-').map_or(plain, |(upstream, _)| upstream);
    let bare = upstream.split(['+', '~']).next().unwrap_or(upstream);
    [version, plain, upstream, bare].map(str::to_owned)
}

/// Whether a text is plainly a version: a mere number may be anything.
fn is_telling(version: &str) -> bool {
    version.split('.').filter(|part| part.starts_with(|c: char| c.is_ascii_digit())).count() > 1
}

/// A text whose columns may be as wide as they like.
fn layout(text: &str) -> String {
    let mut narrow = String::with_capacity(text.len());
    for line in text.lines() {
        let mut last = None;
        for c in line.trim_end().chars() {
            if !(matches!(c, ' ' | '-' | '=') && last == Some(c)) {
                narrow.push(c);
            }
            last = Some(c);
        }
        narrow.push('\n');
    }
    narrow
}

/// The text with a placeholder for the version, where it stands by itself.
fn without(text: &str, version: &str) -> String {
    let mut left = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(version) {
        let (before, after) = (&rest[..at], &rest[at + version.len()..]);
        let joined = before.ends_with(|c: char| c.is_ascii_digit() || c == '.')
            || after.starts_with(|c: char| c.is_ascii_alphanumeric())
            || after.strip_prefix('.').is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()));
        left.push_str(before);
        left.push_str(if joined { version } else { "⟨version⟩" });
        rest = after;
    }
    left.push_str(rest);
    left
}

#[cfg(test)]
mod tests {
    use patchbed_model::Reading;
    use proptest::prelude::*;

    use super::*;

    fn versions(all: &[(&str, &str)]) -> Versions {
        let mut snapshot = Snapshot::default();
        for (place, (was, now)) in all.iter().enumerate() {
            let value = format!("{was}{ARROW}{now}");
            snapshot.insert(format!("{VERSION}p{place}").as_str(), Reading::fact(value.as_str()));
        }
        Versions::of(&[&snapshot])
    }

    #[test]
    fn only_the_versions_of_the_patch_are_expected() {
        let django = versions(&[("3.2.25", "4.0")]);
        assert!(django.explain("3.2.25\n", "4.0\n"));
        assert!(django.explain("Django/v3.2.25 (up)", "Django/v4.0 (up)"));
        assert!(!django.explain("3.2.25\n", "4.0\nwarning\n"));
        assert!(!django.explain("3.2.25\n", "4.0.1\n"));
        assert!(!django.explain("got pen", "refused 403"));
        let debian = versions(&[("1:3.2.7-1+deb12u6", "1:3.5.0+ds1-0+deb12u1")]);
        assert!(debian.explain("rsync version 3.2.7 up", "rsync version 3.5.0 up"));
        assert!(debian.explain("3.2.7-1+deb12u6", "3.5.0+ds1-0+deb12u1"));
        // A number alone may be a count.
        assert!(!versions(&[("1", "2")]).explain("rows 1", "rows 2"));
    }

    #[test]
    fn columns_may_become_wider() {
        let was = "Package Version\n------- -------\npip     22.3.1\nx       8.3.9\n";
        let now = "Package Version\n------- --------\npip     22.3.1\nx       8.3.10\n";
        assert!(versions(&[("8.3.9", "8.3.10")]).explain(was, now));
    }

    proptest! {
        #[test]
        fn a_text_is_explained_by_no_version_that_it_does_not_hold(text in "[a-z0-9. ]{0,20}", more in "[a-z]{1,5}") {
            let now = format!("{text}{more}");
            prop_assert!(!versions(&[("7.7.7", "8.8.8")]).explain(&text, &now));
        }
    }
}
