//! Rules as people write them: what needs a reason, and what is no rule.

use crate::{codes, load_text};

/// The codes of a scenario with this rule, whatever else is said about it.
fn said(allow: &str) -> Vec<&'static str> {
    let rule = format!("- key: probe.page.stdout\n  allow: {allow}\n");
    codes(&load_text(format!(
        "image: {{ directory: / }}\npatch: {{ remove: {{ paths: [/x] }} }}\nrules:\n{rule}services: [x.service]\n"
    )))
}

#[test]
fn an_expression_silences_when_it_fits_every_whole_text() {
    assert_eq!(said(r#"{ matches: "[0-9]*" }"#), Vec::<&str>::new());
    assert_eq!(said(r#"{ matches: "(?x) [0-9]+ # a number" }"#), Vec::<&str>::new());
    assert_eq!(said(r#"{ matches: ".*" }"#), ["unexplained-rule"]);
    assert_eq!(said(r#"{ matches: "(?s).*" }"#), ["unexplained-rule"]);
    assert_eq!(said(r#"{ matches: "a)(b" }"#), ["invalid-value"]);
}
