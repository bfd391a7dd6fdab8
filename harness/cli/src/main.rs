//! The `patchbed` command: arguments in, exit code out. What it is made of:
//!
//! - `arguments`: the command line as typed
//! - `context`: what it means together with the environment
//! - `command`: one file per command
//! - `progress`: what a run says while it runs
//! - `output`, `failure`, `bug`, `signals`: how things are said and how they end
//! - `folders`, `reports`: where things are kept
//! - `host`: what of the machine goes into the record

#![forbid(unsafe_code)]

mod arguments;
mod bug;
mod clock;
mod command;
mod context;
mod failure;
mod folders;
mod host;
mod log;
mod output;
mod progress;
mod reports;
mod signals;

use std::process::ExitCode;

use patchbed_model::Exit;

use crate::arguments::Parsed;
use crate::context::Context;

fn main() -> ExitCode {
    // The runner and the guest are this program too. They never come back from here.
    patchbed_sandbox::faces_with(std::env::args_os(), patchbed_kinds::image::TASKS);
    if arguments::answer() {
        return ExitCode::SUCCESS;
    }
    bug::watch();
    let status = std::panic::catch_unwind(harness).unwrap_or(Exit::Bug.code());
    ExitCode::from(if bug::happened() { Exit::Bug.code() } else { status })
}

fn harness() -> u8 {
    let low = match arguments::parse(std::env::args_os()) {
        Parsed::Command(low) => low,
        Parsed::Text(text) => return Context::bare().show(&text),
        Parsed::Wrong(text) => return Context::bare().refuse(&text),
    };
    let context = match Context::new(&low.global) {
        Ok(context) => context,
        Err(failure) => return Context::bare().fail(&failure),
    };
    bug::fault_point();
    log::start(low.global.verbose, context.output.speech_look());
    let status = command::execute(&context, low.word).unwrap_or_else(|failure| context.fail(&failure));
    context.finish(status)
}
