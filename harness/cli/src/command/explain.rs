//! `explain`: the long text of everything that is printed as a code.

use patchbed_engine::load::kinds::{self, Kind};
use patchbed_engine::sabotage::FaultKind;
use patchbed_model::text::nearest;
use patchbed_model::{Code, Exit};
use patchbed_report::Tone;

use crate::context::Context;
use crate::failure::Failure;

/// Texts with one heading for each code, and what they are about.
const TEXTS: [(&str, &str); 6] = [
    ("Verdicts", include_str!("../../explain/verdicts.md")),
    ("Exit codes", include_str!("../../explain/exits.md")),
    ("Why attempts stop", include_str!("../../explain/stops.md")),
    ("Stages", include_str!("../../explain/stages.md")),
    ("Rules", include_str!("../../explain/rules.md")),
    ("What a machine lacks", include_str!("../../explain/lacks.md")),
];

pub(super) fn execute(context: &Context, code: Option<&str>) -> Result<Exit, Failure> {
    let Some(code) = code else {
        list(context);
        return Ok(Exit::Ok);
    };
    let word = code.trim().trim_start_matches("error[").trim_start_matches("warning[").trim_end_matches(']');
    let texts = texts(word);
    if texts.is_empty() {
        return Err(unknown(word));
    }
    context.output.result(texts.join("\n").as_bytes());
    Ok(Exit::Ok)
}

/// Every word that is explained.
pub(crate) fn codes() -> Vec<String> {
    let headed = TEXTS.iter().flat_map(|(_, text)| headings(text).flat_map(|heading| heading.split(' ')));
    let faults = FaultKind::ALL.iter().map(|fault| fault.name());
    let mut codes: Vec<String> =
        headed.chain(Code::ALL.iter().map(|code| code.as_str())).chain(faults).map(str::to_owned).collect();
    codes.extend(kinds::all().into_iter().map(|kind| kind.key.to_owned()));
    codes.sort();
    codes.dedup();
    codes
}

/// All that is said under a word: some words mean several things.
fn texts(word: &str) -> Vec<String> {
    let sections = TEXTS.iter().filter_map(|(_, text)| section(text, word));
    let kinds = kinds::all().into_iter().filter(|kind| kind.key == word).map(Kind::text);
    message(word).into_iter().chain(sections).chain(fault(word)).chain(kinds).collect()
}

/// The page of a message.
fn message(word: &str) -> Option<String> {
    let code = Code::ALL.iter().find(|code| code.as_str() == word)?;
    Some(format!("{}\n", patchbed_engine::load::explain(*code).trim_end()))
}

/// What a fault of `sabotage` does, and what notices it.
fn fault(word: &str) -> Option<String> {
    let fault = FaultKind::named(word)?;
    Some(format!(
        "## {word} (fault of `patchbed sabotage`)\n{}\n\nA scenario notices it with {}.\n",
        fault.text(),
        fault.remedy()
    ))
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
    for (title, text) in TEXTS {
        group(title, &mut headings(text));
    }
    group("Faults of sabotage", &mut FaultKind::ALL.iter().map(|fault| fault.name()));
    for sort in kinds::SORTS {
        group(sort.title(), &mut kinds::all().iter().filter(|kind| kind.sort == sort).map(|kind| kind.key));
    }
    group("Messages", &mut Code::ALL.iter().map(|code| code.as_str()));
}

fn unknown(word: &str) -> Failure {
    let failure = Failure::say(Exit::Usage, format!("there is nothing to explain under `{word}`"));
    let known = codes();
    match nearest(word, known.iter().map(String::as_str)) {
        Some(meant) => failure.help(format!("did you mean `{meant}`?")),
        None => failure.help("`patchbed explain` lists everything"),
    }
}

#[cfg(test)]
mod tests {
    use patchbed_model::{Allow, Blame, CauseKind, Stage, Verdict};
    use schemars::{JsonSchema, schema_for};

    use super::*;

    /// The words of an enumeration as they are printed and written, from its schema: a new variant is among them.
    fn words<T: JsonSchema>() -> Vec<String> {
        let schema = schema_for!(T).to_value();
        let variants = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()).cloned().unwrap_or_default();
        let listed = schema["enum"].as_array().cloned().unwrap_or_default();
        let of = |variant: &serde_json::Value| -> Vec<String> {
            let list = variant["enum"].as_array().cloned().unwrap_or_default();
            let constant = variant["const"].as_str().map(str::to_owned);
            let keys = variant["properties"].as_object().map(|keys| keys.keys().cloned().collect()).unwrap_or_default();
            let list = list.iter().filter_map(|word| Some(word.as_str()?.to_owned()));
            list.chain(constant).chain::<Vec<String>>(keys).collect()
        };
        let mut words: Vec<String> = variants.iter().flat_map(of).collect();
        words.extend(listed.iter().filter_map(|word| Some(word.as_str()?.to_owned())));
        words
    }

    fn explained(words: Vec<String>, at_least: usize) {
        assert!(words.len() >= at_least, "too few were found: {words:?}");
        for word in words {
            assert!(!texts(&word).is_empty(), "nothing explains `{word}`");
        }
    }

    #[test]
    fn every_verdict_exit_code_stop_and_stage_is_explained() {
        explained(words::<Verdict>(), 8);
        explained(words::<Exit>(), 12);
        explained(words::<CauseKind>(), 12);
        explained(words::<Stage>(), 14);
        let codes = [0, 1, 2, 3, 4, 5, 6, 7, 70, 75, 77, 130, 143];
        explained(codes.map(|code: u8| code.to_string()).into(), 13);
    }

    /// Shares and amounts are written alike, so that one page speaks of both.
    #[test]
    fn every_rule_is_explained() {
        let written = |word: String| word.trim_end_matches("-number").trim_end_matches("-more").to_owned();
        explained(words::<Allow>().into_iter().map(written).collect(), 13);
    }

    #[test]
    fn every_blame_is_explained() {
        let text = texts("blame").join("");
        for word in words::<Blame>() {
            assert!(text.contains(&format!("`{word}`: ")), "{word}");
        }
    }

    #[test]
    fn every_weight_of_a_lack_is_explained() {
        use patchbed_sandbox::LackWeight;
        for weight in [LackWeight::Fatal, LackWeight::NoUnits, LackWeight::Degraded] {
            let word = super::super::doctor::code(weight);
            assert_eq!(serde_json::to_value(weight).expect("a word"), word);
            assert!(!texts(word).is_empty(), "{word}");
        }
    }

    #[test]
    fn every_code_that_is_listed_is_explained_and_no_text_stands_twice() {
        let codes = codes();
        for code in &codes {
            let texts = texts(code);
            assert!(!texts.is_empty(), "{code}");
            assert!(texts.iter().all(|text| text.lines().count() > 1), "{code}");
        }
        for (_, text) in TEXTS {
            let mut headings: Vec<&str> = headings(text).collect();
            headings.sort_unstable();
            assert!(headings.windows(2).all(|pair| pair[0] != pair[1]), "{headings:?}");
        }
    }
}
