//! `explain`: the long text of a message, a verdict or an exit code.

use patchbed_model::text::nearest;
use patchbed_model::{Code, Exit, Verdict};
use patchbed_report::Tone;

use crate::context::Context;
use crate::failure::Failure;

/// The verdicts, each under a heading of its word.
const VERDICTS: &str = include_str!("../../explain/verdicts.md");
/// The exit codes, each under a heading of its number and name.
const EXITS: &str = include_str!("../../explain/exits.md");

pub(super) fn execute(context: &Context, code: Option<&str>) -> Result<Exit, Failure> {
    let Some(code) = code else {
        list(context);
        return Ok(Exit::Ok);
    };
    let word = code.trim().trim_start_matches("error[").trim_start_matches("warning[").trim_end_matches(']');
    let texts: Vec<String> =
        [message(word), section(VERDICTS, word), section(EXITS, word)].into_iter().flatten().collect();
    if texts.is_empty() {
        return Err(unknown(word));
    }
    context.output.result(texts.join("\n").as_bytes());
    Ok(Exit::Ok)
}

/// The page of a message.
fn message(word: &str) -> Option<String> {
    let code = Code::ALL.iter().find(|code| code.as_str() == word)?;
    Some(format!("{}\n", patchbed_engine::load::explain(*code).trim_end()))
}

/// The section of `text` one of whose heading's words is this one.
fn section(text: &str, word: &str) -> Option<String> {
    let found = text.split("\n## ").skip(1).find(|section| {
        section.lines().next().is_some_and(|heading| heading.split([' ', '(', ')', ',']).any(|part| part == word))
    })?;
    Some(format!("## {}\n", found.trim_end()))
}

fn headings(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n## ").skip(1).filter_map(|section| section.lines().next())
}

fn list(context: &Context) {
    let look = context.output.look();
    let group = |title: &str, words: &mut dyn Iterator<Item = &str>| {
        context.output.line(&look.paint(Tone::Strong, title));
        words.for_each(|word| context.output.line(&format!("  {word}")));
    };
    group("Verdicts", &mut headings(VERDICTS));
    group("Exit codes", &mut headings(EXITS));
    group("Messages", &mut Code::ALL.iter().map(|code| code.as_str()));
}

fn unknown(word: &str) -> Failure {
    let verdicts: Vec<String> = Verdict::ALL.iter().map(ToString::to_string).collect();
    let names = EXITS.split("\n## ").skip(1).filter_map(|section| section.lines().next()?.split(' ').nth(1));
    let known = Code::ALL.iter().map(|code| code.as_str()).chain(verdicts.iter().map(String::as_str)).chain(names);
    let failure = Failure::say(Exit::Usage, format!("there is nothing to explain under `{word}`"));
    match nearest(word, known) {
        Some(meant) => failure.help(format!("did you mean `{meant}`?")),
        None => failure.help("`patchbed explain` lists everything"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_and_every_exit_code_is_explained() {
        for verdict in Verdict::ALL {
            assert!(section(VERDICTS, &verdict.to_string()).is_some(), "{verdict}");
        }
        for code in ["0", "1", "2", "3", "4", "5", "6", "70", "75", "77", "130", "143", "ok", "broken-before", "unable"]
        {
            assert!(section(EXITS, code).is_some(), "{code}");
        }
    }
}
