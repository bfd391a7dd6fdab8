//! Which of the files that were installed may be programs in Python or JavaScript, or say where their packages are. Pure.

use camino::Utf8Path;

/// The most files of one kind that are looked at.
const MOST: usize = 2000;

/// What may be read, by its path alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    /// Programs and modules in Python, and files without an ending, which may be one.
    pub(super) python: Vec<String>,
    /// A file of each record of an installed distribution.
    pub(super) distributions: Vec<String>,
    /// Folders of venvs.
    pub(super) venvs: Vec<String>,
    /// Programs and modules in JavaScript, and files without an ending.
    pub(super) node: Vec<String>,
    /// The `package.json` of each package of Node that is not within another one.
    pub(super) packages: Vec<String>,
    /// Scripts that no service runs.
    pub(super) jobs: Vec<String>,
}

impl Programs {
    /// Those among these paths; the paths of folders end in `/`.
    pub fn among<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut programs = Self::default();
        for path in paths {
            programs.take(path);
        }
        for list in programs.lists() {
            list.sort();
            list.dedup();
            list.truncate(MOST);
        }
        programs
    }

    /// Whether there is anything that is JavaScript for sure.
    pub(super) fn has_node(&self) -> bool {
        !self.packages.is_empty() || self.node.iter().any(|path| Utf8Path::new(path).extension().is_some())
    }

    /// Those at other paths.
    pub(super) fn without(&self, is_out: impl Fn(&str) -> bool) -> Self {
        let mut rest = self.clone();
        for list in rest.lists() {
            list.retain(|path| !is_out(path));
        }
        rest
    }

    /// Whether there is nothing to be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.python, &self.distributions, &self.node, &self.packages].iter().all(|list| list.is_empty())
    }

    fn lists(&mut self) -> [&mut Vec<String>; 6] {
        let Self { python, distributions, venvs, node, packages, jobs } = self;
        [python, distributions, venvs, node, packages, jobs]
    }

    fn take(&mut self, path: &str) {
        let Some((folder, name)) = path.rsplit_once('/') else { return };
        let is_in_site = ["/site-packages/", "/dist-packages/"].iter().any(|site| path.contains(site));
        if name == "pyvenv.cfg" {
            self.venvs.push(folder.to_owned());
        } else if let Some((_, package)) = path.split_once("/node_modules/") {
            self.packages.extend(is_manifest(package).then(|| path.to_owned()));
        } else if is_in_site {
            self.distributions.extend(is_record(folder, name).then(|| path.to_owned()));
        } else if may_be_program(path) {
            let ending = Utf8Path::new(name).extension();
            self.python.extend(matches!(ending, Some("py") | None).then(|| path.to_owned()));
            self.node.extend(matches!(ending, Some("js" | "mjs" | "cjs") | None).then(|| path.to_owned()));
        }
    }
}

/// Whether a file stands for a distribution: it lies in the folder that is named after it, right within a site's.
fn is_record(folder: &str, name: &str) -> bool {
    let is_in_site = folder.rsplit('/').nth(1).is_some_and(|site| site.ends_with("-packages"));
    let is_one = (folder.ends_with(".dist-info") && name == "METADATA")
        || (folder.ends_with(".egg-info") && name == "top_level.txt");
    is_in_site && is_one
}

/// Whether a path within `node_modules` is that of a package's own description: `express/package.json`.
fn is_manifest(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts[..], [_, "package.json"])
        || matches!(parts[..], [scope, _, "package.json"] if scope.starts_with('@'))
}

/// Whether programs of products may be there: not where a system keeps its library and data without endings.
fn may_be_program(path: &str) -> bool {
    const OTHERS: &[&str] = &["/lib/python3", "/usr/share/", "/var/lib/dpkg/", "/.git/"];
    !path.ends_with('/') && !OTHERS.iter().any(|part| path.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_records_and_venvs_are_known_by_their_paths() {
        let site = "/srv/venv/lib/python3.11/site-packages";
        let paths = [
            "/srv/venv/",
            "/srv/venv/pyvenv.cfg",
            "/srv/venv/bin/flask",
            &format!("{site}/flask/app.py"),
            &format!("{site}/flask-2.0.dist-info/METADATA"),
            &format!("{site}/flask-2.0.dist-info/RECORD"),
            &format!("{site}/flask/vendored/odd-1.dist-info/METADATA"),
            "/usr/lib/python3/dist-packages/old.egg-info/top_level.txt",
            "/usr/lib/python3.11/json/tool.py",
            "/srv/app/tool.py",
            "/srv/app/tool.py",
            "/srv/app/settings.yaml",
            "/srv/app/tool.py/",
            "/srv/app/server.mjs",
            "/srv/app/node_modules/express/package.json",
            "/srv/app/node_modules/express/lib/express.js",
            "/srv/app/node_modules/express/node_modules/qs/package.json",
            "/srv/app/node_modules/@types/node/package.json",
            "/srv/app/node_modules/.bin/mime",
        ];
        let programs = Programs::among(paths);
        assert_eq!(programs.python, ["/srv/app/tool.py", "/srv/venv/bin/flask"]);
        let records = ["/srv/venv/lib/python3.11/site-packages/flask-2.0.dist-info/METADATA", paths[7]];
        assert_eq!(programs.distributions, records);
        assert_eq!(programs.venvs, ["/srv/venv"]);
        assert_eq!(programs.node, ["/srv/app/server.mjs", "/srv/venv/bin/flask"]);
        assert_eq!(programs.packages, [paths[17], paths[14]]);
        assert_eq!(programs.without(|path| path.starts_with("/srv/app")).python, ["/srv/venv/bin/flask"]);
    }

    #[test]
    fn where_nothing_can_be_read_nothing_is_asked() {
        assert!(
            Programs::among(["/etc/nginx/nginx.conf", "/usr/share/zoneinfo/UTC", "/srv/venv/pyvenv.cfg"]).is_empty()
        );
    }
}
