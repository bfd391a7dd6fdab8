//! Texts as YAML has them.

/// Words that YAML takes for something else than text.
const NOT_TEXT: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "~", "-"];

/// The longest name, in characters.
const LONGEST: usize = 90;

/// A list in one line.
pub(super) fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(quoted).collect::<Vec<_>>().join(", "))
}

/// A text as YAML has it: bare where it cannot be taken for something else, and in quotes where it could.
pub(super) fn quoted(words: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '@' | '-' | ' ');
    let begins = words.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_bare = begins && words.chars().all(is_plain) && !words.ends_with(' ') && !NOT_TEXT.contains(&words);
    if is_bare { words.to_owned() } else { text(words) }
}

/// A text in quotes.
pub(super) fn text(words: &str) -> String {
    serde_json::Value::from(words).to_string()
}

/// A name that the language takes: what it does not take of it becomes a hyphen, and what is too much is left out.
pub(super) fn named(words: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || " ._-@:~".contains(c) { c } else { '-' };
    let name: String = words.chars().map(plain).take(LONGEST).collect();
    name.trim_matches(|c: char| " .-".contains(c)).to_owned()
}
