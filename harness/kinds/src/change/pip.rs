//! `pip`: installs or updates Python distributions, with the image's own pip and from a folder alone.

use std::collections::{BTreeMap, BTreeSet};

use patchbed_guest::message::{Privileges, Program};
use patchbed_model::id::Hasher;
use patchbed_model::text::one_line;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::keep::keep;
use super::stock::{files_of, stock};
use super::tool::{Question, ask, digest};
use super::wheel::{Distribution, Form, Pin, normal_name, normal_version};
use super::{Applied, Change, ChangeError, NewVersion, Prepared, Site, resolve};
use crate::document::OneOrMany;
use crate::image::parcel::bind;
use crate::image::store::detail;
use crate::image::{Workshop, blocking};

crate::document! {
    /// Python distributions, from a folder of wheels. A venv comes back whole; of an interpreter that belongs to the
    /// system, its folders of packages and programs do, but not data files that a wheel puts elsewhere. A version that is
    /// there already is installed again, because its bytes may be others.
    pub struct Pip, "packages, or a mapping with `packages` and `from`" {
        /// Pins such as `Jinja2==3.1.2`; the version may be left out where the folder holds one alone.
        packages: OneOrMany<String>, required;
        /// The folder of wheels and source distributions. No index is asked.
        from: Option<String>, optional;
        /// The interpreter whose distributions change, such as `/srv/venv/bin/python`; `python3` when not given.
        python: Option<String>, optional;
        /// Whether pip takes what the packages need from the folder as well; `false` installs exactly these.
        dependencies: bool, default true;
    }
    short packages;
    check {
        packages => python_package,
        from => filled,
        python => interpreter,
    }
}

impl Pip {
    fn python(&self) -> &str {
        self.python.as_deref().unwrap_or("python3")
    }

    /// The pins, each with the one version that it means, and the files that can matter.
    fn choose(&self, workshop: &Workshop<'_>) -> Result<(Vec<Pin>, Vec<Distribution>), ChangeError> {
        let Some(from) = &self.from else {
            let text = "`pip` takes packages from a folder alone: give `from:`, a folder of wheels";
            return Err(ChangeError::Unfit(text.to_owned()));
        };
        let folder = resolve(workshop.base, from);
        let files: Vec<Distribution> = files_of(&folder)?.iter().filter_map(|path| Distribution::of(path)).collect();
        if files.is_empty() {
            return Err(ChangeError::Unfit(format!("`{folder}` holds no wheels and no source distributions")));
        }
        let (mut pins, mut chosen) = (Vec::new(), Vec::new());
        for text in &self.packages.0 {
            let mut pin = Pin::parse(text).ok_or_else(|| no_pin(text))?;
            chosen.extend(pin.choose(&files).map_err(|why| ChangeError::Unfit(format!("`{folder}` {why}")))?);
            pins.push(pin);
        }
        if pins.is_empty() {
            return Err(ChangeError::Unfit("`packages` is empty".to_owned()));
        }
        // What a source distribution needs to be built may lie beside it.
        let whole = self.dependencies || chosen.iter().any(|file| file.form == Form::Source);
        chosen.sort_by(|one, other| one.path.cmp(&other.path));
        chosen.dedup();
        Ok((pins, if whole { files } else { chosen }))
    }

    /// The command lines of pip. A version that is there already is installed again: its bytes may be others.
    fn commands(&self, pins: &[Pin], again: &BTreeSet<String>, folder: &str, isolated: bool) -> Vec<Vec<String>> {
        let mut base = ["install", "--no-index", "--find-links", folder, "--no-input", "--no-cache-dir"]
            .map(str::to_owned)
            .to_vec();
        base.push("--disable-pip-version-check".to_owned());
        if !isolated {
            base.push("--no-build-isolation".to_owned());
        }
        let line = |options: &[&str], pins: Vec<&Pin>| -> Vec<String> {
            let options = options.iter().map(|&option| option.to_owned());
            base.iter().cloned().chain(options).chain(pins.into_iter().map(Pin::requirement)).collect()
        };
        let mut lines = Vec::new();
        if !again.is_empty() {
            let same = pins.iter().filter(|pin| again.contains(&normal_name(&pin.name))).collect();
            lines.push(line(&["--no-deps", "--force-reinstall"], same));
        }
        lines.push(line(if self.dependencies { &[] } else { &["--no-deps"] }, pins.iter().collect()));
        lines
    }

    /// Asks the interpreter.
    async fn ask<T: serde::de::DeserializeOwned>(&self, site: &Site<'_>, question: &Json) -> Result<T, ChangeError> {
        let argv = [self.python(), "-I", "-B", "-c", include_str!("pip.py"), &question.to_string()];
        let environment = [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", "/root"),
            ("LC_ALL", "C.UTF-8"),
            // The folder decides, whatever the image's own configuration says.
            ("PIP_CONFIG_FILE", "/dev/null"),
            // A distribution's own interpreter is changed on purpose; versions of pip that do not know these pass over.
            ("PIP_BREAK_SYSTEM_PACKAGES", "1"),
            ("PIP_ROOT_USER_ACTION", "ignore"),
        ];
        let program = Program {
            argv: argv.map(str::to_owned).to_vec(),
            environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            user: None,
            directory: None,
            privileges: Privileges::Ordinary,
        };
        let what = format!("`{} -m pip`", self.python());
        ask(site.sandbox, Question { what: &what, program, input: None }, site.within).await
    }
}

impl Change for Pip {
    fn host_files(&self) -> Vec<(&'static str, &str)> {
        self.from.iter().map(|from| ("from", from.as_str())).collect()
    }

    async fn prepare(&self, workshop: &Workshop<'_>) -> Result<Prepared, ChangeError> {
        let (pins, files) = self.choose(workshop)?;
        let checked = files.clone();
        blocking(move || checked.iter().try_for_each(Distribution::check)).await?;
        let isolated = files.iter().any(|file| BACKENDS.contains(&file.name.as_str()));
        let paths: Vec<_> = files.into_iter().map(|file| file.path).collect();
        let entry = stock(workshop.store, "pip", &paths, &(pins, isolated)).await?;
        let words = digest(self, "pip")?;
        let digest = Hasher::new().part(words.to_string()).part(entry.digest.to_string()).finish();
        Ok(Prepared { digest, binds: vec![bind(&entry)] })
    }

    async fn apply(&self, site: &Site<'_>) -> Result<Applied, ChangeError> {
        let Some(bind) = site.prepared.binds.first() else {
            return Err(ChangeError::Unavailable("the packages were not prepared".to_owned()));
        };
        let (pins, isolated): (Vec<Pin>, bool) =
            detail(&bind.from).map_err(|error| ChangeError::Unavailable(error.text()))?;
        let interpreter: Interpreter = self.ask(site, &json!({})).await?;
        interpreter.check(self.python())?;
        keep(site, &interpreter.places().into_iter().collect::<Vec<_>>()).await?;
        let again = interpreter.again(&pins);
        let commands = self.commands(&pins, &again, &bind.to, isolated);
        let installed: Installed = self.ask(site, &json!({ "commands": commands, "again": again })).await?;
        let (notes, versions) = (installed.notes(&again), installed.versions());
        Ok(Applied { notes, versions, paths: installed.paths, ..Applied::default() })
    }

    async fn revert(&self, site: &Site<'_>) -> Result<(), ChangeError> {
        site.sandbox.restore(site.name).await?;
        Ok(())
    }
}

/// What builds source distributions. Where the folder brings one of these, sources are built apart from what is
/// installed, as pip does by itself; where not, with what is installed beside the interpreter.
const BACKENDS: [&str; 6] = ["setuptools", "flit-core", "hatchling", "poetry-core", "pdm-backend", "maturin"];

fn no_pin(text: &str) -> ChangeError {
    ChangeError::Unfit(format!("`{}` is no pin: write a name and a version, such as `Jinja2==3.1.2`", one_line(text)))
}

/// A distribution that is installed.
#[derive(Debug, Deserialize)]
struct Named {
    name: String,
    version: String,
}

/// What an interpreter is.
#[derive(Debug, Deserialize)]
struct Interpreter {
    /// Where its distributions go.
    sites: Vec<String>,
    /// Where their programs go.
    scripts: String,
    /// The folder of the venv, when it is one's.
    venv: Option<String>,
    /// Whether it has pip.
    pip: bool,
    /// What an import finds, by normalised name.
    installed: BTreeMap<String, Named>,
}

impl Interpreter {
    fn check(&self, python: &str) -> Result<(), ChangeError> {
        if self.pip {
            return Ok(());
        }
        let remedy = match self.venv {
            Some(_) => "make the venv without `--without-pip`",
            None => "install `python3-pip` on the image",
        };
        Err(ChangeError::Refused { text: format!("`{python}` has no pip: {remedy}"), evidence: Vec::new() })
    }

    /// What pip may write to: a venv, or the folders of an interpreter that belongs to the system. Of the latter not
    /// all of its prefix, which may be `/usr`.
    fn places(&self) -> BTreeSet<String> {
        let system = || self.sites.iter().chain([&self.scripts]).cloned().collect();
        self.venv.as_ref().map_or_else(system, |venv| BTreeSet::from([venv.clone()]))
    }

    /// Which pins are installed in the same version.
    fn again(&self, pins: &[Pin]) -> BTreeSet<String> {
        let is_there = |pin: &&Pin| {
            let now = self.installed.get(&normal_name(&pin.name));
            let version = pin.version.as_deref().map(normal_version);
            now.is_some_and(|now| Some(normal_version(&now.version)) == version)
        };
        pins.iter().filter(is_there).map(|pin| normal_name(&pin.name)).collect()
    }
}

/// What an installation did.
#[derive(Debug, Deserialize)]
struct Installed {
    before: BTreeMap<String, Named>,
    after: BTreeMap<String, Named>,
    /// What was written or removed.
    paths: Vec<String>,
}

impl Installed {
    fn versions(&self) -> Vec<NewVersion> {
        let changed = self.after.iter().filter_map(|(key, now)| Some((self.before.get(key)?, now)));
        let changed = changed.filter(|(old, now)| old.version != now.version);
        changed
            .map(|(old, now)| NewVersion {
                package: now.name.clone(),
                was: old.version.clone(),
                now: now.version.clone(),
            })
            .collect()
    }

    fn notes(&self, again: &BTreeSet<String>) -> Vec<String> {
        let mut notes = Vec::new();
        for (key, now) in &self.after {
            match self.before.get(key) {
                None => notes.push(format!("{} {} is new", now.name, now.version)),
                Some(old) if old.version != now.version => {
                    notes.push(format!("{} {} → {}", now.name, old.version, now.version));
                }
                Some(_) if again.contains(key) => {
                    notes.push(format!("{} {} (the same version again)", now.name, now.version));
                }
                Some(_) => {}
            }
        }
        let gone = self.before.iter().filter(|(key, _)| !self.after.contains_key(*key));
        notes.extend(gone.map(|(_, old)| format!("{} {} is gone", old.name, old.version)));
        notes.into_iter().map(|note| one_line(&note)).collect()
    }
}
