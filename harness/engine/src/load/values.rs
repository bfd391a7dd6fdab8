//! The small values that only scenario files have: fixed words, numbers within bounds, dates, signals.

use patchbed_kinds::document::{At, Content, Node, Plain, Problems, Read};
use patchbed_model::Code;
use patchbed_model::text::nearest;
use serde_json::{Value as Json, json};

/// Writes an enum of fixed words: the enum, its reader, its schema. Words of later versions come after `later`.
macro_rules! words {
    (
        $(#[doc = $doc:expr])+
        pub(super) enum $name:ident { $($(#[doc = $word_doc:expr])+ $word:literal => $variant:ident,)+ }
        $(later { $($later:literal => $what:literal,)+ })?
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
        pub(super) enum $name { $($(#[doc = $word_doc])+ $variant,)+ }

        impl Read for $name {
            fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
                const KNOWN: &[&str] = &[$($word,)+];
                const LATER: &[(&str, &str)] = &[$($(($later, $what),)+)?];
                match node.as_text() {
                    $(Some($word) => Some(Self::$variant),)+
                    _ => {
                        wrong_word(node, KNOWN, LATER, problems);
                        None
                    }
                }
            }

            fn schema() -> Json {
                json!({ "enum": [$($word,)+] })
            }
        }
    };
}

fn wrong_word(node: &Node, known: &[&str], later: &[(&str, &str)], problems: &mut Problems) {
    let list = format!("`{}`", known.join("`, `"));
    if let Some((word, what)) = later.iter().find(|(word, _)| node.as_text() == Some(*word)) {
        problems
            .error(Code::Unsupported, node.place, At::Value, format!("this version cannot do `{word}` yet"))
            .label(format!("known, but not built: {what}"))
            .help(format!("write one of: {list}"));
        return;
    }
    let message = format!("expected {list}, this is {}", node.describe());
    let problem = problems.error(Code::InvalidValue, node.place, At::Value, message);
    if let Some(near) = node.as_text().and_then(|text| nearest(text, known.iter().copied())) {
        problem.help(format!("did you mean `{near}`?"));
    }
}

words! {
    /// Whether a service is restarted after the patch.
    pub(super) enum RestartWord {
        /// That is how an update is taken up.
        "after-patch" => AfterPatch,
        /// It goes on as it is.
        "never" => Never,
    }
}

words! {
    /// When a workload runs.
    pub(super) enum WhenWord {
        /// Before the patch.
        "before" => Before,
        /// While the patch is applied.
        "during" => During,
        /// After the restart.
        "after" => After,
    }
}

words! {
    /// Which products are on.
    pub(super) enum SoftwareWord {
        /// All together.
        "all" => All,
        /// Each alone, and none.
        "each" => Each,
        /// Few combinations in which any two products are on, off, and each without the other; all, and none. Where one
        /// of them is regressed, a few more to find out which products it takes.
        "pairs" => Pairs,
        /// None.
        "none" => None,
    }
}

words! {
    /// Which patches are in.
    pub(super) enum PatchWord {
        /// All together.
        "all" => All,
        /// Each alone, with those that it needs.
        "each" => Each,
        /// Both.
        "all-and-each" => AllAndEach,
    }
}

words! {
    /// How the patches of a bundle are given.
    pub(super) enum DeliveryWord {
        /// One after another, as each is written.
        "one-by-one" => OneByOne,
        /// Packages that follow one another in one transaction.
        "together" => Together,
        /// One cell for each of the two.
        "both" => Both,
    }
}

words! {
    /// What is restarted after the patch.
    pub(super) enum RestartingWord {
        /// The services that say so themselves.
        "auto" => Auto,
        /// All services.
        "all" => All,
        /// None: what the patch does not restart goes on as it is.
        "none" => None,
        /// The whole machine: all processes are gone, and the same disk is started again.
        "reboot" => Reboot,
    }
}

words! {
    /// What makes the sandbox.
    pub(super) enum BackendWord {
        /// Namespaces of this machine's kernel.
        "namespaces" => Namespaces,
    }
    later { "qemu" => "a virtual machine with a kernel of its own", }
}

words! {
    /// The network of the sandbox.
    pub(super) enum NetworkWord {
        /// A loopback interface only.
        "none" => None,
    }
}

/// `version: 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Version;

impl Read for Version {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        if node.content == Content::Integer(1) {
            return Some(Self);
        }
        let message = format!("expected the version 1 of the language, this is {}", node.describe());
        problems.error(Code::InvalidValue, node.place, At::Value, message).help("write `version: 1`, or leave it out");
        None
    }

    fn schema() -> Json {
        json!({ "const": 1 })
    }
}

/// A whole number from 1 to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Count<const LEAST: u32, const MOST: u32>(pub(super) u32);

impl<const LEAST: u32, const MOST: u32> Read for Count<LEAST, MOST> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        if let Content::Integer(value) = node.content
            && let Ok(value) = u32::try_from(value)
            && (LEAST..=MOST).contains(&value)
        {
            return Some(Self(value));
        }
        let message = format!("expected a whole number from {LEAST} to {MOST}, this is {}", node.describe());
        let code = if matches!(node.content, Content::Integer(_)) { Code::InvalidValue } else { Code::WrongType };
        problems.error(code, node.place, At::Value, message);
        None
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": LEAST, "maximum": MOST })
    }
}

/// A day such as `2027-01-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Day(pub(super) jiff::civil::Date);

impl Read for Day {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let plain = |text: &&str| text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let day = node.as_text().filter(plain).and_then(|text| text.parse().ok());
        if day.is_none() {
            let message = format!("expected a day, this is {}", node.describe());
            problems
                .error(Code::InvalidValue, node.place, At::Value, message)
                .help("write year, month and day, such as `2027-01-31`");
        }
        day.map(Self)
    }

    fn schema() -> Json {
        json!({ "type": "string", "format": "date" })
    }
}

/// A plain value, as the text that a reading of it would be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Scalar(pub(super) String);

impl Read for Scalar {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = match &node.content {
            Content::Text(_) => String::read(node, problems)?,
            Content::Integer(number) => number.to_string(),
            Content::Float(number) => number.to_string(),
            Content::Bool(yes) => yes.to_string(),
            Content::Null | Content::List(_) | Content::Map(_) => {
                problems.wrong_type(node, "a plain value").help("write the value that the reading is to have");
                return None;
            }
        };
        Some(Self(text.trim_end_matches('\n').to_owned()))
    }

    fn schema() -> Json {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

/// A signal by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Signal(pub(super) i32);

/// The numbers of the signals with which services are stopped, the same on every Linux.
const SIGNALS: &[(&str, i32)] =
    &[("TERM", 15), ("INT", 2), ("QUIT", 3), ("HUP", 1), ("KILL", 9), ("USR1", 10), ("USR2", 12), ("WINCH", 28)];

impl Read for Signal {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let name = node.as_text().map(|text| text.strip_prefix("SIG").unwrap_or(text));
        if let Some((_, number)) = SIGNALS.iter().find(|(known, _)| Some(*known) == name) {
            return Some(Self(*number));
        }
        let known: Vec<&str> = SIGNALS.iter().map(|(known, _)| *known).collect();
        let message = format!("expected a signal, this is {}", node.describe());
        problems
            .error(Code::InvalidValue, node.place, At::Value, message)
            .help(format!("one of: {}", known.join(", ")));
        None
    }

    fn schema() -> Json {
        let names: Vec<String> =
            SIGNALS.iter().flat_map(|(name, _)| [(*name).to_owned(), format!("SIG{name}")]).collect();
        json!({ "enum": names })
    }
}

/// Notes of `variables:`; [`super::variables`] reads them before the tree is read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Anything;

impl Read for Anything {
    fn read(_: &Node, _: &mut Problems) -> Option<Self> {
        Some(Self)
    }

    fn schema() -> Json {
        json!({ "type": "object", "additionalProperties": Plain::schema() })
    }
}

/// What stands in a file of its own and is named, or stands right here.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(super) enum Reference<T> {
    /// A name or a path.
    Name(String),
    /// The thing itself.
    Inline(Box<T>),
}

impl<T: Read> Read for Reference<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.content {
            Content::Text(_) => String::read(node, problems).map(Self::Name),
            Content::Null
            | Content::Bool(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::List(_)
            | Content::Map(_) => T::read(node, problems).map(|inline| Self::Inline(Box::new(inline))),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "type": "string", "minLength": 1 }, T::schema()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchbed_kinds::document::Place;

    #[test]
    fn a_day_is_a_whole_date_and_nothing_else() {
        let read = |text: &str| Day::read(&Node::text(Place::default(), text), &mut Problems::default());
        assert_eq!(read("2027-01-31").unwrap().0, jiff::civil::date(2027, 1, 31));
        assert_eq!([read("2027-02-30"), read("2027-1-31"), read("tomorrow"), read("2027-01-31T00:00")], [None; 4]);
    }
}
