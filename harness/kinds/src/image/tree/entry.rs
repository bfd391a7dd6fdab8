//! What a tree is made of: paths that cannot climb, and what is known of a file besides its content.

use patchbed_model::text::{one_line, shorten};

/// The deepest path, in names.
pub(super) const DEPTH_LIMIT: usize = 256;

/// A path below the root of a tree: no empty name, no `.`, no `..`, no NUL. Empty for the root itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct EntryPath(Vec<u8>);

impl EntryPath {
    /// Reads a path as an archive writes it: a leading `/` or `./` is dropped, everything that climbs is refused.
    pub(super) fn parse(raw: &[u8]) -> Result<Self, String> {
        if raw.is_empty() {
            return Err("has an empty name".to_owned());
        }
        if raw.contains(&0) {
            return Err("has a NUL in its name".to_owned());
        }
        let mut clean = Vec::with_capacity(raw.len());
        let mut depth = 0;
        for name in raw.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => return Err("climbs with `..`".to_owned()),
                name if name.len() > 255 => return Err("has a name longer than 255 bytes".to_owned()),
                name => {
                    if depth > 0 {
                        clean.push(b'/');
                    }
                    clean.extend_from_slice(name);
                    depth += 1;
                }
            }
        }
        if depth > DEPTH_LIMIT {
            return Err(format!("lies deeper than {DEPTH_LIMIT} folders"));
        }
        if clean.len() >= 4096 {
            return Err("has a path longer than 4095 bytes".to_owned());
        }
        Ok(Self(clean))
    }

    /// The path of `name` below this one; `name` comes from a directory, so it is one clean name.
    pub(super) fn join(&self, name: &[u8]) -> Self {
        let mut path = self.0.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        Self(path)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn depth(&self) -> usize {
        if self.is_root() { 0 } else { self.0.split(|byte| *byte == b'/').count() }
    }

    /// The folder it lies in and its own name; `None` for the root.
    pub(super) fn split(&self) -> Option<(Self, &[u8])> {
        if self.is_root() {
            return None;
        }
        Some(match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (Self(self.0[..slash].to_vec()), &self.0[slash + 1..]),
            None => (Self::default(), &self.0[..]),
        })
    }
}

/// A path for an error's text.
pub(super) fn shown(path: &[u8]) -> String {
    shorten(&one_line(&String::from_utf8_lossy(path)), 120)
}

/// What is known of a file besides its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Seconds and nanoseconds since 1970.
    pub(super) mtime: (i64, u32),
    /// Extended attributes, by name.
    pub(super) attributes: Vec<Pair>,
}

/// A name and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// What is done with an extended attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    /// It is kept.
    Kept,
    /// It means nothing elsewhere and is left out.
    Left,
    /// It would steer the overlay.
    Overlay,
}

/// Decides by an attribute's name. Only what programs see is kept: capabilities and user attributes.
pub(super) fn attribute(name: &[u8]) -> Attribute {
    if name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.") {
        Attribute::Overlay
    } else if name == b"security.capability" || name.starts_with(b"user.") {
        Attribute::Kept
    } else {
        Attribute::Left
    }
}
