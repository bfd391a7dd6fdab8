//! Templates of log lines: a small miner in the manner of Drain (He et al., 2017).
//!
//! Lines go in; templates in which `⟨*⟩` stands for what varies come out, in an order and a form that do not depend on
//! the order of the lines. Two things differ from Drain. Every line is first reduced by itself (canonical form, then
//! numbers, quoted texts and paths become `⟨*⟩`), so that a template that is seen in two runs is spelt alike in both
//! even when one run logged more of its kind. And a group only becomes one template when it has shown at least
//! [`ENOUGH`] distinct lines: two errors that share most words remain two.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use patchbed_model::Digest;
use regex::Regex;

use super::canonical::canonical;

/// What stands for a part that varies.
const ANY: &str = "⟨*⟩";
/// How many leading words decide the leaf of the tree, beside the number of words.
const DEPTH: usize = 3;
/// Which share of the words must agree for a line to join a group, in percent.
const SIMILAR: usize = 60;
/// How many distinct lines a group needs before its differing words count as varying.
const ENOUGH: usize = 4;
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
    let mut kinds: BTreeMap<Vec<String>, Template> = BTreeMap::new();
    for line in lines {
        let line = canonical(line);
        let words = reduced(&line);
        if words.is_empty() {
            continue;
        }
        let kind = kinds.entry(words).or_insert_with_key(|words| Template::of(words));
        kind.count += 1;
        kind.keep_examples([line]);
    }
    let mut leaves: BTreeMap<Leaf, Vec<Group>> = BTreeMap::new();
    for (words, kind) in kinds {
        let groups = leaves.entry(Leaf::of(&words)).or_default();
        match groups.iter_mut().find(|group| group.resembles(&words)) {
            Some(group) => group.kinds.push((words, kind)),
            None => groups.push(Group { kinds: vec![(words, kind)] }),
        }
    }
    let mut merged: BTreeMap<String, Template> = BTreeMap::new();
    for template in leaves.into_values().flatten().flat_map(Group::templates) {
        match merged.get_mut(&template.text) {
            Some(known) => known.absorb(template),
            None => drop(merged.insert(template.text.clone(), template)),
        }
    }
    merged.into_values().collect()
}

impl Template {
    fn of(words: &[String]) -> Self {
        Self { text: words.join(" "), count: 0, examples: Vec::new() }
    }

    fn absorb(&mut self, other: Self) {
        self.count += other.count;
        self.keep_examples(other.examples);
    }

    fn keep_examples(&mut self, lines: impl IntoIterator<Item = String>) {
        self.examples.extend(lines);
        self.examples.sort();
        self.examples.dedup();
        self.examples.truncate(EXAMPLES);
    }
}

/// A leaf of the fixed-depth tree: the number of words, then the first few.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Leaf {
    length: usize,
    first: Vec<String>,
}

impl Leaf {
    fn of(words: &[String]) -> Self {
        Self { length: words.len(), first: words.iter().take(DEPTH).cloned().collect() }
    }
}

/// Lines of one leaf that resemble the first of them.
struct Group {
    kinds: Vec<(Vec<String>, Template)>,
}

impl Group {
    fn resembles(&self, words: &[String]) -> bool {
        let Some((first, _)) = self.kinds.first() else { return false };
        let same = first.iter().zip(words).filter(|(a, b)| a == b).count();
        same * 100 >= words.len() * SIMILAR
    }

    fn templates(self) -> Vec<Template> {
        if self.kinds.len() < ENOUGH {
            return self.kinds.into_iter().map(|(_, kind)| kind).collect();
        }
        let mut common = self.kinds[0].0.clone();
        for (words, _) in &self.kinds {
            for (known, word) in common.iter_mut().zip(words) {
                if known != word {
                    ANY.clone_into(known);
                }
            }
        }
        let mut template = Template::of(&common);
        for (_, kind) in self.kinds {
            template.absorb(kind);
        }
        vec![template]
    }
}

/// The words of a canonical line with what surely varies replaced: quoted texts, paths below folders, numbers.
fn reduced(line: &str) -> Vec<String> {
    static VARYING: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r#""[^"\n]*"|'[^'\n]{0,200}'|(?:⟨[a-z]+⟩|[A-Za-z0-9_./:@%-])*(?:[0-9]|⟨[a-z]+⟩)(?:⟨[a-z]+⟩|[A-Za-z0-9_./:@%-])*"#,
        )
        .expect("the pattern is valid")
    });
    let mut words: Vec<String> = VARYING.replace_all(line, ANY).split_whitespace().map(str::to_owned).collect();
    words.dedup_by(|next, before| next == ANY && before == ANY);
    words
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
    fn a_word_that_takes_many_values_varies() {
        let lines: Vec<String> =
            ["alice", "bob", "carol", "dave"].iter().map(|name| format!("no access for user {name} here")).collect();
        let found = mine(lines.iter().map(String::as_str));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, "no access for user ⟨*⟩ here");
        assert_eq!((found[0].count, found[0].examples.len()), (4, 3));
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
        fn every_line_is_counted_once(lines in prop::collection::vec("[a-c ]{0,9}", 0..30)) {
            let counted: usize = mine(lines.iter().map(String::as_str)).iter().map(|template| template.count).sum();
            prop_assert_eq!(counted, lines.iter().filter(|line| !line.trim().is_empty()).count());
        }
    }
}
