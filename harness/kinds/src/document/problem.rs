//! Problems of a file, by path. The engine turns paths into places when it shows them.

use patchbed_model::{Code, Severity};

use super::Node;

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
    /// Where, as a path.
    pub path: String,
    /// Which part of the entry.
    pub at: At,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What stands beside the marked place; may be empty.
    pub label: String,
    /// Other places that explain it: path, part, text.
    pub also: Vec<(String, At, String)>,
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
    pub fn also(&mut self, path: impl Into<String>, at: At, text: impl Into<String>) -> &mut Self {
        self.also.push((path.into(), at, text.into()));
        self
    }
}

/// All problems of one file, in the order found.
#[derive(Debug, Default)]
pub struct Problems {
    /// The problems.
    pub list: Vec<Problem>,
}

impl Problems {
    /// Adds an error at `path`.
    pub fn error(&mut self, code: Code, path: &str, at: At, message: impl Into<String>) -> &mut Problem {
        self.add(code, Severity::Error, path, at, message.into())
    }

    /// Adds a warning at `path`.
    pub fn warning(&mut self, code: Code, path: &str, at: At, message: impl Into<String>) -> &mut Problem {
        self.add(code, Severity::Warning, path, at, message.into())
    }

    /// Adds "`wanted` was expected, this is …" at the value of `node`.
    pub fn wrong_type(&mut self, node: &Node, wanted: &str) -> &mut Problem {
        let message = format!("expected {wanted}, this is {}", node.describe());
        self.error(Code::WrongType, &node.path, At::Value, message)
    }

    fn add(&mut self, code: Code, severity: Severity, path: &str, at: At, message: String) -> &mut Problem {
        let index = self.list.len();
        self.list.push(Problem {
            code,
            severity,
            path: path.to_owned(),
            at,
            message,
            label: String::new(),
            also: Vec::new(),
            help: Vec::new(),
        });
        &mut self.list[index]
    }
}
