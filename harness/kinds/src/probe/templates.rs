//! Templates of log lines: what is left of a line when `⟨*⟩` stands for all that surely varies in it.
//!
//! Each line is reduced by itself: canonical form, then quoted texts, paths with numbers and numbers become `⟨*⟩`. What
//! a line's template is depends on nothing else, neither on the order of lines nor on how many like it there are, so
//! that a template that is seen in two attempts has one name in both. Miners such as Drain (He et al., 2017) merge lines
//! that share most of their words once there are enough of them; then three lines have three names and four have one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use patchbed_model::Digest;
use regex::Regex;

use super::canonical::canonical;

/// What stands for a part that varies.
const ANY: &str = "⟨*⟩";
/// How many example lines a template keeps.
const EXAMPLES: usize = 3;

/// A kind of line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The line with `⟨*⟩` for what varies.
    pub text: String,
    /// How many lines were of this kind.
    pub count: usize,
    /// A few of them in canonical form, in the order of their text.
    pub examples: Vec<String>,
}

impl Template {
    /// A short name that is the same wherever the template is.
    #[must_use]
    pub fn id(&self) -> String {
        Digest::of(self.text.as_bytes()).short().to_owned()
    }
}

/// The templates of these lines, in the order of their texts.
pub fn mine<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Template> {
    let mut templates: BTreeMap<String, Template> = BTreeMap::new();
    for line in lines {
        let line = canonical(line);
        let text = reduced(&line);
        if !text.is_empty() {
            templates.entry(text).or_insert_with_key(|text| Template::of(text)).take(line);
        }
    }
    templates.into_values().collect()
}

impl Template {
    fn of(text: &str) -> Self {
        Self { text: text.to_owned(), count: 0, examples: Vec::new() }
    }

    fn take(&mut self, line: String) {
        self.count += 1;
        self.examples.push(line);
        self.examples.sort();
        self.examples.dedup();
        self.examples.truncate(EXAMPLES);
    }
}

/// The words of a canonical line with what surely varies replaced: quoted texts, paths below folders, numbers.
fn reduced(line: &str) -> String {
    static VARYING: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r#""[^"\n]*"|'[^'\n]{0,200}'|(?:⟨[a-z]+⟩|[A-Za-z0-9_./:@%-])*(?:[0-9]|⟨[a-z]+⟩)(?:⟨[a-z]+⟩|[A-Za-z0-9_./:@%-])*"#,
        )
        .expect("the pattern is valid")
    });
    let replaced = VARYING.replace_all(line, ANY);
    let mut words: Vec<&str> = replaced.split_whitespace().collect();
    words.dedup_by(|next, before| *next == ANY && *before == ANY);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(lines: &[&str]) -> Vec<String> {
        mine(lines.iter().copied()).into_iter().map(|template| template.text).collect()
    }

    #[test]
    fn numbers_quotes_and_times_do_not_make_a_new_kind() {
        let lines = [
            "2026-11-23 10:00:00 ERROR order 17 of \"alice\" failed",
            "2026-11-23 10:00:09 ERROR order 42 of \"bob\" failed",
        ];
        assert_eq!(texts(&lines), ["⟨*⟩ ERROR order ⟨*⟩ of ⟨*⟩ failed"]);
    }

    #[test]
    fn two_errors_that_share_most_words_remain_two() {
        let lines = ["cannot open the left door", "cannot open the right door"];
        assert_eq!(texts(&lines), lines);
    }

    #[test]
    fn what_a_line_is_called_does_not_depend_on_how_many_like_it_there_are() {
        let lines: Vec<String> =
            ["alice", "bob", "carol", "dave"].iter().map(|name| format!("no access for user {name} here")).collect();
        let ids = |count: usize| mine(lines[..count].iter().map(String::as_str)).iter().map(Template::id).collect();
        let (three, four): (Vec<String>, Vec<String>) = (ids(3), ids(4));
        assert_eq!(three, four[..3]);
    }

    proptest! {
        #[test]
        fn the_order_of_lines_does_not_matter(
            lines in prop::collection::vec("(error|warn) (open|close) [a-c] (file|door) [a-e0-9]{1,3}", 0..30),
            seed in any::<u64>(),
        ) {
            let mut shuffled = lines.clone();
            shuffled.sort_by_key(|line| Digest::of(format!("{seed}{line}").as_bytes()));
            prop_assert_eq!(mine(lines.iter().map(String::as_str)), mine(shuffled.iter().map(String::as_str)));
        }

        #[test]
        fn the_templates_of_some_lines_are_among_those_of_all(
            lines in prop::collection::vec("(error|warn) (open|close) [a-c] (file|door) [a-e0-9]{1,3}", 0..30),
            share in 0..30_usize,
        ) {
            let all = mine(lines.iter().map(String::as_str));
            for template in mine(lines.iter().map(String::as_str).take(share)) {
                prop_assert!(all.iter().any(|known| known.id() == template.id()));
            }
        }

        #[test]
        fn every_line_is_counted_once(lines in prop::collection::vec("[a-c ]{0,9}", 0..30)) {
            let counted: usize = mine(lines.iter().map(String::as_str)).iter().map(|template| template.count).sum();
            prop_assert_eq!(counted, lines.iter().filter(|line| !line.trim().is_empty()).count());
        }
    }
}
