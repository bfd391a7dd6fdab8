//! What every kind of database tells of itself: its client, and how that writes an answer.

use std::collections::BTreeMap;

use patchbed_sandbox::message::Program;

use super::table::Table;

/// A database and the client through which it is asked.
pub(super) trait Base {
    /// The client with all that is given to it, and what it reads on its standard input.
    fn asked(&self, query: &str) -> (Program, String);

    /// What it printed as a table; the error says why this is no answer.
    fn table(&self, query: &str, printed: &str) -> Result<Table, Vec<String>>;
}

/// A client of the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    /// Its names; the first that is there is taken.
    pub(super) names: &'static str,
    /// A package that brings it.
    pub(super) package: &'static str,
}

/// Becomes the first of the clients `$1` that is there, which the package `$2` brings.
const FIND: &str = r#"
clients=$1
package=$2
shift 2
for client in $clients; do
    if command -v "$client" >/dev/null; then exec "$client" "$@"; fi
done
echo "no client is there ($clients): install one into the image, such as the package $package" >&2
exit 127
"#;

impl Client {
    /// The client with these words. What is secret stands in its environment, which only its user and root can read.
    pub(super) fn program(self, words: Vec<String>, secret: Option<(&str, &str)>) -> Program {
        let own = ["/bin/sh", "-c", FIND, "rows", self.names, self.package].map(str::to_owned);
        Program { argv: own.into_iter().chain(words).collect(), environment: environment(secret), ..Program::default() }
    }
}

/// The environment of a client: messages in English, texts in UTF-8.
pub(super) fn environment(secret: Option<(&str, &str)>) -> BTreeMap<String, String> {
    let fixed = ("LC_ALL", "C.UTF-8");
    std::iter::once(fixed).chain(secret).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The query as whole statements of SQL after what comes first, on the same line: lines are counted as written. An
/// unfinished statement is an error of its own at the end of the input.
pub(super) fn statements(first: &str, query: &str) -> String {
    format!("{first}{}\n;\n", query.trim_end().trim_end_matches(';'))
}
