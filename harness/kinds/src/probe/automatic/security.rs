//! What makes an environment less secure: new set-id files, files that all may write, new jobs, new roots.

use camino::Utf8Path;
use patchbed_model::{Health, Key, Reading};
use patchbed_sandbox::AskError;
use patchbed_sandbox::message::{FailureKind, FileFact, FileKind};

use super::super::files::nature;
use super::super::name::{canonical_name, merged};
use super::super::{Look, ProbeError};
use super::drift::Explained;

/// Where jobs are kept that start by themselves.
const JOBS: &[&str] = &["/etc/cron", "/var/spool/cron/", "/etc/anacrontab", "/var/spool/at/"];
/// Where units are kept.
const UNITS: &[&str] = &["/etc/systemd/", "/usr/lib/systemd/", "/lib/systemd/", "/usr/local/lib/systemd/"];
/// Where it is said who may become root.
const ROOTS: &[&str] = &["/etc/sudoers", "/etc/doas.conf", "/etc/polkit-1/rules.d/"];
/// The set-user-id and set-group-id bits.
const SET_ID: u32 = 0o6000;
/// The sticky bit: in such a folder nobody can touch the files of others.
const STICKY: u32 = 0o1000;

/// A bad state for each. That the patch owns a file explains its content, not that it is a new door.
pub(super) fn readings(facts: &[FileFact], explained: &Explained) -> Vec<(Key, Reading)> {
    let bad = |(what, fact): (&str, &FileFact)| {
        let key = Key::from("security").child(what).child(&canonical_name(&fact.path));
        (key, Reading::state(nature(fact), Health::Bad))
    };
    merged(facts.iter().filter_map(|fact| Some((door(fact, explained)?, fact))).map(bad).collect())
}

/// What kind of door a drifted file opens, if any.
fn door(fact: &FileFact, explained: &Explained) -> Option<&'static str> {
    let drifted = |word: &str| fact.drift.iter().any(|drift| drift == word);
    let opened = drifted("new") || drifted("mode") || drifted("owner") || drifted("kind");
    let plain = matches!(fact.kind, FileKind::File | FileKind::Folder);
    if fact.kind == FileKind::File && fact.mode & SET_ID != 0 && opened {
        return Some("set-id");
    }
    if plain && fact.mode & 0o002 != 0 && fact.mode & STICKY == 0 && opened {
        return Some("world-writable");
    }
    let under = |prefixes: &[&str]| prefixes.iter().any(|prefix| fact.path.starts_with(prefix));
    let written = matches!(fact.kind, FileKind::File | FileKind::Link)
        && (drifted("new") || (drifted("content") && !explained.holds(&fact.path)));
    if written && under(ROOTS) {
        return Some("sudoers");
    }
    (written && (under(JOBS) || (under(UNITS) && Utf8Path::new(&fact.path).extension() == Some("timer"))))
        .then_some("scheduled")
}

/// The accounts that are root by number.
pub(super) async fn accounts(look: &Look<'_>) -> Result<(Key, Reading), ProbeError> {
    let key = Key::from("security.uid-0");
    let bytes = match look.sandbox.read_file("/etc/passwd", 4 << 20).await {
        Ok(bytes) => bytes,
        Err(AskError::Failed(failure)) if failure.kind == FailureKind::NotFound => {
            return Ok((key, Reading::state("no /etc/passwd", Health::Bad)));
        }
        Err(error) => return Err(error.into()),
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut names: Vec<&str> = text.lines().filter_map(root_by_number).collect();
    names.sort_unstable();
    let health = if names == ["root"] { Health::Good } else { Health::Bad };
    Ok((key, Reading::state(names.join(", "), health)))
}

fn root_by_number(line: &str) -> Option<&str> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    (fields.nth(1)?.parse() == Ok(0_u32)).then_some(name)
}
