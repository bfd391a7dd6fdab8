//! `check`: every problem of the files at once. Runs nothing.

use patchbed_model::{Diagnostic, Exit};
use patchbed_report::{Tone, words};
use serde::Serialize;

use super::loading::{self, Strictness};
use crate::arguments::CheckArguments;
use crate::context::Context;
use crate::failure::Failure;

/// What `check --json` prints.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    scenarios: usize,
    errors: usize,
    warnings: usize,
    diagnostics: &'a [Diagnostic],
}

pub(super) fn execute(context: &Context, arguments: &CheckArguments) -> Result<Exit, Failure> {
    let strictness = if arguments.strict { Strictness::Strict } else { Strictness::Lenient };
    let loaded = loading::files(context, &arguments.files, strictness)?;
    let (errors, warnings) = loading::count(&loaded.diagnostics);
    let exit = if errors > 0 {
        Exit::Usage
    } else if loaded.scenarios.is_empty() {
        Exit::Nothing
    } else {
        Exit::Ok
    };
    if arguments.json {
        let document = Document {
            schema: "patchbed/check/1",
            scenarios: loaded.scenarios.len(),
            errors,
            warnings,
            diagnostics: &loaded.diagnostics,
        };
        context.output.json(&document)?;
        return Ok(exit);
    }
    let look = context.output.look();
    if !loaded.diagnostics.is_empty() {
        let text = patchbed_report::diagnostic::render(&loaded.diagnostics, &loaded.sources, look);
        // What is wrong is said however quiet it shall be.
        context.output.document(format!("{text}\n").as_bytes());
    }
    let good = words::count(loaded.scenarios.len(), "good scenario");
    let (errors_said, warnings_said) = (words::count(errors, "error"), words::count(warnings, "warning"));
    let tone = if errors > 0 { Tone::Bad } else { Tone::Plain };
    context.output.line(&format!("{good}, {}, {warnings_said}", look.paint(tone, &errors_said)));
    if let Some(more) = loading::more(&loaded.diagnostics) {
        context.output.say(&more);
    }
    Ok(exit)
}
