//! `${name}` in values: filled in from `variables:` and `--set` before anything is read from the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use patchbed_kinds::document::{At, Content, Node, Place, Problems};
use patchbed_model::Code;
use patchbed_model::text::{nearest, one_line, shorten};

/// How much text variables may add to one file.
const MOST_ADDED: usize = 4 << 20;

/// The variables of one scenario: the file's own, over those of the files it uses, under `--set`.
#[derive(Debug)]
pub(super) struct Variables {
    values: BTreeMap<String, Node>,
    used: BTreeSet<String>,
    added: usize,
}

impl Variables {
    /// Reads `variables:`, and puts `sets` over it. A set value takes the type of the variable that it replaces.
    pub(super) fn read(node: Option<&Node>, sets: &BTreeMap<String, String>, problems: &mut Problems) -> Self {
        let mut values = BTreeMap::new();
        match node.map(|node| (node, &node.content)) {
            Some((_, Content::Map(entries))) => {
                for (name, value) in entries.iter().filter(|(name, _)| !name.starts_with("x-")) {
                    if let Some(value) = declared(name, value, problems) {
                        values.insert(name.clone(), value);
                    }
                }
            }
            Some((node, _)) => {
                problems.wrong_type(node, "a mapping of names to values");
            }
            None => {}
        }
        for (name, text) in sets {
            let value = retyped(text, values.get(name));
            values.insert(name.clone(), value);
        }
        Self { values, used: BTreeSet::new(), added: 0 }
    }

    /// The names that were asked for or declared; a `--set` of any other is a slip.
    pub(super) fn used(&self) -> &BTreeSet<String> {
        &self.used
    }

    /// The tree with all variables filled in.
    pub(super) fn fill(&mut self, node: Rc<Node>, problems: &mut Problems) -> Rc<Node> {
        if !holds_any(&node) {
            return node;
        }
        let mut node = node;
        self.fill_node(Rc::make_mut(&mut node), problems);
        node
    }

    fn fill_node(&mut self, node: &mut Node, problems: &mut Problems) {
        match &mut node.content {
            Content::Text(text) if text.contains("${") => {
                let text = std::mem::take(text);
                let filled = self.filled(&text, node, problems);
                (node.content, node.written) = (filled.content, filled.written);
            }
            Content::List(items) => items.iter_mut().for_each(|item| self.fill_node(item, problems)),
            Content::Map(entries) => entries.iter_mut().for_each(|(_, value)| self.fill_node(value, problems)),
            Content::Null | Content::Bool(_) | Content::Integer(_) | Content::Float(_) | Content::Text(_) => {}
        }
    }

    fn filled(&mut self, text: &str, node: &Node, problems: &mut Problems) -> Node {
        if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).filter(|name| is_name(name))
        {
            return self.value(name, node, problems).unwrap_or_else(|| Node::text(node.place, text));
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let name = after.split_once('}').filter(|(name, _)| is_name(name));
            match (before.strip_suffix('$'), name) {
                (Some(before), Some(_)) => {
                    out.push_str(before);
                    out.push_str("${");
                    rest = after;
                }
                (None, Some((name, after))) => {
                    out.push_str(before);
                    let value = self.value(name, node, problems);
                    out.push_str(&value.and_then(|value| value.plain()).unwrap_or_default());
                    rest = after;
                }
                (_, None) => {
                    out.push_str(before);
                    out.push_str("${");
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        Node::text(node.place, out)
    }

    fn value(&mut self, name: &str, node: &Node, problems: &mut Problems) -> Option<Node> {
        self.used.insert(name.to_owned());
        let Some(value) = self.values.get(name) else {
            let problem = problems
                .error(Code::UnknownVariable, node.place, At::Value, format!("the variable `{name}` has no value"))
                .help(format!("add it under `variables:`, or give `--set {name}=…`"))
                .help(format!("write `$${{{name}}}` to keep `${{{name}}}` for a shell, or `${name}`"));
            if let Some(near) = nearest(name, self.values.keys().map(String::as_str)) {
                problem.label(format!("did you mean `{near}`?"));
            }
            return None;
        };
        if self.added > MOST_ADDED {
            return None;
        }
        self.added += value.as_text().map_or(40, str::len);
        if self.added > MOST_ADDED {
            let message = format!("variables add more than {} MiB of text", MOST_ADDED >> 20);
            problems.error(Code::FileTooLarge, node.place, At::Value, message);
            return None;
        }
        Some(value.clone())
    }
}

fn holds_any(node: &Node) -> bool {
    match &node.content {
        Content::Text(text) => text.contains("${"),
        Content::List(items) => items.iter().any(holds_any),
        Content::Map(entries) => entries.iter().any(|(_, value)| holds_any(value)),
        Content::Null | Content::Bool(_) | Content::Integer(_) | Content::Float(_) => false,
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn declared(name: &str, value: &Node, problems: &mut Problems) -> Option<Node> {
    if !is_name(name) {
        let name = shorten(&one_line(name), 60);
        problems
            .error(Code::InvalidValue, value.place, At::Key, format!("`{name}` cannot be the name of a variable"))
            .help("use letters, digits, `_` and `-`, and begin with a letter");
        return None;
    }
    match &value.content {
        Content::Bool(_) | Content::Integer(_) | Content::Float(_) | Content::Text(_) => Some(value.clone()),
        Content::Null | Content::List(_) | Content::Map(_) => {
            problems.wrong_type(value, "a text, a number, `true` or `false`");
            None
        }
    }
}

/// The text of `--set` as the type of what it replaces, when it is one of that type.
fn retyped(text: &str, old: Option<&Node>) -> Node {
    let content = match old.map(|old| &old.content) {
        Some(Content::Integer(_)) => text.parse().ok().map(Content::Integer),
        Some(Content::Float(_)) => text.parse().ok().filter(|value: &f64| value.is_finite()).map(Content::Float),
        Some(Content::Bool(_)) => text.parse().ok().map(Content::Bool),
        Some(Content::Null | Content::Text(_) | Content::List(_) | Content::Map(_)) | None => None,
    };
    let content = content.unwrap_or_else(|| Content::Text(text.to_owned()));
    Node { written: Some(text.to_owned()), ..Node::of(Place::default(), content) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> (Content, usize) {
        let sets = BTreeMap::from([("set".to_owned(), "${a}".to_owned()), ("n".to_owned(), "4".to_owned())]);
        let (own, _) = super::super::yaml::read("{a: one, n: 3, v: '4.10', f: 4.1}", 0).unwrap();
        let mut problems = Problems::default();
        let mut variables = Variables::read(Some(&own), &sets, &mut problems);
        let node = variables.fill(Rc::new(Node::text(Place::default(), text)), &mut problems);
        (node.content.clone(), problems.list.len())
    }

    #[test]
    fn variables_are_filled_in_once_and_keep_their_type_when_they_stand_alone() {
        let text = |text: &str| (Content::Text(text.to_owned()), 0);
        assert_eq!(filled("x ${a}-${n} $a ${} ${a"), text("x one-4 $a ${} ${a"));
        assert_eq!(filled("${n}"), (Content::Integer(4), 0));
        assert_eq!(filled("${v}"), text("4.10"));
        assert_eq!(filled("${set}"), text("${a}"));
        assert_eq!(filled("$${a} ${a:-b}"), text("${a} ${a:-b}"));
        assert_eq!(filled("${b}!").1, 1);
    }
}
