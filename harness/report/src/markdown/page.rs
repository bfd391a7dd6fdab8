//! The page: blocks until it is full, and then a sentence that says how much is left out.

use std::collections::BTreeMap;

use crate::words;

/// How many bytes a page has: a comment may have 65,536 characters, a summary more.
const LIMIT: usize = 65_536;
/// How many of them are kept for the sentence about what is left out.
const KEPT: usize = 256;

/// A text that stays within the limit.
pub(super) struct Page {
    text: String,
    left: BTreeMap<&'static str, usize>,
}

impl Page {
    /// A page that begins with this.
    pub(super) fn new(text: String) -> Self {
        Self { text, left: BTreeMap::new() }
    }

    /// Adds a block that tells of so many things. After the first one without room no other is added, so that what is
    /// shown is the beginning of the whole.
    pub(super) fn add(&mut self, number: usize, noun: &'static str, block: &str) {
        if self.left.is_empty() && self.text.len() + block.len() + KEPT <= LIMIT {
            self.text.push_str(block);
        } else {
            *self.left.entry(noun).or_default() += number;
        }
    }

    /// The whole page.
    pub(super) fn finish(self) -> String {
        if self.left.is_empty() {
            return self.text;
        }
        let left: Vec<String> = self.left.iter().map(|(noun, number)| words::count(*number, noun)).collect();
        format!("{}\nLeft out, for there is no room here: {}. `patchbed show` tells all.\n", self.text, left.join(", "))
    }
}
