//! Who is looked at: executables and libraries by path, and the processes of services.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd};

use super::closure::{Closure, PRELOAD, Subject};
use super::search::Library;
use crate::message::{FailureKind, Unresolved};
use crate::observe::failure::{self, Result};
use crate::observe::files::each_opened;
use crate::observe::globs::{Pattern, Reach};
use crate::observe::names;
use crate::observe::proc::{Proc, ProcessFolder, without_deleted};
use crate::observe::processes::{Surroundings, is_installed, unit_of};
use crate::observe::root;
use crate::plan::InitKind;

/// The most files that a glob may name.
const FILES: usize = 20_000;

/// The most that is told: one missing library can leave thousands of symbols.
const TOLD: usize = 5_000;

/// Tells what executables and libraries need and do not get.
pub(crate) fn linkage(
    surroundings: &Surroundings<'_>,
    paths: &[String],
    services: &[String],
) -> Result<Vec<Unresolved>> {
    let mut subjects = BTreeSet::new();
    for glob in paths {
        subjects.extend(by_path(surroundings.root, glob)?);
    }
    if !services.is_empty() {
        subjects.extend(by_service(surroundings, services)?);
    }
    let mut library = Library::new(surroundings.root);
    let preloads = preloads(surroundings.root);
    let mut unresolved = BTreeSet::new();
    for subject in &subjects {
        let closure = Closure::load(subject, &mut library, &preloads);
        unresolved.extend(closure.map(Closure::judge).unwrap_or_default());
    }
    Ok(unresolved.into_iter().take(TOLD).collect())
}

/// The files that a glob names. A path without anything at it is a failure: what is gone needs nothing, and an empty
/// answer would read as if all were well.
fn by_path(image: BorrowedFd<'_>, glob: &str) -> Result<Vec<Subject>> {
    let mut subjects = Vec::new();
    each_opened(image, glob, FILES, |opened| {
        let path = names::text(&opened.path);
        let real_path = root::real_path(image, opened.file.as_fd()).unwrap_or_else(|| path.clone());
        subjects.push(Subject { path, real_path, ..Subject::default() });
        Ok(())
    })?;
    if subjects.is_empty() && matches!(Pattern::new(glob)?.reach(), Reach::One(_)) {
        let text = format!("look at `{glob}`: no such program or library");
        return Err(failure::of(FailureKind::NotFound, text));
    }
    Ok(subjects)
}

/// The programs of the processes of services, with what these have mapped besides.
fn by_service(surroundings: &Surroundings<'_>, services: &[String]) -> Result<Vec<Subject>> {
    let proc = Proc::open(surroundings.root)?;
    let supervised: BTreeSet<_> = services.iter().flat_map(|name| surroundings.services.processes_of(name)).collect();
    let is_of_unit = |process: &ProcessFolder| {
        surroundings.init == InitKind::Systemd && unit_of(process).is_some_and(|unit| services.contains(&unit))
    };
    let mut subjects: BTreeMap<Subject, BTreeSet<String>> = BTreeMap::new();
    for process in &proc.processes()? {
        let belongs = supervised.contains(&process.pid) || is_of_unit(process);
        if let Some(subject) = belongs.then(|| subject_of(process)).flatten() {
            let plugins = subjects.entry(subject.clone()).or_default();
            plugins.extend(plugins_of(process, &subject.path));
        }
    }
    let with_plugins =
        |(subject, plugins): (Subject, BTreeSet<String>)| Subject { plugins: plugins.into_iter().collect(), ..subject };
    Ok(subjects.into_iter().map(with_plugins).collect())
}

fn subject_of(process: &ProcessFolder) -> Option<Subject> {
    let program = process.link("exe")?;
    // What a restart would run lies at the same path.
    let path = names::text(without_deleted(&program).unwrap_or(&program));
    let environment = process.read("environ").unwrap_or_default();
    let variable = |name: &str| {
        let mut entries = environment.split(|byte| *byte == 0);
        let value = entries.find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        value.map(names::text).unwrap_or_default()
    };
    let (library_path, preload) = (variable("LD_LIBRARY_PATH"), variable("LD_PRELOAD"));
    Some(Subject { real_path: path.clone(), path, library_path, preload, plugins: Vec::new() })
}

/// The files of which a process has code mapped. Those that it was linked with are among them and are loaded once only.
fn plugins_of(process: &ProcessFolder, program: &str) -> Vec<String> {
    let maps = process.maps();
    let code = maps.iter().filter(|mapping| mapping.is_code && is_installed(&mapping.path));
    let present = code.filter(|mapping| without_deleted(&mapping.path).is_none());
    present.map(|mapping| names::text(&mapping.path)).filter(|path| path != program).collect()
}

fn preloads(image: BorrowedFd<'_>) -> Vec<String> {
    let content = root::read(image, PRELOAD.as_bytes(), 64 << 10).unwrap_or_default();
    let content = String::from_utf8_lossy(&content);
    let lines = content.lines().map(|line| line.split('#').next().unwrap_or(""));
    lines.flat_map(|line| line.split([' ', '\t', ':'])).filter(|name| !name.is_empty()).map(Into::into).collect()
}
