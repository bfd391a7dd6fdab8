//! Names: what they may be made of, so that each is safe in a key, a report and a path.

use patchbed_kinds::document::{At, Node, Problems, Read};
use patchbed_model::Code;
use patchbed_model::text::{first_line, one_line};
use serde_json::{Value as Json, json};

const LONGEST: usize = 100;

/// A name that people read: of a patch, a probe, a workload. Words may stand apart.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Name(pub(super) String);

/// A name that becomes the first part of keys and a part of file names: of a service, a product, an image.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Word(pub(super) String);

/// The title of a scenario: one line for people. Of a text of several lines it is the first.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Title(pub(super) String);

fn fault_of_title(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() {
        Some("it is empty")
    } else if text.chars().count() > 2 * LONGEST {
        Some("it is longer than 200 characters")
    } else {
        (text != one_line(text)).then_some("it has line ends, or characters that cannot be seen")
    }
}

/// What is wrong with a name, if anything.
fn fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.chars().count() > LONGEST {
        return Some("it is longer than 100 characters");
    }
    if text.starts_with(['.', '-']) {
        return Some("it begins with a dot or a hyphen");
    }
    if text.contains(['/', '\\']) {
        return Some("it has a slash");
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return Some("it begins or ends with a space");
    }
    if text != one_line(text) {
        return Some("it has characters that cannot be seen");
    }
    None
}

/// What is wrong with a word, if anything.
pub(super) fn fault_of_word(text: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_alphanumeric() || "._-@:~".contains(c);
    fault(text).or_else(|| {
        (!text.chars().all(plain)).then_some("it has more than letters, digits and `.` `_` `-` `@` `:` `~`")
    })
}

fn read(node: &Node, problems: &mut Problems, fault: fn(&str) -> Option<&'static str>) -> Option<String> {
    let text = String::read(node, problems)?;
    checked(text, node, problems, fault)
}

fn checked(
    text: String,
    node: &Node,
    problems: &mut Problems,
    fault: fn(&str) -> Option<&'static str>,
) -> Option<String> {
    let Some(why) = fault(&text) else {
        return Some(text);
    };
    let message = format!("{} cannot be a name", node.describe());
    problems.error(Code::InvalidValue, node.place, At::Value, message).label(why);
    None
}

impl Read for Name {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        read(node, problems, fault).map(Self)
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[^./\\\\ -]([^/\\\\]*[^/\\\\ ])?$" })
    }
}

impl Read for Title {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let title = first_line(&String::read(node, problems)?);
        checked(title, node, problems, fault_of_title).map(Self)
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

impl Read for Word {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        read(node, problems, fault_of_word).map(Self)
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[\\p{L}\\p{N}_@:~][\\p{L}\\p{N}._@:~-]*$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_paths_or_flags_are_refused() {
        let long = "n".repeat(101);
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "/etc",
            "a/b",
            "-rf",
            "--help",
            " ",
            "a\nb",
            "a\u{1b}[31m",
            "\u{202e}gpj",
            "a ",
            &long,
        ] {
            assert!(fault(bad).is_some(), "{bad:?}");
            assert!(fault_of_word(bad).is_some(), "{bad:?}");
        }
        assert_eq!(fault("TLS 1.2, or newer (really)"), None);
        assert_eq!(fault_of_word("postgresql@15-main"), None);
        assert!(fault_of_word("$(id)").is_some() && fault_of_word("a+b").is_some() && fault_of_word("*").is_some());
    }
}
