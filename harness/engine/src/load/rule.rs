//! `rules` and `allow`: how readings may differ; `promise`: what they must become.

use patchbed_kinds::document::{At, Content, Fields, Node, Placed, Plain, Problems, Read, Share, Size, Span};
use patchbed_model::rule::{Amount, KeyPattern, Rule};
use patchbed_model::text::{nearest, one_line, shorten};
use patchbed_model::{Allow, Code};
use serde_json::{Value as Json, json};

use super::LoadOptions;
use super::lowering::{List, items, value};
use super::values::{Day, Scalar};
use crate::expression::expression as whole;
use crate::scenario::Promise;

patchbed_kinds::document! {
    /// How the readings of some keys may differ.
    pub(super) struct RuleText, "a rule: a mapping with `key` and `allow`" {
        /// The keys; `*` stands for any run of characters.
        key: Placed<Pattern>, required;
        /// What is allowed: no difference (`exact`), any, which is counted still (`ignore`), another value of the same
        /// kind (`shape`), another order (`set`), or what a mapping says.
        allow: Placed<AllowText>, required;
        /// Why; wanted of a rule that silences something.
        reason: Option<Placed<String>>, optional;
        /// Who answers for it.
        owner: Option<Placed<String>>, optional;
        /// The last day on which it holds.
        until: Option<Placed<Day>>, optional;
    }
    check {
        owner => filled,
    }
}

patchbed_kinds::document! {
    /// What the patches must change: in every attempt with all of them, some reading has the value.
    pub(super) struct PromiseText, "a promise: a mapping with `key` and `becomes`" {
        /// The keys; `*` stands for any run of characters.
        key: Placed<Pattern>, required;
        /// The value that the reading is to have.
        becomes: Placed<Scalar>, required;
    }
}

/// A pattern over keys.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Pattern(String);

impl Read for Pattern {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        if !text.is_empty() && text.len() <= 500 && text == one_line(&text) {
            return Some(Self(text));
        }
        let message = format!("{} cannot be a key", node.describe());
        problems
            .error(Code::InvalidValue, node.place, At::Value, message)
            .help("write a key such as `web.log.*`: up to 500 characters on one line");
        None
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": 500 })
    }
}

/// What a rule allows.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(super) struct AllowText {
    /// What it allows.
    pub(super) allow: Allow,
    /// Whether it says nothing about any reading.
    pub(super) silences: bool,
}

const WORDS: &[&str] = &["exact", "ignore", "shape", "set"];
const KINDS: &[&str] = &["within", "at-most", "at-least", "matches", "one-of"];

impl Read for AllowText {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let allow = match (&node.content, node.as_text()) {
            (_, Some("exact")) => Allow::Exact,
            (_, Some("ignore")) => Allow::Ignore,
            (_, Some("shape")) => Allow::Shape,
            (_, Some("set")) => Allow::Set,
            (Content::Map(_), _) => measured(node, problems)?,
            _ => {
                wrong(node, problems);
                return None;
            }
        };
        let silences = match &allow {
            Allow::Ignore => true,
            Allow::Matches(expression) => matches_everything(expression),
            Allow::Exact
            | Allow::Shape
            | Allow::Set
            | Allow::Within(_)
            | Allow::AtMost(_)
            | Allow::AtLeast(_)
            | Allow::WithinNumber(_)
            | Allow::AtMostNumber(_)
            | Allow::AtMostMore(_)
            | Allow::AtLeastNumber(_)
            | Allow::OneOf(_) => false,
        };
        Some(Self { allow, silences })
    }

    fn schema() -> Json {
        let fits = "Freely, as long as the whole text fits.";
        let values = "Freely among these values.";
        let measured = json!({
            "type": "object",
            "properties": {
                "within": Bound::schema_of("By at most this share of the baseline, or this number, either way."),
                "at-most": Bound::schema_of("More by at most this share, or up to this number; less freely."),
                "at-least": Bound::schema_of("Less by at most this share, or down to this number; more freely."),
                "matches": { "type": "string", "format": "regex", "description": fits },
                "one-of": { "type": "array", "items": Plain::schema(), "minItems": 1, "description": values },
            },
            "oneOf": KINDS.iter().map(|key| json!({ "required": [key] })).collect::<Vec<Json>>(),
            "patternProperties": { "^x-": true },
            "additionalProperties": false,
        });
        json!({ "anyOf": [{ "enum": WORDS }, measured] })
    }
}

fn wrong(node: &Node, problems: &mut Problems) {
    let message = format!("expected what is allowed, this is {}", node.describe());
    let problem = problems.error(Code::InvalidValue, node.place, At::Value, message);
    match node.as_text().and_then(|text| nearest(text, WORDS.iter().copied())) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("one of: {}, or a mapping with one of: {}", WORDS.join(", "), KINDS.join(", "))),
    };
}

fn measured(node: &Node, problems: &mut Problems) -> Option<Allow> {
    let mut fields = Fields::of(node, "a mapping", problems)?;
    let found = fields.kind([KINDS, &[]], "rule", problems);
    fields.finish(problems);
    let (kind, value) = found?;
    match kind {
        "within" => Some(Bound::read(value, problems)?.allow(Allow::Within, Allow::WithinNumber)),
        "at-most" => Some(Bound::read(value, problems)?.allow(Allow::AtMost, Allow::AtMostNumber)),
        "at-least" => Some(Bound::read(value, problems)?.allow(Allow::AtLeast, Allow::AtLeastNumber)),
        "matches" => expression(value, problems).map(Allow::Matches),
        _ => one_of(value, problems),
    }
}

/// What a reading is held to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    /// A share of the baseline.
    Share(f64),
    /// A number of its own.
    Amount(Amount),
}

impl Bound {
    fn schema_of(description: &str) -> Json {
        let mut schema = Self::schema();
        schema["description"] = description.into();
        schema
    }

    fn allow(self, share: fn(f64) -> Allow, amount: fn(Amount) -> Allow) -> Allow {
        match self {
            Self::Share(of) => share(of),
            Self::Amount(number) => amount(number),
        }
    }
}

impl Read for Bound {
    #[expect(clippy::cast_precision_loss, reason = "a bound of more than 52 bits is none that anybody reads exactly")]
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let amount = match &node.content {
            Content::Integer(number) => Some(Amount::Plain(*number as f64)),
            Content::Float(number) => Some(Amount::Plain(*number)).filter(|_| number.is_finite()),
            Content::Text(text) if text.ends_with('%') => {
                return Share::read(node, problems).map(|share| Self::Share(share.0));
            }
            Content::Text(text) => Size::parse(text)
                .map(|size| Amount::Bytes(size.0 as f64))
                .or_else(|| Span::parse(text).map(|span| Amount::Seconds(span.0.as_secs_f64()))),
            Content::Null | Content::Bool(_) | Content::List(_) | Content::Map(_) => None,
        };
        if amount.is_none() {
            let message = format!("expected a share, a number, a size or a duration, this is {}", node.describe());
            let help = "such as `10%` of the baseline, or a value of its own: `110`, `1GiB`, `2s`";
            problems.error(Code::InvalidValue, node.place, At::Value, message).help(help);
        }
        amount.map(Self::Amount)
    }

    fn schema() -> Json {
        json!({ "anyOf": [Share::schema(), { "type": "number" }, Size::schema(), Span::schema()] })
    }
}

/// A regular expression.
pub(super) fn expression(node: &Node, problems: &mut Problems) -> Option<String> {
    let text = String::read(node, problems)?;
    match whole(&text) {
        Ok(_) => Some(text),
        Err(error) => {
            let why = error.to_string();
            let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let message = format!("{} is no regular expression", node.describe());
            problems.error(Code::InvalidValue, node.place, At::Value, message).label(shorten(&one_line(last), 200));
            None
        }
    }
}

/// Whether an expression lets anything through: tried on texts that have nothing in common.
fn matches_everything(expression: &str) -> bool {
    whole(expression)
        .is_ok_and(|regex| ["", "q", "7", " \u{7fff}", "-\n=\n", "Zz 0/é"].iter().all(|text| regex.is_match(text)))
}

fn one_of(node: &Node, problems: &mut Problems) -> Option<Allow> {
    let list: Vec<String> = Vec::<Plain>::read(node, problems)?.into_iter().map(|value| value.0).collect();
    if list.is_empty() {
        problems.error(Code::InvalidValue, node.place, At::Value, "the list is empty: nothing would be allowed");
        return None;
    }
    Some(Allow::OneOf(list))
}

/// Reads `promise:`.
pub(super) fn promises(list: Option<&List<PromiseText>>) -> Vec<Promise> {
    let promise = |text: &PromiseText| {
        let (key, becomes) = (text.key.value.as_ref()?, text.becomes.value.as_ref()?);
        Some(Promise { key: KeyPattern(key.0.clone()), becomes: becomes.0.clone() })
    };
    items(list).filter_map(|(_, text)| promise(text)).collect()
}

/// Reads `rules:`.
pub(super) fn rules(list: Option<&List<RuleText>>, options: &LoadOptions, problems: &mut Problems) -> Vec<Rule> {
    items(list).filter_map(|(_, text)| text.lower(options, problems)).collect()
}

impl RuleText {
    fn lower(&self, options: &LoadOptions, problems: &mut Problems) -> Option<Rule> {
        let (key, allow) = (self.key.value.as_ref()?, self.allow.value.as_ref()?);
        if allow.silences {
            self.must_be_explained(options, problems);
            self.must_leave_something(&key.0, problems);
        }
        self.must_hold(options, problems);
        Some(Rule {
            key: KeyPattern(key.0.clone()),
            allow: allow.allow.clone(),
            reason: value(self.reason.as_ref()),
            owner: value(self.owner.as_ref()),
            until: value(self.until.as_ref()).map(|day| day.0),
        })
    }

    fn must_be_explained(&self, options: &LoadOptions, problems: &mut Problems) {
        let said =
            self.reason.as_ref().is_some_and(|reason| reason.value.as_ref().is_none_or(|text| !text.trim().is_empty()));
        if !said {
            problems
                .error(
                    Code::UnexplainedRule,
                    self.allow.place,
                    At::Value,
                    "a rule that silences something needs a reason",
                )
                .help("add `reason: \"…\"`: somebody will ask");
        }
        let missing: Vec<&str> = [("owner", self.owner.is_none()), ("until", self.until.is_none())]
            .into_iter()
            .filter_map(|(key, missing)| missing.then_some(key))
            .collect();
        if options.strict && !missing.is_empty() {
            let keys = missing.join("` and `");
            problems
                .error(
                    Code::UnexplainedRule,
                    self.allow.place,
                    At::Value,
                    format!("a rule that silences something has no `{keys}`"),
                )
                .help(format!("add `{keys}`: `--strict` asks who answers for it, and how long it holds"));
        }
    }

    fn must_leave_something(&self, key: &str, problems: &mut Problems) {
        if key.chars().all(|c| matches!(c, '*' | '.')) {
            problems
                .warning(Code::RuleHidesAll, self.key.place, At::Value, "this rule silences every reading")
                .label("this matches all keys")
                .help("name the keys that may differ, such as `web.log.*`");
        }
    }

    fn must_hold(&self, options: &LoadOptions, problems: &mut Problems) {
        let Some((until, place)) = self.until.as_ref().and_then(|until| Some((until.value?.0, until.place))) else {
            return;
        };
        if until < options.today {
            problems
                .warning(Code::Expired, place, At::Value, format!("the last day of this rule, {until}, is over"))
                .help("look at what it silenced; then take it out, or give it a later day");
        }
    }
}
