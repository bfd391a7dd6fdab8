//! `metric`: a program that prints a number.

use patchbed_model::{Better, Health, Key, Reading};
use patchbed_sandbox::message::{End, Ran};
use serde_json::Value as Json;

use super::program::{exit, last_words, program, signal};
use super::{Look, Probe, ProbeError};
use crate::document::{Argv, Node, Pairs, Problems, Read, choice, choice_schema};

crate::document! {
    /// A program that prints a number, which is compared with what it prints without the patch.
    pub struct Metric, "a command, or a mapping with `run`" {
        /// The command line. The last number on its standard output counts; a unit may follow it.
        run: Argv, required;
        /// The unit of the number, such as `ms` or `bytes`.
        unit: Option<String>, optional;
        /// Which direction is wanted: `lower` or `higher`; `lower` when not given.
        better: Better, default Better::Lower;
        /// Its user; root when not given.
        user: Option<String>, optional;
        /// Its environment.
        environment: Option<Pairs>, optional;
        /// Its working folder.
        directory: Option<String>, optional;
    }
    short run;
    check {
        unit => filled,
        user => user,
        directory => inside_path,
    }
}

const DIRECTIONS: &[(&str, Better)] = &[("lower", Better::Lower), ("higher", Better::Higher)];

impl Read for Better {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        choice(node, DIRECTIONS, "a direction", problems)
    }

    fn schema() -> Json {
        choice_schema(DIRECTIONS)
    }
}

impl Probe for Metric {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let program = program(&self.run, self.user.as_ref(), self.environment.as_ref(), self.directory.as_ref());
        Ok(match look.ran(program, None).await? {
            Ok(ran) => self.readings(look, &ran),
            Err(why) => vec![(look.key("exit"), why)],
        })
    }
}

impl Metric {
    fn readings(&self, look: &Look<'_>, ran: &Ran) -> Vec<(Key, Reading)> {
        let mut readings = vec![(look.key("exit"), exit(look, ran)), (look.key("signal"), signal(ran))];
        // The number of a program that failed is of something else.
        if ran.end != End::Exited(0) {
            return readings;
        }
        let Some(number) = last_number(&ran.output.text) else {
            let none = Reading::state("none printed", Health::Bad).because(last_words(ran));
            readings.push((look.key("number"), none));
            return readings;
        };
        readings.push((look.key("number"), Reading::state("printed", Health::Good)));
        let unit = self.unit.as_deref().unwrap_or_default();
        readings.push((look.key("value"), Reading::measured(number, unit, self.better)));
        readings
    }
}

/// The last number of a text. What surrounds numbers are spaces and marks; a unit may follow one at once, as in `12ms`.
/// A number is no part of a word, a version or an address.
pub(super) fn last_number(text: &str) -> Option<f64> {
    let is_mark = |c: char| c.is_whitespace() || "=:;()[]{}<>|\"'`".contains(c);
    text.rsplit(is_mark).find_map(|word| {
        let word = word.trim_end_matches(['.', ',']);
        let digits = word.trim_end_matches(|c: char| c.is_alphabetic() || "%/".contains(c));
        digits.parse().ok().filter(|number: &f64| number.is_finite())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_number_counts() {
        for (text, number) in [
            ("growth kB 412\n", Some(412.0)),
            ("least cpu ms of a request 0.61\n", Some(0.61)),
            ("1\n2\ndone\n", Some(2.0)),
            ("took 12ms.", Some(12.0)),
            ("{\"rate\": 4.5e3}", Some(4500.0)),
            ("change=-3%", Some(-3.0)),
            ("p95 of v1.2.3 is inf, or NaN", None),
            ("", None),
        ] {
            assert_eq!(last_number(text), number, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_number_or_none(text in ".*", number in -1e12_f64..1e12) {
            prop_assert!(last_number(&text).is_none_or(f64::is_finite));
            prop_assert_eq!(last_number(&format!("{text} {number}\n")), Some(number));
        }
    }
}
