//! `doctor`: what this machine lacks, how to mend it, and which limits hold.

use std::collections::BTreeSet;

use patchbed_model::Exit;
use patchbed_report::{Tone, safe};
use patchbed_sandbox::{Backend as _, Lack, LackWeight};
use serde::Serialize;

use super::sandboxes;
use crate::arguments::DoctorArguments;
use crate::context::Context;
use crate::failure::Failure;

/// What `doctor --json` prints.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    backend: &'static str,
    able: bool,
    opened: bool,
    lacks: &'a [Lack],
    notes: &'a [String],
}

pub(super) fn execute(context: &Context, arguments: &DoctorArguments) -> Result<Exit, Failure> {
    let backend = sandboxes::backend(context);
    let lacks = backend.check();
    let fatal = lacks.iter().any(|lack| lack.weight == LackWeight::Fatal);
    let trial = if fatal { Err(String::new()) } else { sandboxes::trial(context, &backend) };
    let able = !fatal && trial.is_ok();
    if arguments.json {
        let document = Document {
            schema: "patchbed/doctor/1",
            version: env!("CARGO_PKG_VERSION"),
            backend: backend.name(),
            able,
            opened: trial.is_ok(),
            lacks: &lacks,
            notes: trial.as_deref().unwrap_or_default(),
        };
        context.output.json(&document)?;
    } else {
        for lack in &lacks {
            tell(context, lack);
        }
        tell_trial(context, &trial, fatal);
        more(context, &lacks);
    }
    Ok(if able { Exit::Ok } else { Exit::Unable })
}

/// Where more is told about what is missing.
fn more(context: &Context, lacks: &[Lack]) {
    let codes: BTreeSet<&str> = lacks.iter().map(|lack| code(lack.weight)).collect();
    for code in codes {
        context.output.say(&format!("`patchbed explain {code}` tells more"));
    }
}

/// The word under which lacks of this weight are explained.
pub(super) const fn code(weight: LackWeight) -> &'static str {
    match weight {
        LackWeight::Fatal => "fatal",
        LackWeight::NoUnits => "nounits",
        LackWeight::Degraded => "degraded",
    }
}

fn tell(context: &Context, lack: &Lack) {
    let look = context.output.look();
    let (word, tone) = match lack.weight {
        LackWeight::Fatal => ("no sandbox without", Tone::Bad),
        LackWeight::NoUnits => ("no systemd units without", Tone::Warn),
        LackWeight::Degraded => ("worse without", Tone::Warn),
    };
    let shown = |text: &str| safe::shown(text, look);
    context.output.line(&format!("{} {}", look.paint(tone, word), shown(&lack.what)));
    context.output.line(&format!("  because  {}", shown(&lack.because)));
    for (at, line) in lack.remedy.lines().enumerate() {
        context.output.line(&format!("  {}   {}", if at == 0 { "remedy" } else { "      " }, shown(line)));
    }
}

fn tell_trial(context: &Context, trial: &Result<Vec<String>, String>, fatal: bool) {
    let look = context.output.look();
    match trial {
        Ok(notes) => {
            context
                .output
                .line(&format!("{} a sandbox opened and closed", look.paint(Tone::Good, look.pick("✓", "ok"))));
            for note in notes {
                context.output.line(&format!("  not enforced: {}", safe::shown(note, look)));
            }
            if notes.is_empty() {
                context.output.line("  all limits hold: time, memory, disk, processes");
            }
        }
        Err(_) if fatal => context.output.line(&look.paint(Tone::Bad, "This machine cannot make sandboxes")),
        Err(text) => {
            let text = safe::shown(text, look);
            context.output.line(&format!("{} no sandbox opened: {text}", look.paint(Tone::Bad, look.pick("✗", "x"))));
        }
    }
}
