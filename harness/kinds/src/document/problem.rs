//! Problems of files. The engine turns their places into ranges of bytes when it shows them.

use patchbed_model::{Code, Severity};

use super::{Node, Place};

/// Which part of an entry is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which message it is.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// Which part of the entry.
    pub at: At,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What stands beside the marked place; may be empty.
    pub label: String,
    /// Other places that explain it.
    pub also: Vec<(Place, At, String)>,
    /// What to do.
    pub help: Vec<String>,
}

impl Problem {
    /// Puts words beside the marked place.
    pub fn label(&mut self, text: impl Into<String>) -> &mut Self {
        self.label = text.into();
        self
    }

    /// Says what to do.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help.push(text.into());
        self
    }

    /// Marks another place that explains it.
    pub fn also(&mut self, place: Place, at: At, text: impl Into<String>) -> &mut Self {
        self.also.push((place, at, text.into()));
        self
    }
}

/// All problems, in the order found.
#[derive(Debug, Default)]
pub struct Problems {
    /// The problems.
    pub list: Vec<Problem>,
    /// How many more there were than are kept.
    pub left_out: usize,
}

/// How many problems are kept: a file of 90,000 unknown keys must not cost more than a page of text.
const MOST: usize = 1000;

impl Problems {
    /// Adds an error at `place`.
    pub fn error(&mut self, code: Code, place: Place, at: At, message: impl Into<String>) -> &mut Problem {
        self.add(code, Severity::Error, place, at, message.into())
    }

    /// Adds a warning at `place`.
    pub fn warning(&mut self, code: Code, place: Place, at: At, message: impl Into<String>) -> &mut Problem {
        self.add(code, Severity::Warning, place, at, message.into())
    }

    /// Adds "`wanted` was expected, this is …" at the value of `node`.
    pub fn wrong_type(&mut self, node: &Node, wanted: &str) -> &mut Problem {
        let message = format!("expected {wanted}, this is {}", node.describe());
        self.error(Code::WrongType, node.place, At::Value, message)
    }

    /// Whether so many were found that more help nobody. Further ones take each other's place.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.list.len() > MOST
    }

    fn add(&mut self, code: Code, severity: Severity, place: Place, at: At, message: String) -> &mut Problem {
        if self.is_full() {
            self.list.truncate(MOST);
            self.left_out += 1;
        }
        let index = self.list.len();
        self.list.push(Problem {
            code,
            severity,
            place,
            at,
            message,
            label: String::new(),
            also: Vec::new(),
            help: Vec::new(),
        });
        &mut self.list[index]
    }
}
