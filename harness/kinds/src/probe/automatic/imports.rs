//! What programs in Python and JavaScript import, and whether it is there and has the names that they use: `linkage` for
//! languages without a linker. No program is run; what it imports is, by the interpreter that the program belongs to.
//!
//! Looked at is what was installed on the image: programs, and the packages that came with them. What the patch itself
//! brought is left out, and so is what a program is prepared to miss. A limit that is reached is a fact and no state.

use patchbed_model::{Health, Key, Reading, Value, text};
use patchbed_sandbox::AskError;
use patchbed_sandbox::message::{End, FailureKind, Program, Ran, Run};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::super::name::{canonical_name, merged as one_for_each_key};
use super::super::program::last_words;
use super::super::{Look, ProbeError};
use super::DriftScope;
use super::drift::Explained;
use super::programs::Programs;

/// How long the programs of one language may take, in milliseconds; the readers themselves stop before.
const WITHIN: u64 = 60_000;
/// How many bytes of an answer are read.
const ANSWER: usize = 4 << 20;
/// The reader of Python programs.
const PYTHON: &str = include_str!("imports.py");
/// The reader of JavaScript programs.
const NODE: &str = include_str!("imports.js");

/// What a reader tells of the programs of its language.
#[derive(Debug, Default, Deserialize)]
struct Answer {
    /// How many programs and packages there are.
    read: usize,
    /// What could not be looked at.
    unread: Vec<String>,
    /// What does not resolve.
    unresolved: Vec<Missing>,
}

/// A file, the line in it, what is missing there, and why.
#[derive(Debug, Deserialize)]
struct Missing(String, u64, String, String);

/// What programs import and do not find. Each lack is a state of its own.
///
/// # Errors
/// [`ProbeError::Blind`] when the guest could not look.
pub async fn watch_imports(
    look: &Look<'_>,
    scope: &DriftScope,
    programs: &Programs,
) -> Result<Vec<(Key, Reading)>, ProbeError> {
    if programs.is_empty() {
        return Ok(Vec::new());
    }
    let explained = Explained::by(look, scope).await?;
    let programs = programs.without(|path| explained.holds(path));
    let (python, node) = tokio::try_join!(python(look, scope, &programs), node(look, &programs))?;
    let answers = [("python", python), ("node", node)];
    let readings = answers.into_iter().filter_map(|(language, answer)| Some(answer?.readings(&look.key(language))));
    Ok(one_for_each_key(readings.flatten().collect()))
}

async fn python(look: &Look<'_>, scope: &DriftScope, programs: &Programs) -> Result<Option<Answer>, ProbeError> {
    if programs.python.is_empty() && programs.distributions.is_empty() {
        return Ok(None);
    }
    let question = json!({
        "files": programs.python,
        "distributions": programs.distributions,
        "venvs": programs.venvs,
        "explained": scope.paths,
        "code": PYTHON,
    });
    let of_venvs = programs.venvs.iter().map(|venv| format!("{venv}/bin/python"));
    let interpreters: Vec<String> = std::iter::once("python3".to_owned()).chain(of_venvs).collect();
    asked(look, &interpreters, &["-I", "-B", "-W", "ignore", "-c", PYTHON], &question).await
}

async fn node(look: &Look<'_>, programs: &Programs) -> Result<Option<Answer>, ProbeError> {
    if !programs.has_node() {
        return Ok(None);
    }
    let question = json!({ "files": programs.node, "packages": programs.packages, "code": NODE });
    // Node's own parser is not shown to programs without being asked for.
    let words = ["--expose-internals", "--no-warnings", "-e", NODE];
    asked(look, &["node".to_owned()], &words, &question).await
}

/// The answer of the first interpreter that is there; nothing where none is.
async fn asked(
    look: &Look<'_>,
    interpreters: &[String],
    words: &[&str],
    question: &Json,
) -> Result<Option<Answer>, ProbeError> {
    for interpreter in interpreters {
        let argv = std::iter::once(interpreter.as_str()).chain(words.iter().copied()).map(str::to_owned).collect();
        let run = Run { program: program(argv), input: Some(question.to_string()), ..limits() };
        match look.sandbox.run(run).await {
            Ok(ran) => return Ok(Some(Answer::of(interpreter, &ran))),
            Err(AskError::Failed(failure)) if failure.kind == FailureKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

fn limits() -> Run {
    Run { within: WITHIN, keep: ANSWER, ..Run::default() }
}

/// Whatever is imported may write, but not beside what belongs to the environment.
fn program(argv: Vec<String>) -> Program {
    let environment = [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/tmp"),
        ("LC_ALL", "C.UTF-8"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Program { argv, environment, ..Program::default() }
}

impl Answer {
    /// What an interpreter told. One that does not do its work is itself what does not resolve.
    fn of(interpreter: &str, ran: &Ran) -> Self {
        match (ran.end, serde_json::from_str(&ran.output.text)) {
            (End::Exited(0), Ok(answer)) => answer,
            (End::TimedOut | End::Killed { .. }, _) => Self { unread: vec![interpreter.to_owned()], ..Self::default() },
            (End::Exited(_), _) => {
                let why = last_words(ran).join(" ");
                let missing = Missing(interpreter.to_owned(), 0, "cannot be run".to_owned(), why);
                Self { unresolved: vec![missing], ..Self::default() }
            }
        }
    }

    fn readings(self, language: &Key) -> Vec<(Key, Reading)> {
        let mut readings = vec![(language.child("read"), Reading::fact(self.read.to_string()))];
        if !self.unread.is_empty() {
            readings.push((language.child("unread"), Reading::fact(Value::List(self.unread))));
        }
        let each = self.unresolved.iter().map(|missing| {
            let key = language.child(&format!("{}: {}", canonical_name(&missing.0), missing.2));
            (key, Reading::state("unresolved", Health::Bad).because([missing.sentence()]))
        });
        readings.extend(each);
        readings
    }
}

impl Missing {
    fn sentence(&self) -> String {
        let Self(file, line, what, why) = self;
        let line = if *line == 0 { String::new() } else { format!(":{line}") };
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        text::shorten(&text::one_line(&format!("{file}{line}: {what}{why}")), 500)
    }
}

#[cfg(test)]
mod tests {
    use patchbed_sandbox::message::Request;

    use super::super::super::testing::{failed, look, ran, sandbox, told};
    use super::*;

    /// What is told when python3 ends so and prints this; node is not there.
    async fn seen(end: End, printed: &'static str) -> Vec<String> {
        let answer = move |request: &Request| {
            let Request::Run(run) = request else { return failed(FailureKind::Unsupported, "not asked") };
            if run.program.argv[0] == "python3" {
                ran(end, printed, "no module named encodings")
            } else {
                failed(FailureKind::NotFound, "no such file")
            }
        };
        let sandbox = sandbox(answer).await;
        let programs = Programs::among(["/srv/app/job.py", "/srv/app/job.js"]);
        told(watch_imports(&look(&*sandbox, &[]), &DriftScope::default(), &programs).await.unwrap())
    }

    #[tokio::test]
    async fn each_lack_is_a_state_of_its_own() {
        let printed = r#"{"read": 2, "unread": ["slow"], "unresolved": [
            ["/srv/app/job.py", 3, "click has no get_os_args", ""], ["/srv/app/job.py", 1, "x cannot be imported", "gone"]]}"#;
        let expected = [
            "p.python./srv/app/job.py: click has no get_os_args = unresolved (bad)",
            "p.python./srv/app/job.py: x cannot be imported = unresolved (bad)",
            "p.python.read = 2",
            "p.python.unread = slow",
        ];
        assert_eq!(seen(End::Exited(0), printed).await, expected);
    }

    #[tokio::test]
    async fn an_interpreter_that_does_not_work_is_told_and_a_slow_one_is_a_fact() {
        let broken = ["p.python.python3: cannot be run = unresolved (bad)", "p.python.read = 0"];
        assert_eq!(seen(End::Exited(1), "").await, broken);
        assert_eq!(seen(End::Exited(0), "no answer").await, broken);
        assert_eq!(seen(End::TimedOut, "").await, ["p.python.read = 0", "p.python.unread = python3"]);
    }

    #[tokio::test]
    async fn nothing_is_run_where_there_are_no_programs() {
        let sandbox = sandbox(|_| failed(FailureKind::Unsupported, "not asked")).await;
        let programs = Programs::among(["/etc/hosts.allow"]);
        let seen = watch_imports(&look(&*sandbox, &[]), &DriftScope::default(), &programs).await.unwrap();
        assert_eq!(seen, []);
    }

    #[test]
    fn a_sentence_says_where_and_why_in_one_line() {
        let missing =
            |line, why: &str| Missing("/srv/a\nb.py".into(), line, "x has no y".into(), why.into()).sentence();
        assert_eq!(missing(7, ""), "/srv/a\\nb.py:7: x has no y");
        assert_eq!(missing(0, "gone"), "/srv/a\\nb.py: x has no y: gone");
    }
}
