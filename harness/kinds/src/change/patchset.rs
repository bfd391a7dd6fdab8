//! Unified diffs as steps on files held in memory: parsing, naming, applying. Knows nothing of sandboxes.

use std::collections::BTreeMap;

use diffy::Patch;
use diffy::patch_set::{FileMode, FileOperation, ParseOptions, PatchKind, PatchSet};
use patchbed_model::text::{last_lines, one_line, shorten};

use super::ChangeError;
use super::tool::inside;

/// A file as it is, and as it will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) owner: String,
}

/// Every file that a diff names: what it holds, or that it is not there.
pub(crate) type State = BTreeMap<String, Option<Held>>;

/// What a diff does to one file.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// What is read. Several names when the diff gives two and only the environment can tell which is meant.
    from: Vec<String>,
    to: To,
    mode: Option<u32>,
    patch: Patch<'a, [u8]>,
}

#[derive(Debug, PartialEq, Eq)]
enum To {
    /// The file that was read.
    Same,
    /// A new file; `from` is empty.
    New(String),
    /// Another file; the first one goes.
    Moved(String),
    /// Another file; the first one stays.
    Copied(String),
    /// Nothing: the file goes.
    Gone,
}

/// The steps of a diff, with paths below `directory` after dropping `strip` leading parts.
pub(crate) fn parse<'a>(diff: &'a [u8], directory: &str, strip: usize) -> Result<Vec<Step<'a>>, ChangeError> {
    let git = diff.starts_with(b"diff --git ") || diff.windows(12).any(|bytes| bytes == b"\ndiff --git ");
    let options = if git { ParseOptions::gitdiff() } else { ParseOptions::unidiff() };
    let mut steps = Vec::new();
    for patch in PatchSet::parse_bytes(diff, options) {
        let patch = patch.map_err(|error| unfit(&format!("the diff cannot be read: {error}")))?;
        let place = |name: &[u8]| file_at(name, directory, strip);
        // Git writes the names of renamed files without the `a/` and `b/` that `strip` counts.
        let bare = |name: &[u8]| file_at(name, directory, strip.saturating_sub(1));
        let mode = patch.new_mode().copied().map(mode).transpose()?;
        let (from, to) = match patch.operation() {
            FileOperation::Delete(name) => (vec![place(name)?], To::Gone),
            FileOperation::Create(name) => (Vec::new(), To::New(place(name)?)),
            FileOperation::Modify { original, modified } => {
                let mut names = vec![place(modified)?];
                if original != modified
                    && let Ok(name) = place(original)
                    && name != names[0]
                {
                    names.push(name);
                }
                (names, To::Same)
            }
            FileOperation::Rename { from, to } => (vec![bare(from)?], To::Moved(bare(to)?)),
            FileOperation::Copy { from, to } => (vec![bare(from)?], To::Copied(bare(to)?)),
        };
        match patch.into_patch() {
            PatchKind::Text(patch) => steps.push(Step { from, to, mode, patch }),
            PatchKind::Binary(_) => return Err(unfit("the diff holds a binary patch, which is not supported")),
        }
    }
    Ok(steps)
}

/// Every path that the steps read or write, to be held before they are applied.
pub(crate) fn paths(steps: &[Step<'_>]) -> Vec<String> {
    let mut paths: Vec<String> = steps
        .iter()
        .flat_map(|step| {
            let to = match &step.to {
                To::New(path) | To::Moved(path) | To::Copied(path) => Some(path.clone()),
                To::Same | To::Gone => None,
            };
            step.from.iter().cloned().chain(to)
        })
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Applies all steps to the held files, or says which hunk of which file does not fit.
pub(crate) fn apply(steps: &[Step<'_>], state: &mut State) -> Result<(), ChangeError> {
    steps.iter().try_for_each(|step| step.apply(state))
}

impl Step<'_> {
    fn apply(&self, state: &mut State) -> Result<(), ChangeError> {
        let from = self.from.iter().find(|path| matches!(state.get(*path), Some(Some(_)))).or(self.from.first());
        let held = from.and_then(|path| state.get(path).cloned().flatten());
        match (&self.to, from, held) {
            (To::New(path), _, _) => {
                if let Some(Some(held)) = state.get(path)
                    && !held.bytes.is_empty()
                {
                    return Err(refused(format!("`{path}` is there already, and the diff makes it new"), Vec::new()));
                }
                let empty = Held { bytes: Vec::new(), mode: 0o644, owner: "root:root".to_owned() };
                let held = self.changed(path, empty)?;
                state.insert(path.clone(), Some(held));
            }
            (To::Same, Some(path), None) if self.only_adds() => {
                let empty = Held { bytes: Vec::new(), mode: 0o644, owner: "root:root".to_owned() };
                state.insert(path.clone(), Some(self.changed(path, empty)?));
            }
            (_, Some(path), None) => return Err(refused(format!("`{path}` is not there to be patched"), Vec::new())),
            (_, None, _) => return Err(unfit("the diff names no file")),
            (To::Same, Some(path), Some(held)) => {
                state.insert(path.clone(), Some(self.changed(path, held)?));
            }
            (To::Moved(to), Some(path), Some(held)) => {
                let held = self.changed(path, held)?;
                state.insert(path.clone(), None);
                state.insert(to.clone(), Some(held));
            }
            (To::Copied(to), Some(path), Some(held)) => {
                state.insert(to.clone(), Some(self.changed(path, held)?));
            }
            (To::Gone, Some(path), Some(held)) => {
                if !self.changed(path, held)?.bytes.is_empty() {
                    let text = format!("`{path}` holds more than the diff removes");
                    return Err(refused(text, Vec::new()));
                }
                state.insert(path.clone(), None);
            }
        }
        Ok(())
    }

    /// Whether it makes a file out of nothing, told by its hunk alone.
    fn only_adds(&self) -> bool {
        let hunks = self.patch.hunks();
        hunks.len() == 1 && hunks[0].old_range().is_empty() && hunks[0].old_range().start() == 0
    }

    fn changed(&self, path: &str, held: Held) -> Result<Held, ChangeError> {
        let mode = self.mode.map_or(held.mode, |mode| (held.mode & !0o777) | mode);
        match diffy::apply_bytes(&held.bytes, &self.patch) {
            Ok(bytes) => Ok(Held { bytes, mode, ..held }),
            Err(error) => Err(self.does_not_fit(path, &held.bytes, &error)),
        }
    }

    fn does_not_fit(&self, path: &str, bytes: &[u8], error: &diffy::ApplyError) -> ChangeError {
        let number: usize = error.to_string().rsplit('#').next().and_then(|text| text.parse().ok()).unwrap_or(1);
        let hunks = self.patch.hunks();
        let mut text = format!("hunk {number} of {} does not fit `{path}`", hunks.len());
        // A hunk that leaves no lines fits anywhere when it is turned round, and says nothing.
        let leaves_lines = hunks.iter().all(|hunk| !hunk.new_range().is_empty());
        if leaves_lines && diffy::apply_bytes(bytes, &self.patch.reverse()).is_ok() {
            text.push_str(": the change is in it already");
        }
        let evidence = hunks.get(number.saturating_sub(1)).map(|hunk| {
            let lines: Vec<String> = hunk.lines().iter().map(shown).collect();
            last_lines(&lines.join("\n"), 20)
        });
        refused(text, evidence.unwrap_or_default())
    }
}

fn shown(line: &diffy::Line<'_, [u8]>) -> String {
    let (sign, bytes) = match line {
        diffy::Line::Context(bytes) => (' ', bytes),
        diffy::Line::Delete(bytes) => ('-', bytes),
        diffy::Line::Insert(bytes) => ('+', bytes),
    };
    format!("{sign}{}", String::from_utf8_lossy(bytes).trim_end_matches('\n'))
}

/// A path of the diff as a path of the environment.
fn file_at(path: &[u8], directory: &str, strip: usize) -> Result<String, ChangeError> {
    let text = std::str::from_utf8(path).map_err(|_| unfit("the diff names a file in bytes that are not UTF-8"))?;
    let parts: Vec<&str> = text.split('/').skip(strip).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        let text = shorten(&one_line(text), 80);
        return Err(unfit(&format!("nothing is left of `{text}` after dropping {strip} leading parts: see `strip`")));
    }
    inside(&format!("{directory}/{}", parts.join("/")))
}

fn mode(mode: FileMode) -> Result<u32, ChangeError> {
    match mode {
        FileMode::Regular => Ok(0o644),
        FileMode::Executable => Ok(0o755),
        FileMode::Symlink | FileMode::Gitlink => {
            Err(unfit("the diff changes a symbolic link or submodule, which is not supported"))
        }
    }
}

fn unfit(text: &str) -> ChangeError {
    ChangeError::Unfit(text.to_owned())
}

fn refused(text: String, evidence: Vec<String>) -> ChangeError {
    ChangeError::Refused { text, evidence }
}
