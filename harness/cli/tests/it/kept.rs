//! Disks that attempts left and that are kept for a day.

use std::time::{Duration, SystemTime};

use camino::Utf8Path;
use patchbed_testkit::needs;

use crate::project::{Project, Said};

/// A project whose cache lies on another file system than the root, as layers on this machine's own root need.
struct Kept {
    project: Project,
    cache: tempfile::TempDir,
}

impl Kept {
    /// `None` where there is no such file system.
    fn probing(command: &str) -> Option<Self> {
        let cache = tempfile::Builder::new().prefix("patchbed-it-").tempdir_in("/dev/shm");
        match cache {
            Ok(cache) => Some(Self { project: Project::probing(command), cache }),
            Err(error) => {
                needs::skip(module_path!(), "shm", &error.to_string());
                None
            }
        }
    }

    fn say(&self, words: &[&str]) -> Said {
        self.project.say(self.project.command(words).env("XDG_CACHE_HOME", self.cache.path()))
    }

    fn run(&self, keep: &str) -> Said {
        self.say(&["run", "-j", "1", "--progress", "none", "--keep", keep])
    }

    /// The folders of the kept disks.
    fn disks(&self) -> Vec<std::path::PathBuf> {
        let folder = self.cache.path().join("patchbed/kept");
        folder.read_dir().expect("the store").map(|entry| entry.expect("an entry").path()).collect()
    }

    /// Has the disks been looked at last so many hours ago.
    fn age(&self, hours: u64) {
        let then = SystemTime::now() - Duration::from_hours(hours);
        for disk in self.disks() {
            std::fs::File::open(disk).expect("a folder").set_modified(then).expect("its time is set");
        }
    }

    /// The one cell of the last run.
    fn cell(&self) -> String {
        self.project.record().scenarios[0].cells[0].id.0.clone()
    }
}

#[test]
fn a_disk_is_as_the_last_attempt_left_it_whatever_is_written_there() {
    needs!(userns, overlay, root);
    let Some(kept) = Kept::probing("echo left >/opt/left; test ! -e /opt/patched") else { return };
    let ran = kept.run("failed");
    assert_eq!((ran.status, kept.disks().len()), (Some(1), 2), "{ran:?}");
    assert_eq!(ran.stderr, "disks are kept for 24 h: `patchbed shell --kept CELL`\n");
    let cell = kept.cell();
    for _ in 0..2 {
        let patched = kept.say(&["shell", "--kept", &cell, "-c", "cat /opt/left /opt/patched && rm /opt/left"]);
        assert_eq!((patched.status, patched.stdout.as_str()), (Some(0), "left\nyes\n"), "{patched:?}");
    }
    let control = kept.say(&["shell", "--kept", "--control", &cell, "-c", "cat /opt/left; test ! -e /opt/patched"]);
    assert_eq!((control.status, control.stdout.as_str()), (Some(0), "left\n"), "{control:?}");
}

#[test]
fn of_a_cell_that_is_fine_a_disk_is_kept_only_when_all_are_wanted() {
    needs!(userns, overlay, root);
    let Some(kept) = Kept::probing("true") else { return };
    for (keep, disks) in [("never", 0), ("failed", 0), ("all", 2)] {
        let ran = kept.run(keep);
        assert_eq!((ran.status, kept.disks().len()), (Some(0), disks), "{keep}: {ran:?}");
    }
    assert_eq!(kept.say(&["shell", "--kept", &kept.cell(), "-c", "true"]).status, Some(0));
}

#[test]
fn a_disk_goes_after_a_day_when_something_is_started_or_cleaned() {
    needs!(userns, overlay, root);
    let Some(kept) = Kept::probing("true") else { return };
    for words in [&["clean"][..], &["run", "--progress", "none"]] {
        kept.run("all");
        kept.age(23);
        kept.say(words);
        assert_eq!(kept.disks().len(), 2, "{words:?}");
        kept.age(25);
        let said = kept.say(words);
        assert_eq!(said.stderr.matches("removed: the disk of ").count(), 2, "{words:?}: {said:?}");
        assert!(kept.disks().is_empty(), "{words:?}");
    }
    let gone = kept.say(&["shell", "--kept", &kept.cell(), "-c", "true"]);
    assert_eq!(gone.status, Some(4), "{gone:?}");
}

/// The kernel takes no layer from within the root on which it would stand.
#[test]
fn where_no_disk_can_be_kept_a_note_says_so() {
    needs!(userns, overlay, root);
    let project = Project::probing("true");
    let on_root = |path: &Utf8Path| rustix::fs::stat(path.as_std_path()).map(|stat| stat.st_dev).ok();
    if on_root(project.path()) != on_root(Utf8Path::new("/")) {
        return needs::skip(module_path!(), "root-fs", "temporary folders are on another file system");
    }
    let said = project.run(&["run", "--progress", "none", "--keep", "all"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    let notes = &project.record().scenarios[0].cells[0].notes;
    assert!(notes.iter().any(|note| note.starts_with("no disk is kept on this machine's own root")), "{notes:?}");
}
