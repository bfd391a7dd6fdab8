//! Laws of loading, over arbitrary bytes, damaged scenarios and generated ones.

use patchbed_engine::load::{Loaded, has_errors};
use patchbed_engine::scenario::ServiceRun;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::{load_text, rendered};

/// A scenario that uses most of the language.
const WHOLE: &str = include_str!("whole.yaml");

/// Whether every label lies in its file, between characters, and says the right line and column.
fn well_placed(loaded: &Loaded) {
    for diagnostic in &loaded.diagnostics {
        assert!(!diagnostic.message.is_empty() && !diagnostic.message.ends_with('.'), "{diagnostic:?}");
        for label in &diagnostic.labels {
            let source = &loaded.sources[&diagnostic.file];
            assert!(label.start <= label.end && label.end <= source.len(), "{diagnostic:?}");
            assert!(source.is_char_boundary(label.start) && source.is_char_boundary(label.end), "{diagnostic:?}");
            let before = &source[..label.start];
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            assert_eq!(label.line, before.matches('\n').count() + 1);
            assert_eq!(label.column, before[line_start..].chars().count() + 1);
            assert!(!source[label.start..label.end].contains('\n'), "{diagnostic:?}");
        }
    }
}

fn obeys_the_laws(text: &[u8]) {
    let loaded = load_text(text);
    well_placed(&loaded);
    assert!(loaded.scenarios.is_empty() == has_errors(&loaded.diagnostics));
    let shown = rendered(&loaded);
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    assert!(loaded.diagnostics.is_empty() || shown.contains("case.yaml"));
}

/// Pieces that parsers stumble over.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\n  ".to_owned()),
        Just(": ".to_owned()),
        Just("- ".to_owned()),
        Just("${port}".to_owned()),
        Just("\u{85}\u{2028}é💣".to_owned()),
        Just("{".to_owned()),
        Just("]".to_owned()),
        Just("'".to_owned()),
        Just("|\n".to_owned()),
        Just("? ".to_owned()),
        Just("\"\\x00\\u202e\"".to_owned()),
        Just("\r\n".to_owned()),
        Just("--- ".to_owned()),
        Just("!t ".to_owned()),
        Just("*a".to_owned()),
        Just("\t".to_owned()),
        "[ -~]{0,8}",
        "\\PC{0,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn arbitrary_bytes_obey_the_laws(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        obeys_the_laws(&bytes);
    }

    #[test]
    fn arbitrary_yaml_like_text_obeys_the_laws(pieces in prop::collection::vec(piece(), 0..40)) {
        obeys_the_laws(pieces.concat().as_bytes());
    }

    #[test]
    fn damaged_scenarios_obey_the_laws(cuts in prop::collection::vec((0usize..4000, 0usize..12, piece()), 1..4)) {
        let mut text = WHOLE.to_owned();
        for (at, length, piece) in cuts {
            let start = text.floor_char_boundary(at % text.len());
            let end = text.floor_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, &piece);
        }
        obeys_the_laws(text.as_bytes());
    }

    #[test]
    fn a_good_scenario_comes_back_as_it_was_written(
        services in prop::collection::btree_map("[a-z][a-z0-9-]{0,12}", "[ -~]{1,30}[!-~]", 0..6),
        probes in prop::collection::btree_map("[a-zé][a-z0-9é]{0,12}", 1u32..1000, 0..6),
        packages in prop::collection::btree_set("[a-z][a-z0-9+]{1,12}", 1..5),
        attempts in (1u32..1000, 1u32..1000, 0u32..1000),
        rollback in any::<bool>(),
    ) {
        let services: Vec<(String, String)> = services.into_iter().filter(|(_, run)| !run.contains("${")).collect();
        let document = json!({
            "image": { "host": {} },
            "patch": { "deb": packages },
            "services": services.iter().map(|(name, run)| json!({ "name": name, "run": run })).collect::<Vec<Json>>(),
            "probes": probes.iter().map(|(name, repeat)| json!({ "name": name, "repeat": repeat, "tcp": "a:1" })).collect::<Vec<Json>>(),
            "attempts": { "control": attempts.0, "patched": attempts.1, "confirm": attempts.2 },
            "rollback": rollback,
        });
        let loaded = load_text(document.to_string());
        prop_assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        let scenario = &loaded.scenarios[0];
        prop_assert_eq!(scenario.rollback, rollback);
        prop_assert_eq!((scenario.attempts.control, scenario.attempts.patched, scenario.attempts.confirm), attempts);
        let back: Vec<(String, String)> = scenario.services.iter().map(|service| match &service.run {
            ServiceRun::Program { argv, .. } => (service.name.clone(), argv[2].clone()),
            ServiceRun::Unit(unit) => (service.name.clone(), unit.clone()),
        }).collect();
        prop_assert_eq!(back, services);
        let back: Vec<(String, u32)> = scenario.probes.iter().map(|probe| (probe.name.clone(), probe.repeat)).collect();
        prop_assert_eq!(back, probes.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn the_whole_language_loads_without_a_message() {
    let loaded = load_text(WHOLE);
    assert!(loaded.diagnostics.is_empty(), "{}", rendered(&loaded));
}

#[test]
fn all_problems_of_a_file_are_told_at_once() {
    let text = "imgae: host\npatch: { deb: 7 }\nservices:\n  - { name: web, run: x, within: soon }\nprobes:\n  - { service: wbe, tcp: \"a:1\" }\nrules:\n  - { key: a, allow: ignroe }\nrules: []\n";
    let loaded = load_text(text);
    let codes = crate::codes(&loaded);
    assert_eq!(
        codes,
        ["unknown-key", "unquoted-version", "invalid-duration", "unknown-service", "invalid-value", "duplicate-key"]
    );
}

#[test]
fn hostile_sizes_cost_little() {
    let one_mib = 1 << 20;
    let keys: String = (0..60_000).map(|n| format!("k{n}: v\n")).collect();
    let services: String = (0..30_000).map(|n| format!("  - {{ name: s{n}, run: x }}\n")).collect();
    let cases = [
        "[".repeat(one_mib - 10),
        "- ".repeat(500_000),
        "a: [".to_owned() + &"a,".repeat(500_000),
        "{a: ".repeat(200_000),
        (0..1400).map(|n| " ".repeat(n) + "k:\n").collect(),
        keys,
        format!("image: host\npatch: {{ deb: a }}\nservices:\n{services}"),
        format!("image: host\npatch: {{ deb: a }}\nservices: [{}]\n", "wbe.service,".repeat(80_000)),
        format!("image: host\nbundle:\n{}", "- deb: a\n".repeat(100_000)),
        format!("variables: {{ a: '{}' }}\nx: [{}]\n", "b".repeat(500_000), "'${a}',".repeat(60_000)),
        format!("image: host\nscenario: '{}'\npatch: {{ deb: a }}\nzz: 1\n", "é".repeat(400_000)),
        "\n".repeat(one_mib - 20) + "a: b\nc: d",
    ];
    for text in cases {
        let start = std::time::Instant::now();
        let loaded = load_text(&text);
        well_placed(&loaded);
        let _ = rendered(&loaded);
        let (took, head) = (start.elapsed(), text.chars().take(20).collect::<String>());
        // Unoptimised code on a busy machine; one second is what the command has.
        assert!(took.as_secs() < 30, "{head:?} took {took:?}");
    }
}
