//! How the patches of a bundle are given: each by itself, or packages that follow one another in one transaction.

use patchbed_kinds::change::{AnyChange, Prepared};

use super::prepare::PreparedPatch;
use crate::scenario::Patch;

/// What is applied and taken back as one.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// The patches in it, in words.
    pub(super) name: String,
    /// What the guest keeps its way back under.
    pub(super) key: &'a str,
    /// What it does.
    pub(super) apply: Vec<(&'a AnyChange, Prepared)>,
    /// How it is taken back, when not by the changes' own ways.
    pub(super) revert: Vec<(&'a AnyChange, &'a Prepared)>,
}

impl<'a> Part<'a> {
    fn of((patch, prepared): (&'a Patch, &'a PreparedPatch)) -> Self {
        Self {
            name: patch.name.clone(),
            key: &patch.name,
            apply: patch.apply.iter().zip(prepared.apply.iter().cloned()).collect(),
            revert: patch.revert.iter().zip(&prepared.revert).collect(),
        }
    }

    /// Whether it is packages alone, of which a transaction may have more.
    fn is_of_packages(&self) -> bool {
        self.revert.is_empty() && self.apply.iter().all(|(change, _)| matches!(change, AnyChange::Deb(_)))
    }

    /// Has the packages of another part in the same transaction.
    fn join(&mut self, other: Self) {
        self.name = format!("{} + {}", self.name, other.name);
        for (change, prepared) in std::mem::take(&mut self.apply).into_iter().chain(other.apply) {
            match self.apply.first_mut() {
                Some((_, whole)) => whole.binds.extend(prepared.binds),
                None => self.apply.push((change, prepared)),
            }
        }
    }
}

/// The parts of these patches, in order.
pub(super) fn parts<'a>(
    patches: impl IntoIterator<Item = (&'a Patch, &'a PreparedPatch)>,
    is_together: bool,
) -> Vec<Part<'a>> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    for part in patches.into_iter().map(Part::of) {
        match parts.last_mut() {
            Some(last) if is_together && last.is_of_packages() && part.is_of_packages() => last.join(part),
            Some(_) | None => parts.push(part),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use patchbed_kinds::change::deb::Deb;
    use patchbed_kinds::document::OneOrMany;
    use patchbed_model::Digest;
    use patchbed_sandbox::{Bind, BindMode};

    use super::*;
    use crate::fixtures::patch;

    fn of_packages(name: &str) -> Patch {
        let packages = Some(OneOrMany(vec![name.to_owned()]));
        Patch { apply: vec![AnyChange::Deb(Deb { packages, from: None, files: None })], ..patch(name) }
    }

    fn prepared(name: &str) -> PreparedPatch {
        let bind = Bind { from: format!("/store/{name}").into(), to: format!("/run/{name}"), mode: BindMode::ReadOnly };
        PreparedPatch { apply: vec![Prepared { digest: Digest::of(b"x"), binds: vec![bind] }], revert: Vec::new() }
    }

    #[test]
    fn packages_that_follow_one_another_are_one_part_when_they_are_given_together() {
        let patches = [of_packages("a"), of_packages("b"), patch("c"), of_packages("d")];
        let ready = ["a", "b", "c", "d"].map(prepared);
        let told = |is_together| {
            let parts = parts(patches.iter().zip(&ready), is_together);
            let told = parts.iter().map(|part| {
                let binds: Vec<&str> =
                    part.apply.iter().flat_map(|(_, ready)| ready.binds.iter().map(|bind| bind.to.as_str())).collect();
                format!("{}: {}", part.name, binds.join(" "))
            });
            told.collect::<Vec<_>>()
        };
        assert_eq!(told(false), ["a: /run/a", "b: /run/b", "c: /run/c", "d: /run/d"]);
        assert_eq!(told(true), ["a + b: /run/a /run/b", "c: /run/c", "d: /run/d"]);
    }
}
