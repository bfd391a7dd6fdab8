//! Any text in any field: nothing raw comes out, in any format.

use patchbed_model::Record;
use patchbed_report::{Format, Glyphs, Look};
use patchbed_testkit::records;
use proptest::prelude::*;

use crate::html;

/// What is tried first: texts that steer terminals, browsers, spreadsheets, test harnesses and engines.
pub(crate) const PAYLOADS: &[&str] = &[
    "<script>document.title=\"PWNED\"</script>",
    "</td></tr></table><h1>PASS</h1>",
    "</title></style><svg onload=\"document.title='PWNED'\"><img src=x onerror=alert(1)>",
    "\" onfocus=\"alert(1)\" autofocus=\"",
    "<a href=\"javascript:alert(1)\">show</a><iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
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
    "@everyone fixes #1, GH-2, org/name#3 and www.example.org",
    "![i](http://127.0.0.1/p.png) [click](javascript:alert(1))",
    "```\n````\n# heading\n| a | b |",
    "` `` \\` \\| *a* _b_ ~~c~~",
    "x\\",
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
    if format == Format::Ctrf {
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        found
            .extend(strings(&document).flat_map(str::lines).filter(|line| steers_engines(line)).map(ToOwned::to_owned));
    }
    if format == Format::Markdown {
        found.extend(text.lines().filter(|line| steers(line)).map(ToOwned::to_owned));
        found.extend(outside_code(&text).into_iter().filter(|line| !is_own_markdown(line)));
    }
    if format == Format::Github {
        let (annotations, last) = text.trim_end().rsplit_once('\n').expect("annotations and a line");
        found.extend(annotations.lines().filter(|line| !is_annotation(line)).map(ToOwned::to_owned));
        found.extend((!last.starts_with("patchbed: ") || steers(last)).then(|| last.to_owned()));
    }
    if format == Format::Tap {
        found.extend(text.lines().filter(|line| !is_tap(line)).map(ToOwned::to_owned));
        let points = text.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok ")).count();
        found.extend((points != cells(record)).then(|| format!("{points} test points")));
    }
    if format == Format::Html {
        found.extend(html::findings(&text));
    }
    found
}

/// Whether a line is one command with the properties that the reporter gives, as the engine takes it apart.
fn is_annotation(line: &str) -> bool {
    let Some((command, message)) = line.strip_prefix("::").and_then(|rest| rest.split_once("::")) else { return false };
    let Some((level, properties)) = command.split_once(' ') else { return false };
    let names: Vec<Option<&str>> =
        properties.split(',').map(|property| property.split_once('=').map(|(name, _)| name)).collect();
    ["error", "warning", "notice"].contains(&level)
        && names == [Some("file"), Some("line"), Some("title")]
        && message.split("%0A").all(|line| !steers_engines(line))
        && line.split('%').skip(1).all(|rest| ["25", "0A", "3A", "2C"].iter().any(|code| rest.starts_with(code)))
}

/// The lines of Markdown without what stands in code, as readers of Markdown find code.
fn outside_code(text: &str) -> Vec<String> {
    let mut fence: Option<usize> = None;
    let mut outside = Vec::new();
    for line in text.lines() {
        let ticks = line.trim_start().chars().take_while(|c| *c == '`').count();
        match fence {
            Some(open) if ticks >= open && line.trim().len() == ticks => fence = None,
            Some(_) => {}
            None if ticks >= 3 && line.ends_with("text") => fence = Some(ticks),
            None => outside.push(without_spans(line)),
        }
    }
    outside.extend(fence.map(|_| "a fence that is never closed!".to_owned()));
    outside
}

/// A line without its spans of code: each ends at the next run of as many backticks.
fn without_spans(line: &str) -> String {
    let Some(begin) = line.find('`') else { return line.to_owned() };
    let (before, rest) = line.split_at(begin);
    let ticks = rest.chars().take_while(|c| *c == '`').count();
    let mut at = ticks;
    while let Some(next) = rest[at..].find('`').map(|next| at + next) {
        let run = rest[next..].chars().take_while(|c| *c == '`').count();
        if run == ticks {
            return format!("{before}{}", without_spans(&rest[next + run..]));
        }
        at = next + run;
    }
    line.to_owned()
}

/// Whether a line outside of code holds words and the report's own marks at their places, and nothing else.
fn is_own_markdown(line: &str) -> bool {
    let bars = if line.starts_with('|') { 5 } else { 0 };
    let words = line.trim_start_matches('#');
    line.matches('|').count() == bars
        && [0, 4].contains(&line.matches('*').count())
        && !words.contains("www.")
        && words.chars().all(|c| c.is_alphanumeric() || " *|-(),.:;→…+✗✓?~↑∅".contains(c))
}

/// Every text of a document.
fn strings(value: &serde_json::Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        serde_json::Value::String(text) => Box::new(std::iter::once(text.as_str())),
        serde_json::Value::Array(items) => Box::new(items.iter().flat_map(strings)),
        serde_json::Value::Object(items) => Box::new(items.values().flat_map(strings)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {
            Box::new(std::iter::empty())
        }
    }
}

fn cells(record: &Record) -> usize {
    record.scenarios.iter().map(|scenario| scenario.cells.len()).sum()
}

/// Whether a line is one that the reporter writes, with every text at its place.
fn is_tap(line: &str) -> bool {
    let frames = ["TAP version 14", "  ---", "  ...", "  details: |"];
    let point = line.strip_prefix("not ").unwrap_or(line).strip_prefix("ok ").and_then(|rest| rest.split_once(" - "));
    if let Some((number, text)) = point {
        let directives = text.replace("\\\\", "").replace("\\#", "").matches('#').count();
        return number.parse::<usize>().is_ok() && directives == text.matches(" # SKIP ").count() && directives <= 1;
    }
    let quoted = ["  file: ", "  message: "].iter().find_map(|key| line.strip_prefix(key));
    match quoted {
        Some(text) => serde_json::from_str::<String>(text).is_ok(),
        None if line.starts_with("    - ") => !line.contains(['\u{fffe}', '\u{ffff}']),
        None => frames.contains(&line) || line.starts_with("1..") || line.starts_with("  verdict: "),
    }
}

fn steers(line: &str) -> bool {
    steers_engines(line) || ["ok ", "not ok ", "Bail out!"].iter().any(|word| line.starts_with(word))
}

fn steers_engines(line: &str) -> bool {
    line.trim_start().starts_with("::") || ["##vso[", "##teamcity[", "##["].iter().any(|word| line.contains(word))
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
