//! `outage`: for how much longer than without the patch services may be out of reach.

use std::collections::BTreeMap;

use patchbed_kinds::document::{At, Node, Placed, Problems, Read, Span};
use patchbed_model::rule::{Amount, KeyPattern, Rule};
use patchbed_model::{Allow, Code};
use serde_json::{Value as Json, json};

use super::order::{Unknown, Wish, unknown};
use super::probe::Known;
use crate::scenario::outage_key;

/// What stands before a limit.
const WORD: &str = "at-most ";

/// The limits of services, by their names.
pub(super) type OutageText = BTreeMap<String, Placed<LimitText>>;

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct LimitText(Span);

impl Read for LimitText {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let limit = node.as_text().and_then(|text| text.strip_prefix(WORD));
        if let Some(span) = limit.and_then(|text| Span::parse(text.trim())) {
            return Some(Self(span));
        }
        let code = if limit.is_some() { Code::InvalidDuration } else { Code::InvalidValue };
        let message = format!("expected for how long a service may be out of reach, this is {}", node.describe());
        problems
            .error(code, node.place, At::Value, message)
            .help("write `at-most` and a duration, such as `at-most 2s`");
        None
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^at-most +[0-9]+(\\.[0-9]+)?(ms|s|min|m|h|d)$" })
    }
}

/// Reads `outage:`, where outages are watched.
pub(super) fn limits(
    text: Option<&Placed<OutageText>>,
    automatic: bool,
    known: Known<'_>,
    problems: &mut Problems,
) -> Vec<Rule> {
    let Some(limits) = text else { return Vec::new() };
    if !automatic {
        problems
            .error(Code::Conflict, limits.place, At::Key, "outages are limited, and nothing is watched without asking")
            .help("take `automatic: false` out, or `outage:`");
    }
    let rule = |(name, limit): (&String, &Placed<LimitText>)| {
        let service = known.any_service(name, limit, problems)?;
        let allow = Allow::AtMostMore(Amount::Seconds(limit.value?.0.0.as_secs_f64()));
        let key = KeyPattern(outage_key(&service).as_str().to_owned());
        Some(Rule { key, allow, reason: None, owner: None, until: None })
    };
    limits.value.iter().flatten().filter_map(rule).collect()
}

impl Known<'_> {
    /// The service of this name, of the scenario or of a product.
    fn any_service(&self, written: &str, limit: &Placed<LimitText>, problems: &mut Problems) -> Option<String> {
        let name = self.units.get(written).map_or(written, String::as_str);
        let all: Vec<&Wish> = self.services.iter().chain(self.of_products).collect();
        if all.iter().any(|wish| wish.name == name) {
            return Some(name.to_owned());
        }
        if !self.incomplete {
            let message = "this limit speaks of a service that is not in the scenario".to_owned();
            let what = Unknown {
                code: Code::UnknownService,
                noun: "service",
                name: written,
                place: limit.place,
                at: At::Key,
                message,
            };
            unknown(what, all.iter().map(|wish| (wish.name.as_str(), wish.place)), problems);
        }
        None
    }
}
