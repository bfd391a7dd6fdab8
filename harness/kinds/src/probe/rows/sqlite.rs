//! `sqlite`: a file, read by the image's `sqlite3` or by Python.

use patchbed_sandbox::message::Program;

use super::base::{Base, environment, statements};
use super::table::Table;

/// Asks the database `$1` what stands on standard input. Rows, cells and what is NULL are told by control characters.
const ASK: &str = r#"
if command -v sqlite3 >/dev/null; then
    exec sqlite3 -batch -bail -readonly -init /dev/null -header -separator "$(printf '\037')" \
        -newline "$(printf '\036')" -nullvalue "$(printf '\032')" "$1"
elif command -v python3 >/dev/null; then
    exec python3 -c "$2" "$1"
fi
echo "no client is there (sqlite3 python3): install one into the image, such as the package sqlite3" >&2
exit 127
"#;

/// The same through Python's own module.
const ASK_BY_PYTHON: &str = r#"
import pathlib, sqlite3, sys
text = lambda value: "\x1a" if value is None else value.hex() if isinstance(value, bytes) else str(value)
try:
    base = sqlite3.connect(pathlib.Path(sys.argv[1]).as_uri() + "?mode=ro", uri=True)
    answer = base.execute(sys.stdin.read())
    rows = answer.fetchall()
    for row in [[column[0] for column in answer.description or []]] * bool(rows) + rows:
        print("\x1f".join(map(text, row)), end="\x1e")
except sqlite3.Error as error:
    sys.exit("Error: %s" % error)
"#;

impl Base for String {
    fn asked(&self, query: &str) -> (Program, String) {
        let argv = ["/bin/sh", "-c", ASK, "rows", self, ASK_BY_PYTHON].map(str::to_owned).to_vec();
        (Program { argv, environment: environment(None), ..Program::default() }, statements("", query))
    }

    fn table(&self, _query: &str, printed: &str) -> Result<Table, Vec<String>> {
        Ok(Table::marked(printed, '\u{1e}'))
    }
}
