//! `ci`: a ready pipeline for an engine. Its text is a template beside this file, into which short shell scripts are put.

use std::fmt::Write as _;

use patchbed_model::Exit;

use crate::arguments::{CiArguments, Engine, FailOn, NOWHERE};
use crate::context::Context;
use crate::failure::Failure;

/// Gets the program, checks the scenarios and makes the plan.
const PLAN: &str = include_str!("plan.sh");
/// Makes sure that sandboxes can be made, as root where only root can.
const READY: &str = include_str!("ready.sh");
/// Takes the cache out of the archive that the engine brought.
const UNPACK: &str = include_str!("unpack.sh");
/// Runs one part.
const RUN: &str = include_str!("run.sh");
/// Puts the cache into an archive for the engine.
const PACK: &str = include_str!("pack.sh");
/// Ends a part: only what left no result is a failure of it.
const END: &str = include_str!("end.sh");
/// Puts the results together.
const MERGE: &str = include_str!("merge.sh");

pub(super) fn execute(context: &Context, arguments: &CiArguments) -> Result<Exit, Failure> {
    plain("--scenarios", arguments.scenarios.as_str())?;
    plain("--from", &arguments.from)?;
    context.output.document(pipeline(arguments).as_bytes());
    if arguments.from == NOWHERE {
        context.output.say("edit the line of PATCHBED_FROM, or say it here: `--from PATH|ADDRESS`");
    }
    Ok(Exit::Ok)
}

/// Refuses what would mean something to a shell, to YAML or to Groovy.
fn plain(flag: &str, text: &str) -> Result<(), Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-@:+~".contains(c);
    if text.is_empty() || text.starts_with('-') || !text.chars().all(is_plain) {
        let failure = Failure::say(Exit::Usage, format!("`{flag} {text}` does not fit into a pipeline"));
        return Err(failure.help("use letters, digits and /._-@:+~ only"));
    }
    Ok(())
}

/// The pipeline.
fn pipeline(arguments: &CiArguments) -> String {
    let (template, part) = match arguments.engine {
        Engine::Github => (include_str!("github.yaml"), with_cache()),
        Engine::Gitlab => (include_str!("gitlab.yaml"), with_cache()),
        Engine::Azure => (include_str!("azure.yaml"), with_cache()),
        Engine::Buildkite => (include_str!("buildkite.yaml"), [READY, RUN, END].concat()),
        Engine::Jenkins => (include_str!("jenkins.groovy"), [READY, RUN, END].concat()),
    };
    let script =
        |text: &str| if arguments.engine == Engine::Buildkite { text.replace('$', "$$") } else { text.to_owned() };
    let mut text = with_script(template, "@PLAN@", &script(PLAN));
    text = with_script(&text, "@PART@", &script(&part));
    text = with_script(&text, "@MERGE@", &script(MERGE));
    let numbers: Vec<String> = (1..=arguments.shards).map(|number| number.to_string()).collect();
    let quoted: Vec<String> = numbers.iter().map(|number| format!("'{number}'")).collect();
    let fail_on = match arguments.fail_on {
        FailOn::Regressed => "regressed",
        FailOn::Changed => "changed",
    };
    text.replace("@SHARDS@", &arguments.shards.to_string())
        .replace("@NUMBERS@", &numbers.join(", "))
        .replace("@QUOTED@", &quoted.join(", "))
        .replace("@SCENARIOS@", arguments.scenarios.as_str())
        .replace("@FROM@", &arguments.from)
        .replace("@FAIL_ON@", fail_on)
}

/// A part on a machine that keeps nothing: the engine keeps the cache.
fn with_cache() -> String {
    [READY, UNPACK, RUN, PACK, END].concat()
}

/// A template with a script in the place of a line, as far to the right as that line.
fn with_script(template: &str, place: &str, script: &str) -> String {
    let mut text = String::new();
    for line in template.lines() {
        if line.trim() != place {
            text.push_str(line);
            text.push('\n');
            continue;
        }
        let margin = line.len() - line.trim_start().len();
        for line in script.lines() {
            let line = if line.is_empty() { String::new() } else { format!("{:margin$}{line}", "") };
            writeln!(text, "{line}").expect("writing to a string cannot fail");
        }
    }
    text
}
