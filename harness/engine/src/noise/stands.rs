//! What stands still in a value of which other parts move: a page with a counter still says that all is well.

use std::collections::BTreeSet;

use patchbed_model::Value;

/// Whether `now` keeps what all these values have in common. Texts of as many tokens have those in common that are equal
/// in all of them; other texts their common lines, and lists their common items.
pub(super) fn keeps(values: &[&Value], now: &Value) -> bool {
    match now {
        Value::Text(now) => keeps_text(&all(values, as_text), now),
        Value::List(now) => {
            let lists = all(values, as_list).into_iter().map(|list| list.iter().map(String::as_str).collect());
            common(lists).is_subset(&now.iter().map(String::as_str).collect())
        }
        Value::Number(_) => true,
    }
}

fn all<'a, T>(values: &[&'a Value], of: fn(&'a Value) -> Option<T>) -> Vec<T> {
    values.iter().filter_map(|value| of(value)).collect()
}

fn as_text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Number(_) | Value::List(_) => None,
    }
}

fn as_list(value: &Value) -> Option<&Vec<String>> {
    match value {
        Value::List(list) => Some(list),
        Value::Text(_) | Value::Number(_) => None,
    }
}

fn keeps_text(texts: &[&str], now: &str) -> bool {
    let token_lists: Vec<Vec<&str>> = texts.iter().map(|text| tokens(text)).collect();
    let now_tokens = tokens(now);
    if token_lists.iter().all(|one| one.len() == now_tokens.len()) {
        let stands = |place: usize| token_lists.windows(2).all(|pair| pair[0][place] == pair[1][place]);
        let is_kept = |(place, token): (usize, &&str)| {
            !stands(place) || token_lists.first().is_none_or(|first| first[place] == *token)
        };
        return now_tokens.iter().enumerate().all(is_kept);
    }
    let lines = |text: &'_ str| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
    let held = lines(now);
    let mut shared = texts.iter().map(|text| lines(text));
    let first = shared.next().unwrap_or_default();
    shared.fold(first, |common, one| &common & &one).is_subset(&held)
}

fn common<'a>(mut sets: impl Iterator<Item = BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let first = sets.next().unwrap_or_default();
    sets.fold(first, |common, one| &common & &one)
}

/// The tokens of a text: words, numbers, space, other characters. What is joined between letters or digits by a character
/// that numbers, dates, addresses and encoded bytes hold is one token: such a thing moves as a whole.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() {
            word(rest)
        } else if first.is_whitespace() {
            rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        found.push(token);
        rest = after;
    }
    found
}

/// The length of the word at the beginning.
fn word(text: &str) -> usize {
    let mut end = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, one)) = characters.next() {
        let joins = "._,:/+-".contains(one) && characters.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        if !one.is_alphanumeric() && !joins {
            break;
        }
        end = at + one.len_utf8();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps_all(texts: &[&str], now: &str) -> bool {
        let values: Vec<Value> = texts.iter().map(|&text| Value::from(text)).collect();
        keeps(&values.iter().collect::<Vec<_>>(), &Value::from(now))
    }

    #[test]
    fn what_is_joined_is_one_token() {
        assert_eq!(
            tokens("at 12:30:01.5, b64 lCB/Gy+g=="),
            ["at", " ", "12:30:01.5", ",", " ", "b64", " ", "lCB/Gy+g", "=", "="]
        );
        assert_eq!(tokens("{\"n\":7}"), ["{", "\"", "n", "\"", ":", "7", "}"]);
        assert_eq!(tokens("ü 1. – x"), ["ü", " ", "1", ".", " ", "–", " ", "x"]);
    }

    #[test]
    fn a_moving_number_does_not_hide_what_stands_beside_it() {
        let seen = ["{\"status\":\"ok\",\"n\":812}", "{\"status\":\"ok\",\"n\":9}", "{\"status\":\"ok\",\"n\":41}"];
        assert!(keeps_all(&seen, "{\"status\":\"ok\",\"n\":123456}"));
        assert!(!keeps_all(&seen, "{\"status\":\"down\",\"n\":9}"));
        assert!(!keeps_all(&seen, "{\"status\":\"ok\",\"mmm\":9}"));
    }

    #[test]
    fn a_number_moves_as_a_whole() {
        assert!(keeps_all(&["0.42 s", "0.51 s", "0.9 s"], "1.02 s"));
    }

    #[test]
    fn texts_of_other_lengths_keep_their_common_lines() {
        let seen = ["all is well\na b c\n", "all is well\nx\n", "x y\nall is well\n"];
        assert!(keeps_all(&seen, "q\nr\nall is well\n"));
        assert!(!keeps_all(&seen, "q\nr\nall is lost\n"));
    }

    #[test]
    fn lists_keep_their_common_items() {
        let list = |items: &[&str]| Value::List(items.iter().map(|&item| item.to_owned()).collect());
        let seen = [list(&["a", "x"]), list(&["a", "y"]), list(&["a"])];
        let seen: Vec<&Value> = seen.iter().collect();
        assert!(keeps(&seen, &list(&["z", "a"])));
        assert!(!keeps(&seen, &list(&["x", "y"])));
    }
}
