//! Loads scenarios and prints what was found, how long it took and how much memory it needed: `load PATH…`.

use std::io::Write as _;
use std::time::Instant;

use camino::Utf8PathBuf;
use patchbed_engine::load::{LoadOptions, has_errors, load};

fn main() -> std::process::ExitCode {
    let paths: Vec<Utf8PathBuf> = std::env::args().skip(1).map(Utf8PathBuf::from).collect();
    let options = LoadOptions {
        sets: std::collections::BTreeMap::new(),
        strict: false,
        project: Utf8PathBuf::new(),
        today: jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date(),
    };
    let start = Instant::now();
    let loaded = load(&paths, &options);
    let took = start.elapsed();
    let mut err = std::io::stderr().lock();
    let look = patchbed_report::Look::default();
    let _ = err.write_all(patchbed_report::diagnostic::render(&loaded.diagnostics, &loaded.sources, &look).as_bytes());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default().trim();
    let _ = writeln!(
        err,
        "{} scenarios, {} messages, {took:?}, peak {peak}",
        loaded.scenarios.len(),
        loaded.diagnostics.len()
    );
    if has_errors(&loaded.diagnostics) { 2.into() } else { 0.into() }
}
