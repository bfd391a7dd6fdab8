//! `review` where nobody can be asked: what waits, with the commands that decide.

use patchbed_engine::review::{Candidate, Pending};
use patchbed_model::{Difference, Verdict};
use patchbed_report::{Look, Tone, safe, words};
use serde_json::json;

use crate::context::Context;

/// Prints what waits as JSON.
pub(super) fn json(context: &Context, waiting: &[Pending]) -> std::io::Result<()> {
    let waiting: Vec<_> = waiting.iter().map(document).collect();
    context.output.json(&json!({ "schema": "patchbed/review/1", "waiting": waiting }))
}

/// Prints what waits for a person.
pub(super) fn list(context: &Context, waiting: &[Pending]) {
    for pending in waiting {
        show(context, pending);
    }
    let differences = waiting.iter().map(|pending| pending.differences.len()).sum();
    let candidates = waiting.iter().filter(|pending| pending.candidate.is_some()).count();
    context.output.line(&format!(
        "{} and {} wait for a decision",
        words::count(differences, "difference"),
        words::count(candidates, "new baseline")
    ));
}

fn show(context: &Context, pending: &Pending) {
    let look = context.output.look();
    let head = look.paint(Tone::Strong, &title(pending, look));
    context.output.line(&format!("{}  {head}", safe::line(&pending.cell.0)));
    for difference in &pending.differences {
        context.output.line(&format!("  {}", words::difference(difference, look)));
    }
    if let Some(candidate) = &pending.candidate {
        context.output.line(&format!("  {}", baseline(candidate, look)));
        for moved in &candidate.moved {
            context.output.line(&format!("    {}", words::difference(moved, look)));
        }
    }
    commands(context, pending);
}

/// What a person knows a cell by.
pub(super) fn title(pending: &Pending, look: &Look) -> String {
    let name = |names: &[String], separator: &str| {
        names.iter().map(|name| safe::name(name, look)).collect::<Vec<_>>().join(separator)
    };
    let mut head = format!(
        "{} · {} · {}",
        safe::name(&pending.scenario, look),
        safe::name(&pending.image, look),
        name(&pending.patches, ", ")
    );
    if !pending.software.is_empty() {
        head = format!("{head} + {}", name(&pending.software, " + "));
    }
    look.own(&head)
}

/// What kind of new baseline it is, with its file.
pub(super) fn baseline(candidate: &Candidate, look: &Look) -> String {
    let what = if candidate.replaces { "a new baseline instead of the accepted one" } else { "a first baseline" };
    format!("{what}: {}", safe::shown(candidate.file.as_str(), look))
}

/// The commands that decide, to be copied.
fn commands(context: &Context, pending: &Pending) {
    let cell = &pending.cell;
    let regressed = |difference: &Difference| difference.verdict == Verdict::Regressed;
    let flags = if pending.differences.iter().any(regressed) {
        " --known-issue --because \"…\" --until YYYY-MM-DD"
    } else {
        " --because \"…\""
    };
    let look = context.output.look();
    context.output.line(&look.own(&format!("    patchbed accept {cell}{flags}")));
    context.output.line(&format!("    patchbed reject {cell}"));
}

fn document(pending: &Pending) -> serde_json::Value {
    json!({
        "run": pending.run, "cell": pending.cell, "scenario": pending.scenario, "image": pending.image,
        "patches": pending.patches, "software": pending.software, "differences": pending.differences,
        "candidate": pending.candidate.as_ref().map(|candidate| json!({
            "file": candidate.file, "replaces": candidate.replaces, "moved": candidate.moved,
        })),
    })
}
