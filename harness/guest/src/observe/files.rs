//! Facts about the files that globs name.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::Stat;
use rustix::io::Errno;

use super::fact::{self, Look};
use super::failure::{self, Result};
use super::globs::{Exclusion, Pattern};
use super::search::{Met, Visitor, search};
use super::users::Users;
use super::{names, root};
use crate::message::{FileFact, Files};

/// Answers a question about files. What several globs name is told once; at most `limit` files are told.
pub(crate) fn files(image: impl AsFd, request: &Files, users: &Users) -> Result<Vec<FileFact>> {
    let exclusion = Exclusion::new(&request.exclude)?;
    let look = Look::new(users, Some(request.text_up_to));
    let mut collector = Collector { look, limit: request.limit, facts: BTreeMap::new() };
    for glob in &request.paths {
        search(&image, &Pattern::new(glob)?, &exclusion, &mut collector)?;
    }
    let mut facts: Vec<_> = collector.facts.into_values().collect();
    facts.sort_by(|one, other| names::by_components(&one.path, &other.path));
    Ok(facts)
}

struct Collector<'a> {
    look: Look<'a>,
    limit: usize,
    facts: BTreeMap<Vec<u8>, FileFact>,
}

impl Visitor for Collector<'_> {
    fn meet(&mut self, met: Met<'_>) -> Result<ControlFlow<()>> {
        if self.facts.len() >= self.limit {
            return Ok(ControlFlow::Break(()));
        }
        if self.facts.contains_key(met.path) {
            return Ok(ControlFlow::Continue(()));
        }
        if let Some(fact) = self.look.entry(met.folder, met.name, met.path) {
            self.look.account(&fact)?;
            self.facts.insert(met.path.to_vec(), fact);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn closed(&mut self, path: &[u8], errno: Errno) {
        if let Some(fact) = self.facts.get_mut(path) {
            fact::unread(fact, &failure::reason(errno));
        }
    }
}

/// A regular file that a glob names, open for reading.
pub(crate) struct Opened {
    /// Its path.
    pub(crate) path: Vec<u8>,
    /// The file.
    pub(crate) file: OwnedFd,
    /// What the kernel says about it.
    pub(crate) stat: Stat,
}

/// Opens the regular files that a glob names, in order, one at a time; links are followed inside the root, because logs
/// and programs are often named by one. At most `limit` files.
pub(crate) fn each_opened(
    image: impl AsFd,
    glob: &str,
    limit: usize,
    mut each: impl FnMut(Opened) -> Result<()>,
) -> Result<()> {
    let mut paths = Paths { limit, paths: Vec::new() };
    search(&image, &Pattern::new(glob)?, &Exclusion::new(&[])?, &mut paths)?;
    for path in paths.paths {
        if let Ok((file, stat)) = root::open_file(&image, &path) {
            each(Opened { path, file, stat })?;
        }
    }
    Ok(())
}

struct Paths {
    limit: usize,
    paths: Vec<Vec<u8>>,
}

impl Visitor for Paths {
    fn meet(&mut self, met: Met<'_>) -> Result<ControlFlow<()>> {
        self.paths.push(met.path.to_vec());
        Ok(if self.paths.len() < self.limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::{Duration, Instant};

    use rustix::fs::{FileType, Mode};

    use super::*;
    use crate::message::{FailureKind, FileKind};

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[&str]) -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            for file in files {
                let path = tree.0.path().join(file.trim_start_matches('/'));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, file).unwrap();
            }
            tree
        }

        fn look(&self, request: &Files) -> Result<Vec<FileFact>> {
            files(fs::File::open(self.0.path()).unwrap(), request, &Users::default())
        }

        fn paths(&self, globs: &[&str], exclude: &[&str]) -> Vec<String> {
            let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
            let request = Files { paths: owned(globs), exclude: owned(exclude), text_up_to: 10, limit: 100 };
            self.look(&request).unwrap().into_iter().map(|fact| fact.path).collect()
        }
    }

    #[test]
    fn globs_name_files_and_exclusions_leave_out() {
        let tree = Tree::new(&["/etc/a.conf", "/etc/a/b.conf", "/etc/z/c.txt", "/usr/x"]);
        assert_eq!(tree.paths(&["/etc/*.conf"], &[]), ["/etc/a.conf"]);
        assert_eq!(tree.paths(&["/etc/**"], &[]), ["/etc/a", "/etc/a/b.conf", "/etc/a.conf", "/etc/z", "/etc/z/c.txt"]);
        assert_eq!(tree.paths(&["/etc/**", "/etc/a.conf"], &["/etc/a", "**/*.txt"]), ["/etc/a.conf", "/etc/z"]);
        assert_eq!(tree.paths(&["/usr/x", "/usr/y", "/no/where/*"], &[]), ["/usr/x"]);
        assert_eq!(tree.paths(&["/", "/*"], &[]), ["/", "/etc", "/usr"]);
    }

    #[test]
    fn folders_before_the_glob_may_be_links_inside_the_root_only() {
        let tree = Tree::new(&["/usr/lib/libx.so", "/secret"]);
        symlink("usr/lib", tree.0.path().join("lib")).unwrap();
        symlink("/../../../../../../tmp", tree.0.path().join("out")).unwrap();
        assert_eq!(tree.paths(&["/lib/*.so", "/lib/libx.so"], &[]), ["/lib/libx.so"]);
        assert_eq!(tree.paths(&["/out/**"], &[]), [""; 0]);
        assert_eq!(tree.paths(&["/**"], &[]), ["/lib", "/out", "/secret", "/usr", "/usr/lib", "/usr/lib/libx.so"]);
    }

    #[test]
    fn nothing_in_the_tree_can_make_it_wait() {
        let tree = Tree::new(&["/etc/a"]);
        let etc = fs::File::open(tree.0.path().join("etc")).unwrap();
        rustix::fs::mknodat(&etc, "fifo", FileType::Fifo, Mode::RUSR, 0).unwrap();
        symlink("fifo", tree.0.path().join("etc/to-fifo")).unwrap();
        symlink("/dev/zero", tree.0.path().join("etc/zero")).unwrap();
        let begin = Instant::now();
        assert_eq!(tree.paths(&["/etc/*", "/etc/to-fifo"], &[]), ["/etc/a", "/etc/fifo", "/etc/to-fifo", "/etc/zero"]);
        assert!(begin.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn odd_names_are_told_exactly() {
        use std::os::unix::ffi::OsStrExt;
        let tree = Tree::new(&["/srv/new\nline", "/srv/-rf", "/srv/<b>&\"", "/srv/\u{1b}[31m"]);
        fs::write(tree.0.path().join("srv").join(std::ffi::OsStr::from_bytes(b"\xfe\xff")), "").unwrap();
        let expected = ["/srv/\u{1b}[31m", "/srv/-rf", "/srv/<b>&\"", r"/srv/\xfe\xff", "/srv/new\nline"];
        assert_eq!(tree.paths(&["/srv/*"], &[]), expected);
    }

    #[test]
    fn at_most_the_limit_is_told_always_the_same() {
        let tree = Tree::new(&["/a", "/b", "/c"]);
        let request = Files { paths: vec!["/*".into()], limit: 2, ..Files::default() };
        let paths: Vec<_> = tree.look(&request).unwrap().into_iter().map(|fact| fact.path).collect();
        assert_eq!(paths, ["/a", "/b"]);
    }

    #[test]
    fn the_process_tree_is_not_looked_into() {
        let real = fs::File::open("/").unwrap();
        let request = Files { paths: vec!["/proc/*".into()], limit: 10, ..Files::default() };
        assert_eq!(files(&real, &request, &Users::default()).unwrap_err().kind, FailureKind::Refused);
    }

    #[test]
    fn a_link_that_is_swapped_while_it_is_read_gives_one_of_the_two() {
        let tree = Tree::new(&["/etc/one", "/etc/two"]);
        let etc = tree.0.path().join("etc");
        let swapper = etc.clone();
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = symlink("/etc/passwd", swapper.join("new"));
                let _ = fs::rename(swapper.join("new"), swapper.join("one"));
                let _ = fs::write(swapper.join("new"), "/etc/one");
                let _ = fs::rename(swapper.join("new"), swapper.join("one"));
            }
        });
        for _ in 0..500 {
            let request = Files { paths: vec!["/etc/one".into()], text_up_to: 1 << 20, limit: 10, ..Files::default() };
            for fact in tree.look(&request).unwrap() {
                let is_link = fact.kind == FileKind::Link && fact.text.is_none();
                let is_file =
                    fact.kind == FileKind::File && fact.text.as_deref().is_none_or(|text| "/etc/one".starts_with(text));
                assert!(is_link || is_file, "{fact:?}");
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        thread.join().unwrap();
    }
}
