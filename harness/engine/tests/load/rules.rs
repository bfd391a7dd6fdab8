//! Rules as people write them: what needs a reason, and what is no rule.

use patchbed_model::Allow;
use patchbed_model::rule::Amount;

use crate::{codes, load_text};

/// The codes of a scenario with this rule, whatever else is said about it.
fn said(allow: &str) -> Vec<&'static str> {
    let rule = format!("- key: probe.page.stdout\n  allow: {allow}\n");
    codes(&load_text(format!(
        "image: {{ directory: / }}\npatch: {{ remove: {{ paths: [/x] }} }}\nrules:\n{rule}services: [x.service]\n"
    )))
}

#[test]
fn a_promise_is_a_key_and_a_plain_value() {
    let load = |promise: &str| {
        load_text(format!(
            "image: {{ directory: / }}\npatch: {{ remove: {{ paths: [/x] }} }}\nservices: [x.service]\npromise: {promise}\n"
        ))
    };
    let loaded = load("[{ key: a.exit, becomes: 0 }, { key: \"a.*\", becomes: true }, { key: b, becomes: \"x\\n\" }]");
    let promises = &loaded.scenarios[0].promises;
    let texts: Vec<(&str, &str)> = promises.iter().map(|one| (one.key.0.as_str(), one.becomes.as_str())).collect();
    assert_eq!(texts, [("a.exit", "0"), ("a.*", "true"), ("b", "x")]);
    assert_eq!(codes(&load("{ key: a, becomes: 1.5 }")), Vec::<&str>::new());
    assert_eq!(codes(&load("[{ key: a }]")), ["missing-key"]);
    assert_eq!(codes(&load("[{ key: a, becomes: [0] }]")), ["wrong-type"]);
}

#[test]
fn an_expression_silences_when_it_fits_every_whole_text() {
    assert_eq!(said(r#"{ matches: "[0-9]*" }"#), Vec::<&str>::new());
    assert_eq!(said(r#"{ matches: "(?x) [0-9]+ # a number" }"#), Vec::<&str>::new());
    assert_eq!(said(r#"{ matches: ".*" }"#), ["unexplained-rule"]);
    assert_eq!(said(r#"{ matches: "(?s).*" }"#), ["unexplained-rule"]);
    assert_eq!(said(r#"{ matches: "a)(b" }"#), ["invalid-value"]);
}

#[test]
fn a_limit_of_outages_is_a_rule_of_its_service() {
    let load = |outage: &str, more: &str| {
        load_text(format!(
            "image: {{ directory: / }}\npatch: {{ remove: {{ paths: [/x] }} }}\nservices: [x.service]\n\
             software: {{ name: bank, services: [{{ name: pay, run: /opt/pay }}] }}\noutage: {outage}\n{more}"
        ))
    };
    let loaded = load("{ x.service: at-most 2s, pay: at-most 500ms }", "rules: { key: \"x.*\", allow: exact }\n");
    let rules: Vec<(&str, &Allow)> =
        loaded.scenarios[0].rules.0.iter().map(|rule| (rule.key.0.as_str(), &rule.allow)).collect();
    let limit = |seconds| Allow::AtMostMore(Amount::Seconds(seconds));
    assert_eq!(rules, [("x.*", &Allow::Exact), ("pay.outage", &limit(0.5)), ("x.outage", &limit(2.0))]);
    assert_eq!(codes(&load("{ x: at-most 2s }", "")), Vec::<&str>::new());
    assert_eq!(codes(&load("{ y: at-most 2s }", "")), ["unknown-service"]);
    assert_eq!(codes(&load("{ x: at-most soon }", "")), ["invalid-duration"]);
    assert_eq!(codes(&load("{ x: at-least 2s }", "")), ["invalid-value"]);
    assert_eq!(codes(&load("{ x: [2s] }", "")), ["invalid-value"]);
    assert_eq!(codes(&load("{ x: at-most 2s }", "automatic: false\nprobes: { command: /bin/x }\n")), ["conflict"]);
}
