//! What goldens leave out: times, ids and paths of one run.

use camino::Utf8Path;

/// What is replaced, as regular expressions with their placeholders, in the order in which they hold.
#[must_use]
pub fn filters() -> Vec<(&'static str, &'static str)> {
    vec![
        (r"sha256:[0-9a-f]{64}", "sha256:[DIGEST]"),
        (r"\([0-9a-f]{12}\)", "([DIGEST])"),
        (r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z", "[TIME]"),
        (r"\b\d{4}-\d{2}-\d{2}-[0-9a-f]{4,}\b", "[RUN]"),
        (r"\b\d{4}-\d{2}-\d{2}\b", "[DATE]"),
        (r"\bc[0-9a-f]{11}\b", "[CELL]"),
        (r"\b(\d+h \d+m|\d+m \d+s|\d+(\.\d+)? (ms|s))\b", "[ELAPSED]"),
        (r#""milliseconds": \d+"#, r#""milliseconds": [N]"#),
    ]
}

/// The text with this folder as `[DIR]`.
#[must_use]
pub fn without_folder(text: &str, folder: &Utf8Path) -> String {
    text.replace(folder.as_str(), "[DIR]")
}
