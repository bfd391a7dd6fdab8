//! The regular expressions of rules and of what products say: one way to build them, for who reads one and for who holds a
//! text against it.

use regex::{Error, Regex, RegexBuilder};

/// The most memory a compiled expression may take. Expressions run in linear time; this bounds what they cost to build.
const LARGEST: usize = 1 << 20;

/// The expression that fits whole texts only; `.` is any character, line feeds included.
pub(crate) fn expression(pattern: &str) -> Result<Regex, Error> {
    // Alone first, so that no bracket of the pattern closes the group around it.
    built(pattern)?;
    // A comment of `(?x)` swallows the end of the group unless a line feed, which means nothing there, ends it.
    built(&format!(r"\A(?:{pattern})\z")).or_else(|_| built(&format!("\\A(?:{pattern}\n)\\z")))
}

/// The expression that fits texts in which it fits some part.
pub(crate) fn somewhere(pattern: &str) -> Result<Regex, Error> {
    built(pattern)
}

fn built(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern).size_limit(LARGEST).dot_matches_new_line(true).build()
}

#[cfg(test)]
mod tests {
    use super::expression;

    fn fits(pattern: &str, text: &str) -> bool {
        expression(pattern).expect("it is an expression").is_match(text)
    }

    #[test]
    fn only_whole_texts_fit() {
        assert!(fits("[0-9]*", "17") && fits("a|ab", "ab") && fits("a.b", "a\nb"));
        assert!(!fits("[0-9]*", "x17") && !fits("a|ab", "abc"));
    }

    #[test]
    fn a_comment_at_the_end_of_a_free_expression_is_no_part_of_it() {
        assert!(fits("(?x) [0-9]+ # a number", "17"));
        assert!(!fits("(?x) [0-9]+ # a number", "17\n"));
        assert!(!fits("[0-9]+ # a number", "17"));
    }

    #[test]
    fn what_is_no_expression_alone_is_none_within_others() {
        for pattern in ["a)(b", "(a", "a)", "?i)a", "[", "(?x) a # b\n)("] {
            assert!(expression(pattern).is_err(), "{pattern}");
        }
    }
}
