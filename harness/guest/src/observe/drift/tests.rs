use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{FileType, Mode, XattrFlags};
use rustix::time::{ClockId, clock_gettime};

use super::*;
use crate::message::{Drift, FileFact, FileKind};
use crate::observe::fact;
use crate::observe::users::Users;

/// An upper folder over layers, made by hand.
struct Trees {
    folder: tempfile::TempDir,
    lowers: Vec<OwnedFd>,
}

impl Trees {
    fn new(layers: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let names = (0..layers).map(|layer| format!("lower{layer}"));
        let lowers = names.map(|name| Self::made(&folder.path().join(name))).collect();
        Self::made(&folder.path().join("upper"));
        Self { folder, lowers }
    }

    fn made(path: &std::path::Path) -> OwnedFd {
        fs::create_dir(path).unwrap();
        fs::File::open(path).unwrap().into()
    }

    fn path(&self, tree: &str, file: &str) -> PathBuf {
        let path = self.folder.path().join(tree).join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn write(&self, tree: &str, file: &str, content: &str) {
        fs::write(self.path(tree, file), content).unwrap();
    }

    /// `false` where this host does not let the test make one.
    fn whiteout(&self, tree: &str, file: &str) -> bool {
        let path = self.path(tree, file);
        rustix::fs::mknodat(rustix::fs::CWD, path, FileType::CharacterDevice, Mode::empty(), 0).is_ok()
    }

    fn opaque(&self, tree: &str, folder: &str) -> bool {
        let path = self.path(tree, folder);
        fs::create_dir_all(&path).unwrap();
        rustix::fs::setxattr(path, "user.overlay.opaque", b"y", XattrFlags::empty()).is_ok()
    }

    fn facts(&self, exclude: &[&str], limit: usize) -> Vec<FileFact> {
        let exclude = exclude.iter().map(ToString::to_string).collect();
        self.answer(&Drift { exclude, explained: Vec::new(), limit })
    }

    fn answer(&self, question: &Drift) -> Vec<FileFact> {
        let upper: OwnedFd = fs::File::open(self.folder.path().join("upper")).unwrap().into();
        drift(&Overlay { upper: upper.as_fd(), lowers: &self.lowers }, question, &Users::default()).unwrap()
    }

    fn told(&self) -> Vec<String> {
        let tell = |fact: &FileFact| format!("{} {}", fact.path, fact.drift.join(","));
        self.facts(&[], 1000).iter().map(tell).collect()
    }
}

#[test]
fn of_what_is_explained_only_open_doors_are_told_and_counted() {
    let trees = Trees::new(1);
    trees.write("lower0", "opt/app/hidden", "h");
    for file in ["opt/app/a", "opt/app/deep/b", "opt/application", "srv/own"] {
        trees.write("upper", file, "x");
    }
    trees.write("upper", "opt/app/deep/open", "x");
    fs::set_permissions(trees.path("upper", "opt/app/deep/open"), fs::Permissions::from_mode(0o666)).unwrap();
    trees.write("upper", "opt/app/root", "x");
    fs::set_permissions(trees.path("upper", "opt/app/root"), fs::Permissions::from_mode(0o4755)).unwrap();
    trees.opaque("upper", "opt/app");
    let question = Drift { exclude: Vec::new(), explained: vec!["/opt/app/".to_owned()], limit: 6 };
    let told: Vec<_> = trees.answer(&question).into_iter().map(|fact| fact.path).collect();
    assert_eq!(told, ["/opt/app/deep/open", "/opt/app/root", "/opt/application", "/srv", "/srv/own"]);
}

#[test]
fn each_kind_of_difference_has_its_word() {
    let trees = Trees::new(1);
    for (file, before, now) in
        [("content", "a", "b"), ("longer", "a", "aa"), ("mode", "a", "a"), ("copied", "a", "a"), ("owner", "a", "a")]
    {
        trees.write("lower0", file, before);
        trees.write("upper", file, now);
    }
    trees.write("upper", "dir/new", "n");
    trees.write("lower0", "kind", "a file");
    symlink("elsewhere", trees.path("upper", "kind")).unwrap();
    symlink("one", trees.path("lower0", "link")).unwrap();
    symlink("two", trees.path("upper", "link")).unwrap();
    fs::set_permissions(trees.path("upper", "mode"), fs::Permissions::from_mode(0o4755)).unwrap();
    let mut expected = [
        "/content content",
        "/copied ",
        "/dir new",
        "/dir/new new",
        "/kind kind",
        "/link target",
        "/longer content",
        "/mode mode",
    ]
    .map(String::from)
    .to_vec();
    if chown(trees.path("upper", "owner"), Some(7), None).is_ok() {
        expected.push("/owner owner".into());
    } else {
        expected.push("/owner ".into());
    }
    assert_eq!(trees.told(), expected);
}

#[test]
fn new_files_come_with_their_digest() {
    let trees = Trees::new(1);
    trees.write("upper", "new", "hello\n");
    let fact = trees.facts(&[], 10).remove(0);
    let digest = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    assert_eq!((fact.digest.as_deref(), fact.text), (Some(digest), None));
}

#[test]
fn a_whiteout_tells_what_is_gone_once() {
    let trees = Trees::new(2);
    trees.write("lower0", "etc/a", "");
    trees.write("lower1", "etc/b/c", "");
    if trees.whiteout("upper", "etc/a") && trees.whiteout("upper", "etc/b") && trees.whiteout("upper", "etc/never") {
        assert_eq!(trees.told(), ["/etc/a kind", "/etc/b kind"]);
        assert!(trees.facts(&[], 10).iter().all(|fact| fact.kind == FileKind::Gone));
    }
}

#[test]
fn what_a_middle_layer_removed_is_new_when_it_comes_back() {
    let trees = Trees::new(2);
    trees.write("lower1", "etc/a", "old");
    trees.write("upper", "etc/a", "old");
    if trees.whiteout("lower0", "etc/a") {
        assert_eq!(trees.told(), ["/etc/a new"]);
    }
}

#[test]
fn an_opaque_middle_folder_hides_what_lies_below() {
    let trees = Trees::new(2);
    trees.write("lower1", "doc/a", "old");
    trees.write("lower0", "doc/b", "b");
    trees.write("upper", "doc/a", "old");
    trees.write("upper", "doc/b", "b");
    if trees.opaque("lower0", "doc") {
        assert_eq!(trees.told(), ["/doc/a new", "/doc/b "]);
    }
}

#[test]
fn a_folder_made_anew_misses_what_was_not_written_again() {
    let trees = Trees::new(1);
    for file in ["doc/kept", "doc/lost", "doc/sub/lost", "doc/sub/kept", "doc/whole/x"] {
        trees.write("lower0", file, file);
    }
    for file in ["doc/kept", "doc/sub/kept", "doc/new"] {
        trees.write("upper", file, file);
    }
    if trees.opaque("upper", "doc") {
        let expected =
            ["/doc/kept ", "/doc/lost kind", "/doc/new new", "/doc/sub/kept ", "/doc/sub/lost kind", "/doc/whole kind"];
        assert_eq!(trees.told(), expected);
    }
}

#[test]
fn a_folder_over_a_file_and_a_file_over_a_folder_are_of_another_kind() {
    let trees = Trees::new(1);
    trees.write("lower0", "a", "");
    trees.write("upper", "a/b", "");
    trees.write("lower0", "c/d", "");
    trees.write("upper", "c", "");
    assert_eq!(trees.told(), ["/a kind", "/a/b new", "/c kind"]);
}

#[test]
fn excluded_paths_and_what_is_over_the_limit_are_not_told() {
    let trees = Trees::new(0);
    for file in ["a", "b/c", "b/d", "e"] {
        trees.write("upper", file, "");
    }
    let paths = |facts: Vec<FileFact>| facts.into_iter().map(|fact| fact.path).collect::<Vec<_>>();
    assert_eq!(paths(trees.facts(&["/b"], 100)), ["/", "/a", "/e"]);
    assert_eq!(paths(trees.facts(&["/b/**"], 3)), ["/", "/a", "/b"]);
}

#[test]
fn a_huge_copied_file_is_judged_by_size_and_time() {
    let trees = Trees::new(1);
    for tree in ["lower0", "upper"] {
        let file = fs::File::create(trees.path(tree, "sparse")).unwrap();
        if file.set_len(1 << 40).is_err() {
            return;
        }
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    assert_eq!(trees.told(), ["/sparse "]);
    fs::File::open(trees.path("upper", "sparse")).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    assert_eq!(trees.told(), ["/sparse content"]);
}

#[test]
fn ten_thousand_entries_are_told_quickly() {
    let trees = Trees::new(2);
    for folder in 0..100 {
        for file in 0..100 {
            trees.write("upper", &format!("{folder}/{file}"), "content");
        }
    }
    // Processor time of this thread, because other tests share its processors.
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let begin = now();
    assert_eq!(trees.facts(&[], 20_000).len(), 10_100);
    // Generous: tests are built without optimisation.
    let used = now().saturating_sub(begin);
    assert!(used < Duration::from_secs(3), "{used:?}");
}

#[test]
fn a_deep_tree_does_not_overflow() {
    let trees = Trees::new(1);
    crate::observe::tests::make_chain(&trees.path("upper", "x"), 4000);
    let facts = trees.facts(&[], 100_000);
    let closed = facts.iter().find(|fact| fact.attributes.contains_key(fact::UNREAD)).unwrap();
    assert!(closed.path.len() > 3800, "{}", closed.path.len());
    crate::observe::tests::remove_chain(&trees.path("upper", "x"));
}
