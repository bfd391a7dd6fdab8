//! What a test needs of the host: named, probed once, said when it is missing, and demanded by `PATCHBED_MUST`.

use std::io::Write as _;
use std::sync::OnceLock;

use camino::Utf8Path;
use patchbed_sandbox::{Backend as _, Lack, LackWeight, NamespacesBackend};

/// Ends a test early when the host lacks something it needs; what is missing is said on standard error, and added to the
/// file that `PATCHBED_SKIPS` names. `PATCHBED_MUST=userns,overlay` (or `all`) turns such a skip into a failure.
///
/// Known needs: `userns` and `overlay` (sandboxes at all), `root`, `units` (systemd as process 1), `memory` (a limit on
/// memory), `processes` (a limit on processes), and the name of any program, such as `mmdebstrap`.
#[macro_export]
macro_rules! needs {
    ($($need:ident),+ $(,)?) => {
        if !$crate::needs::met(module_path!(), &[$(stringify!($need)),+]) {
            return Default::default();
        }
    };
}

/// Whether all needs are met; otherwise says what is missing.
///
/// # Panics
/// When `PATCHBED_MUST` demands what is missing.
#[must_use]
pub fn met(test: &str, needs: &[&str]) -> bool {
    let missing: Vec<(&str, String)> = needs.iter().filter_map(|need| Some((*need, why_missing(need)?))).collect();
    for (need, why) in &missing {
        skip(test, need, why);
    }
    missing.is_empty()
}

/// Says that a test is skipped for want of something.
///
/// # Panics
/// When `PATCHBED_MUST` demands what is missing.
pub fn skip(test: &str, need: &str, why: &str) {
    let must = std::env::var("PATCHBED_MUST").unwrap_or_default();
    let demanded = must.split(',').any(|one| one == need || one == "all");
    assert!(!demanded, "{test} must have `{need}`, and this host lacks it: {why}");
    let line = format!("skipped {test}: this host lacks `{need}`: {why}\n");
    // Written past the capture of test output: a skip must be seen.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Ok(path) = std::env::var("PATCHBED_SKIPS") {
        // Runners of tests keep what a passing test says to themselves.
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}

/// Why a need is not met; `None` when it is.
fn why_missing(need: &str) -> Option<String> {
    let lack = |found: fn(&Lack) -> bool| {
        lacks().iter().find(|lack| found(lack)).map(|lack| format!("{} ({})", lack.what, lack.because))
    };
    match need {
        "userns" | "overlay" => lack(|lack| lack.weight == LackWeight::Fatal),
        "units" => lack(|lack| lack.weight != LackWeight::Degraded),
        "memory" => lack(|lack| lack.weight == LackWeight::Fatal || lack.what.contains("memory")),
        "processes" => lack(|lack| lack.weight == LackWeight::Fatal || lack.what.contains("processes")),
        "root" => (!is_root()).then(|| "the tests do not run as root".into()),
        program => {
            let path = std::env::var("PATH").unwrap_or_default();
            let found = path.split(':').any(|folder| Utf8Path::new(folder).join(program).exists());
            (!found).then(|| format!("the program `{program}` is not in PATH"))
        }
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// What the host lacks, looked up once per test program.
fn lacks() -> &'static [Lack] {
    static LACKS: OnceLock<Vec<Lack>> = OnceLock::new();
    LACKS.get_or_init(|| {
        let state = tempfile::tempdir().ok().and_then(|folder| folder.keep().try_into().ok());
        let state: camino::Utf8PathBuf = state.unwrap_or_else(|| "/tmp".into());
        let lacks = NamespacesBackend::new(&state).check();
        let _ = std::fs::remove_dir_all(&state);
        lacks
    })
}
