//! New kinds of errors in the log files of the whole machine.

use std::collections::BTreeMap;

use patchbed_model::{Key, Reading};
use patchbed_sandbox::message::{FileKind, Files, LogSource};

use super::super::log::{Lines, Warnings, read};
use super::super::name::log_name;
use super::super::{Look, ProbeError};

/// Log files whose new lines are read; to be given to the mark that is set before services are restarted.
pub const LOG_FILES: &[&str] = &["/var/log/**"];

/// Binary files, old files, and the logs of package managers: what a patch prints there is about the patch.
const NOT_READ: &[&str] = &[
    "/var/log/journal/**",
    "/var/log/apt/**",
    "/var/log/installer/**",
    "/var/log/sysstat/**",
    "/var/log/{dpkg,alternatives,bootstrap}.log",
    "/var/log/{wtmp,btmp,lastlog,faillog,fontconfig.log}",
    "/var/log/**/*.{gz,xz,zst,bz2,old,1}",
];

/// The most log files that are read.
const LIMIT: usize = 200;

/// Each log file on its own: `log./var/log/nginx/error.log.error.ID`. Files whose names differ by a process id or the
/// like are one log.
pub(super) async fn logs(look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
    let globs = |globs: &[&str]| globs.iter().map(|&glob| glob.to_owned()).collect();
    let question = Files { paths: globs(LOG_FILES), exclude: globs(NOT_READ), text_up_to: 0, limit: LIMIT };
    let mut logs: BTreeMap<String, Lines> = BTreeMap::new();
    for fact in look.sandbox.files(question).await? {
        if fact.kind == FileKind::File && fact.size > 0 {
            let texts = read(look, LogSource::Files(globset::escape(&fact.path))).await?;
            logs.entry(log_name(&fact.path)).or_default().add_texts(&texts);
        }
    }
    let told = logs.iter().map(|(name, lines)| lines.readings(&Key::from("log").child(name), Warnings::Shown));
    Ok(told.flatten().collect())
}
