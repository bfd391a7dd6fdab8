//! Where the dynamic loader of the image finds a library, by the rules of glibc (`man 8 ld.so`) or musl.

use std::collections::HashMap;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;

use super::cache::Cache;
use super::elf::{self, Elf, Machine, Read};
use crate::observe::root;

/// A file that can be loaded.
#[derive(Clone, Debug)]
pub(crate) struct Loadable {
    /// The path under which it was found.
    pub(crate) path: String,
    /// The file, whatever its path.
    pub(crate) inode: (u64, u64),
    /// What it needs and gives.
    pub(crate) elf: Rc<Elf>,
}

/// What lies at a path.
#[derive(Clone, Debug)]
pub(crate) enum Lies {
    /// Nothing, or a file for another machine: the loader looks on.
    Nothing,
    /// A file at which the loader gives up.
    Broken,
    /// A file that can be loaded.
    This(Loadable),
}

/// Finds and reads the files of one request, each once.
pub(crate) struct Library<'a> {
    image: BorrowedFd<'a>,
    cache: Cache,
    by_path: HashMap<String, Lies>,
    by_inode: HashMap<(u64, u64), Lies>,
}

/// Folders in the order in which the loader looks into them for one library.
pub(crate) struct Folders {
    /// Folders named by the files and the environment, already expanded.
    pub(crate) named: Vec<String>,
    /// Whether the cache and the usual folders come after them.
    pub(crate) and_usual: bool,
    /// Whether the loader is musl's, which knows no cache.
    pub(crate) is_musl: bool,
}

impl<'a> Library<'a> {
    /// The libraries of an image.
    pub(crate) fn new(image: BorrowedFd<'a>) -> Self {
        let cache = root::read(image, b"/etc/ld.so.cache", 16 << 20).unwrap_or_default();
        Self { image, cache: Cache::parse(&cache), by_path: HashMap::new(), by_inode: HashMap::new() }
    }

    /// What lies at a path, for any machine.
    pub(crate) fn at(&mut self, path: &str) -> Lies {
        if let Some(known) = self.by_path.get(path) {
            return known.clone();
        }
        let lies = root::open_file(self.image, path.as_bytes())
            .map_or(Lies::Nothing, |(file, stat)| self.read(path, &file, &stat));
        self.by_path.insert(path.into(), lies.clone());
        lies
    }

    /// Finds a library by its name; `None` when the loader would not.
    pub(crate) fn find(&mut self, name: &str, folders: &Folders, machine: Machine) -> Option<Loadable> {
        for path in self.candidates(name, folders, machine) {
            match self.at(&path) {
                Lies::This(found) if found.elf.machine == machine => return Some(found),
                Lies::Nothing | Lies::This(_) => {}
                Lies::Broken => return None,
            }
        }
        None
    }

    fn candidates(&self, name: &str, folders: &Folders, machine: Machine) -> Vec<String> {
        let inside = |folder: &String| format!("{}/{name}", folder.trim_end_matches('/'));
        let mut paths: Vec<_> = folders.named.iter().map(inside).collect();
        if folders.is_musl {
            paths.extend(self.musl_folders(machine).iter().map(inside));
        } else if folders.and_usual {
            paths.extend(self.cache.paths(name).map(Into::into));
            paths.extend(self.usual_folders(machine).iter().map(inside));
        }
        paths
    }

    /// The folders that the loader has built in: those of Debian where the image has them.
    fn usual_folders(&self, machine: Machine) -> Vec<String> {
        let of_debian = triplet(machine).map(|triplet| [format!("/lib/{triplet}"), format!("/usr/lib/{triplet}")]);
        let of_debian = of_debian.filter(|folders| root::open_folder(self.image, folders[1].as_bytes()).is_ok());
        let of_others = ["/lib64", "/usr/lib64"].map(String::from);
        let first = match of_debian {
            Some(folders) => folders.to_vec(),
            None if machine.class == 2 => of_others.to_vec(),
            None => Vec::new(),
        };
        first.into_iter().chain(["/lib", "/usr/lib"].map(String::from)).collect()
    }

    fn musl_folders(&self, machine: Machine) -> Vec<String> {
        let name = processor(machine).unwrap_or("unknown");
        let file = format!("/etc/ld-musl-{name}.path");
        match root::read(self.image, file.as_bytes(), 64 << 10) {
            Ok(content) => {
                let content = String::from_utf8_lossy(&content);
                content.split([':', '\n']).filter(|folder| !folder.is_empty()).map(Into::into).collect()
            }
            Err(_) => ["/lib", "/usr/local/lib", "/usr/lib"].map(String::from).to_vec(),
        }
    }

    fn read(&mut self, path: &str, file: &OwnedFd, stat: &rustix::fs::Stat) -> Lies {
        use std::os::fd::AsFd;
        let inode = (stat.st_dev, stat.st_ino);
        let known = self.by_inode.entry(inode).or_insert_with(|| match elf::read(file.as_fd(), stat) {
            Read::Elf(elf) => Lies::This(Loadable { path: path.into(), inode, elf: Rc::new(*elf) }),
            Read::Other | Read::Broken => Lies::Broken,
        });
        match known.clone() {
            Lies::This(loadable) => Lies::This(Loadable { path: path.into(), ..loadable }),
            lies @ (Lies::Nothing | Lies::Broken) => lies,
        }
    }
}

/// Replaces what a folder's name may hold: `$ORIGIN`, `$LIB`, `$PLATFORM`. A folder whose `$LIB` may be either of two
/// becomes two.
pub(crate) fn expanded(folders: &str, origin: &str, machine: Machine) -> Vec<String> {
    let replace = |text: &str, name: &str, value: &str| {
        text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
    };
    let platform = processor(machine).unwrap_or("");
    let usual = if machine.class == 2 { "lib64" } else { "lib" };
    let of_debian = triplet(machine).map(|triplet| format!("lib/{triplet}"));
    let mut expanded = Vec::new();
    for folder in folders.split([':', ';']) {
        // An empty folder is the working folder, which nobody means and which is not known here.
        if folder.is_empty() {
            continue;
        }
        let folder = replace(&replace(folder, "ORIGIN", origin), "PLATFORM", platform);
        expanded.extend(of_debian.iter().map(|lib| replace(&folder, "LIB", lib)));
        expanded.push(replace(&folder, "LIB", usual));
    }
    expanded.dedup();
    expanded
}

/// The name of a machine in Debian's folders.
fn triplet(machine: Machine) -> Option<&'static str> {
    Some(match (machine.number, machine.class, machine.order) {
        (62, 2, _) => "x86_64-linux-gnu",
        (62, 1, _) => "x86_64-linux-gnux32",
        (3, ..) => "i386-linux-gnu",
        (183, ..) => "aarch64-linux-gnu",
        (40, ..) => "arm-linux-gnueabihf",
        (21, _, 1) => "powerpc64le-linux-gnu",
        (22, 2, _) => "s390x-linux-gnu",
        (243, 2, _) => "riscv64-linux-gnu",
        _ => return None,
    })
}

/// The name of a machine's processor.
fn processor(machine: Machine) -> Option<&'static str> {
    triplet(machine).map(|triplet| triplet.split('-').next().unwrap_or(triplet))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PC: Machine = Machine { class: 2, order: 1, number: 62 };

    #[test]
    fn names_of_folders_are_expanded() {
        let all = expanded("$ORIGIN/../lib:${ORIGIN}/x::/opt/$LIB", "/opt/shop/bin", PC);
        assert_eq!(all, ["/opt/shop/bin/../lib", "/opt/shop/bin/x", "/opt/lib/x86_64-linux-gnu", "/opt/lib64"]);
    }

    #[test]
    fn folders_of_debian_come_where_the_image_has_them() {
        use std::os::fd::AsFd;
        let image = tempfile::tempdir().unwrap();
        let folders = || {
            let root = std::fs::File::open(image.path()).unwrap();
            Library::new(root.as_fd()).usual_folders(PC)
        };
        assert_eq!(folders(), ["/lib64", "/usr/lib64", "/lib", "/usr/lib"]);
        std::fs::create_dir_all(image.path().join("usr/lib/x86_64-linux-gnu")).unwrap();
        assert_eq!(folders(), ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"]);
    }
}
