//! Any text in any field: nothing raw comes out, in any format.

use patchbed_model::Record;
use patchbed_report::{Format, Glyphs, Look};
use patchbed_testkit::records;
use proptest::prelude::*;

use crate::html;

/// What is tried first: texts that steer terminals, browsers, spreadsheets, test harnesses and engines.
const PAYLOADS: &[&str] = &[
    "<script>document.title=\"PWNED\"</script>",
    "</td></tr></table><h1>PASS</h1>",
    "<!-- ]]> -->",
    "]]><system-out>",
    "&lt;already&amp;escaped&gt;",
    "=HYPERLINK(\"http://127.0.0.1/\",\"x\")",
    "::error file=x::injected",
    "::set-output name=x::y",
    "##vso[task.complete result=Succeeded;]",
    "##[command]x",
    "##teamcity[testFailed name='x']",
    "not ok 1 - forged",
    "ok 99 - forged",
    "Bail out!",
    "\u{1b}[2J\u{1b}]0;PWNED\u{7}",
    "\u{9b}31m\u{202e}gpj.exe\u{2066}",
    "a\r\nok 99 - forged\n::error::x\u{0}",
    "\u{fffe}\u{ffff}\u{7f}",
    "",
];

fn bytes(format: Format, record: &Record, look: &Look) -> Vec<u8> {
    let mut out = Vec::new();
    format.report(look).write(record, &mut out).expect("writing to memory");
    out
}

/// What a terminal, an engine or a reader of XML and JSON would choke on or obey.
fn findings(format: Format, record: &Record, look: &Look) -> Vec<String> {
    let text = String::from_utf8(bytes(format, record, look)).expect("reports are UTF-8");
    let mut found: Vec<String> = text
        .chars()
        .filter(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .map(|c| format!("raw {c:?}"))
        .collect();
    if format == Format::Terminal {
        found.extend(text.lines().filter(|line| steers(line)).map(ToOwned::to_owned));
        found.extend(text.chars().filter(|c| look.glyphs == Glyphs::Ascii && !c.is_ascii()).map(|c| format!("{c:?}")));
    }
    if format == Format::Json && serde_json::from_str::<Record>(&text).ok().as_ref() != Some(record) {
        found.push("not the record".to_owned());
    }
    if format == Format::Junit && !well_formed(&text) {
        found.push("not well-formed".to_owned());
    }
    if format == Format::Html {
        found.extend(html::findings(&text));
    }
    found
}

fn steers(line: &str) -> bool {
    let starts = ["::", "ok ", "not ok ", "Bail out!"]
        .iter()
        .any(|word| line.trim_start().starts_with("::") || line.starts_with(word));
    starts || ["##vso[", "##teamcity[", "##["].iter().any(|word| line.contains(word))
}

fn well_formed(text: &str) -> bool {
    quick_junit::Report::deserialize_from_str(text).is_ok() && !text.contains(['\u{fffe}', '\u{ffff}'])
}

#[test]
fn payloads_find_no_way_through() {
    for payload in PAYLOADS {
        let record = records::all_texts(payload);
        for look in [Look::default(), Look { width: 80, glyphs: Glyphs::Ascii, ..Look::default() }] {
            for format in Format::ALL {
                assert_eq!(findings(*format, &record, &look), Vec::<String>::new(), "{payload:?} in {format:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_gives_well_formed_reports(text in any::<String>(), width in 40_usize..200) {
        let record = records::all_texts(&text);
        let look = Look { width, ..Look::default() };
        for format in Format::ALL {
            prop_assert_eq!(findings(*format, &record, &look), Vec::<String>::new());
        }
    }

    #[test]
    fn the_same_record_gives_the_same_bytes(text in any::<String>()) {
        let record = records::all_texts(&text);
        for format in Format::ALL {
            prop_assert_eq!(bytes(*format, &record, &Look::default()), bytes(*format, &record, &Look::default()));
        }
    }
}

/// Writes every payload of the file named in `PATCHBED_PAYLOADS` through every field into `PATCHBED_PAYLOADS_OUT`, for
/// a checker that is not ours. `scripts/faults --only reports` runs it.
#[test]
fn payloads_of_a_file() {
    let (Ok(file), Ok(out)) = (std::env::var("PATCHBED_PAYLOADS"), std::env::var("PATCHBED_PAYLOADS_OUT")) else {
        return;
    };
    let payloads = std::fs::read_to_string(file).expect("the payloads can be read");
    for (at, payload) in payloads.lines().chain(PAYLOADS.iter().copied()).enumerate() {
        let record = records::all_texts(&payload.replace("\\u202E", "\u{202e}"));
        for format in Format::ALL {
            let path = format!("{out}/{at}-{}", format.file_name());
            std::fs::write(path, bytes(*format, &record, &Look::default())).expect("the folder can be written to");
        }
    }
}
