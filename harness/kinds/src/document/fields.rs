//! The entries of a mapping, taken one by one; what is left over is unknown.

use patchbed_model::Code;
use patchbed_model::text::{nearest, one_line, shorten};

use super::{At, Content, Node, Problems, Read};

/// How many unknown keys are compared with known ones: a hostile file may have a hundred thousand.
const LOOKED_AT: usize = 100;

/// The entries of one mapping.
#[derive(Debug)]
pub struct Fields<'a> {
    node: &'a Node,
    left: Vec<(&'a str, &'a Node)>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The entries of `node`; keys that begin with `x-` are notes and left out.
    pub fn of(node: &'a Node, wanted: &str, problems: &mut Problems) -> Option<Self> {
        let Content::Map(entries) = &node.content else {
            problems.wrong_type(node, wanted);
            return None;
        };
        let left = entries
            .iter()
            .filter(|(key, _)| !key.starts_with("x-"))
            .map(|(key, value)| (key.as_str(), value))
            .collect();
        Some(Self { node, left, known: Vec::new() })
    }

    /// The mapping itself.
    #[must_use]
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// Takes the value of `key` out, if it is there.
    pub fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        let index = self.left.iter().position(|(name, _)| *name == key)?;
        Some(self.left.remove(index).1)
    }

    /// Takes and reads `key`; its absence is a problem.
    pub fn required<T: Read>(&mut self, key: &'static str, problems: &mut Problems) -> Option<T> {
        let Some(node) = self.take(key) else {
            self.missing(key, problems);
            return None;
        };
        T::read(node, problems)
    }

    /// Reports that `key` is missing, unless a key that looks like it is there: [`Self::finish`] reports that one.
    fn missing(&self, key: &'static str, problems: &mut Problems) {
        if self.left.iter().take(LOOKED_AT).any(|(name, _)| nearest(name, [key]).is_some()) {
            return;
        }
        problems
            .error(Code::MissingKey, self.node.place, At::Value, format!("`{key}` is missing"))
            .help(format!("add `{key}:`"));
    }

    /// Whether `key` is there and not yet taken.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.left.iter().any(|(name, _)| *name == key)
    }

    /// Whether one of `keys` is there and not yet taken.
    #[must_use]
    pub fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.has(key))
    }

    /// Notes keys that may be given here, and are not.
    pub fn know(&mut self, keys: &[&'static str]) {
        self.known.extend(keys);
    }

    /// Takes `key`, a part of the language that comes with a later version, and says so if it is there.
    pub fn later(&mut self, key: &'static str, what: &str, problems: &mut Problems) {
        if let Some(node) = self.take(key) {
            unsupported(node, key, what, problems);
        }
        // It helps nobody to be told of a key that cannot be used yet.
        self.known.retain(|known| *known != key);
    }

    /// Takes and reads `key` if it is there. `Some(None)` when it is not; `None` when it is there and cannot be read.
    pub fn optional<T: Read>(&mut self, key: &'static str, problems: &mut Problems) -> Option<Option<T>> {
        match self.take(key) {
            Some(node) => T::read(node, problems).map(Some),
            None => Some(None),
        }
    }

    /// Takes the one entry whose key is among `kinds`: its name and value. None and two are problems, and so is a
    /// kind of a `later` version.
    pub fn kind(
        &mut self,
        [kinds, later]: [&'static [&'static str]; 2],
        what: &str,
        problems: &mut Problems,
    ) -> Option<(&'static str, &'a Node)> {
        let mut found: Vec<(&'static str, &'a Node)> = Vec::new();
        for kind in kinds {
            if let Some(node) = self.take(kind) {
                found.push((kind, node));
            }
        }
        if self.has_any(later) {
            let what = format!("this kind of {what}");
            for kind in later {
                self.later(kind, &what, problems);
            }
            return None;
        }
        match found[..] {
            [one] => Some(one),
            [] => {
                self.no_kind(kinds, what, problems);
                None
            }
            [first, second, ..] => {
                problems
                    .error(
                        Code::TwoKinds,
                        second.1.place,
                        At::Key,
                        format!("this {what} is given as `{}` and as `{}`", first.0, second.0),
                    )
                    .label("the second kind")
                    .also(first.1.place, At::Key, "the first kind")
                    .help("keep one of them, or write two entries");
                None
            }
        }
    }

    fn no_kind(&mut self, kinds: &'static [&'static str], what: &str, problems: &mut Problems) {
        let guess = self
            .left
            .iter()
            .take(LOOKED_AT)
            .find_map(|(key, node)| nearest(key, kinds.iter().copied()).map(|kind| (*key, *node, kind)));
        if let Some((key, node, kind)) = guess {
            self.left.retain(|(name, _)| *name != key);
            problems
                .error(
                    Code::UnknownKind,
                    node.place,
                    At::Key,
                    format!("there is no {what} of the kind `{}`", clean(key)),
                )
                .help(format!("write `{kind}:`"));
        } else {
            problems
                .error(
                    Code::MissingKind,
                    self.node.place,
                    At::Value,
                    format!("this {what} does not say of which kind it is"),
                )
                .help(format!("add one of: {}", kinds.join(", ")));
        }
    }

    /// Reports what was not taken.
    pub fn finish(self, problems: &mut Problems) {
        for (key, node) in self.left {
            let full = problems.is_full();
            let problem =
                problems.error(Code::UnknownKey, node.place, At::Key, format!("there is no key `{}` here", clean(key)));
            let guess = if full { None } else { nearest(key, self.known.iter().copied()) };
            match guess {
                Some(known) => problem.help(format!("did you mean `{known}`?")),
                None => problem.help(format!("known here: {}", self.known.join(", "))),
            };
        }
    }
}

fn unsupported(node: &Node, key: &str, what: &str, problems: &mut Problems) {
    problems
        .error(Code::Unsupported, node.place, At::Key, format!("this version cannot do `{key}` yet"))
        .label(format!("known, but not built: {what}"))
        .help(format!("take `{key}` out, or use a later version"));
}

fn clean(key: &str) -> String {
    shorten(&one_line(key), 60)
}
