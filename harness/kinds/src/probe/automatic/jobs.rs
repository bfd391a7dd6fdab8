//! Runs the scripts that were laid down beside a product and that no service runs: a nightly job that a patch broke shows
//! in no service. Each is run once, without arguments, in a sandbox that is thrown away; what matters is how it ends,
//! what it prints when it ends well, and which files it makes.

use std::collections::BTreeSet;

use camino::Utf8Path;
use patchbed_model::{Key, Reading, Value};
use patchbed_sandbox::message::{End, FileFact, FileKind, Program, Ran, Run, signal_name};

use super::super::look::KEEP;
use super::super::name::{canonical_name, merged as one_for_each_key};
use super::super::outputs::text_of;
use super::super::program::last_words;
use super::super::{Look, ProbeError};
use super::DriftScope;
use super::drift::{self, Drifted, Explained};
use super::paths::in_data_folder;
use super::programs::Programs;

/// The most scripts that are run.
const MOST: usize = 8;
/// How long one may run, in milliseconds: all of them together stay below the limit of a look.
const WITHIN: u64 = 10_000;
/// The most files that are told.
const MOST_FILES: usize = 200;

/// Interpreters by the ending of a script, the better one first.
const INTERPRETERS: &[(&str, &[&str])] = &[
    ("py", &["python3"]),
    ("js", &["node"]),
    ("mjs", &["node"]),
    ("cjs", &["node"]),
    ("pl", &["perl"]),
    ("rb", &["ruby"]),
    ("sh", &["bash", "sh"]),
];

impl Programs {
    /// With the scripts among these paths that none of these commands, those of services, names.
    #[must_use]
    pub fn with_jobs<'a>(mut self, paths: impl IntoIterator<Item = &'a str>, commands: &[String]) -> Self {
        let is_job = |path: &&str| interpreters(path).is_some() && !commands.iter().any(|line| names(line, path));
        self.jobs = paths.into_iter().filter(is_job).map(str::to_owned).collect();
        self.jobs.sort();
        self.jobs.dedup();
        self.jobs.truncate(MOST);
        self
    }

    /// Whether there is nothing to be run.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }
}

fn interpreters(path: &str) -> Option<&'static [&'static str]> {
    let ending = Utf8Path::new(path).extension()?;
    INTERPRETERS.iter().find(|(one, _)| *one == ending).map(|(_, interpreters)| *interpreters)
}

/// Whether a command line names a file, as a path or as a module: `gunicorn shop:app` is `shop.py`.
fn names(line: &str, path: &str) -> bool {
    let stem = Utf8Path::new(path).file_stem().unwrap_or(path);
    line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '-')).any(|word| word == stem)
}

/// How each script ends, and what it leaves. None is good or bad by itself, because nobody said what it is for.
///
/// # Errors
/// [`ProbeError::Blind`] when the guest could not look.
pub async fn run_jobs(
    look: &Look<'_>,
    scope: &DriftScope,
    programs: &Programs,
) -> Result<Vec<(Key, Reading)>, ProbeError> {
    if programs.is_idle() {
        return Ok(Vec::new());
    }
    let explained = Explained::by(look, scope).await?;
    let before = files(look, scope).await?;
    let mut readings = Vec::new();
    for path in programs.jobs.iter().filter(|path| !explained.holds(path)) {
        if let Some(ran) = run(look, path, programs.venvs.first()).await? {
            readings.extend(told(&look.key(&canonical_name(path)), &ran));
        }
    }
    let made = files(look, scope).await?;
    let made: Vec<String> = made.difference(&before).take(MOST_FILES).map(|path| canonical_name(path)).collect();
    readings.push((look.key("made"), Reading::content(Value::List(made))));
    Ok(one_for_each_key(readings))
}

/// The run of a script by the first of its interpreters that is there.
async fn run(look: &Look<'_>, path: &str, venv: Option<&String>) -> Result<Option<Ran>, ProbeError> {
    let of_venv =
        venv.filter(|_| Utf8Path::new(path).extension() == Some("py")).map(|venv| format!("{venv}/bin/python"));
    let usual = interpreters(path).unwrap_or_default().iter().map(|&name| name.to_owned());
    for interpreter in of_venv.into_iter().chain(usual) {
        let program = Program {
            argv: vec![interpreter, path.to_owned()],
            environment: [("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned())].into(),
            directory: Utf8Path::new(path).parent().map(ToString::to_string),
            ..Program::default()
        };
        let run = Run { program, within: WITHIN, keep: KEEP, ..Run::default() };
        if let Ok(ran) = look.ended(run).await? {
            return Ok(Some(ran));
        }
    }
    Ok(None)
}

fn told(key: &Key, ran: &Ran) -> Vec<(Key, Reading)> {
    let end = match ran.end {
        End::Exited(status) => status.to_string(),
        End::Killed { signal, .. } => format!("killed by {}", signal_name(signal)),
        End::TimedOut => format!("not ended within {} s", WITHIN / 1000),
    };
    let end = (key.child("exit"), Reading::content(end).because(last_words(ran)));
    // One that wants arguments says so, in words that come and go with versions.
    let printed = matches!(ran.end, End::Exited(0)).then(|| without_numbers(&text_of(&ran.output).to_string()));
    std::iter::once(end).chain(printed.map(|text| (key.child("stdout"), Reading::content(text)))).collect()
}

/// A number may be a measurement, and nobody said how far it may go: only that there is one counts.
fn without_numbers(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    for letter in text.chars() {
        let letter = if letter.is_ascii_digit() { '#' } else { letter };
        if letter != '#' || !told.ends_with('#') {
            told.push(letter);
        }
    }
    told
}

/// The paths of files that the image does not have, beside those of services' own data.
async fn files(look: &Look<'_>, scope: &DriftScope) -> Result<BTreeSet<String>, ProbeError> {
    let is_told = |fact: &FileFact| {
        let is_new = fact.kind != FileKind::Gone && fact.drift.iter().any(|drift| drift == "new");
        is_new && (fact.user == "root" || in_data_folder(&fact.path).is_none())
    };
    Ok(match drift::collect(look, scope).await? {
        Drifted::Files(facts) => facts.into_iter().filter(is_told).map(|fact| fact.path).collect(),
        Drifted::TooMany | Drifted::Untold => BTreeSet::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_a_script_that_no_service_runs() {
        let paths = ["/srv/app/shop.py", "/srv/app/count.py", "/srv/app/web.js", "/srv/app/", "/srv/app/notes.txt"];
        let commands = ["gunicorn -b 127.0.0.1:8000 shop:app".to_owned(), "node /srv/app/web.js".to_owned()];
        let programs = Programs::default().with_jobs(paths, &commands);
        assert_eq!(programs.jobs, ["/srv/app/count.py"]);
        assert!(!programs.is_idle());
        assert!(Programs::default().with_jobs(["/etc/hosts"], &[]).is_idle());
    }

    #[test]
    fn what_a_job_prints_counts_only_when_it_ends_well() {
        let ran = |end, text: &str| {
            let mut output = patchbed_sandbox::message::Output::default();
            text.clone_into(&mut output.text);
            let readings = told(
                &Key::from("jobs.a"),
                &Ran { end, output, errors: patchbed_sandbox::message::Output::default(), microseconds: 1 },
            );
            readings.into_iter().map(|(key, reading)| format!("{key} = {}", reading.value)).collect::<Vec<_>>()
        };
        assert_eq!(ran(End::Exited(0), "300 files\n"), ["jobs.a.exit = 0", "jobs.a.stdout = # files"]);
        assert_eq!(ran(End::Exited(2), "usage: a FILE\n"), ["jobs.a.exit = 2"]);
        assert_eq!(ran(End::TimedOut, "1\n"), ["jobs.a.exit = not ended within 10 s"]);
        assert_eq!(ran(End::Killed { signal: 11, core: false }, ""), ["jobs.a.exit = killed by SIGSEGV"]);
    }
}
