//! What a program or a server said, as a value that can be compared.

use std::collections::BTreeMap;

use patchbed_model::{Digest, Value};
use patchbed_sandbox::message::Output;
use serde_json::Value as Json;

use super::canonical::canonical;

/// Texts up to this many bytes are compared as text; longer ones, and what is no text, by digest.
const TEXT_LIMIT: usize = 64 << 10;
/// JSON up to this many bytes is compared as text.
const JSON_LIMIT: usize = 1 << 20;

/// The output as canonical text without the line feeds at its end; by digest when it is long or no text.
pub(super) fn text_of(output: &Output) -> Value {
    let text = &output.text;
    let whole = output.total <= TEXT_LIMIT as u64;
    if whole && !text.contains(['\0', char::REPLACEMENT_CHARACTER]) {
        Value::Text(canonical(text.trim_end_matches(['\n', '\r'])))
    } else {
        digest_of(output)
    }
}

/// The digest of all bytes, and how many there were.
pub(super) fn digest_of(output: &Output) -> Value {
    Value::Text(format!("sha256:{}, {} bytes", output.digest, output.total))
}

/// Whether less was kept than there was, so that nothing can be said of what is not in it.
pub(super) fn is_cut(output: &Output, keep: usize) -> bool {
    output.total > keep as u64
}

/// The distinct lines in canonical form, sorted; by digest when not all of them were kept.
pub(super) fn lines_of(output: &Output, keep: usize) -> Value {
    if is_cut(output, keep) {
        return digest_of(output);
    }
    let mut lines: Vec<String> = output.text.lines().map(canonical).filter(|line| !line.is_empty()).collect();
    lines.sort();
    lines.dedup();
    Value::List(lines)
}

/// The output as JSON; `None` when it is none, or not all of it was kept.
pub(super) fn json_of(output: &Output) -> Option<Json> {
    serde_json::from_str(&output.text).ok()
}

/// What stands where JSON was asked for and there is none: still what was said, so that a difference in it shows.
pub(super) fn no_json(output: &Output) -> Value {
    Value::Text(format!("no JSON: {}", text_of(output)))
}

/// JSON as canonical text: keys sorted, one value per line; by the digest of that text when it is long.
pub(super) fn json_text(json: &Json) -> Value {
    let text = match json {
        Json::String(text) => text.clone(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            serde_json::to_string_pretty(&Sorted(json)).unwrap_or_default()
        }
    };
    let text = canonical(&text);
    Value::Text(if text.len() > JSON_LIMIT { format!("JSON {}", Digest::of(text.as_bytes())) } else { text })
}

/// The value under a path such as `items.0.name`, `$.items[0].name` or `/items/0/name`.
pub(super) fn json_at<'a>(json: &'a Json, path: &str) -> Option<&'a Json> {
    let path = path.strip_prefix('$').unwrap_or(path);
    let parts: Vec<&str> = if let Some(pointer) = path.strip_prefix('/') {
        pointer.split('/').collect()
    } else {
        path.split(['.', '[', ']']).filter(|part| !part.is_empty()).collect()
    };
    parts.into_iter().try_fold(json, |json, part| match json {
        Json::Object(map) => map.get(part),
        Json::Array(items) => items.get(part.parse::<usize>().ok()?),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    })
}

/// Writes JSON with the keys of every mapping in order, whatever order the parser keeps.
struct Sorted<'a>(&'a Json);

impl serde::Serialize for Sorted<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Object(map) => {
                serializer.collect_map(map.iter().map(|(k, v)| (k, Sorted(v))).collect::<BTreeMap<_, _>>())
            }
            Json::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => self.0.serialize(serializer),
        }
    }
}

/// Why there is no connection, in one word where it is a known one.
pub(super) fn refusal(text: &str) -> String {
    const KNOWN: &[(&str, &str)] = &[
        ("refused", "refused"),
        ("timed out", "timed out"),
        ("no answer within", "timed out"),
        ("reset", "reset"),
        ("not reachable", "unreachable"),
        ("unreachable", "unreachable"),
        ("broken pipe", "closed"),
        ("closed", "closed"),
        ("name not known", "no such host"),
        ("name or service not known", "no such host"),
        ("name resolution", "no such host"),
    ];
    let lower = text.to_lowercase();
    let known = KNOWN.iter().find(|(part, _)| lower.contains(part));
    known.map_or_else(|| canonical(text), |(_, word)| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(text: &str) -> Output {
        Output { text: text.to_owned(), total: text.len() as u64, digest: "00".to_owned() }
    }

    #[test]
    fn what_is_no_text_is_compared_by_digest() {
        assert_eq!(text_of(&output("pid 7\n")), Value::from("pid ⟨pid⟩"));
        assert_eq!(text_of(&output("a\0b")), Value::from("sha256:00, 3 bytes"));
        assert_eq!(text_of(&output(&"x".repeat(TEXT_LIMIT + 1))), Value::from("sha256:00, 65537 bytes"));
    }

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let one = json_of(&output(r#"{"b":[1,{"d":2,"c":3}],"a":"x"}"#)).unwrap();
        let other = json_of(&output(r#"{"a":"x","b":[1,{"c":3,"d":2}]}"#)).unwrap();
        assert_eq!(json_text(&one), json_text(&other));
    }

    #[test]
    fn paths_may_be_written_in_three_ways() {
        let json = json_of(&output(r#"{"items":[{"name":"x"}]}"#)).unwrap();
        for path in ["items.0.name", "$.items[0].name", "/items/0/name"] {
            assert_eq!(json_at(&json, path), Some(&Json::from("x")), "{path}");
        }
        assert_eq!(json_at(&json, "items.1.name"), None);
        assert_eq!(json_at(&json, "items.name"), None);
        assert_eq!(json_at(&json, "$"), Some(&json));
    }
}
