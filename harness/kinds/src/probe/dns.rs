//! `dns`: to which addresses a name leads, as the programs of the image would find them.

use std::collections::BTreeSet;

use patchbed_model::{Health, Key, Reading, Value};
use patchbed_sandbox::message::{End, Program, Ran};
use serde_json::Value as Json;

use super::program::{exit, last_words};
use super::{Look, Probe, ProbeError};
use crate::document::{Node, Problems, Read, choice, choice_schema};

crate::document! {
    /// The addresses of a name, asked as the image is set up: its files, its resolver.
    pub struct Dns, "a name, or a mapping with `name`" {
        /// The name.
        name: String, required;
        /// Which addresses: `any`, `a` (IPv4) or `aaaa` (IPv6).
        type_: Type, default Type::Any;
    }
    short name;
    check {
        name => word,
    }
}

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// All.
    Any,
    /// Those of IPv4.
    A,
    /// Those of IPv6.
    Aaaa,
}

impl Type {
    const WORDS: &[(&str, Self)] = &[("any", Self::Any), ("a", Self::A), ("aaaa", Self::Aaaa)];

    fn has(self, address: &str) -> bool {
        match self {
            Self::Any => true,
            Self::A => !address.contains(':'),
            Self::Aaaa => address.contains(':'),
        }
    }
}

impl Read for Type {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        choice(node, Self::WORDS, "a type of addresses", problems)
    }

    fn schema() -> Json {
        choice_schema(Self::WORDS)
    }
}

/// Asks for all addresses of the name `$1`: of one sort alone, `getent` finds none where only the loopback is up.
const ASK: &str = r#"
if ! command -v getent >/dev/null; then
    echo "getent is not there: install it into the image" >&2
    exit 127
fi
exec getent ahosts "$1"
"#;

/// With what `getent` ends when there is no such name.
const NO_SUCH_NAME: i32 = 2;

impl Probe for Dns {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        let argv = ["/bin/sh", "-c", ASK, "dns", &self.name].map(str::to_owned).to_vec();
        Ok(match look.ran(Program { argv, ..Program::default() }, None).await? {
            Ok(ran) => self.readings(look, &ran),
            Err(why) => vec![(look.key("state"), why)],
        })
    }
}

impl Dns {
    fn readings(&self, look: &Look<'_>, ran: &Ran) -> Vec<(Key, Reading)> {
        let addresses = self.addresses(&ran.output.text);
        let bad = |value: &str| Reading::state(value, Health::Bad).because(last_words(ran));
        let state = match ran.end {
            End::Exited(0) if !addresses.is_empty() => {
                let found = Reading::state("found", Health::Good);
                let addresses = Reading::content(Value::List(addresses));
                return vec![(look.key("state"), found), (look.key("addresses"), addresses)];
            }
            End::Exited(0 | NO_SUCH_NAME) => bad("not found"),
            End::Exited(127) => bad("no client"),
            End::Exited(_) | End::Killed { .. } | End::TimedOut => exit(look, ran),
        };
        vec![(look.key("state"), state)]
    }

    /// The first word of each line, sorted: servers give them in turns.
    fn addresses(&self, text: &str) -> Vec<String> {
        let words = text.lines().filter_map(|line| line.split_whitespace().next());
        let addresses: BTreeSet<&str> = words.filter(|address| self.type_.has(address)).collect();
        addresses.into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::probe::testing::{ran, seen, told};

    async fn seen_of(type_: Type, status: i32, text: &str) -> Vec<String> {
        let dns = Dns { name: "shop".to_owned(), type_ };
        told(seen(&dns, ran(End::Exited(status), text, "")).await.unwrap())
    }

    #[tokio::test]
    async fn addresses_are_told_once_and_in_order() {
        let text =
            "192.0.2.7       STREAM shop\n192.0.2.7       DGRAM  \n192.0.2.1       STREAM \n2001:db8::1     STREAM \n";
        let found = |addresses| [format!("p.addresses = {addresses}"), "p.state = found (good)".to_owned()];
        assert_eq!(seen_of(Type::Any, 0, text).await, found("192.0.2.1, 192.0.2.7, 2001:db8::1"));
        assert_eq!(seen_of(Type::A, 0, text).await, found("192.0.2.1, 192.0.2.7"));
        assert_eq!(seen_of(Type::Aaaa, 0, text).await, found("2001:db8::1"));
        for (status, state) in [(0, "not found"), (2, "not found"), (127, "no client"), (1, "1")] {
            assert_eq!(seen_of(Type::Any, status, "").await, [format!("p.state = {state} (bad)")]);
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read(text in ".*") {
            let dns = Dns { name: "shop".to_owned(), type_: Type::Any };
            let _ = dns.addresses(&text);
        }
    }
}
