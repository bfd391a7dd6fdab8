//! The one place of loading that names `serde_yaml`: a text that the guard let pass, as a tree of values.
//!
//! The values are numbered in the order in which they begin, as the guard numbers them.

use std::cell::Cell;
use std::fmt;

use patchbed_kinds::document::{Content, Node, Place};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Why there is no tree, and before which character.
#[derive(Debug)]
pub(super) struct Broken {
    /// What is wrong.
    pub(super) message: String,
    /// Where, in characters from the beginning.
    pub(super) index: usize,
}

/// Reads `text`; its places get the number `file`. Gives the number of values too.
pub(super) fn read(text: &str, file: u32) -> Result<(Node, usize), Broken> {
    let next = Cell::new(0);
    let node = Value { file, next: &next }.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| {
        let index = error.location().map_or(0, |location| location.index());
        Broken { message: first_line(&error.to_string()), index }
    })?;
    Ok((node, next.get() as usize))
}

/// The message without the place, which the label shows.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.split(" at line ").next().unwrap_or(line).to_owned()
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Value<'a> {
    file: u32,
    next: &'a Cell<u32>,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let number = self.next.get();
        self.next.set(number + 1);
        let content = deserializer.deserialize_any(self)?;
        Ok(Node::of(Place { file: self.file, node: number }, content))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number beyond 128 bits is refused wherever a whole number is wanted")]
impl<'de> Visitor<'de> for Value<'_> {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Content, E> {
        Ok(Content::Integer(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Content, E> {
        Ok(i128::try_from(value).map_or(Content::Float(value as f64), Content::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = items.next_element_seed(self)? {
            list.push(node);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Content, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            map.push((key, entries.next_value_seed(self)?));
        }
        Ok(Content::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Vec<Content> {
        let (node, _) = read(text, 0).unwrap();
        let Content::List(items) = node.content else { panic!("a list") };
        items.into_iter().map(|item| item.content).collect()
    }

    #[test]
    fn words_that_old_yaml_took_for_booleans_and_dates_stay_texts() {
        let texts = ["no", "on", "1:30", "017", "2024-01-01", "n", "YES"];
        let list = format!("[{}]", texts.join(", "));
        assert_eq!(contents(&list), texts.map(|text| Content::Text(text.to_owned())));
    }

    #[test]
    fn numbers_stay_apart_by_kind_and_size() {
        let list = contents("[7, -1, 18446744073709551616, 1.10, 1e400, 0x10]");
        assert_eq!(list[..3], [Content::Integer(7), Content::Integer(-1), Content::Integer(1 << 64)]);
        // What no number can hold stays the text that was written.
        assert_eq!(list[3..], [Content::Float(1.1), Content::Text("1e400".to_owned()), Content::Integer(16)]);
    }

    #[test]
    fn values_are_numbered_in_the_order_in_which_they_begin() {
        let (node, count) = read("a: [x, {b: y}]\nc: z\n", 3).unwrap();
        assert_eq!(count, 6);
        assert_eq!(node.get("c").unwrap().place, Place { file: 3, node: 5 });
    }
}
