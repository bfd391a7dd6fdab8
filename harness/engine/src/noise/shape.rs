//! The shape of a value: what is left of a text when digits, words and ids may be others.

use patchbed_model::Value;

/// The shape of a text: runs of letters, of digits, of both mixed, of space each become one character; the rest stays.
#[must_use]
pub fn shape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        if first.is_alphanumeric() {
            let (mut letters, mut digits) = (first.is_alphabetic(), first.is_numeric());
            while let Some(next) = rest.next_if(|c| c.is_alphanumeric()) {
                letters |= next.is_alphabetic();
                digits |= next.is_numeric();
            }
            out.push(if letters && digits {
                'x'
            } else if digits {
                '9'
            } else {
                'a'
            });
        } else if first.is_whitespace() {
            while rest.next_if(|c| c.is_whitespace()).is_some() {}
            out.push(' ');
        } else {
            out.push(first);
        }
    }
    out
}

/// Whether two values are of one kind, one shape and about one length (at most twice as long, short ones freely).
#[must_use]
pub fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => texts_alike(one, other),
        (Value::Number(_), Value::Number(_)) => true,
        (Value::List(one), Value::List(other)) => lengths_alike(one.len(), other.len(), 4) && items_alike(one, other),
        (Value::Text(_) | Value::Number(_) | Value::List(_), _) => false,
    }
}

fn texts_alike(one: &str, other: &str) -> bool {
    lengths_alike(one.len(), other.len(), 16) && shape(one) == shape(other)
}

/// Every item of each list has the shape of some item of the other.
fn items_alike(one: &[String], other: &[String]) -> bool {
    let shapes = |list: &[String]| list.iter().map(|item| shape(item)).collect::<std::collections::BTreeSet<_>>();
    shapes(one) == shapes(other)
}

const fn lengths_alike(one: usize, other: usize, free: usize) -> bool {
    one <= other * 2 + free && other <= one * 2 + free
}
