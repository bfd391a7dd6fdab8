//! The developer's log: fields, to standard error, only when asked for.

use std::io::IsTerminal as _;

use patchbed_report::{Colour, Look};
use tracing::Level;

/// Starts the log at the level that so many `-v` ask for; without any nothing is set up.
pub(crate) fn start(verbose: u8, look: &Look) {
    let level = match verbose {
        0 => return,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let colour = look.colour == Colour::Always && std::io::stderr().is_terminal();
    let started = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .without_time()
        // Otherwise it panics when standard error is gone.
        .log_internal_errors(false)
        .try_init();
    debug_assert!(started.is_ok(), "the log is started once");
}
